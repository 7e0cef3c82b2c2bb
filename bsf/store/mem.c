/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mem.c
 *  The store in memory, for tests and first steps: gone with the process. Three hash tables of 256 stripes, a lock per
 *  stripe, copy in and copy out. Locks are taken in the order identity, session, TMPI. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bsf/store/backend.h"
#include "bsf/store/challenges.h"
#include "common/base/clock.h"
#include "common/crypto/rng.h"
#include "common/rt/deadline.h"

#define STRIPES 256
#define BUCKETS 256 /* per stripe */

struct session_node {
	struct session_node *next;
	bool revoked; /* tombstone: Ks is wiped, expires_at still holds */
	struct gba_session s;
};

struct session_ref {
	struct session_ref *next;
	uint8_t rand[AKA_RAND_LEN];
	char bsf_name[BSF_NAME_MAX + 1];
};

struct identity_node {
	struct identity_node *next;
	struct session_ref *sessions;
	bool has_tmpi; /* stays when its session is over (33.220 4.4.13) */
	uint8_t tmpi[TMPI_LEN];
	struct impi impi;
};

struct tmpi_node {
	struct tmpi_node *next;
	uint8_t tmpi[TMPI_LEN];
	struct impi impi;
};

struct session_stripe {
	pthread_mutex_t lock;
	struct session_node *buckets[BUCKETS];
};

struct identity_stripe {
	pthread_mutex_t lock;
	struct identity_node *buckets[BUCKETS];
};

struct tmpi_stripe {
	pthread_mutex_t lock;
	struct tmpi_node *buckets[BUCKETS];
};

struct store_mem {
	struct store_shared sh; /* must be first */
	struct challenges *challenges;
	uint64_t seed; /* of the IMPI hash */
	atomic_uint sweep_at;
	_Atomic uint64_t sessions, tmpis, puts, swept;
	struct session_stripe by_rand[STRIPES];
	struct identity_stripe by_impi[STRIPES];
	struct tmpi_stripe by_tmpi[STRIPES];
};

/* RAND and TMPI are uniform, so their first octets choose. */
static struct session_stripe *session_stripe(struct store_mem *m, const uint8_t *rand)
{
	return &m->by_rand[rand[0]];
}

static struct session_node **session_find(struct session_stripe *st, const uint8_t *rand)
{
	struct session_node **p = &st->buckets[rand[1]];

	while (*p && memcmp((*p)->s.rand, rand, AKA_RAND_LEN))
		p = &(*p)->next;
	return p;
}

static struct tmpi_node **tmpi_find(struct tmpi_stripe *st, const uint8_t *tmpi)
{
	struct tmpi_node **p = &st->buckets[tmpi[1]];

	while (*p && memcmp((*p)->tmpi, tmpi, TMPI_LEN))
		p = &(*p)->next;
	return p;
}

static struct identity_stripe *identity_stripe(struct store_mem *m, const char *impi, unsigned *bucket)
{
	uint64_t h = m->seed ^ UINT64_C(0xcbf29ce484222325);
	struct impi key;

	impi_key(&key, impi);
	for (const char *c = key.s; *c; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	*bucket = (h >> 40) % BUCKETS;
	return &m->by_impi[(h >> 24) % STRIPES];
}

static bool same_identity(const char *a, const char *b)
{
	struct impi ka, kb;

	impi_key(&ka, a);
	impi_key(&kb, b);
	return strcmp(ka.s, kb.s) == 0;
}

static struct identity_node **identity_find(struct identity_stripe *st, unsigned bucket, const char *impi)
{
	struct identity_node **p = &st->buckets[bucket];

