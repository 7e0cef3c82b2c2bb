/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mem_identity.c
 *  Who has which sessions in memory, and which TMPI. */
#include "bsf/store/mem.h"

#include <errno.h>
#include <stdlib.h>

/* A TMPI is uniform, so its first octets choose. */
static struct mem_tmpi_node **tmpi_find(struct mem_tmpi_stripe *st, const uint8_t *tmpi)
{
	struct mem_tmpi_node **p = &st->buckets[tmpi[1]];

	while (*p && memcmp((*p)->tmpi, tmpi, TMPI_LEN))
		p = &(*p)->next;
	return p;
}

static struct mem_identity_stripe *identity_stripe(struct store_mem *m, const char *impi, unsigned *bucket)
{
	uint64_t h = m->seed ^ UINT64_C(0xcbf29ce484222325);
	struct impi key;

	impi_key(&key, impi);
	for (const char *c = key.s; *c; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	*bucket = (h >> 40) % MEM_BUCKETS;
	return &m->by_impi[(h >> 24) % MEM_STRIPES];
}

static struct mem_identity_node **identity_find(struct mem_identity_stripe *st, unsigned bucket, const char *impi)
{
	struct mem_identity_node **p = &st->buckets[bucket];

	while (*p && !impi_same((*p)->impi.s, impi))
		p = &(*p)->next;
	return p;
}

/* Under the stripe's lock. */
static void identity_free_if_empty(struct mem_identity_stripe *st, unsigned bucket, const char *impi)
{
	struct mem_identity_node **p = identity_find(st, bucket, impi), *id = *p;

	if (id && !id->sessions && !id->has_tmpi) {
		*p = id->next;
		free(id);
	}
}

static void tmpi_remove(struct store_mem *m, const uint8_t *tmpi)
{
	struct mem_tmpi_stripe *st = &m->by_tmpi[tmpi[0]];
	struct mem_tmpi_node **p, *n;

	pthread_mutex_lock(&st->lock);
	p = tmpi_find(st, tmpi);
	n = *p;
	if (n)
		*p = n->next;
	pthread_mutex_unlock(&st->lock);
	if (n)
		atomic_fetch_sub(&m->tmpis, 1);
	free(n);
}

static void tmpi_add(struct store_mem *m, struct mem_tmpi_node *n)
{
	struct mem_tmpi_stripe *st = &m->by_tmpi[n->tmpi[0]];
	struct mem_tmpi_node **p;

	pthread_mutex_lock(&st->lock);
	p = &st->buckets[n->tmpi[1]];
	n->next = *p;
	*p = n;
	pthread_mutex_unlock(&st->lock);
	atomic_fetch_add(&m->tmpis, 1);
}

/* What a put needs, made before any lock. */
struct put_nodes {
	struct mem_session_node *session;
	struct mem_session_ref *ref;
	struct mem_identity_node *identity; /* used if the IMPI is new */
	struct mem_tmpi_node *tmpi;
};

static void put_nodes_free(struct put_nodes *n)
{
	mem_session_node_free(n->session);
	free(n->ref);
	free(n->identity);
	free(n->tmpi);
}

static bool put_nodes_new(struct put_nodes *n, const struct gba_session *s)
{
	n->session = calloc(1, sizeof(*n->session));
	n->ref = calloc(1, sizeof(*n->ref));
	n->identity = calloc(1, sizeof(*n->identity));
	n->tmpi = calloc(1, sizeof(*n->tmpi));
	if (!n->session || !n->ref || !n->identity || !n->tmpi)
		return false;
	gba_session_copy(&n->session->s, s);
	memcpy(n->ref->rand, s->rand, AKA_RAND_LEN);
	memcpy(n->ref->bsf_name, s->bsf_name, sizeof(n->ref->bsf_name));
	n->identity->impi = s->impi;
	memcpy(n->tmpi->tmpi, s->tmpi, TMPI_LEN);
	n->tmpi->until_s = s->expires_at + STORE_TMPI_S;
	n->tmpi->impi = s->impi;
	return true;
}

/* Under the identity's lock: the session that is replaced, and the TMPI of any. */
static void identity_replace(struct store_mem *m, struct mem_identity_node *id, const struct gba_session *s)
{
	struct mem_session_ref **p = &id->sessions;

	while (*p) {
		struct mem_session_ref *ref = *p;

		if (!span_ieq(span_str(ref->bsf_name), span_str(s->bsf_name)) ||
		    !mem_session_remove(m, ref->rand, false)) {
			p = &ref->next;
			continue;
		}
		*p = ref->next;
		free(ref);
	}
	if (id->has_tmpi)
		tmpi_remove(m, id->tmpi);
	id->has_tmpi = s->has_tmpi;
	memcpy(id->tmpi, s->tmpi, TMPI_LEN);
}

int mem_identity_put(struct store_mem *m, const struct gba_session *s)
{
	struct put_nodes n = { 0 };
	struct mem_identity_stripe *st;
	struct mem_identity_node **p;
	unsigned bucket;
	int rc = -ENOSPC;

	if (!put_nodes_new(&n, s))
		goto out;
	st = identity_stripe(m, s->impi.s, &bucket);
	pthread_mutex_lock(&st->lock);
	guss_pushes_take(m->sh.pushes, s->impi.s, &n.session->s.guss);
	rc = mem_session_add(m, n.session);
	if (rc == 0) {
		n.session = NULL;
		p = identity_find(st, bucket, s->impi.s);
		if (!*p) {
			*p = n.identity;
			n.identity = NULL;
		}
		identity_replace(m, *p, s);
		n.ref->next = (*p)->sessions;
		(*p)->sessions = n.ref;
		n.ref = NULL;
		if (s->has_tmpi) {
			tmpi_add(m, n.tmpi);
			n.tmpi = NULL;
		}
		atomic_fetch_add(&m->puts, 1);
	}
	pthread_mutex_unlock(&st->lock);
out:
	put_nodes_free(&n);
	return rc;
}

int mem_identity_by_tmpi(struct store_mem *m, const uint8_t *tmpi, struct impi *out)
{
	struct mem_tmpi_stripe *st = &m->by_tmpi[tmpi[0]];
	struct mem_tmpi_node *n;
	int rc = -ENOENT;

	pthread_mutex_lock(&st->lock);
	n = *tmpi_find(st, tmpi);
	if (n && n->until_s > store_wall_s()) {
		*out = n->impi;
		rc = 0;
	}
	pthread_mutex_unlock(&st->lock);
	return rc;
}

/* \returns the first that is over, in out */
static bool tmpi_over(struct mem_tmpi_stripe *st, int64_t now, struct mem_tmpi_node *out)
{
	bool found = false;

	pthread_mutex_lock(&st->lock);
	for (unsigned b = 0; b < MEM_BUCKETS && !found; b++)
		for (struct mem_tmpi_node *n = st->buckets[b]; n && !found; n = n->next)
			if ((found = n->until_s <= now))
				*out = *n;
	pthread_mutex_unlock(&st->lock);
	return found;
}

void mem_identity_sweep(struct store_mem *m, struct mem_tmpi_stripe *tmpis, int64_t now)
{
	struct mem_tmpi_node over;

	while (tmpi_over(tmpis, now, &over)) {
		unsigned bucket;
		struct mem_identity_stripe *st = identity_stripe(m, over.impi.s, &bucket);
		struct mem_identity_node *id;

		pthread_mutex_lock(&st->lock);
		id = *identity_find(st, bucket, over.impi.s);
		if (id && id->has_tmpi && memcmp(id->tmpi, over.tmpi, TMPI_LEN) == 0)
			id->has_tmpi = false;
		tmpi_remove(m, over.tmpi);
		identity_free_if_empty(st, bucket, over.impi.s);
		pthread_mutex_unlock(&st->lock);
	}
}

unsigned mem_identity_revoke(struct store_mem *m, const char *impi)
{
	unsigned bucket, revoked = 0;
	struct mem_identity_stripe *st = identity_stripe(m, impi, &bucket);
	struct mem_identity_node *id;

	pthread_mutex_lock(&st->lock);
	id = *identity_find(st, bucket, impi);
	for (struct mem_session_ref *ref = id ? id->sessions : NULL; ref; ref = ref->next)
		revoked += mem_session_revoke(m, ref->rand, NULL);
	pthread_mutex_unlock(&st->lock);
	return revoked;
}

void mem_identity_guss(struct store_mem *m, struct store_req *r)
{
	const int64_t when = guss_push_when(guss_blob_span(r->session.guss));
	unsigned bucket;
	struct mem_identity_stripe *st = identity_stripe(m, r->session.impi.s, &bucket);
	struct mem_identity_node *id;

	pthread_mutex_lock(&st->lock);
	id = *identity_find(st, bucket, r->session.impi.s);
	for (struct mem_session_ref *ref = id ? id->sessions : NULL; ref; ref = ref->next)
		mem_session_guss(m, ref->rand, r, when);
	pthread_mutex_unlock(&st->lock);
}

/* Forget a session that is over; its identity stays as long as it has a TMPI or another session. */
void mem_identity_forget(struct store_mem *m, const struct impi *impi, const uint8_t *rand)
{
	unsigned bucket;
	struct mem_identity_stripe *st = identity_stripe(m, impi->s, &bucket);
	struct mem_identity_node *id;

	pthread_mutex_lock(&st->lock);
	id = *identity_find(st, bucket, impi->s);
	for (struct mem_session_ref **r = id ? &id->sessions : NULL; r && *r; r = &(*r)->next) {
		struct mem_session_ref *ref = *r;

		if (memcmp(ref->rand, rand, AKA_RAND_LEN))
			continue;
		*r = ref->next;
		free(ref);
		mem_session_remove(m, rand, true);
		atomic_fetch_add(&m->swept, 1);
		break;
	}
	identity_free_if_empty(st, bucket, impi->s);
	pthread_mutex_unlock(&st->lock);
}

void mem_identity_free(struct mem_identity_node *id)
{
	while (id->sessions) {
		struct mem_session_ref *next = id->sessions->next;

		free(id->sessions);
		id->sessions = next;
	}
	free(id);
}
