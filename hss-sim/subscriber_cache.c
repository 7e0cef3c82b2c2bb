/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/crypto/aka_algorithm.h"

#define BUCKETS 16384 /* a power of two */

struct subscriber_cache {
	struct subscriber_db *db;
	const struct subscriber_rules *rules;
	struct llist_head used;
	size_t octets, octets_max, count;
	struct subscriber *by_impi[BUCKETS];
};

/* The names come from our own database, nobody outside can choose them to collide. */
static unsigned bucket(const char *impi)
{
	uint32_t h = ascii_hash(impi);

	return (h ^ h >> 15) & (BUCKETS - 1);
}

static size_t weight(const struct subscriber *s)
{
	return sizeof(*s) + s->row.guss_len;
}

struct subscriber_cache *subscriber_cache_new(struct subscriber_db *db, const struct subscriber_rules *rules,
					      size_t octets)
{
	struct subscriber_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->db = db;
	c->rules = rules;
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

/* How this subscriber's numbers grow: what its row says, else what this AuC does. */
static struct sqn_scheme scheme_of(const struct subscriber_rules *rules, const struct subscriber_row *r)
{
	const unsigned max = (1u << r->ind_bits) - 1;
	struct sqn_scheme s = {
		.profile = r->profile >= 0 ? (enum sqn_profile)r->profile : rules->profile,
		.ind_bits = r->ind_bits,
		.ind_from = rules->ind_from,
		.ind_to = rules->ind_to,
		.dif = r->dif,
	};

	if (r->ind_fixed >= 0) {
		s.ind_from = s.ind_to = (uint8_t)r->ind_fixed;
		return s;
	}
	if (rules->ind_from == 0 && rules->ind_to == SQN_IND_MAX) /* the usual range is all there is */
		s.ind_to = (uint8_t)max;
	s.ind_from = s.ind_from > max ? (uint8_t)max : s.ind_from;
	s.ind_to = s.ind_to > max ? (uint8_t)max : s.ind_to;
	return s;
}

/* Can its vectors be made? If not, what is known of it is its name alone. */
static void subscriber_prepare(struct subscriber_cache *c, struct subscriber *s, int rc, const char *impi)
{
	struct sqn_scheme scheme;

	s->test_only = rc == 0 && aka_algorithm_of(&s->row.cred)->test_only && !c->rules->allow_test;
	s->readable = rc == 0 && !s->test_only;
	if (!s->readable) {
		subscriber_row_clear(&s->row);
		s->row = (struct subscriber_row){ .seq = s->row.seq, .ind_fixed = -1, .ind_bits = SQN_IND_BITS };
		span_to_str(s->row.impi.s, sizeof(s->row.impi.s), span_str(impi));
	}
	scheme = scheme_of(c->rules, &s->row);
	auc_counter_init(&s->counter, s->row.seq, &scheme, clock_wall_ms());
}

/* \param[in] impi as impi_key() gives it, as the rows have it */
static int subscriber_load(struct subscriber_cache *c, const char *impi, struct subscriber **out)
{
	struct subscriber *s = calloc(1, sizeof(*s));
	unsigned b = bucket(impi);
	int rc;

	if (!s)
		return -ENOMEM;
	rc = subscriber_db_get(c->db, impi, &s->row);
	if (rc < 0 && rc != -EBADMSG && rc != -ENOKEY) {
		free(s);
		return rc;
	}
	subscriber_prepare(c, s, rc, impi);
	INIT_LLIST_HEAD(&s->waiting);
	s->next = c->by_impi[b];
	c->by_impi[b] = s;
	llist_add(&s->used, &c->used);
	c->octets += weight(s);
	c->count++;
	subscriber_make_room(c, s);
	*out = s;
	return 0;
}

/* A mark that is asked for is of this record: it must not be taken for one of the next. */
static bool in_use(const struct subscriber *s)
{
	return !llist_empty(&s->waiting) || s->counter.asked > s->counter.mark;
}

static void cache_forget(struct subscriber_cache *c, struct subscriber *s)
{
	if (in_use(s))
		s->stale = true;
	else
		subscriber_drop(c, s);
}

void subscriber_cache_forget(struct subscriber_cache *c, const char *impi)
{
	struct subscriber *s = impi ? subscriber_cache_peek(c, impi) : NULL, *next;

	if (s)
		cache_forget(c, s);
	if (impi)
		return;
	llist_for_each_entry_safe(s, next, &c->used, used) cache_forget(c, s);
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

	if (s && s->stale && !in_use(s)) {
		subscriber_drop(c, s);
		s = NULL;
	}
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
