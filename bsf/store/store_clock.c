/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file store_clock.c
 *  The clocks that all back ends share, and what is over by them: a session, the lease. */
#include <stdatomic.h>
#include <time.h>

#include "bsf/store/backend.h"
#include "common/base/clock.h"

#define CLOCK_SLACK_S 60

int64_t store_clock_ms(struct store *st)
{
	return st->sh->be->clock_ms(st);
}

/* The monotonic clock goes on by itself; what is added to it only grows, so a wall clock that is put back does not count. */
static _Atomic int64_t ahead_ms;

static void ahead_at_least(int64_t ms)
{
	int64_t was = atomic_load_explicit(&ahead_ms, memory_order_relaxed);

	while (was < ms && !atomic_compare_exchange_weak(&ahead_ms, &was, ms))
		;
}

int64_t store_clock_here_ms(void)
{
	int64_t mono_ms = (int64_t)clock_mono_ms();

	ahead_at_least((int64_t)clock_wall_ms() - mono_ms);
	return mono_ms + atomic_load(&ahead_ms);
}

void store_clock_at_least(int64_t ms)
{
	ahead_at_least(ms - (int64_t)clock_mono_ms());
}

int64_t store_clock_here(struct store *st)
{
	return store_clock_here_ms();
}

int64_t store_now_s(struct store *st)
{
	int64_t ms = st->sh->be->wall_ms ? st->sh->be->wall_ms(st) : 0;

	return ms ? ms / 1000 : store_wall_s();
}

int64_t store_wall_s(void)
{
	return (int64_t)time(NULL);
}

void store_shared_life_max(struct store_shared *sh, int64_t (*max_s)(void))
{
	sh->life_max_s = max_s;
}

bool store_grace_over(const struct store_shared *sh)
{
	uint64_t until_ms = atomic_load(&sh->lease_until_ms);

	return sh->has_lease && (!until_ms || clock_mono_ms() >= until_ms + sh->grace_ms);
}

bool store_may_serve(const struct store_shared *sh, const struct gba_session *s)
{
	return !store_lease_over(sh) || (sh->maker && s->maker == sh->maker && !store_grace_over(sh));
}

unsigned store_graces_ms(const struct store *st)
{
	return atomic_load(&st->sh->graces_ms);
}

int64_t store_expiry_max(const struct store_shared *sh, int64_t now_s)
{
	int64_t (*max_s)(void) = sh->life_max_s;

	return max_s ? now_s + max_s() + CLOCK_SLACK_S : INT64_MAX;
}

bool store_lease_over(const struct store_shared *sh)
{
	return sh->has_lease && clock_mono_ms() >= atomic_load(&sh->lease_until_ms);
}

bool store_session_is(const struct store_shared *sh, const struct gba_session *s, const struct btid *id, int64_t now_s)
{
	return s->expires_at > now_s && s->expires_at <= store_expiry_max(sh, now_s) &&
	       span_ieq(span_str(s->bsf_name), span_str(id->domain));
}
