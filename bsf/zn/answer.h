/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.h
 *  The end of every BIR, wherever it was decided: decide, count, log, encode. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/dia/zn_codec.h"
#include "common/gba/cause.h"

/*! What the store said is known: decide under the current policy and the clock.
 *  \param[in,out] m  the request, then its answer
 *  \param[in] s      session if store_rc is 0, else ignored
 *  \returns 0; -ENOMEM, *m is whatever it is and still the caller's */
int zn_answer(struct msg **m, const struct zn_bir *bir, int store_rc, const struct gba_session *s);

/*! Refuse: bir is NULL where the request could not be read. \returns as zn_answer() */
int zn_answer_refuse(struct msg **m, const struct zn_bir *bir, enum cause cause, const struct dia_result *r);
