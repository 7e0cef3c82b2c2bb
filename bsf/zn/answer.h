/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.h
 *  The end of every BIR, wherever it was decided and whatever carries it: decide, encode, count, log. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/gba/cause.h"
#include "common/gba/zn_msg.h"

/*! Turns the request that carrier holds into this answer.
 *  \returns 0; -E2BIG: longer than a message can be; other -errno. Not 0: carrier holds the request still */
typedef int zn_encode_fn(void *carrier, const struct zn_bia *bia);

/*! What the store said is known: decide under the current policy and the clock. What no message can carry becomes 5012.
 *  Counted and logged is what was encoded.
 *  \param[in] s     session if store_rc is 0, else ignored
 *  \returns 0; what encode returned: there is no answer */
int zn_answer(const struct zn_bir *bir, int store_rc, const struct gba_session *s, zn_encode_fn *encode, void *carrier);

/*! Refuse.
 *  \param[in] peer the connection it came on
 *  \param[in] bir  NULL where the request could not be read
 *  \returns as zn_answer() */
int zn_answer_refuse(const char *peer, const struct zn_bir *bir, enum cause cause, const struct result *r,
		     zn_encode_fn *encode, void *carrier);
