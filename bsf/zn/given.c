/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/zn/given.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/gba/impi.h"

#define STRIPES    64 /* a power of two */
#define CACHE_LINE 64

/* What is looked at when somebody asks who used a key. */
struct names {
	struct btid btid;
	char *naf[ZN_GIVEN_NAFS]; /* each owned; NULL: free */
};

/* A session of a subscriber. Small, and in one table: it is in no cache when a BIR comes. */
struct place {
	uint64_t who;                /* hash of the IMPI */
	uint8_t rand[BTID_RAND_LEN]; /* of the B-TID; 128 random bits of ours tell sessions apart */
	uint32_t naf[ZN_GIVEN_NAFS], times[ZN_GIVEN_NAFS]; /* naf: hash of the name; times 0: free */
	int64_t at_s[ZN_GIVEN_NAFS];
	struct names *names; /* NULL: nobody */
};

static struct {
	uint64_t key[2];
	pthread_mutex_t lock[STRIPES]; /* of the places with this rest */
	struct place place[ZN_GIVEN_SUBSCRIBERS];
} * table;

int zn_given_init(void)
{
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&table->lock[i], NULL);
	return rng_fill(table->key, sizeof(table->key));
}

static void forget_place(struct place *p)
{
	for (size_t i = 0; p->names && i < ZN_GIVEN_NAFS; i++)
		free(p->names->naf[i]);
	free(p->names);
	*p = (struct place){ 0 };
}

void zn_given_free(void)
{
	for (size_t i = 0; table && i < ZN_GIVEN_SUBSCRIBERS; i++)
		forget_place(&table->place[i]);
	free(table);
	table = NULL;
}

static bool same_btid(const struct btid *a, const struct btid *b)
{
	return memcmp(a->rand, b->rand, BTID_RAND_LEN) == 0 && strcasecmp(a->domain, b->domain) == 0;
}

static struct place *given_place(uint64_t who)
{
	return &table->place[who & (ZN_GIVEN_SUBSCRIBERS - 1)];
}

uint64_t zn_given_who(const char *impi)
{
	struct impi name;
	uint64_t who;

	if (!table)
		return 0;
	impi_key(&name, impi);
	who = keyed_hash(table->key, span_str(name.s));
	for (size_t i = 0; i < sizeof(struct place); i += CACHE_LINE)
		__builtin_prefetch((const char *)given_place(who) + i, 1);
	return who;
}

static pthread_mutex_t *lock_of(uint64_t who)
{
	return &table->lock[who & (STRIPES - 1)];
}

/* The place of a hash, whoever is there; for place_unlock(). */
static struct place *place_lock(uint64_t who)
{
	pthread_mutex_lock(lock_of(who));
	return given_place(who);
}

static void place_unlock(uint64_t who)
{
	pthread_mutex_unlock(lock_of(who));
}

static bool is_of(const struct place *p, uint64_t who, const struct btid *btid)
{
	return p->who == who && memcmp(p->rand, btid->rand, BTID_RAND_LEN) == 0;
}

static uint32_t naf_hash(const char *naf)
{
	return (uint32_t)keyed_hash(table->key, span_str(naf));
}

/* A free one, or the one that asked longest ago. */
static size_t oldest_use(const struct place *p)
{
	size_t oldest = 0;

	for (size_t i = 0; i < ZN_GIVEN_NAFS && p->times[oldest]; i++) {
		if (!p->times[i] || p->at_s[i] < p->at_s[oldest])
			oldest = i;
	}
	return oldest;
}

static size_t use_for(struct place *p, const char *naf)
{
	uint32_t hash = naf_hash(naf);
	size_t i;

	for (i = 0; i < ZN_GIVEN_NAFS; i++) {
		if (p->times[i] && p->naf[i] == hash)
			return i;
	}
	i = oldest_use(p);
	free(p->names->naf[i]);
	p->names->naf[i] = strdup(naf);
	p->naf[i] = hash;
	p->times[i] = 0;
	return i;
}

static bool note(struct place *p, uint64_t who, const struct btid *btid, const char *naf, int64_t at_s)
{
	bool news;
	size_t i;

	if (!is_of(p, who, btid))
		forget_place(p);
	if (!p->names) {
		p->names = calloc(1, sizeof(*p->names));
		if (!p->names)
			return true;
		p->who = who;
		memcpy(p->rand, btid->rand, BTID_RAND_LEN);
		p->names->btid = *btid;
	}
	i = use_for(p, naf);
	news = !p->times[i] || p->at_s[i] / ZN_GIVEN_SLOT_S != at_s / ZN_GIVEN_SLOT_S;
	p->at_s[i] = at_s;
	p->times[i] += p->times[i] < UINT32_MAX;
	return news;
}

bool zn_given_note(uint64_t who, const struct btid *btid, const char *naf, int64_t at_s)
{
	bool news;

	if (!table)
		return true;
	news = note(place_lock(who), who, btid, naf, at_s);
	place_unlock(who);
	return news;
}

static void given_copy(struct zn_given *out, const struct place *p)
{
	*out = (struct zn_given){ .btid = p->names->btid };
	for (size_t i = 0; i < ZN_GIVEN_NAFS; i++) {
		if (!p->names->naf[i])
			continue;
		strncpy(out->nafs[out->n].naf, p->names->naf[i], FQDN_MAX);
		out->nafs[out->n].at_s = p->at_s[i];
		out->nafs[out->n++].times = p->times[i];
	}
}

bool zn_given_of(struct zn_given *out, const char *impi)
{
	const struct place *p;
	bool found;
	uint64_t who;

	if (!table)
		return false;
	who = zn_given_who(impi);
	p = place_lock(who);
	found = p->names && p->who == who;
	if (found)
		given_copy(out, p);
	place_unlock(who);
	return found;
}

bool zn_given_btid(struct zn_given *out, const struct btid *btid)
{
	bool found = false;

	for (uint64_t i = 0; table && !found && i < ZN_GIVEN_SUBSCRIBERS; i++) {
		const struct place *p = place_lock(i);

		found = p->names && same_btid(&p->names->btid, btid);
		if (found)
			given_copy(out, p);
		place_unlock(i);
	}
	return found;
}
