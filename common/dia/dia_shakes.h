/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_shakes.h
 *  How many TLS handshakes a loop computes: so many in a turn, so many of one address in a second (dia_rate.h). Each costs about
 *  a hundred answers; nobody who only begins them keeps others waiting. One for each loop. */
#pragma once

#include <stdbool.h>
#include "common/dia/dia_loop.h"
#include "common/dia/dia_rate.h"

#define DIA_SHAKES_A_TURN 4 /* steps of handshakes in a turn */

struct dia_shakes {
	struct dia_loop *loop;
	struct dia_rate *rate;
	uint64_t turn;
	unsigned now; /* steps in this turn */
};

/*! \param[in] rate lent: that of all loops */
void dia_shakes_init(struct dia_shakes *s, struct dia_loop *l, struct dia_rate *rate);
/*! A step: has this turn room for it? It is taken. */
bool dia_shakes_step(struct dia_shakes *s);
/*! A handshake of one address. \returns as dia_rate_wait() */
int dia_shakes_wait(struct dia_shakes *s, const struct sockaddr_storage *from);
