/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cost.h
 *  What one run takes of the limits, and when it gives it back. Challenges of an IMPI are limited because each makes a vector,
 *  which moves the subscriber's SQN and costs the HSS; but an IMPI is no secret, so whoever asks for it may not use up what its
 *  owner needs. Three purses hold the same number of tokens:
 *  - the IMPI's, for whoever names it; one source gets at most half of that, rounded up;
 *  - one of each TMPI that lives: only the last run's owner can know it;
 *  - one of each source from which the IMPI has bootstrapped within a day.
 *  The last two are beyond the reach of strangers elsewhere; what they add is bounded by what the owner did himself.
 *  Of what a shard works on at a time one source has at most three times what is still free: alone it may have three quarters,
 *  and however slow the HSS is, who comes from elsewhere finds a place.
 *  A resynchronisation costs its token when the HSS has accepted it: nobody but the card can make it do that. */
#pragma once

#include "bsf/policy/limits.h"
#include "bsf/policy/overload.h"
#include "common/gba/cause.h"
#include "common/gba/impi.h"
#include "common/gba/tmpi.h"

#define UB_COST_PAIR (IMPI_MAX + 1 + 16)

/*! Part of a run; zeroed memory of the caller. */
struct ub_cost {
	struct overload *overload;
	const struct limits *limits;
	uint8_t source[16];
	size_t source_len;
	bool source_private;
	struct impi impi;           /* as limits know it: case does not matter */
	uint8_t pair[UB_COST_PAIR]; /* IMPI and source */
	size_t pair_len;
	uint8_t tmpi[TMPI_LEN];
	bool by_tmpi, own;
	bool entered, paid, placed;
	size_t ticket, place; /* of overload_enter() */
};

/*! \param[in] overload,limits lent, outlive c \param[in] from a struct sockaddr */
void ub_cost_begin(struct ub_cost *c, struct overload *overload, const struct limits *limits, const void *from);
/*! A place among what a shard works on, until ub_cost_end(). \param[in] shard tells shards apart \param[in] n_free places
 *  \returns false: too many are this source's */
bool ub_cost_place(struct ub_cost *c, const void *shard, size_t n_free);
/*! One challenge more of this source, if sources like it are counted. \returns false: too many */
bool ub_cost_source(struct ub_cost *c);

/*! Whose run it is is known. \param[in] tmpi the live one it came with, or NULL */
void ub_cost_who(struct ub_cost *c, const char *impi, const uint8_t *tmpi);

/*! The HSS is to be asked for a vector: take a place in flight, and a token of the purse that is right.
 *  \returns CAUSE_ub_ok; else what is full, and nothing is taken but what ub_cost_end() gives back */
enum cause ub_cost_challenge(struct ub_cost *c);
/*! The same for a resynchronisation; it takes no token yet. */
enum cause ub_cost_resync(struct ub_cost *c);
/*! No HSS was there to make a vector: what ub_cost_challenge() took is given back. */
void ub_cost_unasked(struct ub_cost *c);

/*! What was paid from, for who counts with others. \param[out] rate its size \returns whose it is, until c changes; empty: nothing
 *  was paid */
struct span ub_cost_purse(const struct ub_cost *c, struct bucket_rate *rate);
/*! Others have emptied it: no HSS is asked for it before it fills again. */
void ub_cost_spent(struct ub_cost *c);

/*! Has this IMPI resynchronised, and not bootstrapped since? */
bool ub_cost_resynced_before(const struct ub_cost *c);
/*! The HSS has accepted the AUTS. */
void ub_cost_resynced(struct ub_cost *c);
/*! The device has proven who it is. */
void ub_cost_proven(struct ub_cost *c);

/*! The run is over: its place in flight is free. */
void ub_cost_end(struct ub_cost *c);
