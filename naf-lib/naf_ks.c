/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_ks.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include "common/base/ascii.h"
#include "common/gba/guss.h"
#include "naf-lib/naf_fork.h"

#define SWEEP_MS   60000 /* expired keys stay in memory no longer than this while there is traffic */
#define CHUNK_HELD 32
#define NO_EXPIRY_S \
	300 /* Key-ExpiryTime is optional in the BIA (29.109 5.2); a key without one is used for a short while */

struct held {
	struct naf_ks_id id; /* first: the tree compares it */
	struct held *older, *newer;
	int refused;      /* 0: a key; else -errno */
	int64_t until_ms; /* of a refusal, monotonic */
	unsigned failures;
	bool told;                 /* that it ends soon */
	int64_t sure_ms, asked_ms; /* monotonic: the BSF gave it; it was last asked for it */
	struct gba_naf_key key;
};

/*! Keys lie in pages that a child does not get. */
struct chunk {
	struct chunk *next;
	struct held held[CHUNK_HELD];
};

/*! Least recently used first. */
struct lru {
	struct held *oldest, *newest;
	unsigned n, max;
};

struct naf_ks {
	struct naf_ks_cfg cfg;
	pthread_mutex_t lock;
	void *tree; /* tsearch: balanced, so no B-TID an attacker chooses makes it slow */
	struct lru keys, refusals;
	struct chunk *chunks;
	struct held *free_one; /* linked by newer */
	int64_t swept_ms;
};

/*! What the keys of a B-TID begin with, the NUL included. \returns octets */
static size_t btid_part(uint8_t out[BTID_RAND_LEN + BSF_NAME_MAX + 1], const struct btid *btid)
{
	size_t len = strlen(btid->domain);

	memcpy(out, btid->rand, BTID_RAND_LEN);
	ascii_lower_copy(out + BTID_RAND_LEN, btid->domain, len);
	out[BTID_RAND_LEN + len] = 0;
	return BTID_RAND_LEN + len + 1;
}

void naf_ks_id_make(struct naf_ks_id *out, const struct btid *btid, const struct naf_id *naf_id)
{
	size_t len = btid_part(out->b, btid);

	memcpy(out->b + len, naf_id->raw, naf_id->len);
	out->len = len + naf_id->len;
}

int naf_ks_id_cmp(const struct naf_ks_id *a, const struct naf_ks_id *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->b, b->b, a->len);
}

static int held_cmp(const void *a, const void *b)
{
	return naf_ks_id_cmp(a, b);
}

int naf_key_copy(struct gba_naf_key *out, const struct gba_naf_key *in)
{
	char *uss = NULL;

	if (in->uss_list) {
		uss = malloc(in->uss_list_len + 1);
		if (!uss)
			return -ENOMEM;
		memcpy(uss, in->uss_list, in->uss_list_len);
		uss[in->uss_list_len] = '\0';
	}
	*out = *in;
	out->uss_list = uss;
	return 0;
}

void naf_key_clear(struct gba_naf_key *key)
{
	if (key->uss_list)
		OPENSSL_cleanse(key->uss_list, key->uss_list_len);
	free(key->uss_list);
	OPENSSL_cleanse(key, sizeof(*key));
}

/*! \returns false: the source is not known, or there is no such */
static bool add_source(struct naf_ks_id *out, const struct naf_ks_id *id, struct span source)
{
	size_t len = source.len < GBA_NAF_SOURCE_MAX ? source.len : GBA_NAF_SOURCE_MAX;

	if (!source.p)
		return false;
	*out = *id;
	out->b[out->len++] = 0;
	memcpy(out->b + out->len, source.p, len);
	out->len += len;
	return true;
}

static struct lru *list_of(struct naf_ks *ks, const struct held *e)
{
	return e->refused ? &ks->refusals : &ks->keys;
}

static void lru_remove(struct lru *l, struct held *e)
{
	*(e->older ? &e->older->newer : &l->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &l->newest) = e->older;
	l->n--;
}

static void lru_add(struct lru *l, struct held *e)
{
	e->newer = NULL;
	e->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
	l->n++;
}

