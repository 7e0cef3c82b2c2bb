/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_zn.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <openssl/crypto.h>
#include <sys/timerfd.h>

#include "common/base/clock.h"

/*! One question on its way and those who wait for it. */
struct naf_zn_question {
	struct naf_zn_question *next;
	struct naf_ks_id id;
	uint64_t txn;
	struct naf_waiter *first; /* NULL: nobody waits, until is the end of it */
	uint64_t until_ms;
	bool dropped; /* what comes is not kept */
};

struct naf_zn {
	struct naf_transport t;
	struct naf_ks *ks;
	naf_clock_fn *clock;
	unsigned in_flight, max;
	uint64_t last_txn;
	struct naf_zn_question *first; /* at most max: a walk is cheap beside a message */
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
	zn->max = in_flight;
	pthread_mutex_init(&zn->lock, NULL);
	return zn;
}

bool naf_zn_connected(struct naf_zn *zn)
{
	return zn->t.connected(zn->t.self);
}

/* Waiters. Under the lock. */

static bool is_final(int rc)
{
	return rc == -ENOENT || rc == -EPERM || rc == -EKEYEXPIRED;
}

/*! What the BSF did not say does not take a key away that there is. \returns rc of the waiter */
static int keep_what_is_there(struct naf_waiter *w, int rc)
{
	if (!w->q.anew || rc == 0)
		return rc;
	if (!is_final(rc))
		return 0;
	naf_key_clear(&w->key);
	return rc;
}

/*! Its owner may release it from here on: done is the last that is touched. */
static void waiter_done(struct naf_waiter *w, int rc)
{
	const struct itimerspec at_once = { .it_value = { .tv_nsec = 1 } };

	w->of = NULL;
	w->rc = keep_what_is_there(w, rc);
	if (w->timer >= 0)
		timerfd_settime(w->timer, 0, &at_once, NULL);
	else
		pthread_cond_signal(&w->came);
	atomic_store_explicit(&w->done, true, memory_order_release);
}

static struct span source_of(const struct naf_waiter *w)
{
	return w->q.has_source ? span_str(w->q.source) : span_of(NULL, 0);
}

static void link_to(struct naf_waiter *w, struct naf_zn_question *q)
{
	w->of = q;
	w->next = q->first;
	q->first = w;
}

/* Questions. Under the lock. */

static struct naf_zn_question *find_question(struct naf_zn *zn, const struct naf_ks_id *id)
{
	struct naf_zn_question *q = zn->first;

	while (q && naf_ks_id_cmp(&q->id, id) != 0)
		q = q->next;
	return q;
}

static struct naf_zn_question *find_txn(struct naf_zn *zn, uint64_t txn)
{
	struct naf_zn_question *q = zn->first;

	while (q && q->txn != txn)
		q = q->next;
	return q;
}

static void question_free(struct naf_zn *zn, struct naf_zn_question *q)
{
	struct naf_zn_question **at = &zn->first;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	zn->in_flight--;
	free(q);
}

/*! Those that nobody waits for and that were not answered in their time. */
static void reap(struct naf_zn *zn)
{
	uint64_t now = clock_mono_ms();

	for (struct naf_zn_question *q = zn->first, *next; q; q = next) {
		next = q->next;
		if (!q->first && q->until_ms <= now)
			question_free(zn, q);
	}
}

static int question_new(struct naf_zn *zn, const struct naf_ks_id *id, struct naf_zn_question **out)
{
	struct naf_zn_question *q;

	if (zn->in_flight >= zn->max)
		return -EBUSY;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->id = *id;
	q->txn = ++zn->last_txn;
	q->next = zn->first;
	zn->first = q;
	zn->in_flight++;
	*out = q;
	return 0;
}

/*! The last one takes the question with it. */
static void leave(struct naf_zn *zn, struct naf_waiter *w)
{
	struct naf_zn_question *q = w->of;
	struct naf_waiter **at = &q->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->of = NULL;
	if (!q->first)
		question_free(zn, q);
}

/*! Who came while it was on its way asks once more, if it was unknown then, or over long before his own deadline. */
static bool asks_again(const struct naf_waiter *w, int rc)
{
	uint64_t now = clock_mono_ms(), left = now < w->until_ms ? w->until_ms - now : 0;

	if (w->asker || w->again)
		return false;
	return rc == -ENOENT ? left > 0 : rc == -ETIMEDOUT && left > w->q.deadline_ms / 2;
}

