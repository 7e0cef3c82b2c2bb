/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file evp.h
 *  OpenSSL objects for the modules of this folder: algorithms fetched once per process, contexts kept per thread and
 *  freed when the thread ends: so no name is looked up under a lock of OpenSSL later. Not for other folders, but for
 *  evp_hmac_sha256(). */
#pragma once

#include <stdbool.h>
#include <openssl/evp.h>

#define EVP_HMAC_KEY_MAX 64 /* octets: a block of the hash */
#define EVP_GCM_KEY_LEN  32

/* A context that keeps its key, whose schedule costs as much as a record. */
struct evp_gcm {
	EVP_CIPHER_CTX *ctx;
	uint8_t key[EVP_GCM_KEY_LEN];
	bool has_key;
};

struct evp_thread {
	EVP_CIPHER_CTX *aes_ecb;
	struct evp_gcm sealing, opening;
	EVP_MD_CTX *md;
	EVP_MD_CTX *hmac;  /* always of SHA-256: another digest would cost a context */
	EVP_MAC_CTX *kept; /* HMAC with kept_key, which outlives the message */
	uint8_t kept_key[EVP_HMAC_KEY_MAX];
	size_t kept_len;
};

struct evp_algorithms {
	EVP_CIPHER *aes128_ecb, *aes256_gcm;
	EVP_MD *md5, *sha1, *sha256;
	EVP_MAC *hmac;
};

/*! \returns fetched algorithms, or NULL if OpenSSL lacks one */
const struct evp_algorithms *evp_algorithms(void);

/*! \returns the contexts of this thread, or NULL */
struct evp_thread *evp_thread(void);

/*! Make a context ready for the next record under this key, which stays in it.
 *  \param[in] key EVP_GCM_KEY_LEN octets; iv 12 \returns NULL: OpenSSL fails */
EVP_CIPHER_CTX *evp_gcm_begin(struct evp_gcm *g, bool seals, const uint8_t *key, const uint8_t iv[12]);
void evp_gcm_forget(struct evp_gcm *g);

/*! HMAC-SHA-256 over n pieces; nothing of it stays. \param[in] keylen at most EVP_HMAC_KEY_MAX \returns 0; -EIO */
struct span;
int evp_hmac_sha256(uint8_t out[32], const uint8_t *key, size_t keylen, const struct span *pieces, size_t n);
/*! The same for a key that the process has in its memory all the time anyway: it stays in this thread's context, which a message
 *  after another with the same key costs less. \param[in] keylen 1..EVP_HMAC_KEY_MAX */
int evp_hmac_sha256_kept(uint8_t out[32], const uint8_t *key, size_t keylen, struct span what);
