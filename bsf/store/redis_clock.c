/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_clock.c
 *  The clock of Redis, as a shard knows it, and how far ours is off. */
#include "bsf/store/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

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
		     "store: our clock is %.1f s %s that of Redis at %s: sessions go by that one; nothing is served from 5 s on\n",
		     (double)llabs(off_ms) / 1000, off_ms > 0 ? "ahead of" : "behind", p->label);
	else
		LOGT(DSTORE, LOGL_NOTICE, "store: our clock and that of Redis at %s agree again\n", p->label);
}

static void clock_say_differ(const struct redis_part *p, int64_t by_ms)
{
	struct log_line l;
	char why[REDIS_LINK_WHY];

	if (!log_line_begin(&l, DSTORE, LOGL_ERROR, CAUSE_store_away))
		return;
	snprintf(why, sizeof(why), "its clock is %.1f s %s that of the former master", (double)llabs(by_ms) / 1000,
		 by_ms > 0 ? "ahead of" : "behind");
	log_line_str(&l, "redis", p->label);
	log_line_str(&l, "reason", why);
	log_line_end(&l);
}

/* Another master: what was revoked by the clock of the one would be judged by that of the other. Of two that differ the one that is
 * farther from us is the odd one. \returns is it this one? */
static bool clock_is_odd(const struct redis_part *p, int64_t ahead_ms, int64_t off_ms)
{
	int64_t by_ms = ahead_ms - p->clock_ms;

	if (!p->clock_of[0] || strcmp(p->clock_of, p->run_id) == 0 || llabs(by_ms) < ODD_MS)
		return false;
	clock_say_differ(p, by_ms);
	return llabs(off_ms) > llabs(p->off_ms);
}

static void clock_say_off(struct redis_part *p, int64_t off_ms)
{
	bool far = llabs(off_ms) >= SAID_MS;

	atomic_store(&p->shared->off_ms, off_ms);
	if (atomic_exchange(&p->shared->off_said, far) != far)
		clock_say(p, off_ms, far);
}

void redis_clock_take(struct redis_part *p, int64_t server_us)
{
	int64_t off_ms = (int64_t)clock_wall_ms() - server_us / 1000;
	char why[REDIS_LINK_WHY];

	clock_say_off(p, off_ms);
	if (llabs(off_ms) >= ODD_MS) {
		snprintf(why, sizeof(why), "our clock is %lld s %s its; allowed: %d s", llabs(off_ms) / 1000,
			 off_ms > 0 ? "ahead of" : "behind", ODD_MS / 1000);
		redis_link_refuse(p->link, why);
		return;
	}
	if (clock_is_odd(p, (server_us - (int64_t)clock_mono_us()) / 1000, off_ms)) {
		redis_link_refuse(p->link, "its clock and that of the former master differ by 5 s or more");
		return;
	}
	clock_learn(p, server_us);
	p->off_ms = off_ms;
	memcpy(p->clock_of, p->run_id, sizeof(p->clock_of));
}
