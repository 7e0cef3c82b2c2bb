/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_nonce.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/evp.h"
#include "common/crypto/rng.h"
#include "naf-lib/naf_fork.h"

#define TIME_LEN 8
#define HEAD_LEN 16 /* time, random */
#define TAG_LEN  16
#define LABEL    "gba naf nonce v1"

/*! A nonce that somebody has proven to hold a key with. */
struct used {
	uint8_t id[HEAD_LEN + BTID_RAND_LEN]; /* first: the tree compares it */
	struct used *next;                    /* in the order of their first use */
	int64_t made_ms;
	uint32_t highest;
	uint64_t seen; /* bit i: highest - i has come */
};

struct naf_nonces {
	struct secret secret;
	int64_t life_ms;
	unsigned max;
	pthread_mutex_t lock;
	void *tree;
	struct used *first, *last;
	unsigned held;
	int64_t floor_ms; /* made at or before: over, unless still in the table */
};

struct naf_nonces *naf_nonces_new(const struct secret *secret, int64_t life_ms, unsigned max)
{
	struct naf_nonces *n = naf_fork_pages(sizeof(*n)); /* the secret is no child's */

	if (!n)
		return NULL;
	n->secret = *secret;
	n->life_ms = life_ms;
	n->max = max;
	n->floor_ms = -1;
	pthread_mutex_init(&n->lock, NULL);
	return n;
}

void naf_nonces_free(struct naf_nonces *n)
{
	if (!n)
		return;
	tdestroy(n->tree, free);
	pthread_mutex_destroy(&n->lock);
	naf_fork_pages_free(n, sizeof(*n));
}

static int tag(struct naf_nonces *n, const uint8_t head[HEAD_LEN], struct span realm, uint8_t out[TAG_LEN])
{
	const struct span pieces[] = { span_of(LABEL, sizeof(LABEL)), span_of(head, HEAD_LEN), realm };
	uint8_t mac[32];
	int rc = evp_hmac_sha256(mac, n->secret.b, n->secret.len, pieces, 3);

	if (rc == 0)
		memcpy(out, mac, TAG_LEN);
	return rc;
}

int naf_nonce_make(struct naf_nonces *n, struct span realm, int64_t now_ms, char out[NAF_NONCE_CHARS + 1])
{
	uint8_t raw[NAF_NONCE_OCTETS];
	int rc;

	be64_put(raw, (uint64_t)now_ms);
	rc = rng_fill(raw + TIME_LEN, HEAD_LEN - TIME_LEN);
	if (rc == 0)
		rc = tag(n, raw, realm, raw + HEAD_LEN);
	if (rc < 0)
		return rc;
	rc = b64_encode(out, NAF_NONCE_CHARS + 1, raw, sizeof(raw));
	return rc < 0 ? rc : 0;
}

static int open_nonce(uint8_t raw[NAF_NONCE_OCTETS], struct span nonce)
{
	if (nonce.len != NAF_NONCE_CHARS || b64_decode(raw, NAF_NONCE_OCTETS, nonce.p, nonce.len) != NAF_NONCE_OCTETS)
		return -ESTALE;
	return 0;
}

static bool over(const struct naf_nonces *n, int64_t made_ms, int64_t now_ms)
{
	return made_ms > now_ms || now_ms - made_ms >= n->life_ms;
}

int naf_nonce_check(struct naf_nonces *n, struct span nonce, struct span realm, int64_t now_ms)
{
	uint8_t raw[NAF_NONCE_OCTETS], want[TAG_LEN];
	int rc = open_nonce(raw, nonce);

	if (rc == 0)
		rc = tag(n, raw, realm, want);
	if (rc < 0)
		return rc;
	if (!octets_equal(want, raw + HEAD_LEN, TAG_LEN) || over(n, (int64_t)be64_get(raw), now_ms))
		return -ESTALE;
	return 0;
}

static int used_cmp(const void *a, const void *b)
{
	return memcmp(a, b, HEAD_LEN + BTID_RAND_LEN);
}

/*! The first of the list goes, and with it every nonce as old, used or not. */
static void forget_first(struct naf_nonces *n)
{
	struct used *u = n->first;

	n->first = u->next;
	if (!n->first)
		n->last = NULL;
	if (u->made_ms > n->floor_ms)
		n->floor_ms = u->made_ms;
	tdelete(u, &n->tree, used_cmp);
	free(u);
	n->held--;
}

static int first_use(struct naf_nonces *n, const struct used *key, uint32_t nc, int64_t now_ms)
{
	struct used *u;

	if (key->made_ms <= n->floor_ms)
		return -ESTALE;
	while (n->first && (n->held >= n->max || over(n, n->first->made_ms, now_ms)))
		forget_first(n);
	if (key->made_ms <= n->floor_ms) /* the room was made by what is younger */
		return -ESTALE;
	u = malloc(sizeof(*u));
	if (!u)
		return -ENOMEM;
	*u = *key;
	u->next = NULL;
	u->highest = nc;
	u->seen = 1;
	if (!tsearch(u, &n->tree, used_cmp)) {
		free(u);
		return -ENOMEM;
	}
	*(n->last ? &n->last->next : &n->first) = u;
	n->last = u;
	n->held++;
	return 0;
}

static int next_use(struct used *u, uint32_t nc)
{
	if (nc > u->highest) {
		uint32_t step = nc - u->highest;

		u->seen = step < NAF_NONCE_WINDOW ? u->seen << step | 1 : 1;
		u->highest = nc;
		return 0;
	}
	if (u->highest - nc >= NAF_NONCE_WINDOW || u->seen >> (u->highest - nc) & 1)
		return -EALREADY;
	u->seen |= 1ull << (u->highest - nc);
	return 0;
}

int naf_nonce_use(struct naf_nonces *n, struct span nonce, const uint8_t rand[BTID_RAND_LEN], uint32_t nc,
		  int64_t now_ms)
{
	uint8_t raw[NAF_NONCE_OCTETS];
	struct used key = { 0 }, **node;
	int rc = open_nonce(raw, nonce);

	if (rc < 0)
		return rc;
	memcpy(key.id, raw, HEAD_LEN);
	memcpy(key.id + HEAD_LEN, rand, BTID_RAND_LEN);
	key.made_ms = (int64_t)be64_get(raw);
	pthread_mutex_lock(&n->lock);
	node = tfind(&key, &n->tree, used_cmp);
	if (over(n, key.made_ms, now_ms))
		rc = -ESTALE;
	else
		rc = node ? next_use(*node, nc) : first_use(n, &key, nc, now_ms);
	pthread_mutex_unlock(&n->lock);
	return rc;
}

unsigned naf_nonces_held(struct naf_nonces *n)
{
	unsigned held;

	pthread_mutex_lock(&n->lock);
	held = n->held;
	pthread_mutex_unlock(&n->lock);
	return held;
}
