/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file auc.h
 *  Authentication centre: vectors, resynchronisation, and a sequence number that survives kill -9 (TS 33.102 6.3, annex C).
 *
 *  No number is given that is not covered by a durable mark: all SEQ up to the mark may have been given, so whoever
 *  starts again begins behind it. The mark runs ahead, so most vectors cost no disk write. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/crypto/aka.h"
#include "common/crypto/sqn.h"

#define AUC_MARK_STEP  64 /* numbers a new mark lies ahead, counter profile */
#define AUC_MARK_AHEAD 32 /* ask for the next one when fewer are left */

struct auc_counter {
	struct sqn_home home;
	uint64_t mark;  /* durable: SEQ up to here may be given */
	uint64_t asked; /* the mark that was asked for last; >= mark while it is being written */
};

/* now_ms everywhere: wall clock, for the profiles that follow it. The mark of those lies an hour ahead. */

/*! Begin behind the durable mark. */
void auc_counter_init(struct auc_counter *c, uint64_t mark, const struct sqn_scheme *scheme, uint64_t now_ms);

/*! Next SQN. \returns 0; -EAGAIN the mark must be moved first (auc_counter_ask); -ERANGE SEQ exhausted */
int auc_counter_next(struct auc_counter *c, uint64_t now_ms, uint64_t *sqn);

/*! Is it time to move the mark? \param[out] mark what to make durable, then auc_counter_moved()
 *  \returns false: enough left, or asked already */
bool auc_counter_ask(struct auc_counter *c, uint64_t now_ms, uint64_t *mark);

/*! The mark is durable; or could not be written (ok false): the next use asks again. */
void auc_counter_moved(struct auc_counter *c, uint64_t mark, bool ok);

/*! What an AUTS means, 33.102 6.3.5. */
enum auc_auts {
	AUC_AUTS_KEEP,    /* the card would accept our next number anyway: MAC-S is not looked at, nothing is set */
	AUC_AUTS_SET,     /* MAC-S right: continue from SQN_MS (auc_counter_resync) */
	AUC_AUTS_REFUSED, /* MAC-S wrong: nothing is set */
	AUC_AUTS_FAILED,  /* OpenSSL failed */
};

/*! Judge an AUTS; changes nothing. \param[out] sqn_ms set with AUC_AUTS_SET */
enum auc_auts auc_auts_check(const struct auc_counter *c, const struct aka_cred *cred, uint64_t now_ms,
			     const uint8_t rand[AKA_RAND_LEN], const uint8_t auts[AKA_AUTS_LEN], uint64_t *sqn_ms);
void auc_counter_resync(struct auc_counter *c, uint64_t now_ms, uint64_t sqn_ms);

/*! A vector with a fresh random RAND. \returns 0; -EIO (out untouched) */
int auc_vector(struct aka_vector *out, const struct aka_cred *cred, uint64_t sqn);

/*! Why this AMF cannot be used for GBA (33.102 annex H), or NULL. */
const char *auc_amf_wrong(const uint8_t amf[AKA_AMF_LEN]);
