/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_rate.h"

#include <errno.h>
#include "common/base/sockaddr.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define A_MS (DIA_RATE_MAX / 1000)

int dia_rate_init(struct dia_rate *r, unsigned a_second)
{
	r->each = DIA_RATE_MAX / a_second;
	return rng_fill(r->key, sizeof(r->key));
}

/* How far ahead of now. What is further than it can have been set is of long ago, and the 32 bits have gone round. */
static uint32_t ahead_of(uint64_t entry, uint32_t now)
{
	uint32_t ahead = (uint32_t)entry - now;

	return entry && ahead <= (DIA_RATE_QUEUE_S + 1) * DIA_RATE_MAX ? ahead : 0;
}

/* That of this address, or the one that is forgotten first gives way: nobody pays for another. */
static _Atomic uint64_t *entry_of(_Atomic uint64_t *set, uint32_t who, uint32_t now)
{
	_Atomic uint64_t *least = &set[0];

	for (unsigned i = 0; i < DIA_RATE_WAYS; i++) {
		uint64_t e = atomic_load(&set[i]);

		if (e >> 32 == who)
			return &set[i];
		if (ahead_of(e, now) < ahead_of(atomic_load(least), now))
			least = &set[i];
	}
	return least;
}

int dia_rate_wait(struct dia_rate *r, const struct sockaddr_storage *from, uint64_t now_ms)
{
	uint64_t hash = keyed_hash(r->key, sockaddr_line(from)), was;
	uint32_t who = (uint32_t)(hash >> 32) | 1, now = (uint32_t)(now_ms * A_MS), ahead, wait;
	_Atomic uint64_t *e;

	do { /* another loop may have taken the place meanwhile */
		e = entry_of(r->of[hash % DIA_RATE_SETS], who, now);
		was = atomic_load(e);
		ahead = (was >> 32 == who ? ahead_of(was, now) : 0) + r->each;
		wait = ahead > DIA_RATE_MAX ? ahead - DIA_RATE_MAX : 0;
		if (wait > DIA_RATE_QUEUE_S * DIA_RATE_MAX)
			return -EBUSY;
	} while (!atomic_compare_exchange_weak(e, &was, (uint64_t)who << 32 | (uint32_t)(now + ahead)));
	return (int)((wait + A_MS - 1) / A_MS);
}
