/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_subscriber.h
 *  The record of a subscriber on Redis, as its scripts write it (redis_script.c):
 *
 *    2, or 3 with a TMPI | revoked at 6, ms | TMPI 24 where there is one | length 2, sealed IMPI |
 *    sessions, in the order they were begun: RAND 16, tag of the BSF name 4, until 6, ms
 *
 *  A former release wrote instants as digits, which each script still reads and writes anew:
 *
 *    revoked at 15 digits | has a TMPI 1 digit | TMPI 24 | length 3 digits, sealed IMPI | sessions: RAND 16, tag 4, until 15 digits */
#pragma once

#include "common/base/bytes.h"

#define REDIS_ENTRY_LEN 26 /* of a session */

/*! Spans and tmpi point into what was read. */
struct redis_subscriber {
	uint64_t revoked_ms;
	const uint8_t *tmpi; /* NULL: none */
	struct span sealed, list;
	size_t entry_len; /* of list: REDIS_ENTRY_LEN, or as a former release wrote it */
};

/*! Pure. \returns false: it is none */
bool redis_subscriber_read(struct redis_subscriber *out, struct span v);

/*! What is sealed in a record, and all behind it, also if only its first REDIS_SUBSCRIBER_AT octets are there. Pure. Empty: nothing */
struct span redis_subscriber_sealed(struct span v);
#define REDIS_SUBSCRIBER_AT 45 /* as far as the KEK of what is sealed */

/*! The record with another sealed IMPI. \returns octets; -ENOSPC */
int redis_subscriber_write(uint8_t *out, size_t cap, const struct redis_subscriber *s, struct span sealed);