static void held_clear(void *p)
{
	struct held *e = p;

	naf_key_clear(&e->key);
	OPENSSL_cleanse(e, sizeof(*e));
}

static void held_free(struct naf_ks *ks, struct held *e)
{
	held_clear(e);
	e->newer = ks->free_one;
	ks->free_one = e;
}

/*! Zeroed. Under the lock. \returns NULL: no memory */
static struct held *held_new(struct naf_ks *ks)
{
	struct chunk *c;
	struct held *e;

	if (!ks->free_one) {
		c = naf_fork_pages(sizeof(*c));
		if (!c)
			return NULL;
		c->next = ks->chunks;
		ks->chunks = c;
		for (size_t i = 0; i < CHUNK_HELD; i++)
			held_free(ks, &c->held[i]);
	}
	e = ks->free_one;
	ks->free_one = e->newer;
	e->newer = NULL;
	return e;
}

static void held_drop(struct naf_ks *ks, struct held *e)
{
	lru_remove(list_of(ks, e), e);
	tdelete(e, &ks->tree, held_cmp);
	held_free(ks, e);
}

static struct held *naf_ks_find(struct naf_ks *ks, const struct naf_ks_id *id)
{
	struct held **node = tfind(id, &ks->tree, held_cmp);

	return node ? *node : NULL;
}

/*! Life by the BSF, by our own limit, and a refusal's. */
static bool over(const struct held *e, const struct naf_now *now)
{
	return e->refused ? now->mono_ms >= e->until_ms : now->wall_s >= e->key.expires_at;
}

static void drop_over(struct naf_ks *ks, struct lru *l, const struct naf_now *now)
{
	for (struct held *e = l->oldest, *next; e; e = next) {
		next = e->newer;
		if (over(e, now))
			held_drop(ks, e);
	}
}

/*! Keys wiped when their life is over, not only when somebody asks. */
static void sweep(struct naf_ks *ks, const struct naf_now *now)
{
	if (now->mono_ms - ks->swept_ms < SWEEP_MS)
		return;
	ks->swept_ms = now->mono_ms;
	drop_over(ks, &ks->keys, now);
	drop_over(ks, &ks->refusals, now);
}

/*! Put a new entry in, the oldest of its kind out. \returns 0; -ENOMEM and the entry is freed */
static int naf_ks_add(struct naf_ks *ks, struct held *e)
{
	struct lru *l = list_of(ks, e);
	struct held *old = naf_ks_find(ks, &e->id);

	if (old)
		held_drop(ks, old);
	while (l->n >= l->max)
		held_drop(ks, l->oldest);
	if (!tsearch(e, &ks->tree, held_cmp)) {
		held_free(ks, e);
		return -ENOMEM;
	}
	lru_add(l, e);
	return 0;
}

struct naf_ks *naf_ks_new(const struct naf_ks_cfg *cfg)
{
	struct naf_ks *ks = calloc(1, sizeof(*ks));

	if (!ks)
		return NULL;
	ks->cfg = *cfg;
	ks->keys.max = cfg->keys;
	ks->refusals.max = cfg->refusals;
	pthread_mutex_init(&ks->lock, NULL);
	return ks;
}

void naf_ks_free(struct naf_ks *ks)
{
	if (!ks)
		return;
	tdestroy(ks->tree, held_clear);
	for (struct chunk *c = ks->chunks, *next; c; c = next) {
		next = c->next;
		naf_fork_pages_free(c, sizeof(*c));
	}
	pthread_mutex_destroy(&ks->lock);
	free(ks);
}

static void refuse_locked(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now, int rc)
{
	struct held *e = held_new(ks);

	if (!e)
		return; /* the BSF is asked once more, that is all */
	e->id = *id;
	e->refused = rc;
	e->until_ms = now->mono_ms + (int64_t)ks->cfg.refusal_s * 1000;
	naf_ks_add(ks, e);
}

