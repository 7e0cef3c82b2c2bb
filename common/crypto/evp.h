/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file evp.h
 *  OpenSSL objects for the modules of this folder: algorithms fetched once per process, contexts kept per thread and
 *  freed when the thread ends: so no name is looked up under a lock of OpenSSL later. Not for other folders, but for
 *  evp_hmac_sha256(). */
#pragma once

#include <stdbool.h>
#include <openssl/evp.h>

#include "common/base/bytes.h"

#define EVP_HMAC_KEY_MAX 64 /* octets: a block of the hash */
#define EVP_KEPT         4

/* A key of HMAC-SHA-256 that outlives the message, and where its two digests begin. */
struct evp_kept {
	EVP_MD_CTX *inner, *outer;
	uint8_t key[EVP_HMAC_KEY_MAX];
	size_t len; /* 0: none */
};

struct evp_thread {
	EVP_CIPHER_CTX *aes_ecb, *sealing, *opening;
	EVP_MD_CTX *md;
	EVP_MD_CTX *hmac; /* always of SHA-256: another digest would cost a context */
	struct evp_kept kept[EVP_KEPT];
	unsigned kept_next; /* which one goes for another key */
};

struct evp_algorithms {
	EVP_CIPHER *aes128_ecb, *aes256_gcm;
	EVP_MD *md5, *sha1, *sha256;
};

/*! \returns fetched algorithms, or NULL if OpenSSL lacks one */
const struct evp_algorithms *evp_algorithms(void);

/*! \returns the contexts of this thread, or NULL */
struct evp_thread *evp_thread(void);

/*! HMAC-SHA-256 over n pieces; nothing of it stays. \param[in] keylen at most EVP_HMAC_KEY_MAX \returns 0; -EIO */
int evp_hmac_sha256(uint8_t out[32], const uint8_t *key, size_t keylen, const struct span *pieces, size_t n);
/*! HKDF-SHA-256 (RFC 5869) of 32 octets. \param[in] salt at most EVP_HMAC_KEY_MAX octets; empty: none. \returns 0; -EIO */
int evp_hkdf_sha256(uint8_t out[32], struct span key, struct span salt, struct span info);
/*! The same as evp_hmac_sha256() for a key that the process has in its memory all the time anyway: it stays with this thread, as one of the last
 *  EVP_KEPT, which a message after another with the same key costs less. \param[in] keylen 1..EVP_HMAC_KEY_MAX */
int evp_hmac_sha256_kept(uint8_t out[32], const uint8_t *key, size_t keylen, const struct span *pieces, size_t n);
/*! Those of this thread. */
void evp_kept_forget(void);
