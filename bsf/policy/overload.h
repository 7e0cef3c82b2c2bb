/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file overload.h
 *  How often and how many at a time: tables of fixed size, shared by all shards, C11 atomics only.
 *
 *  Each slot is one 64-bit word: 24 bits of a keyed hash and 40 bits of time (units of 100 us since start) or a count.
 *  A key has one set of 8 slots. A slot whose time is over says nothing, so it is free. If all 8 are in use, the one
 * that would be over first makes room: under an attack with very many names the oldest is forgotten, memory never
 * grows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/base/bytes.h"

struct overload;

/*! Each has a table of its own; who may take how much of which stands in bsf/ub/cost.h. */
enum overload_rate {
	RATE_CHALLENGES_IMPI,
	RATE_CHALLENGES_SHARE, /* of one source in those of the IMPI */
	RATE_CHALLENGES_OWN,   /* of who has proven himself */
	RATE_CHALLENGES_SOURCE,
	RATE_RESYNCS_IMPI,
	RATE_COUNT
};

enum overload_mark { MARK_RESYNCED, MARK_PROVEN, MARK_COUNT };

/*! \returns new object (overload_free()), or NULL: no memory, no random numbers */
struct overload *overload_new(void);
void overload_free(struct overload *o);

/*! Take one token of key: a bucket holds n, n come back in per_s seconds (evenly).
 *  Any thread.
 *  \param[in] now_ms  CLOCK_MONOTONIC
 *  \returns true: go on; n 0 is always true */
bool overload_take(struct overload *o, enum overload_rate r, struct span key, uint32_t n, uint32_t per_s,
		   uint64_t now_ms);

/*! Would overload_take() give one? */
bool overload_has(struct overload *o, enum overload_rate r, struct span key, uint32_t n, uint32_t per_s,
		  uint64_t now_ms);
/*! Put back a token that was taken and not used; n and per_s as they were. Never more than were taken. */
void overload_give(struct overload *o, enum overload_rate r, struct span key, uint32_t n, uint32_t per_s,
		   uint64_t now_ms);

/*! One more in flight for this key, unless max are.
 *  \param[out] ticket for overload_leave(). \returns false: at the cap, or the set of this key is full */
bool overload_enter(struct overload *o, struct span key, uint32_t max, size_t *ticket);
void overload_leave(struct overload *o, size_t ticket);

/*! Remember key for so long, 2 days at most. \param[in] now_ms CLOCK_MONOTONIC */
void overload_mark(struct overload *o, enum overload_mark m, struct span key, uint32_t for_s, uint64_t now_ms);
bool overload_marked(struct overload *o, enum overload_mark m, struct span key, uint64_t now_ms);
void overload_unmark(struct overload *o, enum overload_mark m, struct span key);

struct sockaddr;
/*! What a source address counts as: IPv4 whole, IPv6 its /64.
 *  \param[out] out  16 octets. \returns octets of key in out; 0: not an address */
size_t overload_source_key(uint8_t out[16], const struct sockaddr *from);
/*! Private, link-local or loopback: many devices may stand behind it (a balancer, a NAT of our own). */
bool overload_source_private(const struct sockaddr *from);
