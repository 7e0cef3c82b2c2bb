/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file limits.h
 *  The numbers that bound what is served, as one struct that is lent to those who keep to them. The operator may change each
 * while shards read it, so each is read once where it counts. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*! Plain numbers; the table in run/cfg_limits.c gives word, node, range and default of each. */
enum bsf_limit {
	LIM_KEY_LIFETIME,     /* s */
	LIM_KEY_LIFETIME_MAX, /* s */
	LIM_NONCE_LIFETIME,   /* s */
	LIM_RETRY_AFTER,      /* s */
	LIM_HEADER_MAX,       /* octets */
	LIM_BODY_MAX,         /* octets */
	LIM_REQUEST_TIME,     /* s */
	LIM_IDLE_TIME,        /* s */
	LIM_CONNECTIONS,      /* of all shards */
	LIM_IN_FLIGHT,        /* per shard */
	LIM_IN_FLIGHT_IMPI,   /* of all shards */
	LIM_TC,               /* s */
	LIM_TW,               /* s */
	LIM_WITHOUT_CER,      /* of all shards */
	LIM_HANDSHAKES,       /* of one address in a second, all shards together */
	LIM_BUFFERS,          /* MiB, of all shards */
	LIM_COUNT
};

/*! "N SECONDS" or "off". */
enum bsf_bucket { BUCKET_CHALLENGES_IMPI, BUCKET_CHALLENGES_SOURCE, BUCKET_RESYNCS_IMPI, BUCKET_COUNT };

struct bucket_rate {
	uint32_t n; /* 0: off */
	uint32_t per_s;
};

struct limits {
	_Atomic uint32_t number[LIM_COUNT];
	_Atomic uint64_t bucket[BUCKET_COUNT]; /* packed bucket_rate, so that a change is never seen half */
	_Atomic bool gba_u_off;                /* GBA_ME for every card */
	_Atomic bool bad_uss_left_out;         /* else a GUSS with one is not used at all */
	_Atomic bool guss_timestamp;           /* an HSS is asked whether the GUSS that is kept has changed */
	_Atomic bool strangers_close;          /* who comes from no peer's address is not answered */
	_Atomic bool source_all;               /* challenges-source counts private and loopback addresses, too */
};

static inline uint32_t limits_number(const struct limits *l, enum bsf_limit which)
{
	return atomic_load_explicit(&l->number[which], memory_order_relaxed);
}

static inline struct bucket_rate limits_bucket(const struct limits *l, enum bsf_bucket which)
{
	uint64_t v = atomic_load_explicit(&l->bucket[which], memory_order_relaxed);

	return (struct bucket_rate){ v >> 32, (uint32_t)v };
}
