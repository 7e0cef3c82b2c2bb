/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file challenges.c
 *  Challenges under their key: 256 stripes with a lock each, copy in, copy out, no call under a lock. */
#include "bsf/store/challenges.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"

#define BUCKETS 1024 /* per stripe */

/* Who puts takes away what is over: nobody may ever answer, or ask anything else of the store. */
#define SWEEP_OF_A_PUT 2

struct entry {
	struct entry *next;     /* of the bucket */
	struct entry *next_age; /* of the stripe, oldest first */
	uint8_t key[CHALLENGE_KEY_MAX];
	size_t key_len;
	uint64_t expires_mono_ms;
	struct gba_challenge *c; /* NULL: taken, this is the marker */
};

struct stripe {
	pthread_mutex_t lock;
	struct entry *oldest, *newest;
	struct entry *buckets[BUCKETS];
};

struct challenges {
	atomic_uint sweep_at;
	_Atomic uint64_t untaken;
	uint64_t max;
	struct stripe stripes[CHALLENGES_STRIPES];
};

struct challenges *challenges_new(uint64_t max)
{
	struct challenges *t = calloc(1, sizeof(*t));

	if (t)
		t->max = max;
	for (unsigned i = 0; t && i < CHALLENGES_STRIPES; i++)
		pthread_mutex_init(&t->stripes[i].lock, NULL);
	return t;
}

static void body_free(struct challenges *t, struct gba_challenge *c)
{
	if (!c)
		return;
	gba_challenge_clear(c);
	free(c);
	atomic_fetch_sub_explicit(&t->untaken, 1, memory_order_relaxed);
}

/* Each key begins with 16 octets that are uniform: a RAND, or a nonce of our own. */
static struct stripe *stripe_of(struct challenges *t, const uint8_t *key)
{
	return &t->stripes[key[0]];
}

static struct entry **bucket_of(struct stripe *s, const uint8_t *key)
{
	return &s->buckets[be16_get(key + 1) % BUCKETS];
}

static struct entry *challenges_find(struct stripe *s, struct span key)
{
	struct entry *e = *bucket_of(s, key.p);

	while (e && !span_eq(span_of(e->key, e->key_len), key))
		e = e->next;
	return e;
}

static void unlink_bucket(struct stripe *s, struct entry *e)
{
	struct entry **p = bucket_of(s, e->key);

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
}

/* Under the lock: cut up to max entries that are over off the old end. \returns them, chained by next_age. They are in
 * the order they came, which is the order they end but after a live change of the lifetime; then some end later. */
static struct entry *stripe_expired(struct stripe *s, uint64_t now_ms, unsigned max)
{
	struct entry *first = s->oldest, *last = NULL;

	while (s->oldest && s->oldest->expires_mono_ms <= now_ms && max--) {
		last = s->oldest;
		unlink_bucket(s, last);
		s->oldest = last->next_age;
	}
	if (!last)
		return NULL;
	if (!s->oldest)
		s->newest = NULL;
	last->next_age = NULL;
	return first;
}

static void entries_free(struct challenges *t, struct entry *e)
{
	while (e) {
		struct entry *next = e->next_age;

		body_free(t, e->c);
		free(e);
		e = next;
	}
}

void challenges_free(struct challenges *t)
{
	for (unsigned i = 0; t && i < CHALLENGES_STRIPES; i++) {
		entries_free(t, t->stripes[i].oldest);
		pthread_mutex_destroy(&t->stripes[i].lock);
	}
	free(t);
}

static struct entry *entry_new(const struct gba_challenge *c)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->c = malloc(sizeof(*e->c));
	if (!e->c) {
		free(e);
		return NULL;
	}
	gba_challenge_copy(e->c, c);
	memcpy(e->key, c->key, c->key_len);
	e->key_len = c->key_len;
	e->expires_mono_ms = c->expires_mono_ms;
	return e;
}

static void stripe_add(struct stripe *s, struct entry *e)
{
	struct entry **b = bucket_of(s, e->key);

	e->next = *b;
	*b = e;
	if (s->newest)
		s->newest->next_age = e;
	else
		s->oldest = e;
	s->newest = e;
}

int challenges_put(struct challenges *t, const struct gba_challenge *c)
{
	struct stripe *s = stripe_of(t, c->key);
	struct entry *e;
	bool there;

	challenges_sweep(t, clock_mono_ms(), SWEEP_OF_A_PUT);
	if (atomic_fetch_add_explicit(&t->untaken, 1, memory_order_relaxed) >= t->max || !(e = entry_new(c))) {
		atomic_fetch_sub_explicit(&t->untaken, 1, memory_order_relaxed);
		return -ENOSPC;
	}
	pthread_mutex_lock(&s->lock);
	there = challenges_find(s, gba_challenge_key(c));
	if (!there)
		stripe_add(s, e);
	pthread_mutex_unlock(&s->lock);
	if (!there)
		return 0;
	entries_free(t, e);
	return -EEXIST;
}

int challenges_take(struct challenges *t, struct span key, uint64_t now_ms, struct gba_challenge *out)
{
	struct stripe *s = stripe_of(t, key.p);
	struct gba_challenge *c = NULL;
	int rc = -ENOENT;
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	e = challenges_find(s, key);
	if (e && e->expires_mono_ms > now_ms) {
		c = e->c;
		e->c = NULL;
		rc = c ? 0 : -EALREADY;
	}
	pthread_mutex_unlock(&s->lock);
	if (c)
		gba_challenge_copy(out, c);
	body_free(t, c);
	return rc;
}

void challenges_sweep(struct challenges *t, uint64_t now_ms, unsigned stripes)
{
	while (stripes--) {
		unsigned at = atomic_fetch_add_explicit(&t->sweep_at, 1, memory_order_relaxed);
		struct stripe *s = &t->stripes[at % CHALLENGES_STRIPES];
		struct entry *over;

		do {
			pthread_mutex_lock(&s->lock);
			over = stripe_expired(s, now_ms, 64);
			pthread_mutex_unlock(&s->lock);
			entries_free(t, over);
		} while (over);
	}
}

uint64_t challenges_count(const struct challenges *t)
{
	return atomic_load_explicit(&t->untaken, memory_order_relaxed);
}
