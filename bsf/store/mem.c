/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mem.c
 *  The store in memory, for tests and first steps: gone with the process. */
#include "bsf/store/mem.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/crypto/rng.h"

/* A stripe of each table at every call of a shard: what is over goes as long as the store is used. */
static void mem_sweep(struct store_mem *m)
{
	unsigned at = atomic_fetch_add(&m->sweep_at, 1) % MEM_STRIPES;
	struct mem_session_stripe *st = &m->by_rand[at];
	int64_t now = store_wall_s();
	uint8_t rand[AKA_RAND_LEN];
	struct impi impi;

	while (mem_session_expired(st, now, store_expiry_max(&m->sh, now), &impi, rand))
		mem_identity_forget(m, &impi, rand);
	mem_identity_sweep(m, &m->by_tmpi[at], now);
	if (st == m->by_rand)
		marks_expire(m->sh.marks, store_clock_here_ms());
}

static int mem_mark(struct store_mem *m, struct store_req *r)
{
	int rc;

	store_mark_now(&m->sh, r, store_clock_here_ms());
	rc = marks_add(m->sh.marks, &r->mark);
	return rc == -EALREADY ? 0 : rc;
}

static bool mem_submit(struct store_shared *sh, struct store_req *r)
{
	struct store_mem *m = (struct store_mem *)sh;

	mem_sweep(m);
	r->rc = store_revokes(r->op) ? mem_mark(m, r) : 0;
	switch (r->op) {
	case STORE_CHALLENGE_PUT:
		r->rc = challenges_put(m->challenges, &r->challenge);
		break;
	case STORE_CHALLENGE_TAKE:
		r->rc = challenges_take(m->challenges, gba_challenge_key(&r->challenge), clock_mono_ms(),
					&r->challenge);
		break;
	case STORE_PUT:
		r->rc = mem_identity_put(m, &r->session);
		break;
	case STORE_GET:
		r->rc = mem_session_get(m, &r->key.btid, &r->session);
		break;
	case STORE_USE:
		store_use_here(sh, r);
		break;
	case STORE_FIND_TMPI:
		r->rc = mem_identity_by_tmpi(m, r->key.tmpi, &r->impi);
		break;
	case STORE_REVOKE_IMPI:
		if (r->rc == 0)
			r->revoked = mem_identity_revoke(m, r->impi.s);
		break;
	case STORE_REVOKE_BTID:
		if (r->rc == 0)
			r->revoked = mem_session_revoke(m, r->key.btid.rand, r->key.btid.domain);
		break;
	case STORE_REVOKE_NAF:
	case STORE_REVOKE_ALL:
		break;
	case STORE_RESEAL:
		r->rc = -ENOTSUP;
		break;
	case STORE_FIND_GUSS:
	case STORE_GUSS:
		mem_identity_guss(m, r);
		break;
	}
	return true;
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

/* One bucket of each table. */
static void buckets_free(struct mem_session_node *s, struct mem_identity_node *id, struct mem_tmpi_node *t)
{
	while (s) {
		struct mem_session_node *next = s->next;

		mem_session_node_free(s);
		s = next;
	}
	while (id) {
		struct mem_identity_node *next = id->next;

		mem_identity_free(id);
		id = next;
	}
	while (t) {
		struct mem_tmpi_node *next = t->next;

		free(t);
		t = next;
	}
}

static void mem_free(struct store_shared *sh)
{
	struct store_mem *m = (struct store_mem *)sh;

	for (unsigned i = 0; i < MEM_STRIPES; i++) {
		for (unsigned b = 0; b < MEM_BUCKETS; b++)
			buckets_free(m->by_rand[i].buckets[b], m->by_impi[i].buckets[b], m->by_tmpi[i].buckets[b]);
		pthread_mutex_destroy(&m->by_rand[i].lock);
		pthread_mutex_destroy(&m->by_impi[i].lock);
		pthread_mutex_destroy(&m->by_tmpi[i].lock);
	}
	challenges_free(m->challenges);
	marks_free(m->sh.marks);
	guss_pushes_free(m->sh.pushes);
	uses_free(m->sh.uses);
	free(m);
}

/* Names are hashed under a key that is gone with the process. */
static struct marks *mem_marks(void)
{
	struct seal_kek key = { .key = { .len = SEAL_KEK_LEN } };
	struct marks *m = rng_fill(key.key.b, SEAL_KEK_LEN) < 0 ? NULL : marks_new(&key, 1, MARKS_MAX);

	secret_clear(&key.key);
	return m;
}

static const struct store_backend mem_backend = {
	.submit = mem_submit,
	.clock_ms = store_clock_here,
	.figures = mem_figures,
	.free = mem_free,
};

struct store_shared *store_shared_mem_new(struct err *err)
{
	struct store_mem *m = calloc(1, sizeof(*m));

	if (!m)
		goto fail;
	m->sh.be = &mem_backend;
	m->challenges = challenges_new(CHALLENGES_MAX);
	m->sh.marks = mem_marks();
	m->sh.pushes = guss_pushes_new();
	m->sh.uses = uses_new(store_clock_here_ms());
	if (!m->challenges || !m->sh.marks || !m->sh.pushes || !m->sh.uses || rng_fill(&m->seed, sizeof(m->seed)) < 0)
		goto fail;
	for (unsigned i = 0; i < MEM_STRIPES; i++) {
		pthread_mutex_init(&m->by_rand[i].lock, NULL);
		pthread_mutex_init(&m->by_impi[i].lock, NULL);
		pthread_mutex_init(&m->by_tmpi[i].lock, NULL);
	}
	return &m->sh;
fail:
	if (m) {
		challenges_free(m->challenges);
		marks_free(m->sh.marks);
		guss_pushes_free(m->sh.pushes);
		uses_free(m->sh.uses);
	}
	free(m);
	err_set(err, -ENOMEM, "store: no memory");
	return NULL;
}
