/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/rate.h"

#include <stdatomic.h>
#include <stdlib.h>

#define NS_S  UINT64_C(1000000000)
#define NS_US UINT64_C(1000)

struct rate {
	atomic_uint holders;
	_Atomic uint32_t per_s;
	_Atomic uint64_t full_ns; /* when the bucket is full again: each one taken moves it on (GCRA) */
};

struct rate *rate_new(void)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (r)
		atomic_init(&r->holders, 1);
	return r;
}

struct rate *rate_hold(struct rate *r)
{
	atomic_fetch_add(&r->holders, 1);
	return r;
}

void rate_drop(struct rate *r)
{
	if (r && atomic_fetch_sub(&r->holders, 1) == 1)
		free(r);
}

void rate_set(struct rate *r, uint32_t per_s)
{
	atomic_store_explicit(&r->per_s, per_s, memory_order_relaxed);
}

uint32_t rate_get(const struct rate *r)
{
	return atomic_load_explicit(&r->per_s, memory_order_relaxed);
}

bool rate_take(struct rate *r, uint64_t now_us)
{
	uint64_t now = now_us * NS_US, full = atomic_load_explicit(&r->full_ns, memory_order_relaxed), next;
	uint32_t per_s = rate_get(r);

	if (!per_s)
		return true;
	do {
		next = (full > now ? full : now) + NS_S / per_s;
		if (next > now + NS_S)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&r->full_ns, &full, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}