static void tell(struct naf_zn *zn, struct naf_waiter *w, int rc, const struct gba_naf_key *key,
		 const struct naf_now *now)
{
	struct gba_naf_key copy;

	if (rc == -ENOENT && w->asker)
		naf_ks_refuse(zn->ks, &w->id, source_of(w), now, rc);
	if (rc == 0 && naf_key_copy(&copy, key) < 0)
		rc = -ENOMEM;
	if (rc == 0) {
		naf_key_clear(&w->key);
		w->key = copy; /* moves */
		OPENSSL_cleanse(&copy, sizeof(copy));
	}
	waiter_done(w, rc);
}

/*! \returns those who ask again */
static struct naf_waiter *end_question(struct naf_zn *zn, struct naf_zn_question *q, int rc,
				       const struct gba_naf_key *key)
{
	struct naf_waiter *again = NULL, *w, *next;
	struct naf_now now;

	zn->clock(&now);
	for (w = q->first; w; w = next) {
		next = w->next;
		if (asks_again(w, rc)) {
			w->next = again;
			again = w;
		} else {
			tell(zn, w, rc, key, &now);
		}
	}
	question_free(zn, q);
	return again;
}

static void restart(struct naf_zn *zn, struct naf_waiter *list);

/*! Send it. The lock is given up meanwhile, because the answer may come from within; who waits for it may be over then. */
static void ask(struct naf_zn *zn, const struct naf_question *what, uint64_t txn)
{
	struct naf_question given = *what;
	struct naf_zn_question *q;
	int rc;

	given.zn = zn;
	given.txn = txn;
	pthread_mutex_unlock(&zn->lock);
	rc = zn->t.start(zn->t.self, &given);
	pthread_mutex_lock(&zn->lock);
	q = rc < 0 ? find_txn(zn, txn) : NULL;
	if (q)
		restart(zn, end_question(zn, q, rc, NULL));
}

/*! Wait for what is on its way, what is known by now, or for a new question. \returns its txn, to be asked; 0: none */
static uint64_t enter(struct naf_zn *zn, struct naf_waiter *w)
{
	struct naf_zn_question *q;
	struct naf_now now;
	int rc = -EAGAIN;

	reap(zn);
	q = find_question(zn, &w->id);
	if (q) {
		link_to(w, q);
		return 0;
	}
	zn->clock(&now);
	if (!w->q.anew) /* an answer may have come since the caller looked */
		rc = naf_ks_get(zn->ks, &w->id, source_of(w), &now, &w->key);
	if (rc == -EAGAIN)
		rc = question_new(zn, &w->id, &q);
	if (!q) {
		waiter_done(w, rc > 0 ? 0 : rc);
		return 0;
	}
	w->asker = true;
	link_to(w, q);
	return q->txn;
}

/*! All of the list want the same: the first of them asks, if nobody does already. */
static void restart(struct naf_zn *zn, struct naf_waiter *list)
{
	struct naf_waiter *asker = NULL, *w, *next;
	uint64_t txn = 0;

	for (w = list; w; w = next) {
		uint64_t t;

		next = w->next;
		w->again = true;
		t = enter(zn, w);
		if (t) {
			txn = t;
			asker = w;
		}
	}
	if (txn)
		ask(zn, &asker->q, txn);
}

static void zn_start(struct naf_zn *zn, struct naf_waiter *w, const struct naf_ks_id *id, const struct naf_question *q)
{
	uint64_t txn;

	w->id = *id;
	w->q = *q;
	w->until_ms = clock_mono_ms() + q->deadline_ms;
	txn = enter(zn, w);
	if (txn)
		ask(zn, &w->q, txn);
}

int naf_zn_fetch(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q, struct gba_naf_key *out)
{
	struct timespec until = clock_mono_after(q->deadline_ms);
	struct naf_waiter w = { .timer = -1 };
	pthread_condattr_t attr;
	int rc = 0;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w.came, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_lock(&zn->lock);
	if (q->anew)
		w.key = *out; /* moves, and back at the end */
	zn_start(zn, &w, id, q);
	while (!w.done && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&w.came, &zn->lock, &until);
	rc = w.done ? w.rc : keep_what_is_there(&w, -ETIMEDOUT);
	if (!w.done)
		leave(zn, &w);
	pthread_mutex_unlock(&zn->lock);
	pthread_cond_destroy(&w.came);
	if (rc == 0 || q->anew)
		*out = w.key; /* moves */
	OPENSSL_cleanse(&w.key, sizeof(w.key));
	return rc;
}

