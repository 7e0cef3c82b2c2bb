/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_index.c
 *  The records of an IMPI, the record of a TMPI, what is over. */
#include "bsf/store/lmdb_index.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define PARTS   256
#define IDX_MAX 0xfffffeu /* places of one part; a reference is part << 24 | place, and 1 more in a table */

/* One record. The parts hold these in arrays; a free place has kind 0 and the next free one in name_tag. */
struct place {
	uint8_t rand[AKA_RAND_LEN];
	uint8_t impi_tag[RECORD_IMPI_TAG_LEN];
	uint32_t name_tag;
	uint64_t tmpi_tag;
	uint64_t expires_kind; /* expires_at << 8 | kind */
};

/* References + 1, 0 is empty; linear probing. */
struct table {
	uint32_t *v;
	uint32_t size, used; /* size is 0 or a power of two */
};

struct part {
	struct place *places;
	uint32_t n, cap, free; /* free: place + 1 */
	struct table by_impi;  /* of the places here */
	struct table by_tmpi;  /* of places anywhere, by the TMPI's first octet */
};

struct lmdb_index {
	pthread_mutex_t lock;
	uint64_t entries, sessions, tmpis;
	unsigned sweep_part;
	uint32_t sweep_place;
	struct part parts[PARTS];
};

typedef uint32_t hash_fn(const struct place *p);

static uint32_t hash_impi(const struct place *p)
{
	return be32_get(p->impi_tag + 1);
}

static uint32_t hash_tmpi(const struct place *p)
{
	return (uint32_t)p->tmpi_tag;
}

static struct place *place_of(struct lmdb_index *ix, uint32_t ref)
{
	return &ix->parts[ref >> 24].places[ref & 0xffffff];
}

static void table_insert(struct lmdb_index *ix, struct table *t, uint32_t ref, hash_fn *hash)
{
	uint32_t i = hash(place_of(ix, ref)) & (t->size - 1);

	while (t->v[i])
		i = (i + 1) & (t->size - 1);
	t->v[i] = ref + 1;
}

static int table_grow(struct lmdb_index *ix, struct table *t, hash_fn *hash)
{
	struct table new = { NULL, t->size ? t->size * 2 : 16, t->used };

	new.v = calloc(new.size, sizeof(*new.v));
	if (!new.v)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->size; i++)
		if (t->v[i])
			table_insert(ix, &new, t->v[i] - 1, hash);
	free(t->v);
	*t = new;
	return 0;
}

static int table_add(struct lmdb_index *ix, struct table *t, uint32_t ref, hash_fn *hash)
{
	if ((t->used + 1) * 4 > t->size * 3 && table_grow(ix, t, hash) < 0)
		return -ENOMEM;
	table_insert(ix, t, ref, hash);
	t->used++;
	return 0;
}

/* Take out, and move up what had been pushed past it, so that no marks of deleted ones are needed. */
static void table_remove(struct lmdb_index *ix, struct table *t, uint32_t ref, hash_fn *hash)
{
	uint32_t mask = t->size - 1, i = hash(place_of(ix, ref)) & mask, hole;

	while (t->v[i] != ref + 1)
		i = (i + 1) & mask;
	hole = i;
	for (i = (i + 1) & mask; t->v[i]; i = (i + 1) & mask) {
		uint32_t home = hash(place_of(ix, t->v[i] - 1)) & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->v[hole] = t->v[i];
		hole = i;
	}
	t->v[hole] = 0;
	t->used--;
}

struct lmdb_index *lmdb_index_new(void)
{
	struct lmdb_index *ix = calloc(1, sizeof(*ix));

	if (ix)
		pthread_mutex_init(&ix->lock, NULL);
	return ix;
}

void lmdb_index_free(struct lmdb_index *ix)
{
	if (!ix)
		return;
	for (unsigned i = 0; i < PARTS; i++) {
		free(ix->parts[i].places);
		free(ix->parts[i].by_impi.v);
		free(ix->parts[i].by_tmpi.v);
	}
	pthread_mutex_destroy(&ix->lock);
	free(ix);
}

/* A free place in a part. \returns reference, or UINT32_MAX: no memory */
static uint32_t place_new(struct lmdb_index *ix, unsigned at)
{
	struct part *p = &ix->parts[at];
	uint32_t idx;

	if (p->free) {
		idx = p->free - 1;
		p->free = p->places[idx].name_tag;
		return at << 24 | idx;
	}
	if (p->n == p->cap) {
		uint32_t cap = p->cap + p->cap / 2 + 16;
		struct place *more = cap < IDX_MAX ? realloc(p->places, cap * sizeof(*more)) : NULL;

		if (!more)
			return UINT32_MAX;
		p->places = more;
		p->cap = cap;
	}
	return at << 24 | p->n++;
}

static void place_free(struct lmdb_index *ix, uint32_t ref)
{
	struct part *p = &ix->parts[ref >> 24];
	uint32_t idx = ref & 0xffffff;

	p->places[idx] = (struct place){ .name_tag = p->free };
	p->free = idx + 1;
}

