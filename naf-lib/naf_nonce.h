/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_nonce.h
 *  Nonces of the Ua challenge (RFC 7616 3.3): made and recognised without a table, by an HMAC over time, a random
 *  part and the realm. Only what a proven request has used is remembered, so a stranger cannot fill anything: per
 *  nonce and B-TID the highest nonce count and a window of 64 below it. The table is bounded; when its oldest entry
 *  goes, every nonce as old as that one is over, so nothing forgotten can be repeated. Thread-safe. */
#pragma once

#include <openssl/crypto.h>
#include "common/base/b64.h"
#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/gba/btid.h"

#define NAF_NONCE_OCTETS 32 /* time 8, random 8, tag 16 */
#define NAF_NONCE_CHARS  B64_LEN(NAF_NONCE_OCTETS)
#define NAF_NONCE_WINDOW 64

struct naf_nonces;

/*! \param[in] secret  32 octets, copied
 *  \param[in] life_ms of a nonce
 *  \param[in] max     entries, at least 1
 *  \returns new object for naf_nonces_free(), or NULL: no memory */
struct naf_nonces *naf_nonces_new(const struct secret *secret, int64_t life_ms, unsigned max);
void naf_nonces_free(struct naf_nonces *n);

/*! \param[in] realm of the challenge: a nonce is good for no other. \returns 0; -EIO */
int naf_nonce_make(struct naf_nonces *n, struct span realm, int64_t now_ms, char out[NAF_NONCE_CHARS + 1]);

/*! \returns 0; -ESTALE not ours, of another realm, or over; -EIO */
int naf_nonce_check(struct naf_nonces *n, struct span nonce, struct span realm, int64_t now_ms);

/*! Note the use of a nonce count, after everything else was found right. Atomic: of two equal ones one succeeds.
 *  \param[in] rand of the B-TID
 *  \returns 0; -EALREADY came before, or lies below the window; -ESTALE the nonce is over by now; -ENOMEM */
int naf_nonce_use(struct naf_nonces *n, struct span nonce, const uint8_t rand[BTID_RAND_LEN], uint32_t nc,
		  int64_t now_ms);

/*! For tests. */
unsigned naf_nonces_held(struct naf_nonces *n);