void naf_zn_start(struct naf_zn *zn, struct naf_waiter *w, const struct naf_ks_id *id, const struct naf_question *q)
{
	struct timespec until = clock_mono_after(q->deadline_ms);
	const struct itimerspec at = { .it_value = until };

	timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL);
	pthread_mutex_lock(&zn->lock);
	zn_start(zn, w, id, q);
	pthread_mutex_unlock(&zn->lock);
}

void naf_zn_again(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q)
{
	struct naf_zn_question *own = NULL;

	pthread_mutex_lock(&zn->lock);
	reap(zn);
	if (!find_question(zn, id) && question_new(zn, id, &own) == 0) {
		own->until_ms = clock_mono_ms() + q->deadline_ms;
		ask(zn, q, own->txn);
	}
	pthread_mutex_unlock(&zn->lock);
}

void naf_zn_dropped(struct naf_zn *zn)
{
	pthread_mutex_lock(&zn->lock);
	for (struct naf_zn_question *q = zn->first; q; q = q->next)
		q->dropped = true;
	pthread_mutex_unlock(&zn->lock);
}

bool naf_zn_over(struct naf_zn *zn, struct naf_waiter *w)
{
	if (atomic_load_explicit(&w->done, memory_order_acquire))
		return true;
	pthread_mutex_lock(&zn->lock);
	if (!w->done && clock_mono_ms() >= w->until_ms) {
		leave(zn, w);
		waiter_done(w, -ETIMEDOUT);
	}
	pthread_mutex_unlock(&zn->lock);
	return w->done;
}

void naf_zn_leave(struct naf_zn *zn, struct naf_waiter *w)
{
	if (atomic_load_explicit(&w->done, memory_order_acquire))
		return;
	pthread_mutex_lock(&zn->lock);
	if (!w->done)
		leave(zn, w);
	pthread_mutex_unlock(&zn->lock);
}

unsigned naf_zn_waiting(struct naf_zn *zn)
{
	unsigned n = 0;

	pthread_mutex_lock(&zn->lock);
	for (struct naf_zn_question *q = zn->first; q; q = q->next)
		for (struct naf_waiter *w = q->first; w; w = w->next)
			n++;
	pthread_mutex_unlock(&zn->lock);
	return n;
}

void naf_zn_answer(struct naf_zn *zn, uint64_t txn, int rc, struct gba_naf_key *key)
{
	struct gba_naf_key kept = { 0 };
	struct naf_zn_question *q;
	struct naf_now now;

	zn->clock(&now);
	pthread_mutex_lock(&zn->lock);
	q = find_txn(zn, txn);
	if (q && rc == 0)
		rc = naf_ks_put(zn->ks, &q->id, &now, key, &kept);
	else if (q && rc == -EPERM) /* for everybody; the unknown is for who asked */
		naf_ks_refuse(zn->ks, &q->id, span_of(NULL, 0), &now, rc);
	if (q && (rc == -ENOENT || (rc == 0 && q->dropped)))
		naf_ks_forget(zn->ks, &q->id);
	if (q)
		restart(zn, end_question(zn, q, rc, &kept));
	pthread_mutex_unlock(&zn->lock);
	naf_key_clear(&kept);
	if (key)
		naf_key_clear(key); /* nobody waits any more: late, or answered before */
}

void naf_zn_free(struct naf_zn *zn)
{
	if (!zn)
		return;
	zn->t.close(zn->t.self, zn);
	pthread_mutex_lock(&zn->lock);
	while (zn->first) {
		while (zn->first->first) {
			struct naf_waiter *w = zn->first->first;

			zn->first->first = w->next;
			waiter_done(w, -ECANCELED);
		}
		question_free(zn, zn->first);
	}
	pthread_mutex_unlock(&zn->lock);
	pthread_mutex_destroy(&zn->lock);
	free(zn);
}