	while (*p && !same_identity((*p)->impi.s, impi))
		p = &(*p)->next;
	return p;
}

static void session_node_free(struct session_node *n)
{
	if (n) {
		gba_session_clear(&n->s);
		free(n);
	}
}

/* \param[in] tombstone remove also what was revoked. \returns is it gone? */
static bool session_remove(struct store_mem *m, const uint8_t *rand, bool tombstone)
{
	struct session_stripe *st = session_stripe(m, rand);
	struct session_node **p, *n;

	pthread_mutex_lock(&st->lock);
	p = session_find(st, rand);
	n = *p;
	if (n && n->revoked && !tombstone) {
		pthread_mutex_unlock(&st->lock);
		return false;
	}
	if (n)
		*p = n->next;
	pthread_mutex_unlock(&st->lock);
	if (n && !n->revoked)
		atomic_fetch_sub(&m->sessions, 1);
	session_node_free(n);
	return true;
}

static void tmpi_remove(struct store_mem *m, const uint8_t *tmpi)
{
	struct tmpi_stripe *st = &m->by_tmpi[tmpi[0]];
	struct tmpi_node **p, *n;

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

static void tmpi_add(struct store_mem *m, struct tmpi_node *n)
{
	struct tmpi_stripe *st = &m->by_tmpi[n->tmpi[0]];
	struct tmpi_node **p;

	pthread_mutex_lock(&st->lock);
	p = &st->buckets[n->tmpi[1]];
	n->next = *p;
	*p = n;
	pthread_mutex_unlock(&st->lock);
	atomic_fetch_add(&m->tmpis, 1);
}

/* \returns false: this RAND is there already */
static bool session_add(struct store_mem *m, struct session_node *n)
{
	struct session_stripe *st = session_stripe(m, n->s.rand);
	struct session_node **p;
	bool added;

	pthread_mutex_lock(&st->lock);
	p = session_find(st, n->s.rand);
	added = !*p;
	if (added)
		*p = n;
	pthread_mutex_unlock(&st->lock);
	atomic_fetch_add(&m->sessions, added);
	return added;
}

/* What a put needs, made before any lock. */
struct put_nodes {
	struct session_node *session;
	struct session_ref *ref;
	struct identity_node *identity; /* used if the IMPI is new */
	struct tmpi_node *tmpi;
};

static void put_nodes_free(struct put_nodes *n)
{
	session_node_free(n->session);
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
	n->tmpi->impi = s->impi;
	return true;
}

/* Under the identity's lock: the session that is replaced, and the TMPI of any. */
static void identity_replace(struct store_mem *m, struct identity_node *id, const struct gba_session *s)
{
	struct session_ref **p = &id->sessions;

	while (*p) {
		struct session_ref *ref = *p;

		if (!span_ieq(span_str(ref->bsf_name), span_str(s->bsf_name)) || !session_remove(m, ref->rand, false)) {
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

static int mem_put(struct store_mem *m, const struct gba_session *s)
{
	struct put_nodes n = { 0 };
	struct identity_stripe *st;
	struct identity_node **p;
	unsigned bucket;
	int rc = -ENOSPC;

	if (!put_nodes_new(&n, s))
		goto out;
	st = identity_stripe(m, s->impi.s, &bucket);
	pthread_mutex_lock(&st->lock);
	guss_pushes_take(m->sh.pushes, s->impi.s, &n.session->s.guss);
	rc = session_add(m, n.session) ? 0 : -EEXIST;
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

static int mem_get(struct store_mem *m, const struct btid *id, struct gba_session *out)
{
	struct session_stripe *st = session_stripe(m, id->rand);
	int64_t now = store_wall_s();
	struct session_node *n;
	int rc = -ENOENT;

	pthread_mutex_lock(&st->lock);
	n = *session_find(st, id->rand);
	if (n && !n->revoked && store_session_is(&m->sh, &n->s, id, now)) {
		gba_session_copy(out, &n->s);
		rc = 0;
	}
	pthread_mutex_unlock(&st->lock);
	return rc;
}

static int mem_find_tmpi(struct store_mem *m, const uint8_t *tmpi, struct impi *out)
{
	struct tmpi_stripe *st = &m->by_tmpi[tmpi[0]];
	struct tmpi_node *n;

	pthread_mutex_lock(&st->lock);
	n = *tmpi_find(st, tmpi);
	if (n)
		*out = n->impi;
	pthread_mutex_unlock(&st->lock);
	return n ? 0 : -ENOENT;
}

/* \param[in] domain NULL: any. \returns 1 if a session that still counted was revoked */
static unsigned session_revoke(struct store_mem *m, const uint8_t *rand, const char *domain)
{
	struct session_stripe *st = session_stripe(m, rand);
	int64_t now = store_wall_s();
	struct session_node *n;
	unsigned revoked = 0;

	pthread_mutex_lock(&st->lock);
	n = *session_find(st, rand);
	if (n && !n->revoked && n->s.expires_at > now &&
	    (!domain || span_ieq(span_str(domain), span_str(n->s.bsf_name)))) {
		secret_clear(&n->s.ks);
		guss_blob_put(n->s.guss);
		n->s.guss = NULL;
		n->revoked = true;
		revoked = 1;
	}
	pthread_mutex_unlock(&st->lock);
	atomic_fetch_sub(&m->sessions, revoked);
	return revoked;
}

static unsigned mem_revoke_impi(struct store_mem *m, const char *impi)
{
	unsigned bucket, revoked = 0;
	struct identity_stripe *st = identity_stripe(m, impi, &bucket);
	struct identity_node *id;

	pthread_mutex_lock(&st->lock);
	id = *identity_find(st, bucket, impi);
	for (struct session_ref *ref = id ? id->sessions : NULL; ref; ref = ref->next)
		revoked += session_revoke(m, ref->rand, NULL);
	pthread_mutex_unlock(&st->lock);
	return revoked;
}

static void session_guss(struct store_mem *m, const uint8_t *rand, struct store_req *r, int64_t when)
{
	struct session_stripe *st = session_stripe(m, rand);
	int64_t now = store_wall_s();
	struct session_node *n;

	pthread_mutex_lock(&st->lock);
	n = *session_find(st, rand);
	if (n && !n->revoked && n->s.expires_at > now) {
		if (guss_push_replace(&n->s.guss, r->session.guss, when))
			r->revoked++;
		else
			r->as_new++;
	}
	pthread_mutex_unlock(&st->lock);
}

static void mem_guss(struct store_mem *m, struct store_req *r)
{
	const int64_t when = guss_push_when(guss_blob_span(r->session.guss));
	unsigned bucket;
	struct identity_stripe *st = identity_stripe(m, r->session.impi.s, &bucket);
	struct identity_node *id;

	pthread_mutex_lock(&st->lock);
	id = *identity_find(st, bucket, r->session.impi.s);
	for (struct session_ref *ref = id ? id->sessions : NULL; ref; ref = ref->next)
		session_guss(m, ref->rand, r, when);
	pthread_mutex_unlock(&st->lock);
}

/* Forget a session that is over; its identity stays as long as it has a TMPI or another session. */
static void session_forget(struct store_mem *m, const struct impi *impi, const uint8_t *rand)
{
	unsigned bucket;
	struct identity_stripe *st = identity_stripe(m, impi->s, &bucket);
	struct identity_node **p, *id;

	pthread_mutex_lock(&st->lock);
	p = identity_find(st, bucket, impi->s);
	id = *p;
	for (struct session_ref **r = id ? &id->sessions : NULL; r && *r; r = &(*r)->next) {
		struct session_ref *ref = *r;

		if (memcmp(ref->rand, rand, AKA_RAND_LEN))
			continue;
		*r = ref->next;
		free(ref);
		session_remove(m, rand, true);
		atomic_fetch_add(&m->swept, 1);
		break;
	}
	if (id && !id->sessions && !id->has_tmpi) {
		*p = id->next;
		free(id);
	}
	pthread_mutex_unlock(&st->lock);
}

/* The first session of a stripe that is over. */
static bool mem_expired(struct session_stripe *st, int64_t now, int64_t beyond, struct impi *impi, uint8_t *rand)
{
	bool found = false;

	pthread_mutex_lock(&st->lock);
	for (unsigned b = 0; b < BUCKETS && !found; b++)
		for (struct session_node *n = st->buckets[b]; n && !found; n = n->next) {
			if (n->s.expires_at > now && n->s.expires_at <= beyond)
				continue;
			*impi = n->s.impi;
			memcpy(rand, n->s.rand, AKA_RAND_LEN);
			found = true;
		}
	pthread_mutex_unlock(&st->lock);
	return found;
}

/* A stripe of each table at every call of a shard: what is over goes as long as the store is used. */
static void mem_sweep(struct store_mem *m)
{
	struct session_stripe *st = &m->by_rand[atomic_fetch_add(&m->sweep_at, 1) % STRIPES];
	int64_t now = store_wall_s();
	uint8_t rand[AKA_RAND_LEN];
	struct impi impi;

	while (mem_expired(st, now, store_expiry_max(&m->sh, now), &impi, rand))
		session_forget(m, &impi, rand);
}

static void mem_submit(struct store_shared *sh, struct store_req *r)
{
	struct store_mem *m = (struct store_mem *)sh;

	mem_sweep(m);
	r->rc = 0;
	switch (r->op) {
	case STORE_CHALLENGE_PUT:
		r->rc = challenges_put(m->challenges, &r->challenge);
		break;
	case STORE_CHALLENGE_TAKE:
		r->rc = challenges_take(m->challenges, gba_challenge_key(&r->challenge), clock_mono_ms(),
					&r->challenge);
		break;
	case STORE_PUT:
		r->rc = mem_put(m, &r->session);
		break;
	case STORE_GET:
		r->rc = mem_get(m, &r->key.btid, &r->session);
		break;
	case STORE_FIND_TMPI:
		r->rc = mem_find_tmpi(m, r->key.tmpi, &r->impi);
		break;
	case STORE_REVOKE_IMPI:
		r->revoked = mem_revoke_impi(m, r->impi.s);
		break;
	case STORE_REVOKE_BTID:
		r->revoked = session_revoke(m, r->key.btid.rand, r->key.btid.domain);
		break;
	case STORE_GUSS:
		mem_guss(m, r);
		break;
	}
	store_reply(r);
}

static int mem_get_now(struct store_shared *sh, const struct btid *id, struct gba_session *out)
{
	return mem_get((struct store_mem *)sh, id, out);
}

/* Everything is answered within submit(). */
static void mem_drain(struct store_shared *sh)
{
}

static void mem_figures(struct store_shared *sh, struct store_figures *out)
{
	struct store_mem *m = (struct store_mem *)sh;

	out->sessions = atomic_load(&m->sessions);
	out->tmpis = atomic_load(&m->tmpis);
	out->challenges = challenges_count(m->challenges);
	out->commits = out->committed_records = atomic_load(&m->puts);
	out->swept = atomic_load(&m->swept);
}

static void identity_free(struct identity_node *id)
{
	while (id->sessions) {
		struct session_ref *next = id->sessions->next;

		free(id->sessions);
		id->sessions = next;
	}
	free(id);
}

/* One bucket of each table. */
static void buckets_free(struct session_node *s, struct identity_node *id, struct tmpi_node *t)
{
	while (s) {
		struct session_node *next = s->next;

		session_node_free(s);
		s = next;
	}
	while (id) {
		struct identity_node *next = id->next;

		identity_free(id);
		id = next;
	}
	while (t) {
		struct tmpi_node *next = t->next;

		free(t);
		t = next;
	}
}

static void mem_free(struct store_shared *sh)
{
	struct store_mem *m = (struct store_mem *)sh;

	for (unsigned i = 0; i < STRIPES; i++) {
		for (unsigned b = 0; b < BUCKETS; b++)
			buckets_free(m->by_rand[i].buckets[b], m->by_impi[i].buckets[b], m->by_tmpi[i].buckets[b]);
		pthread_mutex_destroy(&m->by_rand[i].lock);
		pthread_mutex_destroy(&m->by_impi[i].lock);
		pthread_mutex_destroy(&m->by_tmpi[i].lock);
	}
	challenges_free(m->challenges);
	guss_pushes_free(m->sh.pushes);
	free(m);
}

static const struct store_backend mem_backend = { mem_submit, mem_get_now, mem_drain, mem_figures, mem_free };

struct store_shared *store_shared_mem_new(struct err *err)
{
	struct store_mem *m = calloc(1, sizeof(*m));

	if (!m)
		goto fail;
	m->sh.be = &mem_backend;
	m->challenges = challenges_new(CHALLENGES_MAX);
	m->sh.challenges = m->challenges;
	m->sh.pushes = guss_pushes_new();
	if (!m->challenges || !m->sh.pushes || rng_fill(&m->seed, sizeof(m->seed)) < 0)
		goto fail;
	for (unsigned i = 0; i < STRIPES; i++) {
		pthread_mutex_init(&m->by_rand[i].lock, NULL);
		pthread_mutex_init(&m->by_impi[i].lock, NULL);
		pthread_mutex_init(&m->by_tmpi[i].lock, NULL);
	}
	return &m->sh;
fail:
	if (m) {
		challenges_free(m->challenges);
		guss_pushes_free(m->sh.pushes);
	}
	free(m);
	err_set(err, -ENOMEM, "store: no memory");
	return NULL;
}