/*! Is it time to ask again? Whoever is told does so: nobody else is, until half of the time is over once more. */
static int recheck(const struct naf_ks *ks, struct held *e, const struct naf_now *now)
{
	int64_t life_ms = (int64_t)ks->cfg.recheck_s * 1000;

	if (!life_ms || now->mono_ms - e->asked_ms < life_ms / 2)
		return 0;
	e->asked_ms = now->mono_ms;
	return now->mono_ms - e->sure_ms < life_ms ? NAF_KS_DUE : NAF_KS_OLD;
}

static int get_locked(struct naf_ks *ks, const struct naf_ks_id *id, struct span source, const struct naf_now *now,
		      struct gba_naf_key *out)
{
	struct naf_ks_id by_source;
	struct held *e;
	int rc;

	sweep(ks, now);
	e = naf_ks_find(ks, id);
	if (!e && add_source(&by_source, id, source))
		e = naf_ks_find(ks, &by_source);
	if (!e)
		return -EAGAIN;
	if (over(e, now) && e->refused) {
		held_drop(ks, e);
		return -EAGAIN;
	}
	if (over(e, now)) { /* the BSF would give the same key again, or none */
		refuse_locked(ks, id, now, -EKEYEXPIRED);
		return -EKEYEXPIRED;
	}
	if (e->refused)
		return e->refused; /* not made younger: it ends when its time is over */
	lru_remove(&ks->keys, e);
	lru_add(&ks->keys, e);
	rc = naf_key_copy(out, &e->key);
	return rc < 0 ? rc : recheck(ks, e, now);
}

int naf_ks_get(struct naf_ks *ks, const struct naf_ks_id *id, struct span source, const struct naf_now *now,
	       struct gba_naf_key *out)
{
	int rc;

	pthread_mutex_lock(&ks->lock);
	rc = get_locked(ks, id, source, now, out);
	pthread_mutex_unlock(&ks->lock);
	return rc;
}

/*! What the BSF did not say, and our own limit. */
static void set_life(const struct naf_ks *ks, const struct naf_now *now, struct gba_naf_key *key)
{
	if (key->expires_at == NAF_TIME_NONE)
		key->expires_at = now->wall_s + NO_EXPIRY_S;
	if (key->created_at == NAF_TIME_NONE)
		key->created_at = 0; /* as the application is told */
	else if (ks->cfg.age_max_s && key->created_at + ks->cfg.age_max_s < key->expires_at)
		key->expires_at = key->created_at + ks->cfg.age_max_s;
}

static void put_locked(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now,
		       struct gba_naf_key *key)
{
	const struct held *old = naf_ks_find(ks, id);
	struct held *e = held_new(ks);

	if (!e)
		return; /* used once, not kept */
	e->id = *id;
	e->sure_ms = e->asked_ms = now->mono_ms;
	e->failures = old ? old->failures : 0;
	e->told = old && old->told;
	e->key = *key;
	OPENSSL_cleanse(key, sizeof(*key)); /* moved: its uss_list is no longer the caller's */
	naf_ks_add(ks, e);
}

int naf_ks_put(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now, struct gba_naf_key *key,
	       struct gba_naf_key *out)
{
	int rc;

	set_life(ks, now, key);
	if (now->wall_s >= key->expires_at) {
		naf_key_clear(key);
		naf_ks_refuse(ks, id, span_of(NULL, 0), now, -EKEYEXPIRED);
		return -EKEYEXPIRED;
	}
	rc = naf_key_copy(out, key);
	pthread_mutex_lock(&ks->lock);
	if (rc == 0)
		put_locked(ks, id, now, key);
	pthread_mutex_unlock(&ks->lock);
	naf_key_clear(key); /* it has moved, or could not be kept */
	return rc;
}

void naf_ks_refuse(struct naf_ks *ks, const struct naf_ks_id *id, struct span source, const struct naf_now *now, int rc)
{
	struct naf_ks_id by_source;

	assert(rc < 0);
	if (rc == -ENOENT) {
		if (!add_source(&by_source, id, source))
			return;
		id = &by_source;
	}
	pthread_mutex_lock(&ks->lock);
	refuse_locked(ks, id, now, rc);
	pthread_mutex_unlock(&ks->lock);
}

