/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file challenges.h
 *  Challenges under their key, in memory, for all shards of a process. Taken once; the marker of a taken one stays
 *  until its time is over, so that a replay is told from a nonce that never was ours. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"

#define CHALLENGES_MAX (1u << 19) /* not yet taken; about 1 KiB each */

struct challenges;

/*! \param[in] max how many may wait to be taken \returns NULL: no memory */
struct challenges *challenges_new(uint64_t max);
void challenges_free(struct challenges *t);

/*! Copies c; takes away some of what is over. \returns 0; -EEXIST this key is there; -ENOSPC as many wait as may, or no memory */
int challenges_put(struct challenges *t, const struct gba_challenge *c);

/*! \param[in] key may lie in out \param[in] now_ms CLOCK_MONOTONIC
 *  \returns 0 and the challenge in out (clear it); -EALREADY taken before; -ENOENT never ours, or its time is over */
int challenges_take(struct challenges *t, struct span key, uint64_t now_ms, struct gba_challenge *out);

/*! Drop what is over, in a part of the table; stripes calls walk the whole. */
#define CHALLENGES_STRIPES 256
void challenges_sweep(struct challenges *t, uint64_t now_ms, unsigned stripes);

/*! Not yet taken. */
uint64_t challenges_count(const struct challenges *t);
