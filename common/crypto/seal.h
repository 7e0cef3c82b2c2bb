/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file seal.h
 *  Records sealed at rest (doc/design.md, "State of one bootstrap"). Each has a key of its own: HMAC-SHA-256 of its head and of what
 *  it is bound to, under HKDF-SHA-256(KEK, no salt, "gba record v2"), or, where the KEK is in a token, under HMAC-SHA-256(KEK,
 *  "gba record v2"). AES-256-GCM under it, with an IV of zeros. doc/decisions/0009 says why.
 *  Layout: version 2 | KEK id 1 | nonce 8, random | ciphertext | tag 16. Those of version 1 (seal_v1.h) are opened, too. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/secret.h"

#define SEAL_KEK_LEN      32
#define SEAL_KEKS_MAX     8
#define SEAL_OVERHEAD     26 /* octets a record is longer than its content */
#define SEAL_OVERHEAD_MAX 38 /* one of a former version */

struct seal_kek {
	uint8_t id;        /* 1..255, as configured */
	struct secret key; /* SEAL_KEK_LEN octets */
	/*! In its place, where the key does not come out of a token: HMAC-SHA-256 by it. \returns 0; -EIO, err says why */
	int (*hmac)(void *token, uint8_t out[32], struct span what, struct err *err);
	void *token; /* lent until seal_learnt() */
};

struct seal; /* opaque; usable from any thread */

/*! \param[in] keks copied; the first one seals, all open
 *  \returns new object, free with seal_free(); NULL and a reason in err */
struct seal *seal_new(const struct seal_kek *keks, size_t n, struct err *err);
void seal_free(struct seal *s);

/*! \param[in] aad binds the record to its lookup key. Under one aad and KEK no more than some 90,000 records that differ are to be
 *  sealed: the chance that two of them have one nonce, and so one key, is then 2^-32.
 *  \returns octets written (plain.len + SEAL_OVERHEAD); -ENOSPC; -EIO */
int seal_put(struct seal *s, uint8_t *out, size_t cap, struct span plain, struct span aad);

/*! \returns octets of plain text; -ENOKEY the KEK id is not configured; -EBADMSG not sealed by this KEK or altered;
 *  -ENOSPC. out may hold garbage on error: the caller wipes it */
int seal_open(struct seal *s, uint8_t *out, size_t cap, struct span sealed, struct span aad);

/*! Of what version 1 sealed under a KEK in a token: have its key at hand from now on. Of all else: nothing. Before other threads use s.
 *  \returns 0; -EIO, err says why; -ENOSPC it comes of too many starts */
int seal_learn(struct seal *s, struct span sealed, struct err *err);
/*! From now on no token is asked any more. */
void seal_learnt(struct seal *s);

/*! Sealed anew under the first KEK; what it holds does not change.
 *  \returns as seal_put() and seal_open(); -ENOMEM */
int seal_again(struct seal *s, uint8_t *out, size_t cap, struct span sealed, struct span aad);

/*! How much longer than its content a record is that begins so. Pure. \returns 0: none does */
size_t seal_overhead(struct span sealed);
/*! Octets of what is sealed in it. Pure. \returns -EBADMSG it is too short, or no record */
int seal_content_len(struct span sealed);
/*! KEK that something is sealed under, by whichever version; 0: nothing is sealed. Its first SEAL_KEK_AT octets are enough. Pure. */
uint8_t seal_kek_id(struct span sealed);
#define SEAL_KEK_AT 2
/*! Is it to be sealed anew: under another KEK than the first, or by a former version? */
bool seal_is_due(const struct seal *s, struct span sealed);
/*! KEK that seals. */
uint8_t seal_first(const struct seal *s);
/*! All of them, the first first. \param[out] ids SEAL_KEKS_MAX octets \returns how many */
size_t seal_keks(const struct seal *s, uint8_t *ids);
bool seal_knows(const struct seal *s, uint8_t kek_id);

/*! HMAC-SHA-256 under a key, for index keys that must not show the IMPI. */
int seal_index(uint8_t out[32], const struct secret *index_key, struct span what);
