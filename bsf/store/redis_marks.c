/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_marks.c
 *  The copy of all marks that this process holds: read whole at each new link, written where the server has it not, then followed. */
#include "bsf/store/redis_marks.h"

#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "bsf/store/redis_marks_in.h"
#include "common/base/clock.h"
#include "common/base/hex.h"
#include "common/base/signals.h"
#include "common/crypto/rng.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define INBOX_BOUND 4096
#define PAGE_TEXT   "1000" /* members of one answer */
#define PAGE        1000
#define SWEEP_MS    60000
#define POLL_MS     250
#define SOON_MS     50 /* while it is waited for others */
#define ASKED_MAX   8  /* questions under way: an answer that is late shall not delay the next one */
#define NICER       -10

static const char key[] = "marks";

static int64_t number_of(const char *p, size_t len)
{
	char text[24];

	snprintf(text, sizeof(text), "%.*s", (int)len, p);
	return strtoll(text, NULL, 10);
}

/* \returns false: it is none of ours */
static bool member_read(struct mark *out, const struct redisReply *member, const struct redisReply *score)
{
	struct span m = redis_string(member);

	if (m.len != MARK_MEMBER_LEN || score->type != REDIS_REPLY_STRING)
		return false;
	*out = (struct mark){ .kind = m.p[0], .key = m.p[1] };
	memcpy(out->tag, m.p + 2, MARK_TAG_LEN);
	out->at_ms = number_of((const char *)m.p + MARK_NAME_LEN, 15);
	out->until_ms = number_of(score->str, score->len);
	return true;
}

int redis_marks_write(struct redis_marks *m, const struct mark *mark, int64_t life_ms, redis_reply_fn *fn, void *owner)
{
	uint8_t name[MARK_NAME_LEN] = { mark->kind, mark->key };
	char at[24], until[24];

	memcpy(name + 2, mark->tag, MARK_TAG_LEN);
	snprintf(at, sizeof(at), "%" PRId64, life_ms ? 0 : mark->at_ms);
	snprintf(until, sizeof(until), "%" PRId64, life_ms ? life_ms : mark->until_ms);
	return redis_script_call(m->part->link, REDIS_MARK, span_str(key), 3,
				 (struct span[]){ span_of(name, sizeof(name)), span_str(at), span_str(until) }, fn,
				 owner);
}

bool redis_marks_written(const struct redisReply *r, struct mark *mark)
{
	if (redis_errno(r) < 0 || r->type != REDIS_REPLY_ARRAY || r->elements != 2)
		return false;
	mark->at_ms = number_of(r->element[0]->str, r->element[0]->len);
	mark->until_ms = number_of(r->element[1]->str, r->element[1]->len);
	return true;
}

static void poll_start(struct redis_marks *m);

static void read_anew(struct redis_marks *m)
{
	m->reading++; /* what was asked before says nothing any more */
	marks_free(m->there);
	m->there = NULL;
	m->state = MARKS_READ;
	m->score = m->held = 0;
	m->missing_from = 0;
}

/* From now on until `lease` after it was asked for: what was not there then, nobody has been told of before that. */
static void marks_confirmed(struct redis_marks *m, uint64_t asked_ms)
{
	struct store_redis *s = m->shared;

	if (m->too_many || !m->announced || !redis_whole(m))
		return;
	if (!atomic_exchange(&s->sh.lease_until_ms, asked_ms + s->cfg.lease_ms))
		LOGT(DSTORE, LOGL_INFO, "store: the revocation marks of Redis are known\n");
}

static void say_too_many(struct redis_marks *m)
{
	if (!m->too_many)
		LOGT(DSTORE, LOGL_ERROR,
		     "store: Redis has more revocation marks than may be held here: nothing is served\n");
	m->too_many = true;
	atomic_store(&m->shared->sh.lease_until_ms, 0);
}

void redis_marks_hold(struct redis_marks *m, struct mark *mark)
{
	int rc = marks_add(m->shared->sh.marks, mark);

	if (rc == -ENOSPC)
		say_too_many(m);
	if (rc == 0 && m->shared->file)
		marks_file_add(m->shared->file, mark);
}

static void marks_seen(struct redis_marks *m, struct mark *mark)
{
	struct mark copy = *mark;

	if (mark->until_ms > m->score)
		m->score = mark->until_ms;
	if (m->there)
		(void)marks_add(m->there, &copy);
	redis_marks_hold(m, mark);
}

/* What is not is told to nobody as held. */
static bool durable(struct redis_marks *m)
{
	int rc = m->shared->file ? marks_file_sync(m->shared->file) : 0;

	if (rc < 0 && log_rate_ok(DSTORE))
		LOGT(DSTORE, LOGL_ERROR, "store: revocation marks cannot be written in %s: %s\n",
		     m->shared->cfg.marks_dir, strerror(-rc));
	return rc == 0;
}

