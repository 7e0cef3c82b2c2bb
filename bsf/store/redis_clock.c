/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_clock.c
 *  The clock of Redis, as a shard knows it, and how far ours is off. */
#include "bsf/store/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/rt/log_cat.h"

#define BACK_MS 1000
#define SAID_MS 2000
#define ODD_MS  5000

/* It was read there before it came here, so what we make of it is never ahead, and the most that it has said is the best. A server
 * whose clock was put back by more than an answer takes is believed. */
static void clock_learn(struct redis_part *p, int64_t server_us)
{
	int64_t ahead = (server_us - (int64_t)clock_mono_us()) / 1000;

	if (ahead > p->clock_ms || p->clock_ms - ahead > BACK_MS)
		p->clock_ms = ahead;
}

static void clock_say(const struct redis_part *p, int64_t off_ms, bool far)
{
	if (far)
		LOGT(DSTORE, LOGL_NOTICE,
		     "store: our clock is %.1f s %s that of Redis at %s: keys end so much too %s\n",
		     (double)llabs(off_ms) / 1000, off_ms > 0 ? "ahead of" : "behind", p->label,
		     off_ms > 0 ? "late" : "soon");
	else
		LOGT(DSTORE, LOGL_NOTICE, "store: our clock and that of Redis at %s agree again\n", p->label);
}

void redis_clock_take(struct redis_part *p, int64_t server_us)
{
	int64_t off_ms = (int64_t)clock_wall_ms() - server_us / 1000;
	bool far = llabs(off_ms) >= SAID_MS;
	char why[REDIS_LINK_WHY];

	clock_learn(p, server_us);
	atomic_store(&p->shared->off_ms, off_ms);
	if (atomic_exchange(&p->shared->off_said, far) != far)
		clock_say(p, off_ms, far);
	if (llabs(off_ms) < ODD_MS)
		return;
	snprintf(why, sizeof(why), "our clock is %lld s %s its; allowed: %d s", llabs(off_ms) / 1000,
		 off_ms > 0 ? "ahead of" : "behind", ODD_MS / 1000);
	redis_link_refuse(p->link, why);
}
