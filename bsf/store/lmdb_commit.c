/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_commit.c
 *  The committer: one thread that waits for the disk, so that no shard does. What arrives while it waits shares the
 *  next transaction (group commit). It also sweeps what is over, a little at a time. */
#include <errno.h>
#include <stdlib.h>

#include "bsf/store/lmdb.h"
#include "common/base/clock.h"
#include "common/base/signals.h"
#include "common/rt/deadline.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define BATCH_MAX 512
/* Each record lies on a page of its own, with branches above, and a kernel that does not preempt itself writes all pages of
 * a transaction in one go (fdatasync): for so long a shard that needs this core waits, whatever its priority. So what can
 * wait goes in small pieces. */
#define SWEEP_IDLE    32 /* records of one transaction */
#define SWEEP_MORE    32 /* the same with traffic, beyond the number of requests */
#define SWEEP_MAX     (BATCH_MAX + SWEEP_MORE)
#define SWEEP_PLACES  8192 /* of the index, looked at in one go: the lock is held some 50 us */
#define SWEEP_ROUND_S 32   /* the whole index is looked at once in this time */
#define TICK_MS       1000
#define FULL_MS       200 /* after a full disk nothing is tried for so long */
/* Between two pieces; as long as a piece took where that is more, so that others have half of the disk's time. */
#define TICK_SWEEPING_MS 5
/* The wall clock leapt: what seems over may not be, once somebody has put the clock right. */
#define CLOCK_LEAP_S        60
#define CLOCK_LEAP_PAUSE_MS (3600 * 1000)

struct lmdb_committer {
	struct store_lmdb *l;
	pthread_t thread;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct store_req *first, **last;
	uint64_t submitted, answered;
	bool stop;
	/* of the thread */
	uint64_t full_until_ms, sweep_from_ms, tokens_at_ms;
	uint64_t beyond_from_ms; /* as sweep_from_ms, for what ends too late to be right; also after a start */
	size_t tokens;           /* places of the index that may be looked at */
	size_t sweep_max;        /* shrinks when there is no room even to take away */
	int64_t clock_offset_s;
	int64_t wall_s; /* of this turn: what is swept goes by the reading that was found sound */
	bool is_full;   /* last thing said in the log */
	struct index_entry over[SWEEP_MAX];
};

void lmdb_committer_submit(struct lmdb_committer *c, struct store_req *r)
{
	bool wake;

	r->next = NULL;
	pthread_mutex_lock(&c->lock);
	wake = c->first == NULL;
	*c->last = r;
	c->last = &r->next;
	c->submitted++;
	pthread_mutex_unlock(&c->lock);
	if (wake)
		pthread_cond_signal(&c->wake);
}