/* An answer with nothing behind it. */
static void marks_read(struct redis_marks *m, uint64_t asked_ms)
{
	if (m->state == MARKS_READ) {
		redis_missing_write(m);
		return;
	}
	marks_confirmed(m, asked_ms);
	if (m->held != m->score && !m->too_many && durable(m)) {
		m->held = m->score;
		redis_spread_announce(m);
	}
	redis_spread_go(m);
}

struct question {
	struct redis_marks *m;
	uint64_t asked_ms;
	unsigned reading;
	int64_t from; /* the last one that was seen */
};

/* It begins with the last one that was seen, else the server has become another, or was emptied. */
static bool goes_on(const struct question *q, const struct redisReply *r)
{
	return !q->from || q->m->state == MARKS_READ ||
	       (r->elements >= 2 && r->element[1]->type == REDIS_REPLY_STRING &&
		number_of(r->element[1]->str, r->element[1]->len) == q->from);
}

static void answered(const struct question *q, const struct redisReply *r)
{
	struct redis_marks *m = q->m;
	struct mark mark;

	if (!goes_on(q, r)) {
		read_anew(m);
		redis_marks_ask(m);
		return;
	}
	for (size_t i = 0; i + 1 < r->elements; i += 2)
		if (member_read(&mark, r->element[i], r->element[i + 1]))
			marks_seen(m, &mark);
	if (r->elements >= 2 * PAGE)
		redis_marks_ask(m);
	else
		marks_read(m, q->asked_ms);
}

static void asked(void *question, const struct redisReply *r)
{
	struct question *q = question;
	struct redis_marks *m = q->m;

	m->asked--;
	if (redis_errno(r) == 0 && r->type == REDIS_REPLY_ARRAY && m->up) {
		if (q->reading == m->reading)
			answered(q, r);
		else
			redis_marks_ask(m);
	}
	free(q);
}

/* All is read page by page; then the next question does not wait for the answer to the one before. */
static bool may_ask(const struct redis_marks *m)
{
	return m->up && (m->state == MARKS_FOLLOW ? m->asked < ASKED_MAX : m->state == MARKS_READ && !m->asked);
}

void redis_marks_ask(struct redis_marks *m)
{
	struct question *q;
	char from[24];

	if (!may_ask(m))
		return;
	if (m->state == MARKS_READ && !m->there)
		m->there = marks_new(NULL, 0, SIZE_MAX);
	q = m->there || m->state == MARKS_FOLLOW ? malloc(sizeof(*q)) : NULL;
	if (!q)
		return; /* it is asked again soon */
	*q = (struct question){ m, clock_mono_ms(), m->reading, m->score };
	snprintf(from, sizeof(from), "%" PRId64, m->score);
	if (redis_link_call(m->part->link, 8,
			    (struct span[]){ span_str("ZRANGEBYSCORE"), span_str(key), span_str(from), span_str("+inf"),
					     span_str("WITHSCORES"), span_str("LIMIT"), span_str("0"),
					     span_str(PAGE_TEXT) },
			    asked, q) < 0)
		free(q);
	else
		m->asked++;
}

/* Some that were too many may be over. */
static void fit_again(struct redis_marks *m)
{
	if (!m->too_many)
		return;
	m->too_many = false;
	read_anew(m);
}

/* What is over goes, here and there, and who has not been heard of for so long. */
static void marks_sweep_there(struct redis_marks *m)
{
	static const struct {
		const char *key;
		int64_t kept_ms;
	} sets[] = { { key, 0 }, { redis_bsfs_key, 2 * HEARD_MS }, { redis_graces_key, 0 } };
	uint64_t each_ms = m->shared->cfg.sweep_ms ? m->shared->cfg.sweep_ms : SWEEP_MS;
	int64_t now_ms = store_clock_ms(m->st);
	char until[24];

	if (m->state != MARKS_FOLLOW || clock_mono_ms() - m->swept_ms < each_ms)
		return;
	m->swept_ms = clock_mono_ms();
	marks_expire(m->shared->sh.marks, now_ms);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		snprintf(until, sizeof(until), "%" PRId64, now_ms - sets[i].kept_ms);
		(void)redis_link_call(m->part->link, 4,
				      (struct span[]){ span_str("ZREMRANGEBYSCORE"), span_str(sets[i].key),
						       span_str("-inf"), span_str(until) },
				      NULL, NULL);
	}
	fit_again(m);
}

static void on_poll(void *marks)
{
	struct redis_marks *m = marks;

	poll_start(m);
	if (!m->up) {
		redis_spread_go(m);
		return;
	}
	redis_spread_announce(m);
	redis_whole_ask(m);
	marks_sweep_there(m);
	redis_marks_ask(m);
	redis_spread_go(m);
}