static uint64_t expires_kind(const struct index_entry *e)
{
	return (uint64_t)e->head.expires_at << 8 | (uint64_t)e->head.kind;
}

static void place_set(struct place *p, const struct index_entry *e)
{
	memcpy(p->rand, e->rand, AKA_RAND_LEN);
	memcpy(p->impi_tag, e->head.impi_tag, RECORD_IMPI_TAG_LEN);
	p->name_tag = e->head.name_tag;
	p->tmpi_tag = e->head.tmpi_tag;
	p->expires_kind = expires_kind(e);
}

static void place_get(const struct place *p, struct index_entry *e)
{
	memcpy(e->rand, p->rand, AKA_RAND_LEN);
	memcpy(e->head.impi_tag, p->impi_tag, RECORD_IMPI_TAG_LEN);
	e->head.name_tag = p->name_tag;
	e->head.tmpi_tag = p->tmpi_tag;
	e->head.expires_at = (int64_t)(p->expires_kind >> 8);
	e->head.kind = (enum record_kind)(p->expires_kind & 0xff);
}

static void lmdb_count(struct lmdb_index *ix, const struct place *p, uint64_t by)
{
	ix->entries += by;
	if ((p->expires_kind & 0xff) == RECORD_SESSION)
		ix->sessions += by;
	if (p->tmpi_tag)
		ix->tmpis += by;
}

int lmdb_index_place(struct lmdb_index *ix, const struct index_entry *e)
{
	uint32_t ref = place_new(ix, e->head.impi_tag[0]);

	if (ref == UINT32_MAX)
		return -ENOMEM;
	place_set(place_of(ix, ref), e);
	lmdb_count(ix, place_of(ix, ref), 1);
	return 0;
}

/* Room for so many, empty. */
static int table_make(struct table *t, uint32_t n)
{
	uint32_t size = 16;

	while ((uint64_t)n * 4 > (uint64_t)size * 3)
		size *= 2;
	*t = (struct table){ calloc(size, sizeof(*t->v)), size, 0 };
	return t->v ? 0 : -ENOMEM;
}

static int tables_make(struct lmdb_index *ix)
{
	uint32_t tmpis[PARTS] = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < PARTS; i++)
		for (uint32_t n = 0; n < ix->parts[i].n; n++)
			tmpis[ix->parts[i].places[n].tmpi_tag >> 56] += ix->parts[i].places[n].tmpi_tag != 0;
	for (unsigned i = 0; i < PARTS && rc == 0; i++) {
		rc = table_make(&ix->parts[i].by_impi, ix->parts[i].n);
		if (rc == 0)
			rc = table_make(&ix->parts[i].by_tmpi, tmpis[i]);
	}
	return rc;
}

int lmdb_index_find_placed(struct lmdb_index *ix)
{
	int rc = tables_make(ix);

	for (unsigned i = 0; i < PARTS && rc == 0; i++)
		for (uint32_t n = 0; n < ix->parts[i].n && rc == 0; n++) {
			uint64_t tmpi = ix->parts[i].places[n].tmpi_tag;

			rc = table_add(ix, &ix->parts[i].by_impi, i << 24 | n, hash_impi);
			if (rc == 0 && tmpi)
				rc = table_add(ix, &ix->parts[tmpi >> 56].by_tmpi, i << 24 | n, hash_tmpi);
		}
	return rc;
}

static int add_locked(struct lmdb_index *ix, const struct index_entry *e)
{
	uint32_t ref = place_new(ix, e->head.impi_tag[0]);
	struct part *p = &ix->parts[e->head.impi_tag[0]];

	if (ref == UINT32_MAX)
		return -ENOMEM;
	place_set(place_of(ix, ref), e);
	if (table_add(ix, &p->by_impi, ref, hash_impi) < 0)
		goto fail;
	if (e->head.tmpi_tag && table_add(ix, &ix->parts[e->head.tmpi_tag >> 56].by_tmpi, ref, hash_tmpi) < 0) {
		table_remove(ix, &p->by_impi, ref, hash_impi);
		goto fail;
	}
	lmdb_count(ix, place_of(ix, ref), 1);
	return 0;
fail:
	place_free(ix, ref);
	return -ENOMEM;
}

int lmdb_index_add(struct lmdb_index *ix, const struct index_entry *e)
{
	int rc;

	pthread_mutex_lock(&ix->lock);
	rc = add_locked(ix, e);
	pthread_mutex_unlock(&ix->lock);
	return rc;
}

/* Walk the run of a table in which a hash must lie. \param[in,out] i position; first call: the hash
 * \returns place, or NULL at its end */
static struct place *run_next(struct lmdb_index *ix, const struct table *t, uint32_t *i, uint32_t *ref)
{
	uint32_t v;