void lmdb_committer_drain(struct lmdb_committer *c)
{
	uint64_t until;

	pthread_mutex_lock(&c->lock);
	until = c->submitted;
	while (c->answered < until)
		pthread_cond_wait(&c->idle, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

/* Wait for work, at most wait_ms. \returns up to BATCH_MAX requests, chained; NULL: time for a sweep, or *stop */
static struct store_req *queue_take(struct lmdb_committer *c, uint64_t wait_ms, size_t *n, bool *stop)
{
	struct store_req *batch, **end;
	struct timespec until;
	uint64_t at = clock_mono_ms() + wait_ms;

	until = (struct timespec){ (time_t)(at / 1000), (long)(at % 1000) * 1000000 };
	pthread_mutex_lock(&c->lock);
	while (!c->first && !c->stop && pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
		;
	batch = c->first;
	*n = 0;
	for (end = &batch; *end && *n < BATCH_MAX; end = &(*end)->next)
		++*n;
	c->first = *end;
	if (!c->first)
		c->last = &c->first;
	*end = NULL;
	*stop = c->stop && !batch;
	pthread_mutex_unlock(&c->lock);
	return batch;
}

static void batch_answer(struct lmdb_committer *c, struct store_req *batch, size_t n)
{
	while (batch) {
		struct store_req *next = batch->next;

		store_reply(batch);
		batch = next;
	}
	pthread_mutex_lock(&c->lock);
	c->answered += n;
	pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->lock);
}

/* An operator must know that it is full, once, and that it no longer is. */
static void say_full(struct lmdb_committer *c, bool full)
{
	if (full == c->is_full)
		return;
	c->is_full = full;
	if (full)
		log_line_reason(DSTORE, LOGL_ERROR, CAUSE_store_full,
				"map-size-gib reached or disk full, new sessions are refused");
	else
		LOGT(DSTORE, LOGL_NOTICE, "store: there is room again\n");
}

static void say_broken(int rc)
{
	if (rc == -EIO && log_rate_ok(DSTORE))
		log_line_reason(DSTORE, LOGL_ERROR, CAUSE_store_failed, "the database cannot be written");
	if (rc == -EBADMSG && log_rate_ok(DSTORE))
		log_line_reason(DSTORE, LOGL_ERROR, CAUSE_store_failed,
				"the database has a damaged page: who belongs there cannot be stored; a restart saves "
				"what can be read");
}

struct room {
	size_t octets, puts;
};

static struct room room_needed(const struct store_req *batch)
{
	struct room need = { 0 };

	for (; batch; batch = batch->next)
		if (batch->op == STORE_RESEAL)
			need.puts += LMDB_RESEAL_MAX;
		else if (batch->op == STORE_PUT || batch->op == STORE_GUSS) {
			need.octets += batch->op == STORE_PUT
					       ? batch->record_len
					       : RECORD_HEAD_LEN + guss_blob_span(batch->session.guss).len;
			need.puts++;
		}
	return need;
}

/* A clock that begins in 1970 is put right in the first hour. */
static int64_t beyond(const struct lmdb_committer *c, int64_t now_s)
{
	return clock_mono_ms() < c->beyond_from_ms ? INT64_MAX : store_expiry_max(&c->l->sh, now_s);
}

/* Sweep a little within a transaction. \returns 0; as lmdb_write_sweep() */
static int sweep_some(struct lmdb_committer *c, struct lmdb_write *w, size_t max, bool *more)
{
	size_t places = c->tokens < SWEEP_PLACES ? c->tokens : SWEEP_PLACES, before = places, n;
	int64_t now = c->wall_s;
	int rc = 0;

	if (clock_mono_ms() < c->sweep_from_ms)
		return 0;
	if (max > c->sweep_max)
		max = c->sweep_max;
	n = lmdb_index_expired(c->l->index, now, beyond(c, now), &places, c->over, max);
	c->tokens -= before - places;
	*more = n == max;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = lmdb_write_sweep(w, &c->over[i]);
	return rc;
}

/* One transaction with these requests, and some sweeping if sweep is not 0.
 * \returns 0: durable, and each rc is set; -ENOSPC, -EBADMSG, -EIO: nothing happened */
static int batch_write(struct lmdb_committer *c, struct store_req *batch, size_t sweep, bool *more)
{
	struct store_req *first = batch;
	struct room need = room_needed(batch);
	int64_t now = store_wall_s();
	int rc;
	struct lmdb_write *w = lmdb_write_begin(c->l, &rc);

	if (!w)
		return rc;
	if (need.puts && !lmdb_has_room(c->l, need.octets, need.puts))
		rc = -ENOSPC;
	for (; batch && rc == 0; batch = batch->next)
		rc = lmdb_write_request(w, batch, now);
	if (rc == 0 && sweep)
		rc = sweep_some(c, w, sweep, more);
	if (rc < 0) {
		lmdb_write_abort(w);
		return rc;
	}
	rc = lmdb_write_commit(w);
	if (rc == 0)
		lmdb_marks_count(c->l, first);
	return rc;
}

/* What a caller is told: a damaged page is a store that could not be asked. */
static int told(int rc)
{
	return rc == -EBADMSG ? -EIO : rc;
}

/* Each by itself: what takes away may go where what adds does not, a small record where a large one does not, and what
 * does not touch a damaged page where that one stops a whole batch. */
static void batch_write_each(struct lmdb_committer *c, struct store_req *batch)
{
	while (batch) {
		struct store_req *next = batch->next;
		bool more;

		batch->next = NULL;
		if (batch->op == STORE_PUT && clock_mono_ms() < c->full_until_ms)
			batch->rc = -ENOSPC;
		else
			batch->rc = told(batch_write(c, batch, 0, &more)) ?: batch->rc;
		if (batch->op == STORE_PUT) {
			say_full(c, batch->rc == -ENOSPC);
			if (batch->rc == -ENOSPC && clock_mono_ms() >= c->full_until_ms)
				c->full_until_ms = clock_mono_ms() + FULL_MS;
		}
		batch->next = next;
		batch = next;
	}
}

static void fail_all(struct store_req *batch, int rc)
{
	for (; batch; batch = batch->next)
		batch->rc = rc;
}

/* \returns of the first try: 0, -ENOSPC, -EBADMSG, -EIO */
static int batch_do(struct lmdb_committer *c, struct store_req *batch, size_t n, bool *more)
{
	int rc = -ENOSPC;

	if (clock_mono_ms() >= c->full_until_ms)
		rc = batch_write(c, batch, n + SWEEP_MORE, more);
	if (rc == 0 && room_needed(batch).puts)
		say_full(c, false);
	if (rc == -ENOSPC || rc == -EBADMSG)
		batch_write_each(c, batch);
	else if (rc < 0)
		fail_all(batch, rc);
	say_broken(rc);
	batch_answer(c, batch, n);
	return rc;
}

/* No requests: sweep alone. If there is no room even for that, in smaller steps. */
static void sweep_alone(struct lmdb_committer *c, bool *more)
{
	struct index_figures f;
	int rc;

	lmdb_index_figures(c->l->index, &f);
	if (f.entries == 0)
		return;
	rc = batch_write(c, NULL, SWEEP_IDLE, more);
	if (rc == -ENOSPC)
		c->sweep_max = c->sweep_max > 1 ? c->sweep_max / 2 : 1;
	else if (rc == 0)
		c->sweep_max = 2 * c->sweep_max < SWEEP_MAX ? 2 * c->sweep_max : SWEEP_MAX;
	*more = *more && rc == 0;
}

/* Earn the right to look at places of the index, so that all are seen once a round. */
static void tokens_earn(struct lmdb_committer *c, uint64_t now_ms)
{
	struct index_figures f;
	uint64_t ms = now_ms - c->tokens_at_ms;

	if (ms < 10)
		return;
	c->tokens_at_ms = now_ms;
	lmdb_index_figures(c->l->index, &f);
	c->tokens += (size_t)(ms * (f.entries / SWEEP_ROUND_S + 1024) / 1000) + 1;
	if (c->tokens > f.entries + 1024)
		c->tokens = (size_t)f.entries + 1024;
}

static void clock_watch(struct lmdb_committer *c, uint64_t now_ms)
{
	int64_t offset, leap;

	c->wall_s = store_wall_s();
	offset = c->wall_s - (int64_t)(now_ms / 1000);
	leap = offset - c->clock_offset_s;
	if (leap <= CLOCK_LEAP_S && leap >= -CLOCK_LEAP_S) {
		c->clock_offset_s = offset;
		return;
	}
	c->clock_offset_s = offset;
	c->sweep_from_ms = c->beyond_from_ms = now_ms + CLOCK_LEAP_PAUSE_MS;
	LOGT(DSTORE, LOGL_NOTICE, "store: the clock leapt by %lld s, nothing is swept for an hour\n", (long long)leap);
}

/* \returns how long to wait with what is left to sweep, after a turn that took so long */
static uint64_t pause_ms(uint64_t took_ms)
{
	return took_ms > TICK_SWEEPING_MS ? took_ms : TICK_SWEEPING_MS;
}

static void *committer_run(void *committer)
{
	struct lmdb_committer *c = committer;
	uint64_t wait_ms = TICK_MS;
	bool stop = false;

	while (!stop) {
		size_t n;
		struct store_req *batch = queue_take(c, wait_ms, &n, &stop);
		uint64_t now_ms = clock_mono_ms();
		bool more = false;

		clock_watch(c, now_ms);
		tokens_earn(c, now_ms);
		challenges_sweep(c->l->challenges, now_ms, n ? 1 : CHALLENGES_STRIPES);
		/* where there is no room for a batch, sweeping makes it */
		if (batch ? batch_do(c, batch, n, &more) == -ENOSPC : !stop)
			sweep_alone(c, &more);
		wait_ms = more ? pause_ms(clock_mono_ms() - now_ms) : TICK_MS;
	}
	return NULL;
}

struct lmdb_committer *lmdb_committer_start(struct store_lmdb *l)
{
	struct lmdb_committer *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	sigset_t before;
	int rc;

	if (!c)
		return NULL;
	c->l = l;
	c->last = &c->first;
	c->sweep_max = SWEEP_MAX;
	c->tokens_at_ms = clock_mono_ms();
	c->beyond_from_ms = c->tokens_at_ms + CLOCK_LEAP_PAUSE_MS;
	c->clock_offset_s = store_wall_s() - (int64_t)(c->tokens_at_ms / 1000);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_cond_init(&c->idle, NULL);
	pthread_condattr_destroy(&attr);
	signals_block(&before);
	rc = pthread_create(&c->thread, NULL, committer_run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return c;
	free(c);
	return NULL;
}

void lmdb_committer_stop(struct lmdb_committer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_mutex_unlock(&c->lock);
	pthread_cond_signal(&c->wake);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
