/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/sqn.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct sqn_limits usual = { SQN_DELTA, 0, SQN_IND_BITS };

static const struct sqn_limits *limits_of(const struct sqn_card *c)
{
	return c->limits.delta ? &c->limits : &usual;
}

uint64_t sqn_card_highest(const struct sqn_card *c)
{
	unsigned bits = limits_of(c)->ind_bits, best = 0;

	for (unsigned i = 1; i < 1u << bits; i++) {
		if (c->seq[i] > c->seq[best])
			best = i;
	}
	return c->seq[best] ? c->seq[best] << bits | best : 0;
}

int sqn_card_accept(struct sqn_card *c, uint64_t sqn)
{
	const struct sqn_limits *l = limits_of(c);
	uint64_t seq = sqn >> l->ind_bits, highest = sqn_card_highest(c) >> l->ind_bits;
	unsigned ind = sqn & ((1u << l->ind_bits) - 1);

	if (seq > highest && seq - highest > l->delta)
		return -ERANGE;
	if (l->age && seq < highest && highest - seq >= l->age)
		return -ERANGE;
	if (seq <= c->seq[ind])
		return -ERANGE;
	c->seq[ind] = seq;
	return 0;
}

/* --- the network */

#define PART_BITS 24 /* C.3.1: length of SEQ2, so the clock goes round in 194 days */
#define PART_D    65536

static const char *const names[SQN_PROFILES] = { "counter", "part-time", "time" };

const char *sqn_profile_name(enum sqn_profile p)
{
	return names[p];
}

int sqn_profile_find(enum sqn_profile *p, const char *name, size_t len)
{
	for (int i = 0; i < SQN_PROFILES; i++) {
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0) {
			*p = (enum sqn_profile)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* The clock of C.3.3. */
static int64_t tenths(uint64_t now_ms)
{
	return (int64_t)(now_ms / 100);
}

int64_t sqn_home_dif(uint64_t seq, uint64_t now_ms)
{
	return (int64_t)seq - tenths(now_ms);
}

void sqn_home_init(struct sqn_home *h, const struct sqn_scheme *s, uint64_t seq, uint64_t now_ms)
{
	/* IND of the counter profile runs in step with SEQ, so it needs no place on the disk (C.3.2). */
	*h = (struct sqn_home){
		.scheme = *s,
		.seq = seq,
		.ind = s->ind_from + (unsigned)(seq % (s->ind_to - s->ind_from + 1u)),
	};
	if (sqn_home_dif(seq, now_ms) > s->dif)
		h->scheme.dif = sqn_home_dif(seq, now_ms);
}

static uint64_t counter_next(const struct sqn_home *h, uint64_t now_ms)
{
	return h->seq + 1;
}

/* C.1.1.1. Between a clock that is a little behind SEQ2 and one that has gone round decides D. */
static uint64_t part_time_next(const struct sqn_home *h, uint64_t now_ms)
{
	const uint64_t round = 1ull << PART_BITS;
	uint64_t clock = now_ms / 1000 & (round - 1), seq1 = h->seq >> PART_BITS, seq2 = h->seq & (round - 1);

	if (clock > seq2)
		return clock - seq2 < round - PART_D + 1 ? seq1 << PART_BITS | clock : h->seq + 1;
	return seq2 - clock < PART_D ? h->seq + 1 : (seq1 + 1) << PART_BITS | clock;
}

static uint64_t time_next(const struct sqn_home *h, uint64_t now_ms)
{
	int64_t seq = tenths(now_ms) + h->scheme.dif;

	return seq > (int64_t)h->seq ? (uint64_t)seq : h->seq + 1;
}

static uint64_t (*const profiles[SQN_PROFILES])(const struct sqn_home *h, uint64_t now_ms) = {
	[SQN_COUNTER] = counter_next,
	[SQN_PART_TIME] = part_time_next,
	[SQN_TIME] = time_next,
};

uint64_t sqn_home_peek(const struct sqn_home *h, uint64_t now_ms)
{
	return profiles[h->scheme.profile](h, now_ms);
}

int sqn_home_next(struct sqn_home *h, uint64_t now_ms, uint64_t *sqn)
{
	uint64_t seq = sqn_home_peek(h, now_ms);

	if (seq > sqn_seq_max(h->scheme.ind_bits))
		return -ERANGE;
	h->seq = seq;
	h->ind = h->ind < h->scheme.ind_from || h->ind >= h->scheme.ind_to ? h->scheme.ind_from : h->ind + 1;
	*sqn = seq << h->scheme.ind_bits | h->ind;
	return 0;
}

bool sqn_home_next_fits(const struct sqn_home *h, uint64_t now_ms, uint64_t sqn_ms)
{
	/* The card tells its highest number only; above that one every entry of its array is below. */
	uint64_t seq = sqn_home_peek(h, now_ms), ms = sqn_ms >> h->scheme.ind_bits;

	return seq > ms && seq - ms <= SQN_DELTA;
}

void sqn_home_resync(struct sqn_home *h, uint64_t now_ms, uint64_t sqn_ms)
{
	uint64_t ms = sqn_ms >> h->scheme.ind_bits;

	if (ms <= h->seq)
		return;
	h->seq = ms;
	h->scheme.dif = sqn_home_dif(ms, now_ms);
}
