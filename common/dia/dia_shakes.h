/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_shakes.h
 *  How many TLS handshakes a loop computes: so many in a turn, so many of one address in a second. Each costs about a hundred
 *  answers; nobody who only begins them keeps others waiting. One for each loop. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include "common/dia/dia_loop.h"

#define DIA_SHAKES_A_TURN   4  /* steps of handshakes in a turn */
#define DIA_SHAKES_A_SECOND 16 /* handshakes of one address; as many may come at once */
#define DIA_SHAKES_SETS     256
#define DIA_SHAKES_WAYS     4

/* What an address has had, as the instant at which all of it is forgotten. */
struct dia_shakes_of {
	uint64_t who; /* IPv4 address, or network of IPv6: who has one has all its addresses */
	uint64_t free_ms;
};

struct dia_shakes {
	struct dia_loop *loop;
	uint64_t turn;
	unsigned now; /* steps in this turn */
	uint64_t seed;
	struct dia_shakes_of of[DIA_SHAKES_SETS][DIA_SHAKES_WAYS];
};

/*! \param[in] seed random: nobody chooses whom to meet in the table */
void dia_shakes_init(struct dia_shakes *s, struct dia_loop *l, uint64_t seed);
/*! A step: has this turn room for it? It is taken. */
bool dia_shakes_step(struct dia_shakes *s);
/*! A handshake of one address: has its second room for it? It is taken. \returns 0; else ms after which to ask again */
unsigned dia_shakes_wait(struct dia_shakes *s, const struct sockaddr_storage *from);
