/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.h
 *  The end of every BIR, wherever it was decided and whatever carries it: decide, count, log. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/gba/cause.h"
#include "common/gba/zn_msg.h"

/*! What the store said is known: decide under the current policy and the clock.
 *  \param[out] out  written in full; zn_bia_clear() it
 *  \param[in] s     session if store_rc is 0, else ignored */
void zn_answer(struct zn_bia *out, const struct zn_bir *bir, int store_rc, const struct gba_session *s);

/*! Refuse. \param[out] out written in full
 *  \param[in] peer the connection it came on
 *  \param[in] bir  NULL where the request could not be read */
void zn_answer_refuse(struct zn_bia *out, const char *peer, const struct zn_bir *bir, enum cause cause,
		      const struct result *r);
