/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/clock.h"

#define BUCKETS 16384 /* a power of two */

struct subscriber_cache {
	struct subscriber_db *db;
	struct llist_head used;
	size_t octets, octets_max, count;
	struct subscriber *by_impi[BUCKETS];
};

/* FNV-1a; the names come from our own database, nobody outside can choose them to collide. */
static unsigned bucket(const char *impi)
{
	uint32_t h = 2166136261u;

	while (*impi)
		h = (h ^ (uint8_t)*impi++) * 16777619u;
	return (h ^ h >> 15) & (BUCKETS - 1);
}

static size_t weight(const struct subscriber *s)
{
	return sizeof(*s) + s->row.guss_len;
}

struct subscriber_cache *subscriber_cache_new(struct subscriber_db *db, size_t octets)
{
	struct subscriber_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->db = db;
	c->octets_max = octets;
	INIT_LLIST_HEAD(&c->used);
	return c;
}

static void subscriber_drop(struct subscriber_cache *c, struct subscriber *s)
{
	struct subscriber **at = &c->by_impi[bucket(s->row.impi.s)];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	llist_del(&s->used);
	c->octets -= weight(s);
	c->count--;
	subscriber_row_clear(&s->row);
	free(s);
}

void subscriber_cache_free(struct subscriber_cache *c)
{
	struct subscriber *s, *next;

	if (!c)
		return;
	llist_for_each_entry_safe(s, next, &c->used, used) subscriber_drop(c, s);
	free(c);
}

/* Who is waited for stays; so does the one that was just asked for. */
static void subscriber_make_room(struct subscriber_cache *c, const struct subscriber *keep)
{
	struct subscriber *s, *next;

	for (s = llist_entry(c->used.prev, struct subscriber, used); c->octets > c->octets_max && &s->used != &c->used;
	     s = next) {
		next = llist_entry(s->used.prev, struct subscriber, used);
		if (s != keep && llist_empty(&s->waiting))
			subscriber_drop(c, s);
	}
}

/* \param[in] impi as impi_key() gives it, as the rows have it */
static int subscriber_load(struct subscriber_cache *c, const char *impi, struct subscriber **out)
{
	struct subscriber *s = calloc(1, sizeof(*s));
	struct sqn_scheme scheme = SQN_SCHEME_USUAL;
	unsigned b = bucket(impi);
	int rc;

	if (!s)
		return -ENOMEM;
	rc = subscriber_db_get(c->db, impi, &s->row);
	if (rc < 0 && rc != -EBADMSG && rc != -ENOKEY) {
		free(s);
		return rc;
	}
	s->readable = rc == 0;
	if (!s->readable)
		span_to_str(s->row.impi.s, sizeof(s->row.impi.s), span_str(impi));
	INIT_LLIST_HEAD(&s->waiting);
	if (s->readable && s->row.ind_fixed >= 0)
		scheme.ind_from = scheme.ind_to = (uint8_t)s->row.ind_fixed;
	auc_counter_init(&s->counter, s->row.seq, &scheme, clock_wall_ms());
	s->next = c->by_impi[b];
	c->by_impi[b] = s;
	llist_add(&s->used, &c->used);
	c->octets += weight(s);
	c->count++;
	subscriber_make_room(c, s);
	*out = s;
	return 0;
}

struct subscriber *subscriber_cache_peek(struct subscriber_cache *c, const char *impi)
{
	struct subscriber *s;
	struct impi name;

	impi_key(&name, impi);
	for (s = c->by_impi[bucket(name.s)]; s && strcmp(s->row.impi.s, name.s) != 0;)
		s = s->next;
	return s;
}

int subscriber_cache_get(struct subscriber_cache *c, const char *impi, struct subscriber **out)
{
	struct subscriber *s = subscriber_cache_peek(c, impi);
	struct impi name;

	if (!s) {
		impi_key(&name, impi);
		return subscriber_load(c, name.s, out);
	}
	llist_move(&s->used, &c->used);
	*out = s;
	return 0;
}

void subscriber_cache_each(struct subscriber_cache *c, void (*fn)(struct llist_head *waiting))
{
	struct subscriber *s;

	llist_for_each_entry(s, &c->used, used)
	{
		if (!llist_empty(&s->waiting))
			fn(&s->waiting);
	}
}

size_t subscriber_cache_count(const struct subscriber_cache *c)
{
	return c->count;
}
