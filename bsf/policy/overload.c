/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/overload.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define WAYS      8
#define SETS_LOG2 15 /* 2 MiB a table, 262,144 keys */
#define PAGE      4096
#define N_SLOTS   ((size_t)WAYS << SETS_LOG2)
#define TIME_BITS 40
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define UNITS_S   10000 /* 100 us */
#define AHEAD_MAX (UINT64_C(86400) * 2 * UNITS_S)

struct table {
	_Atomic uint64_t slot[N_SLOTS];
};

struct overload {
	uint64_t key[2];
	uint64_t start_ms;
	struct table rate[RATE_COUNT];
	struct table mark[MARK_COUNT];
	struct table in_flight; /* the low bits hold a count */
};

/* The keys of devices' names are spread over all of it, so all of it will be used: taken at the start, what the process
 * needs is known then, and does not look like a leak for minutes. */
static void take_pages(struct overload *o)
{
	volatile uint8_t *p = (volatile uint8_t *)o;

	for (size_t at = 0; at < sizeof(*o); at += PAGE)
		p[at] = 0;
}

struct overload *overload_new(void)
{
	struct overload *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	take_pages(o);
	if (rng_fill(o->key, sizeof(o->key)) < 0) {
		free(o);
		return NULL;
	}
	o->start_ms = clock_mono_ms();
	return o;
}

void overload_free(struct overload *o)
{
	free(o);
}

/* Instants begin at 1, so that an empty slot (0) lies in the past. */
static uint64_t units(const struct overload *o, uint64_t now_ms)
{
	return ((now_ms - o->start_ms) * (UNITS_S / 1000) + 1) & TIME_MASK;
}

/* How far the time in a word lies ahead, 0 if it is over. Instants wrap after 3.4 years, so what seems further ahead
 * than any rate or mark can reach is from long ago. */
static uint64_t ahead(uint64_t val, uint64_t now)
{
	uint64_t d = (val - now) & TIME_MASK;

	return d <= AHEAD_MAX ? d : 0;
}

struct place {
	_Atomic uint64_t *set;
	uint64_t tag; /* in the high bits, never 0 there */
};

static struct place place_of(const struct overload *o, struct table *t, struct span key)
{
	uint64_t h = keyed_hash(o->key, key);
	uint64_t tag = h & ~TIME_MASK;

	return (struct place){ &t->slot[(h & ((1u << SETS_LOG2) - 1)) * WAYS], tag ? tag : UINT64_C(1) << TIME_BITS };
}

/* The slot of this key, or NULL. val: its word. */
static _Atomic uint64_t *slot_find(struct place p, uint64_t *val)
{
	for (int i = 0; i < WAYS; i++) {
		*val = atomic_load_explicit(&p.set[i], memory_order_relaxed);
		if ((*val & ~TIME_MASK) == p.tag)
			return &p.set[i];
	}
	return NULL;
}

/* The slot of this key, else the one that is over first. */
static _Atomic uint64_t *slot_for(struct place p, uint64_t now, uint64_t *val)
{
	_Atomic uint64_t *found = slot_find(p, val);

	if (found)
		return found;
	for (int i = 0; i < WAYS; i++) {
		uint64_t v = atomic_load_explicit(&p.set[i], memory_order_relaxed);

		if (!found || ahead(v, now) < ahead(*val, now)) {
			found = &p.set[i];
			*val = v;
		}
	}
	return found;
}

/* What one token is worth in time; 0: no limit, or faster than we measure. */
static uint64_t step_of(uint32_t n, uint32_t per_s)
{
	return n ? (uint64_t)per_s * UNITS_S / n : 0;
}

