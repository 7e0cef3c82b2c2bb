/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_answer.h
 *  An answer as the library makes it: what the application reads, what it points to, and what gba_naf_digest_finish()
 *  needs of the request. */
#pragma once

#include "common/crypto/aka_digest.h"
#include "gba/naf.h"

#define NAF_CNONCE_MAX     256
#define NAF_CHALLENGES_MAX 2 /* one per algorithm */
#define NAF_CHALLENGE_MAX  1023

struct naf_answer {
	struct gba_naf_answer pub; /* first: the application has only this */
	struct gba_naf_key key;
	const char *list[NAF_CHALLENGES_MAX];
	char challenge[NAF_CHALLENGES_MAX][NAF_CHALLENGE_MAX + 1];
	struct secret ha1;
	struct digest_input in; /* spans point into text */
	uint8_t *text;          /* NULL: nothing to prove */
	char info[NAF_CNONCE_MAX + 256];
};

/*! \returns new object for naf_answer_free(), or NULL: no memory */
struct naf_answer *naf_answer_new(void);
void naf_answer_free(struct naf_answer *a);

/*! \returns the answer where none can be made: temporary; gba_naf_answer_free() leaves it alone */
struct gba_naf_answer *naf_answer_none(void);

/*! Keep what the proof to the device is made of; a->ha1 is there. \returns 0; -ENOMEM */
int naf_answer_prove(struct naf_answer *a, const struct digest_input *in);

/*! Verdict and status of a cause (causes.csv). The key goes unless accepted. */
void naf_answer_conclude(struct naf_answer *a, enum gba_naf_cause cause);

/*! \returns is the B-TID good and only the nonce not (RFC 7616 3.3)? Without it the device bootstraps again */
bool naf_answer_is_stale(enum gba_naf_cause cause);

struct naf_offer {
	struct span realm;
	unsigned algorithms, qop; /* bits of the public header */
	bool stale;
};

/*! Write the WWW-Authenticate values. \returns 0; -ENOSPC, -EINVAL and then there are none */
int naf_answer_challenge(struct naf_answer *a, const struct naf_offer *offer, const char *nonce);
