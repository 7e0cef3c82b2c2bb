/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.h
 *  The end of every BIR, wherever it was decided and whatever carries it: decide, encode, count, log. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/gba/cause.h"
#include "common/gba/zn_msg.h"

/*! Sends this answer to the request that carrier holds, which ends it.
 *  \returns 0; -EMSGSIZE: longer than a message can be, 5012 has gone in its place; -ENOTCONN: it could not be sent */
typedef int zn_encode_fn(void *carrier, const struct zn_bia *bia);

/*! Of whom each line is wanted at notice (`trace`). Before the first BIR; owner is lent. fn: any thread */
void zn_answer_follow(bool (*fn)(void *owner, const char *impi), void *owner);

/*! What is known of the session that is asked for. */
struct zn_found {
	int rc;                            /* of the store, as zn_ask.store_rc */
	const struct gba_session *session; /* if rc is 0; lent */
	uint32_t uses;                     /* by this application, this one too; 0: not counted */
	int64_t now_s;                     /* by the clock of the store, Unix; without a session not used */
};

/*! It would get a key now, and its policy bounds how often: count it first. \param[in] found uses is 0 */
bool zn_answer_counts(const struct zn_bir *bir, const struct zn_found *found);

/*! What the store said is known: decide under the current policy and the clock. Counted and logged
 *  is what was sent. \returns what encode returned */
int zn_answer(const struct zn_bir *bir, const struct zn_found *found, zn_encode_fn *encode, void *carrier);

/*! Refuse.
 *  \param[in] peer the connection it came on
 *  \param[in] bir  NULL where the request could not be read
 *  \returns as zn_answer() */
int zn_answer_refuse(const char *peer, const struct zn_bir *bir, enum cause cause, const struct result *r,
		     zn_encode_fn *encode, void *carrier);
