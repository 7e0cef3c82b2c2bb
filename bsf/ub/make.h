/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file make.h
 *  What a run makes: a challenge of a vector, and a session of a challenge. Pure functions: time and random octets are
 * arguments. */
#pragma once

#include "bsf/store/gba_session.h"
#include "bsf/vectors/guss_facts.h"
#include "common/gba/cause.h"
#include "common/gba/zh_msg.h"
#include "common/http/auth_hdr.h"

#define UB_RANDOM_LEN 16

/*! What the operator wants of challenges, read once per run. */
struct ub_policy {
	uint32_t key_life_s, key_life_max_s, nonce_life_s;
	bool gba_u;            /* for cards that can; false: GBA_ME for all (33.220 5.3.2 allows that) */
	struct digest_alg alg; /* of this subscriber's device */
};

struct ub_now {
	int64_t wall_s;   /* Unix seconds */
	uint64_t mono_ms; /* CLOCK_MONOTONIC */
};

/*! The challenge that this vector makes for a subscriber of whom the GUSS says this: chooses the variant.
 *  \param[in,out] out clear; whom it is for (impi, username, bsf_name) and the GUSS are the caller's to add
 *  \param[in] random octets that nobody but us can tell from the vector
 *  \returns CAUSE_ub_challenged; else why there is none, out is to be cleared */
enum cause ub_make_challenge(struct gba_challenge *out, const struct zh_vector *vector, const struct guss_facts *facts,
			     const struct ub_policy *policy, const uint8_t random[UB_RANDOM_LEN],
			     const struct ub_now *now);

/*! Has the life that the GUSS asks for been brought into what the operator allows? */
static inline bool ub_life_changed(const struct gba_challenge *c, const struct guss_facts *facts)
{
	return facts->has_life_time && facts->life_time_s != c->key_life_s;
}

/*! The session a right answer makes: Ks, expiry, TMPI where the UE knows it.
 *  \param[out] out clear before; owns a reference to the GUSS. \returns 0; -EIO */
int ub_make_session(struct gba_session *out, const struct gba_challenge *c, bool knows_tmpi, int64_t now_s);
