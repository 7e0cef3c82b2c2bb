/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_zn.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

/* Key-ExpiryTime is optional in the BIA (29.109 5.2); a key without one is used for a short while. */
#define NO_EXPIRY_S 300

/*! One question on its way and those who wait for it. */
struct pending {
	struct pending *next;
	struct naf_ks_id id;
	uint64_t txn;
	unsigned waiting;
	bool done;
	int rc;
	struct gba_naf_key key;
	pthread_cond_t answered;
};

struct naf_zn {
	struct naf_transport t;
	struct naf_ks *ks;
	naf_clock_fn *clock;
	pid_t pid; /* nothing here survives a fork */
	unsigned in_flight, max;
	uint64_t last_txn;
	struct pending *first; /* at most max: a walk is cheap beside a message */
	pthread_mutex_t lock;
};

void naf_clock(struct naf_now *out)
{
	out->mono_ms = (int64_t)clock_mono_ms();
	out->wall_s = time(NULL);
}

struct naf_zn *naf_zn_new(const struct naf_transport *t, struct naf_ks *ks, unsigned in_flight, naf_clock_fn *clock)
{
	struct naf_zn *zn = calloc(1, sizeof(*zn));

	if (!zn)
		return NULL;
	zn->t = *t;
	zn->ks = ks;
	zn->clock = clock;
	zn->pid = getpid();
	zn->max = in_flight;
	pthread_mutex_init(&zn->lock, NULL);
	return zn;
}

static void pending_free(struct pending *p)
{
	naf_key_clear(&p->key);
	pthread_cond_destroy(&p->answered);
	free(p);
}

void naf_zn_free(struct naf_zn *zn)
{
	if (!zn)
		return;
	if (zn->pid == getpid())
		zn->t.close(zn->t.self, zn);
	pthread_mutex_destroy(&zn->lock);
	free(zn);
}

bool naf_zn_connected(struct naf_zn *zn)
{
	return zn->pid == getpid() && zn->t.connected(zn->t.self);
}

static struct pending *pending_new(const struct naf_ks_id *id, uint64_t txn)
{
	struct pending *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return NULL;
	p->id = *id;
	p->txn = txn;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->answered, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

/*! A new question. Under the lock. */
static int begin(struct naf_zn *zn, const struct naf_ks_id *id, struct pending **out)
{
	struct pending *p;

	if (zn->in_flight >= zn->max)
		return -EBUSY;
	p = pending_new(id, ++zn->last_txn);
	if (!p)
		return -ENOMEM;
	p->next = zn->first;
	zn->first = p;
	zn->in_flight++;
	*out = p;
	return 0;
}

static struct pending *find_question(struct naf_zn *zn, const struct naf_ks_id *id)
{
	struct pending *p = zn->first;

	while (p && (p->done || naf_ks_id_cmp(&p->id, id) != 0))
		p = p->next;
	return p;
}

/*! One waits no longer; the last one takes the question with it. Under the lock. */
static void leave(struct naf_zn *zn, struct pending *p)
{
	struct pending **at = &zn->first;

	if (--p->waiting)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	zn->in_flight--;
	pending_free(p);
}

static int wait_for(struct naf_zn *zn, struct pending *p, const struct timespec *until, struct gba_naf_key *out)
{
	int rc = 0;

	while (!p->done && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&p->answered, &zn->lock, until);
	if (!p->done)
		return -ETIMEDOUT;
	return p->rc ? p->rc : naf_key_copy(out, &p->key);
}

static void finish(struct pending *p, int rc)
{
	p->rc = rc;
	p->done = true;
	pthread_cond_broadcast(&p->answered);
}

/*! Send it. The lock is given up meanwhile, because the answer may come from within. */
static void ask(struct naf_zn *zn, struct pending *p, const struct naf_question *given)
{
	struct naf_question q = *given;
	int rc;

	q.zn = zn;
	q.txn = p->txn;
	pthread_mutex_unlock(&zn->lock);
	rc = zn->t.start(zn->t.self, &q);
	pthread_mutex_lock(&zn->lock);
	if (rc < 0 && !p->done)
		finish(p, rc);
}

/*! Under the lock. \param[out] joined the answer is one to somebody's earlier question */
static int fetch_once(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q,
		      const struct timespec *until, struct gba_naf_key *out, bool *joined)
{
	struct pending *p = find_question(zn, id);
	struct naf_now now;
	int rc;

	*joined = p;
	if (!p) {
		zn->clock(&now);
		rc = naf_ks_get(zn->ks, id, q->source, &now, out); /* an answer may have come since the caller looked */
		if (rc == -EAGAIN)
			rc = begin(zn, id, &p);
		if (!p)
			return rc;
	}
	p->waiting++;
	if (!*joined)
		ask(zn, p, q);
	rc = wait_for(zn, p, until, out);
	leave(zn, p);
	if (rc == -ENOENT && !*joined) {
		zn->clock(&now);
		naf_ks_refuse(zn->ks, id, q->source, &now, rc);
	}
	return rc;
}

int naf_zn_fetch(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q, unsigned deadline_ms,
		 struct gba_naf_key *out)
{
	struct timespec until;
	bool joined;
	int rc;

	until = clock_mono_after(deadline_ms);
	pthread_mutex_lock(&zn->lock);
	rc = fetch_once(zn, id, q, &until, out, &joined);
	if (rc == -ENOENT && joined) /* whatever is on its way now was sent after we came */
		rc = fetch_once(zn, id, q, &until, out, &joined);
	pthread_mutex_unlock(&zn->lock);
	return rc;
}

unsigned naf_zn_waiting(struct naf_zn *zn)
{
	unsigned n = 0;

	pthread_mutex_lock(&zn->lock);
	for (struct pending *p = zn->first; p; p = p->next)
		n += p->done ? 0 : p->waiting;
	pthread_mutex_unlock(&zn->lock);
	return n;
}

static struct pending *find_txn(struct naf_zn *zn, uint64_t txn)
{
	struct pending *p = zn->first;

	while (p && (p->txn != txn || p->done))
		p = p->next;
	return p;
}

void naf_zn_answer(struct naf_zn *zn, uint64_t txn, int rc, struct gba_naf_key *key)
{
	struct pending *p;
	struct naf_now now;

	zn->clock(&now);
	pthread_mutex_lock(&zn->lock);
	p = find_txn(zn, txn);
	if (p && rc == 0) {
		if (!key->expires_at)
			key->expires_at = now.wall_s + NO_EXPIRY_S;
		rc = naf_ks_put(zn->ks, &p->id, &now, key, &p->key);
	} else if (p && rc == -EPERM) { /* for everybody; the unknown is for who asked */
		naf_ks_refuse(zn->ks, &p->id, span_of(NULL, 0), &now, rc);
	}
	if (p)
		finish(p, rc);
	pthread_mutex_unlock(&zn->lock);
	if (key)
		naf_key_clear(key); /* nobody waits any more: late, or answered before */
}