void naf_ks_forget(struct naf_ks *ks, const struct naf_ks_id *id)
{
	struct held *e;

	pthread_mutex_lock(&ks->lock);
	e = naf_ks_find(ks, id);
	if (e && !e->refused)
		held_drop(ks, e);
	pthread_mutex_unlock(&ks->lock);
}

/*! Most lists do not hold it in any spelling, and are not read. */
static bool list_has_uid(const struct gba_naf_key *key, const char *uid)
{
	struct guss *g = NULL;
	bool found = false;

	if (!key->uss_list || (!memmem(key->uss_list, key->uss_list_len, uid, strlen(uid)) &&
			       !memchr(key->uss_list, '&', key->uss_list_len)))
		return false;
	if (guss_parse(&g, (const uint8_t *)key->uss_list, key->uss_list_len, NULL) < 0)
		return true; /* it may be in there, and the BSF says it again */
	for (size_t i = 0; i < g->n_uss; i++) {
		for (size_t k = 0; k < g->uss[i].n_uids; k++)
			found |= strcmp(g->uss[i].uids[k], uid) == 0;
	}
	guss_free(g);
	return found;
}

static unsigned drop_from(struct naf_ks *ks, struct lru *l, struct span btid, const char *uid)
{
	unsigned n = 0;

	for (struct held *e = l->oldest, *next; e; e = next) {
		next = e->newer;
		if (uid ? !list_has_uid(&e->key, uid) : memcmp(e->id.b, btid.p, btid.len) != 0)
			continue;
		held_drop(ks, e);
		n++;
	}
	return n;
}

unsigned naf_ks_drop(struct naf_ks *ks, const struct btid *btid, const char *uid)
{
	uint8_t begin[BTID_RAND_LEN + BSF_NAME_MAX + 1];
	struct span id = btid ? span_of(begin, btid_part(begin, btid)) : span_of(NULL, 0);
	unsigned n;

	pthread_mutex_lock(&ks->lock);
	n = drop_from(ks, &ks->keys, id, uid);
	if (btid)
		drop_from(ks, &ks->refusals, id, NULL);
	pthread_mutex_unlock(&ks->lock);
	return n;
}

unsigned naf_ks_failed(struct naf_ks *ks, const struct naf_ks_id *id)
{
	struct held *e;
	unsigned n = 0;

	pthread_mutex_lock(&ks->lock);
	e = naf_ks_find(ks, id);
	if (e && !e->refused)
		n = ++e->failures;
	pthread_mutex_unlock(&ks->lock);
	return n;
}

void naf_ks_proved(struct naf_ks *ks, const struct naf_ks_id *id)
{
	struct held *e;

	pthread_mutex_lock(&ks->lock);
	e = naf_ks_find(ks, id);
	if (e)
		e->failures = 0;
	pthread_mutex_unlock(&ks->lock);
}

/*! A key that lives shorter than twice renew_s is not asked to be renewed before half of its life is over: else each would be at once. */
static bool ends_soon(const struct naf_ks *ks, const struct gba_naf_key *key, const struct naf_now *now)
{
	int64_t left = key->expires_at - now->wall_s, half = (key->expires_at - key->created_at) / 2;

	return left <= (half < ks->cfg.renew_s ? half : ks->cfg.renew_s);
}

bool naf_ks_ending(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now)
{
	struct held *e;
	bool tell;

	if (!ks->cfg.renew_s)
		return false;
	pthread_mutex_lock(&ks->lock);
	e = naf_ks_find(ks, id);
	tell = e && !e->refused && !e->told && ends_soon(ks, &e->key, now);
	if (tell)
		e->told = true;
	pthread_mutex_unlock(&ks->lock);
	return tell;
}

void naf_ks_count(struct naf_ks *ks, unsigned *keys, unsigned *refusals)
{
	pthread_mutex_lock(&ks->lock);
	*keys = ks->keys.n;
	*refusals = ks->refusals.n;
	pthread_mutex_unlock(&ks->lock);
}