/* The word says when the bucket is full again (GCRA); each token taken moves that on by per_s / n. */
bool overload_take(struct overload *o, enum overload_rate r, struct span key, uint32_t n, uint32_t per_s,
		   uint64_t now_ms)
{
	struct place p = place_of(o, &o->rate[r], key);
	uint64_t now = units(o, now_ms), step = step_of(n, per_s), val, wait;
	_Atomic uint64_t *slot;

	if (!step)
		return true;
	do {
		slot = slot_for(p, now, &val);
		wait = ((val & ~TIME_MASK) == p.tag ? ahead(val, now) : 0) + step;
		if (wait > step * n)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(slot, &val, p.tag | ((now + wait) & TIME_MASK),
							memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool overload_has(struct overload *o, enum overload_rate r, struct span key, uint32_t n, uint32_t per_s,
		  uint64_t now_ms)
{
	uint64_t step = step_of(n, per_s), val;

	if (!step || !slot_find(place_of(o, &o->rate[r], key), &val))
		return true;
	return ahead(val, units(o, now_ms)) + step <= step * n;
}

void overload_give(struct overload *o, enum overload_rate r, struct span key, uint32_t n, uint32_t per_s,
		   uint64_t now_ms)
{
	struct place p = place_of(o, &o->rate[r], key);
	uint64_t now = units(o, now_ms), step = step_of(n, per_s), val, wait;
	_Atomic uint64_t *slot;

	do {
		slot = slot_find(p, &val);
		if (!slot)
			return;
		wait = ahead(val, now);
		wait = wait > step ? wait - step : 0;
	} while (!atomic_compare_exchange_weak_explicit(slot, &val, p.tag | ((now + wait) & TIME_MASK),
							memory_order_relaxed, memory_order_relaxed));
}

bool overload_enter(struct overload *o, struct span key, uint32_t max, size_t *ticket)
{
	struct place p = place_of(o, &o->in_flight, key);
	_Atomic uint64_t *slot;
	uint64_t val;

	do {
		slot = slot_find(p, &val);
		for (int i = 0; !slot && i < WAYS; i++) {
			val = 0;
			if (atomic_load_explicit(&p.set[i], memory_order_relaxed) == 0)
				slot = &p.set[i];
		}
		if (!slot || (val & TIME_MASK) >= max)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(slot, &val, p.tag | ((val & TIME_MASK) + 1),
							memory_order_relaxed, memory_order_relaxed));
	*ticket = (size_t)(slot - o->in_flight.slot);
	return true;
}

void overload_leave(struct overload *o, size_t ticket)
{
	_Atomic uint64_t *slot = &o->in_flight.slot[ticket];
	uint64_t val = atomic_load_explicit(slot, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(slot, &val, (val & TIME_MASK) <= 1 ? 0 : val - 1,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

void overload_mark(struct overload *o, enum overload_mark m, struct span key, uint32_t for_s, uint64_t now_ms)
{
	struct place p = place_of(o, &o->mark[m], key);
	uint64_t now = units(o, now_ms), val;
	uint64_t at = (now + (uint64_t)for_s * UNITS_S) & TIME_MASK;
	_Atomic uint64_t *slot;

	do {
		slot = slot_for(p, now, &val);
	} while (!atomic_compare_exchange_weak_explicit(slot, &val, p.tag | at, memory_order_relaxed,
							memory_order_relaxed));
}

bool overload_marked(struct overload *o, enum overload_mark m, struct span key, uint64_t now_ms)
{
	uint64_t val;

	return slot_find(place_of(o, &o->mark[m], key), &val) && ahead(val, units(o, now_ms)) > 0;
}

void overload_unmark(struct overload *o, enum overload_mark m, struct span key)
{
	uint64_t val;
	_Atomic uint64_t *slot = slot_find(place_of(o, &o->mark[m], key), &val);

	if (slot)
		atomic_compare_exchange_strong_explicit(slot, &val, 0, memory_order_relaxed, memory_order_relaxed);
}

size_t overload_source_key(uint8_t out[16], const struct sockaddr *from)
{
	struct span line = sockaddr_line(from);

	if (line.len)
		memcpy(out, line.p, line.len);
	return line.len;
}

static bool private_v4(const uint8_t a[4])
{
	return a[0] == 127 || a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
	       (a[0] == 169 && a[1] == 254) || (a[0] == 100 && (a[1] & 0xc0) == 64);
}

bool overload_source_private(const struct sockaddr *from)
{
	static const uint8_t loopback[8];
	uint8_t a[16];
	size_t n = overload_source_key(a, from);

	if (n == 4)
		return private_v4(a);
	if (n != 8)
		return true; /* a local socket */
	if (memcmp(a, loopback, 8) == 0)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr);
	return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}
