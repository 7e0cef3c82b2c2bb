/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/guss_push.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/gba/guss_copy.h"

#define BUCKETS 4096 /* a power of two */

struct push {
	struct push *next;
	struct guss_blob *guss;
	int64_t when;
	uint64_t until_ms;
	struct impi name;
};

struct guss_pushes {
	pthread_mutex_t lock;
	atomic_size_t n; /* most of the time there is none, and nothing is locked */
	struct push *of[BUCKETS];
};

int64_t guss_push_when(struct span kept)
{
	int64_t when = GUSS_NEVER;
	struct guss_copy c;

	if (guss_copy_open(&c, kept) < 0)
		return GUSS_NEVER;
	if (c.has_timestamp)
		when = c.timestamp;
	guss_copy_close(&c);
	return when;
}

bool guss_push_replace(struct guss_blob **old, struct guss_blob *new, int64_t when)
{
	if (guss_push_when(guss_blob_span(*old)) >= when)
		return false;
	guss_blob_put(*old);
	*old = guss_blob_get(new);
	return true;
}

struct guss_pushes *guss_pushes_new(void)
{
	struct guss_pushes *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void push_drop(struct guss_pushes *p, struct push **at)
{
	struct push *gone = *at;

	*at = gone->next;
	guss_blob_put(gone->guss);
	free(gone);
	atomic_fetch_sub(&p->n, 1);
}

void guss_pushes_free(struct guss_pushes *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (p->of[i])
			push_drop(p, &p->of[i]);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* The subscriber's place, NULL in it if there is none; what is over goes on the way. */
static struct push **push_find(struct guss_pushes *p, const struct impi *name, uint64_t now_ms)
{
	uint32_t h = ascii_hash(name->s);
	struct push **at = &p->of[(h ^ h >> 15) & (BUCKETS - 1)];

	while (*at) {
		if ((*at)->until_ms <= now_ms)
			push_drop(p, at);
		else if (strcmp((*at)->name.s, name->s) == 0)
			break;
		else
			at = &(*at)->next;
	}
	return at;
}

static void sweep(struct guss_pushes *p, uint64_t now_ms)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct push **at = &p->of[i]; *at;) {
			if ((*at)->until_ms <= now_ms)
				push_drop(p, at);
			else
				at = &(*at)->next;
		}
	}
}

static int push_set(struct guss_pushes *p, struct push *new, uint64_t now_ms)
{
	struct push **at;

	if (atomic_load(&p->n) >= GUSS_PUSHES_MAX)
		sweep(p, now_ms);
	at = push_find(p, &new->name, now_ms);
	if (*at && (*at)->when > new->when)
		return -EEXIST;
	if (*at)
		push_drop(p, at);
	if (atomic_load(&p->n) >= GUSS_PUSHES_MAX)
		return -EBUSY;
	new->next = *at;
	*at = new;
	atomic_fetch_add(&p->n, 1);
	return 0;
}

int guss_pushes_put(struct guss_pushes *p, const char *impi, struct guss_blob *guss, uint64_t keep_ms)
{
	struct push *new = calloc(1, sizeof(*new));
	uint64_t now_ms = clock_mono_ms();
	int rc = new ? 0 : -ENOMEM;

	if (new) {
		new->guss = guss;
		new->when = guss_push_when(guss_blob_span(guss));
		new->until_ms = now_ms + keep_ms;
		impi_key(&new->name, impi);
		pthread_mutex_lock(&p->lock);
		rc = push_set(p, new, now_ms);
		pthread_mutex_unlock(&p->lock);
	}
	if (rc < 0) {
		guss_blob_put(guss);
		free(new);
	}
	return rc == -EEXIST ? 0 : rc;
}

bool guss_pushes_take(struct guss_pushes *p, const char *impi, struct guss_blob **guss)
{
	struct guss_blob *pushed = NULL;
	int64_t when = GUSS_NEVER;
	struct impi name;
	struct push *found;
	bool changed;

	if (!atomic_load(&p->n))
		return false;
	impi_key(&name, impi);
	pthread_mutex_lock(&p->lock);
	found = *push_find(p, &name, clock_mono_ms());
	if (found) {
		pushed = guss_blob_get(found->guss);
		when = found->when;
	}
	pthread_mutex_unlock(&p->lock);
	changed = pushed && guss_push_replace(guss, pushed, when);
	guss_blob_put(pushed);
	return changed;
}
