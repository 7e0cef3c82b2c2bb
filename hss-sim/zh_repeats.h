/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_repeats.h
 *  Vectors given a moment ago, for the request that comes again: a relay or a BSF that has lost a connection sets T and asks as
 *  before (RFC 6733 3, 5.5.4), and no second sequence number is to be spent. What a vector was made of is kept, not its keys.
 *  In memory only; bounded, the oldest goes first. Main thread. */
#pragma once

#include "common/base/bytes.h"
#include "common/crypto/aka.h"
#include "hss-sim/fault.h"

#define ZH_REPEATS_MAX    65536 /* 30 s of 2,000 requests in each */
#define ZH_REPEATS_AGE_MS 30000 /* by then two BSFs have given up */

struct zh_repeats;

/*! Which request it is: the same one over the same connection's identity. Keyed hashes, nothing of the request itself. */
struct zh_repeat_key {
	uint64_t h[2];
};

/*! With the subscriber's key it is that vector again. */
struct zh_given {
	uint8_t rand[AKA_RAND_LEN];
	uint64_t sqn;
	struct fault_part spoilt;
};

/*! \returns malloc'ed; NULL no memory, no random numbers */
struct zh_repeats *zh_repeats_new(size_t max, uint32_t age_ms);
void zh_repeats_free(struct zh_repeats *r); /* may be NULL */

/*! \param[in] peer identity of the connection. \param[in] msg a MAR, checked */
void zh_repeats_key(const struct zh_repeats *r, struct zh_repeat_key *out, const char *peer, struct span msg);
bool zh_repeats_same(const struct zh_repeat_key *a, const struct zh_repeat_key *b);

/*! Was T set? */
bool zh_repeats_marked(struct span msg);

void zh_repeats_put(struct zh_repeats *r, const struct zh_repeat_key *key, const struct zh_given *g, uint64_t now_ms);
/*! \returns false: never, too long ago, or too many since */
bool zh_repeats_get(struct zh_repeats *r, const struct zh_repeat_key *key, uint64_t now_ms, struct zh_given *out);
size_t zh_repeats_count(const struct zh_repeats *r);