static void poll_start(struct redis_marks *m)
{
	unsigned ms = m->shared->cfg.lease_ms / 4;

	if (ms > POLL_MS)
		ms = POLL_MS;
	if (m->up && !m->whole && ms > SOON_MS)
		ms = SOON_MS;
	deadline_start(m->deadlines, &m->poll, ms, on_poll, m);
}

void redis_marks_link(struct redis_marks *m, bool up)
{
	m->up = up;
	m->writing = 0;
	read_anew(m);
	if (!up) {
		redis_spread_lost(m);
		return;
	}
	m->up_ms = clock_mono_ms();
	redis_whole_begin(m);
	on_poll(m);
}

/* A word of another thread. */
struct word {
	struct inbox_item item; /* first */
	struct store *st;       /* NULL: end */
	sem_t done;
};

static void run_put(void *marks, struct inbox_item *item, bool stopping)
{
	struct store_req *r = (struct store_req *)item;

	if (!stopping) {
		redis_spread_begin(marks, r);
		return;
	}
	r->rc = -ESHUTDOWN;
	store_reply(r);
}

void redis_marks_put(struct redis_marks *m, struct store_req *r)
{
	r->item.run = run_put;
	if (inbox_post_always(m->inbox, &r->item) == 0)
		return;
	r->rc = -ESHUTDOWN;
	store_reply(r);
}

static void run_leave(void *marks, struct inbox_item *item, bool stopping)
{
	struct word *w = (struct word *)item;
	struct redis_marks *m = marks;

	if (w->st)
		redis_spread_end(m, w->st, -EIO);
	else
		m->end = true;
	sem_post(&w->done);
}

static void marks_say(struct redis_marks *m, struct store *st)
{
	struct word w = { .item = { .run = run_leave }, .st = st };

	sem_init(&w.done, 0, 0);
	if (inbox_post_always(m->inbox, &w.item) == 0)
		while (sem_wait(&w.done) < 0)
			;
	sem_destroy(&w.done);
}

void redis_marks_leave(struct redis_marks *m, struct store *st)
{
	if (m && m->st != st)
		marks_say(m, st);
}

void redis_marks_none(void *owner, uint64_t txn, const struct store_answer *a)
{
}

static int marks_begin(struct redis_marks *m)
{
	m->ctx = talloc_named_const(NULL, 0, "marks");
	m->deadlines = m->ctx ? deadline_set_new(m->ctx) : NULL;
	if (!m->deadlines || inbox_attach(m->inbox) < 0)
		return -ENOMEM;
	m->st = store_new(m->ctx, &m->shared->sh, redis_marks_none, m);
	if (!m->st)
		return -ENOMEM;
	m->part = m->st->part;
	poll_start(m);
	return 0;
}

static void *marks_main(void *marks)
{
	struct redis_marks *m = marks;

	pthread_setname_np(pthread_self(), "marks");
	/* where all wait for the CPU this one must not, or nothing is served; it does little. It is of this thread alone, if it may */
	(void)!nice(NICER);
	osmo_ctx_init("marks");
	osmo_select_init();
	if (marks_begin(m) < 0)
		LOGT(DSTORE, LOGL_ERROR, "store: no memory to follow the revocation marks: nothing is served\n");
	while (!m->end)
		osmo_select_main_ctx(0);
	redis_spread_end(m, NULL, -ESHUTDOWN);
	talloc_free(m->st);
	inbox_close(m->inbox);
	talloc_free(m->ctx);
	talloc_free(osmo_ctx); /* of this thread, the library keeps it for ever */
	osmo_ctx = NULL;
	return NULL;
}

static bool names_make(struct redis_marks *m)
{
	char host[65] = "";
	uint8_t id[8];

	if (rng_fill(id, sizeof(id)) < 0)
		return false;
	hex_encode(m->name, sizeof(m->name), id, sizeof(id));
	(void)gethostname(host, sizeof(host) - 1);
	snprintf(m->label, sizeof(m->label), "%s/%d", host, (int)getpid());
	return true;
}

struct redis_marks *redis_marks_start(struct store_redis *s)
{
	struct redis_marks *m = calloc(1, sizeof(*m));
	sigset_t before;
	int rc;

	if (m)
		m->inbox = inbox_new(INBOX_BOUND, m);
	if (!m || !m->inbox || !names_make(m))
		goto fail;
	m->shared = s;
	signals_block(&before);
	rc = pthread_create(&m->thread, NULL, marks_main, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return m;
fail:
	if (m)
		inbox_free(m->inbox);
	free(m);
	return NULL;
}

void redis_marks_stop(struct redis_marks *m)
{
	if (!m)
		return;
	marks_say(m, NULL);
	pthread_join(m->thread, NULL);
	inbox_free(m->inbox);
	marks_free(m->there);
	free(m);
}
