/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/name_table.h"

#include <errno.h>
#include <stdlib.h>
#include "common/base/ascii.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

#define PLACES_FIRST 16 /* a power of two */

struct entry {
	struct entry *next;
	void *value;
	char name[];
};

struct name_table {
	struct entry **places;
	size_t n_places, n;
	uint64_t key[2];
	bool exact;
};

#define HASHED_MAX 256 /* octets of a name */

/* Of the name in lower case, also where the case counts: what differs in it alone shares a place. */
static uint64_t hash(const struct name_table *t, struct span name)
{
	uint8_t low[HASHED_MAX];
	size_t len = name.len < HASHED_MAX ? name.len : HASHED_MAX;

	ascii_lower_copy(low, name.p, len);
	return keyed_hash(t->key, span_of(low, len));
}

static struct entry **find(const struct name_table *t, struct span name)
{
	struct entry **e = &t->places[hash(t, name) & (t->n_places - 1)];

	while (*e && !(t->exact ? span_eq : span_ieq)(span_str((*e)->name), name))
		e = &(*e)->next;
	return e;
}

struct name_table *name_table_new(void)
{
	struct name_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->n_places = PLACES_FIRST;
	t->places = calloc(t->n_places, sizeof(struct entry *));
	if (t->places && rng_fill(t->key, sizeof(t->key)) == 0)
		return t;
	free(t->places);
	free(t);
	return NULL;
}

void name_table_free(struct name_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_places; i++) {
		while (t->places[i]) {
			struct entry *e = t->places[i];

			t->places[i] = e->next;
			free(e);
		}
	}
	free(t->places);
	free(t);
}

/* Without memory it stays as it is: slower, not wrong. */
static void grow(struct name_table *t)
{
	struct name_table wide = *t;

	wide.n_places *= 2;
	wide.places = calloc(wide.n_places, sizeof(struct entry *));
	if (!wide.places)
		return;
	for (size_t i = 0; i < t->n_places; i++) {
		while (t->places[i]) {
			struct entry *e = t->places[i], **to = find(&wide, span_str(e->name));

			t->places[i] = e->next;
			e->next = NULL;
			*to = e;
		}
	}
	free(t->places);
	*t = wide;
}

int name_table_put(struct name_table *t, const char *name, void *value)
{
	struct entry **at = find(t, span_str(name)), *e;

	if (*at)
		return -EEXIST;
	e = malloc(sizeof(*e) + strlen(name) + 1);
	if (!e)
		return -ENOMEM;
	*e = (struct entry){ NULL, value };
	strcpy(e->name, name);
	*at = e;
	if (++t->n > t->n_places)
		grow(t);
	return 0;
}

struct name_table *name_table_of(char *const *names, size_t n, bool exact)
{
	struct name_table *t = name_table_new();

	if (t)
		t->exact = exact;
	for (size_t i = 0; t && i < n; i++) {
		if (name_table_put(t, names[i], t) != -ENOMEM) /* any value will do */
			continue;
		name_table_free(t);
		return NULL;
	}
	return t;
}

void *name_table_get(const struct name_table *t, struct span name)
{
	const struct entry *e = t && t->n ? *find(t, name) : NULL;

	return e ? e->value : NULL;
}

bool name_table_covers(const struct name_table *t, const char *fqdn)
{
	char wildcard[FQDN_MAX + 2];

	if (!fqdn_valid(span_str(fqdn), FQDN_MAX))
		return false;
	return name_table_get(t, span_str(fqdn)) ||
	       (naf_id_wildcard(wildcard, fqdn) && name_table_get(t, span_str(wildcard)));
}

void *name_table_above(const struct name_table *t, const char *fqdn)
{
	void *value = NULL;

	for (const char *at = fqdn; at && !value; at = strchr(at, '.')) {
		at += *at == '.';
		value = name_table_get(t, span_str(at));
	}
	return value;
}

void name_table_del(struct name_table *t, const char *name)
{
	struct entry **at = find(t, span_str(name)), *e = *at;

	if (!e)
		return;
	*at = e->next;
	free(e);
	t->n--;
}

size_t name_table_longest(const struct name_table *t)
{
	size_t longest = 0;

	for (size_t i = 0; i < t->n_places; i++) {
		size_t n = 0;

		for (const struct entry *e = t->places[i]; e; e = e->next)
			n++;
		longest = n > longest ? n : longest;
	}
	return longest;
}
