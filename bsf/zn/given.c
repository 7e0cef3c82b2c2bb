/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/zn/given.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/gba/impi.h"

#define STRIPES 64 /* a power of two */

struct use {
	char *naf; /* NULL: free */
	int64_t at_s;
	unsigned times;
};

/*! A session of a subscriber. */
struct place {
	uint64_t who; /* hash of the IMPI */
	struct btid btid;
	struct use uses[ZN_GIVEN_NAFS];
};

static struct {
	uint64_t key[2];
	pthread_mutex_t lock[STRIPES]; /* of the places with this rest */
	struct place *place[ZN_GIVEN_SUBSCRIBERS];
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

static void forget_uses(struct place *p)
{
	for (size_t i = 0; i < ZN_GIVEN_NAFS; i++)
		free(p->uses[i].naf);
	memset(p->uses, 0, sizeof(p->uses));
}

void zn_given_free(void)
{
	for (size_t i = 0; table && i < ZN_GIVEN_SUBSCRIBERS; i++) {
		if (table->place[i])
			forget_uses(table->place[i]);
		free(table->place[i]);
	}
	free(table);
	table = NULL;
}

static bool same_btid(const struct btid *a, const struct btid *b)
{
	return memcmp(a->rand, b->rand, BTID_RAND_LEN) == 0 && strcasecmp(a->domain, b->domain) == 0;
}

static uint64_t who_is(const char *impi)
{
	struct impi name;

	impi_key(&name, impi);
	return keyed_hash(table->key, span_str(name.s));
}

/* The one that is there, a free one, or the one that asked longest ago. */
static struct use *use_for(struct place *p, const char *naf)
{
	struct use *oldest = &p->uses[0];

	for (size_t i = 0; i < ZN_GIVEN_NAFS; i++) {
		struct use *u = &p->uses[i];

		if (u->naf && strcmp(u->naf, naf) == 0)
			return u;
		if (!u->naf || (oldest->naf && u->at_s < oldest->at_s))
			oldest = u;
	}
	free(oldest->naf);
	*oldest = (struct use){ .naf = strdup(naf) };
	return oldest;
}

static void note(struct place *p, uint64_t who, const struct btid *btid, const char *naf, int64_t at_s)
{
	struct use *u;

	if (p->who != who || !same_btid(&p->btid, btid)) {
		forget_uses(p);
		p->who = who;
		p->btid = *btid;
	}
	u = use_for(p, naf);
	u->at_s = at_s;
	u->times++;
}

void zn_given_note(const char *impi, const struct btid *btid, const char *naf, int64_t at_s)
{
	uint64_t who;
	size_t i;

	if (!table)
		return;
	who = who_is(impi);
	i = who & (ZN_GIVEN_SUBSCRIBERS - 1);
	pthread_mutex_lock(&table->lock[i & (STRIPES - 1)]);
	if (!table->place[i])
		table->place[i] = calloc(1, sizeof(struct place));
	if (table->place[i])
		note(table->place[i], who, btid, naf, at_s);
	pthread_mutex_unlock(&table->lock[i & (STRIPES - 1)]);
}

static void given_copy(struct zn_given *out, const struct place *p)
{
	*out = (struct zn_given){ .btid = p->btid };
	for (size_t i = 0; i < ZN_GIVEN_NAFS; i++) {
		const struct use *u = &p->uses[i];

		if (!u->naf)
			continue;
		strncpy(out->nafs[out->n].naf, u->naf, FQDN_MAX);
		out->nafs[out->n].at_s = u->at_s;
		out->nafs[out->n++].times = u->times;
	}
}

bool zn_given_of(struct zn_given *out, const char *impi)
{
	const struct place *p;
	bool found;
	uint64_t who;
	size_t i;

	if (!table)
		return false;
	who = who_is(impi);
	i = who & (ZN_GIVEN_SUBSCRIBERS - 1);
	pthread_mutex_lock(&table->lock[i & (STRIPES - 1)]);
	p = table->place[i];
	found = p && p->who == who;
	if (found)
		given_copy(out, p);
	pthread_mutex_unlock(&table->lock[i & (STRIPES - 1)]);
	return found;
}

bool zn_given_btid(struct zn_given *out, const struct btid *btid)
{
	bool found = false;

	for (size_t i = 0; table && !found && i < ZN_GIVEN_SUBSCRIBERS; i++) {
		pthread_mutex_lock(&table->lock[i & (STRIPES - 1)]);
		found = table->place[i] && same_btid(&table->place[i]->btid, btid);
		if (found)
			given_copy(out, table->place[i]);
		pthread_mutex_unlock(&table->lock[i & (STRIPES - 1)]);
	}
	return found;
}