	if (t->size == 0)
		return NULL;
	v = t->v[*i & (t->size - 1)];
	if (!v)
		return NULL;
	++*i;
	*ref = v - 1;
	return place_of(ix, *ref);
}

static void remove_ref(struct lmdb_index *ix, uint32_t ref)
{
	struct place *p = place_of(ix, ref);

	lmdb_count(ix, p, (uint64_t)-1);
	table_remove(ix, &ix->parts[ref >> 24].by_impi, ref, hash_impi);
	if (p->tmpi_tag)
		table_remove(ix, &ix->parts[p->tmpi_tag >> 56].by_tmpi, ref, hash_tmpi);
	place_free(ix, ref);
}

bool lmdb_index_remove(struct lmdb_index *ix, const struct index_entry *e)
{
	const struct table *t = &ix->parts[e->head.impi_tag[0]].by_impi;
	uint32_t i = be32_get(e->head.impi_tag + 1), ref;
	bool found = false;
	struct place *p;

	pthread_mutex_lock(&ix->lock);
	while (!found && (p = run_next(ix, t, &i, &ref)))
		if (!memcmp(p->rand, e->rand, AKA_RAND_LEN) && p->expires_kind == expires_kind(e) &&
		    p->tmpi_tag == e->head.tmpi_tag && !memcmp(p->impi_tag, e->head.impi_tag, RECORD_IMPI_TAG_LEN)) {
			remove_ref(ix, ref);
			found = true;
		}
	pthread_mutex_unlock(&ix->lock);
	return found;
}

/* Nothing is left to do with one; they may be many, and must not crowd out a live session. */
static bool is_bare_tombstone(const struct place *p)
{
	return (p->expires_kind & 0xff) == RECORD_TOMBSTONE && !p->tmpi_tag;
}

size_t lmdb_index_by_impi(struct lmdb_index *ix, const uint8_t tag[RECORD_IMPI_TAG_LEN],
			  struct index_entry out[INDEX_IMPI_MAX])
{
	const struct table *t = &ix->parts[tag[0]].by_impi;
	uint32_t i = be32_get(tag + 1), ref;
	struct place *p;
	size_t n = 0;

	pthread_mutex_lock(&ix->lock);
	while (n < INDEX_IMPI_MAX && (p = run_next(ix, t, &i, &ref)))
		if (!memcmp(p->impi_tag, tag, RECORD_IMPI_TAG_LEN) && !is_bare_tombstone(p))
			place_get(p, &out[n++]);
	pthread_mutex_unlock(&ix->lock);
	return n;
}

size_t lmdb_index_by_tmpi(struct lmdb_index *ix, uint64_t tag, struct index_entry out[INDEX_TMPI_MAX])
{
	const struct table *t = &ix->parts[tag >> 56].by_tmpi;
	uint32_t i = (uint32_t)tag, ref;
	struct place *p;
	size_t n = 0;

	pthread_mutex_lock(&ix->lock);
	while (n < INDEX_TMPI_MAX && (p = run_next(ix, t, &i, &ref)))
		if (p->tmpi_tag == tag)
			place_get(p, &out[n++]);
	pthread_mutex_unlock(&ix->lock);
	return n;
}

static bool is_over(const struct place *p, int64_t now_s, int64_t beyond_s)
{
	unsigned kind = p->expires_kind & 0xff;
	int64_t at = (int64_t)(p->expires_kind >> 8);

	if (kind == 0) /* a free place */
		return false;
	return at + (kind == RECORD_REMNANT ? STORE_TMPI_S : 0) <= now_s || at > beyond_s;
}

size_t lmdb_index_expired(struct lmdb_index *ix, int64_t now_s, int64_t beyond_s, size_t *budget,
			  struct index_entry *out, size_t max)
{
	size_t n = 0, parts = 0;

	pthread_mutex_lock(&ix->lock);
	while (n < max && *budget && parts < PARTS) {
		const struct part *p = &ix->parts[ix->sweep_part];

		if (ix->sweep_place >= p->n) {
			ix->sweep_part = (ix->sweep_part + 1) % PARTS;
			ix->sweep_place = 0;
			parts++;
			continue;
		}
		if (is_over(&p->places[ix->sweep_place], now_s, beyond_s))
			place_get(&p->places[ix->sweep_place], &out[n++]);
		ix->sweep_place++;
		--*budget;
	}
	pthread_mutex_unlock(&ix->lock);
	return n;
}

void lmdb_index_figures(struct lmdb_index *ix, struct index_figures *out)
{
	pthread_mutex_lock(&ix->lock);
	*out = (struct index_figures){ ix->entries, ix->sessions, ix->tmpis, sizeof(*ix) };
	for (unsigned i = 0; i < PARTS; i++)
		out->octets += ix->parts[i].cap * sizeof(struct place) +
			       (ix->parts[i].by_impi.size + ix->parts[i].by_tmpi.size) * sizeof(uint32_t);
	pthread_mutex_unlock(&ix->lock);
}
