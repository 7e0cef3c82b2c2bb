/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/zh_repeats.h"

#include <stdlib.h>
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/dia/dia_wire.h"

#define NONE UINT32_MAX

struct remembered {
	struct zh_repeat_key key;
	uint64_t at_ms;
	uint32_t next; /* of the same bucket */
	struct zh_given what;
};

/* A ring in the order of time, and buckets of places in it. */
struct zh_repeats {
	uint64_t secret[2][2];
	uint32_t age_ms;
	size_t max, first, n;
	uint32_t *buckets; /* max */
	struct remembered given[];
};

struct zh_repeats *zh_repeats_new(size_t max, uint32_t age_ms)
{
	struct zh_repeats *r = calloc(1, sizeof(*r) + max * sizeof(r->given[0]));

	if (!r)
		return NULL;
	r->max = max;
	r->age_ms = age_ms;
	r->buckets = malloc(max * sizeof(r->buckets[0]));
	if (!r->buckets || rng_fill(r->secret, sizeof(r->secret)) < 0) {
		zh_repeats_free(r);
		return NULL;
	}
	memset(r->buckets, 0xff, max * sizeof(r->buckets[0]));
	return r;
}

static uint32_t *repeats_bucket(struct zh_repeats *r, const struct zh_repeat_key *key)
{
	return &r->buckets[key->h[0] % r->max];
}

static void drop_oldest(struct zh_repeats *r)
{
	struct remembered *g = &r->given[r->first];
	uint32_t *at = repeats_bucket(r, &g->key);

	while (*at != r->first)
		at = &r->given[*at].next;
	*at = g->next;
	r->first = (r->first + 1) % r->max;
	r->n--;
}

void zh_repeats_free(struct zh_repeats *r)
{
	if (!r)
		return;
	free(r->buckets);
	free(r);
}

static uint64_t hash_of(const struct zh_repeats *r, unsigned which, struct span s)
{
	return keyed_hash(r->secret[which], s);
}

void zh_repeats_key(const struct zh_repeats *r, struct zh_repeat_key *out, const char *peer, struct span msg)
{
	static const enum dia_avp_id ids[] = { AVP_ORIGIN_HOST, AVP_SESSION_ID, AVP_USER_NAME };
	struct dia_avp avps[3];
	bool there[3];
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, msg.p);
	for (unsigned i = 0; i < 3; i++)
		there[i] = dia_wire_find(&avps[i], dia_wire_avps(msg), ids[i]);
	for (unsigned which = 0; which < 2; which++) {
		uint64_t parts[5] = { hash_of(r, which, span_str(peer)), hdr.end_to_end };

		for (unsigned i = 0; i < 3; i++)
			if (there[i])
				parts[2 + i] = hash_of(r, which, avps[i].data);
		out->h[which] = hash_of(r, which, span_of(parts, sizeof(parts)));
	}
}

bool zh_repeats_same(const struct zh_repeat_key *a, const struct zh_repeat_key *b)
{
	return a->h[0] == b->h[0] && a->h[1] == b->h[1];
}

bool zh_repeats_marked(struct span msg)
{
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, msg.p);
	return hdr.flags & DIA_CMD_T;
}

static void repeats_sweep(struct zh_repeats *r, uint64_t now_ms)
{
	while (r->n && now_ms - r->given[r->first].at_ms >= r->age_ms)
		drop_oldest(r);
}

static struct remembered *repeats_find(struct zh_repeats *r, const struct zh_repeat_key *key, uint64_t now_ms)
{
	repeats_sweep(r, now_ms);
	for (uint32_t at = *repeats_bucket(r, key); at != NONE; at = r->given[at].next) {
		if (zh_repeats_same(&r->given[at].key, key))
			return &r->given[at];
	}
	return NULL;
}

static struct remembered *new_place(struct zh_repeats *r, const struct zh_repeat_key *key, uint64_t now_ms)
{
	uint32_t *bucket = repeats_bucket(r, key), at;

	if (r->n == r->max)
		drop_oldest(r);
	at = (uint32_t)((r->first + r->n++) % r->max);
	r->given[at] = (struct remembered){ .key = *key, .at_ms = now_ms, .next = *bucket };
	*bucket = at;
	return &r->given[at];
}

/* Each request has one place: who sends the same one all the time takes no other's, and makes no chain without end. */
void zh_repeats_put(struct zh_repeats *r, const struct zh_repeat_key *key, const struct zh_given *g, uint64_t now_ms)
{
	struct remembered *place = repeats_find(r, key, now_ms);

	if (!place)
		place = new_place(r, key, now_ms);
	place->what = *g;
}

bool zh_repeats_get(struct zh_repeats *r, const struct zh_repeat_key *key, uint64_t now_ms, struct zh_given *out)
{
	const struct remembered *place = repeats_find(r, key, now_ms);

	if (!place)
		return false;
	*out = place->what;
	return true;
}

size_t zh_repeats_count(const struct zh_repeats *r)
{
	return r->n;
}
