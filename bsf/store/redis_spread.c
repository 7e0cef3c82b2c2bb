/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_spread.c
 *  Who has a mark: each process that uses this Redis says there how far it holds them, and for how long it may serve without asking
 *  again; who orders a revocation waits until each has it or may serve no more, and until the replicas have it, if they will. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bsf/store/redis_marks_in.h"
#include "common/base/clock.h"
#include "common/rt/log_cat.h"

#define HOLD_MS     1000 /* an order waits so long for the link */
#define LOOK_MS     20
#define WAIT_TEXT   "100" /* ms, the steps it has */
#define AGAIN_MS    1000
#define LEASE_SLACK 50 /* ms: two clocks that count the same time */
#define BSFS_MAX    64
#define GRACES_MS   (86400ll * 1000) /* so long a grace that was used is waited for at a new master */
#define VALUE_MAX   192

const char redis_bsfs_key[] = "bsfs", redis_graces_key[] = "bg";

struct span redis_spread_key(uint8_t out[REDIS_SPREAD_KEY], const char *name)
{
	out[0] = 'b';
	memcpy(out + 1, name, 16);
	return span_of(out, REDIS_SPREAD_KEY);
}

static void announced(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;
	bool was = m->announced;

	m->announced = redis_errno(r) == 0;
	/* it was listed, and is new there: the server was emptied, and others may not have announced themselves again yet */
	if (was && m->announced && r->type == REDIS_REPLY_INTEGER && r->integer == 1) {
		m->up_ms = clock_mono_ms();
		m->vouched = false;
	}
	if (m->announced && !was)
		redis_marks_ask(m);
}

/* Ever more, until a restart: one of them may be cut off now. */
static void graces_said(void *marks, const struct redisReply *r)
{
	atomic_uint *most_ms = &((struct redis_marks *)marks)->shared->sh.graces_ms;
	char text[24];

	if (redis_errno(r) < 0 || r->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t i = 0; i < r->elements; i++) {
		unsigned long ms =
			span_to_str(text, sizeof(text), redis_string(r->element[i])) < 0 ? 0 : strtoul(text, NULL, 10);

		if (ms > atomic_load(most_ms))
			atomic_store(most_ms, ms > STORE_GRACE_MAX_MS ? STORE_GRACE_MAX_MS : (unsigned)ms);
	}
}

/* Which graces there are: at another master one may not have announced himself yet, or not with all. */
static void graces_go(struct redis_marks *m)
{
	int64_t now_ms = store_clock_ms(m->st);
	char grace[24], text[24];

	snprintf(grace, sizeof(grace), "%u", m->shared->cfg.grace_ms);
	snprintf(text, sizeof(text), "%" PRId64, (int64_t)(now_ms + GRACES_MS));
	if (m->shared->cfg.grace_ms)
		(void)redis_script_call(m->part->link, REDIS_ALWAYS, span_str(redis_graces_key), 3,
					(struct span[]){ span_str("ZADD"), span_str(text), span_str(grace) }, NULL,
					NULL);
	snprintf(text, sizeof(text), "%" PRId64, now_ms);
	(void)redis_link_call(m->part->link, 4,
			      (struct span[]){ span_str("ZRANGEBYSCORE"), span_str(redis_graces_key), span_str(text),
					       span_str("+inf") },
			      graces_said, m);
}

void redis_spread_announce(struct redis_marks *m)
{
	unsigned serves_ms = m->shared->cfg.lease_ms + m->shared->cfg.grace_ms;
	unsigned life_ms = serves_ms + m->shared->cfg.lease_ms + HOLD_MS;
	char value[VALUE_MAX], px[24], until[24];
	uint8_t key[REDIS_SPREAD_KEY];

	/* the run of the server where all is written that is known here */
	snprintf(value, sizeof(value), "%" PRId64 " %u %s %s", m->held, serves_ms, m->label,
		 m->state == MARKS_FOLLOW ? m->part->run_id : "-");
	snprintf(px, sizeof(px), "%u", life_ms);
	snprintf(until, sizeof(until), "%" PRId64, store_clock_ms(m->st) + life_ms);
	if (redis_script_call(m->part->link, REDIS_ALWAYS, redis_spread_key(key, m->name), 4,
			      (struct span[]){ span_str("SET"), span_str(value), span_str("PX"), span_str(px) },
			      announced, m) < 0 ||
	    redis_script_call(m->part->link, REDIS_ALWAYS, span_str(redis_bsfs_key), 3,
			      (struct span[]){ span_str("ZADD"), span_str(until), span_str(m->name) }, announced,
			      m) < 0)
		m->announced = false;
	graces_go(m);
}

static void unlink_spread(struct redis_spread *w)
{
	struct redis_spread **p = &w->m->first;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	free(w);
}

/* \param[in] rc what its shard is told. While its reply is to come it stays. */
static void spread_end(struct redis_spread *w, int rc)
{
	w->r->rc = rc;
	store_reply(w->r);
	w->r = NULL;
	if (!w->sent || w->replied)
		unlink_spread(w);
}

/* How long somebody may go on who has not said it here. */
static unsigned others_serve_ms(const struct redis_marks *m)
{
	return m->shared->cfg.others_lease_ms + atomic_load(&m->shared->sh.graces_ms);
}

/* What another one says of itself. */
struct bsf_said {
	char name[17], label[VALUE_MAX];
	int64_t held;
	unsigned lease_ms;
};

/* One look at who uses this Redis. */
struct looking {
	struct redis_marks *m;
	unsigned asked, n;
	bool broken; /* something did not come, or there are too many */
	bool we;     /* are listed */
	struct bsf_said bsf[BSFS_MAX];
	struct looking_one {
		struct looking *l;
		struct bsf_said *b;
	} one[BSFS_MAX];
};

/* \returns false: it has to be waited for */
static bool has_or_may_not(const struct redis_spread *w, const struct bsf_said *b, struct store_spread *out)
{
	size_t len = strlen(out->late);

	out->bsfs++;
	if (b->held >= w->score) {
		out->confirmed++;
		return true;
	}
	if (clock_mono_ms() - w->written_ms < b->lease_ms + LEASE_SLACK)
		return false;
	snprintf(out->late + len, sizeof(out->late) - len, "%s%s", len ? " " : "", b->label[0] ? b->label : b->name);
	return true;
}

/* Of those that had said so to the server before this one nothing is known. */
static bool is_settled(const struct redis_spread *w, uint64_t lease_ms)
{
	uint64_t up_ms = w->m->up_ms;

	return w->written_ms >= up_ms + lease_ms || clock_mono_ms() >= up_ms + lease_ms + LEASE_SLACK;
}

static void spread_judge(struct redis_spread *w, const struct looking *l)
{
	struct redis_marks *m = w->m;
	struct store_spread s = { .bsfs = 1, .confirmed = 1, .replicas = m->replicas, .have = m->have };
	bool done = w->durable && w->waited && !l->broken;

	for (unsigned i = 0; i < l->n; i++)
		done = has_or_may_not(w, &l->bsf[i], &s) && done;
	if (!done || !is_settled(w, others_serve_ms(m)))
		return;
	w->r->spread = s;
	spread_end(w, 0);
}

static void look_start(struct redis_marks *m);

static void look_end(struct looking *l)
{
	struct redis_marks *m = l->m;

	for (struct redis_spread *w = m->first, *next; w; w = next) {
		next = w->next;
		if (w->score && w->r)
			spread_judge(w, l);
	}
	free(l);
	m->looking = false;
	if (m->first)
		look_start(m);
}

static void said(void *one, const struct redisReply *r)
{
	struct looking_one *o = one;
	struct looking *l = o->l;
	struct span v = redis_string(r);
	char text[VALUE_MAX];

	if (span_to_str(text, sizeof(text), v) == 0)
		(void)sscanf(text, "%" SCNd64 " %u %63s", &o->b->held, &o->b->lease_ms, o->b->label);
	l->broken |= redis_errno(r) < 0;
	if (--l->asked == 0)
		look_end(l);
}

/* \param[in] name of 16 digits */
static void ask_bsf(struct looking *l, const struct redisReply *name)
{
	struct bsf_said *b = &l->bsf[l->n];
	uint8_t key[REDIS_SPREAD_KEY];

	if (redis_string(name).len != 16)
		return;
	if (!memcmp(name->str, l->m->name, 16)) {
		l->we = true;
		return;
	}
	if (l->n == BSFS_MAX) {
		l->broken = true;
		return;
	}
	*b = (struct bsf_said){ .lease_ms = others_serve_ms(l->m) }; /* until it says so itself */
	memcpy(b->name, name->str, 16);
	l->one[l->n] = (struct looking_one){ l, b };
	if (redis_ask_key(l->m->part, redis_spread_key(key, b->name), said, &l->one[l->n]) < 0)
		l->broken = true;
	else
		l->asked++;
	l->n++;
}

static void listed(void *looking, const struct redisReply *r)
{
	struct looking *l = looking;

	l->broken = redis_errno(r) < 0 || r->type != REDIS_REPLY_ARRAY;
	for (size_t i = 0; !l->broken && i < r->elements; i++)
		ask_bsf(l, r->element[i]);
	l->broken |= !l->we; /* nor may others be */
	if (--l->asked == 0)
		look_end(l);
}

static void on_look(void *marks)
{
	struct redis_marks *m = marks;
	struct looking *l;
	char now[24];

	if (!m->first)
		return;
	look_start(m);
	if (!m->up || m->looking)
		return;
	l = calloc(1, sizeof(*l));
	if (!l)
		return;
	l->m = m;
	l->asked = 1;
	m->looking = true;
	snprintf(now, sizeof(now), "%" PRId64, store_clock_ms(m->st));
	if (redis_link_call(m->part->link, 4,
			    (struct span[]){ span_str("ZRANGEBYSCORE"), span_str(redis_bsfs_key), span_str(now),
					     span_str("+inf") },
			    listed, l) < 0) {
		m->looking = false;
		free(l);
	}
}

static void look_start(struct redis_marks *m)
{
	deadline_start(m->deadlines, &m->look, LOOK_MS, on_look, m);
}

/* What we ourselves had to do for one of them is done. */
static void look_soon(struct redis_marks *m)
{
	for (struct redis_spread *w = m->first; w; w = w->next)
		if (w->durable && w->waited) {
			on_look(m);
			return;
		}
}

static void say_replicas(struct redis_marks *m)
{
	bool unsafe = m->have < m->replicas;

	if (unsafe && !m->unsafe)
		LOGT(DSTORE, LOGL_NOTICE,
		     "store: %u of %u replicas of Redis have the last revocation: not yet safe against a failover\n",
		     m->have, m->replicas);
	if (!unsafe && m->unsafe)
		LOGT(DSTORE, LOGL_NOTICE, "store: all replicas of Redis have the last revocation\n");
	m->unsafe = unsafe;
}

static void waited(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;

	if (redis_errno(r) < 0)
		return;
	m->have = (unsigned)r->integer;
	say_replicas(m);
	for (struct redis_spread *w = m->first; w; w = w->next)
		w->waited |= w->score != 0;
	look_soon(m);
}

/* As many as there ever were on this link: one that is cut off is not counted there for long. */
static void replicas_counted(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;
	unsigned there;
	char n[24];

	if (!r)
		return;
	redis_info(n, sizeof(n), r, "connected_slaves:");
	there = n[0] ? (unsigned)atoi(n) : 1; /* where it does not say it: one that never has the mark */
	if (!n[0] && !m->unsafe)
		LOGT(DSTORE, LOGL_NOTICE,
		     "store: Redis does not say how many replicas it has: no revocation counts as safe against a failover\n");
	if (there > m->replicas)
		m->replicas = there;
	snprintf(n, sizeof(n), "%u", m->replicas);
	/* of what this link has written */
	(void)redis_link_call(m->part->link, 3, (struct span[]){ span_str("WAIT"), span_str(n), span_str(WAIT_TEXT) },
			      waited, m);
}

static void ask_replicas(struct redis_marks *m)
{
	m->wait_ms = clock_mono_ms();
	(void)redis_link_call(m->part->link, 2, (struct span[]){ span_str("INFO"), span_str("replication") },
			      replicas_counted, m);
}

static void written(void *spread, const struct redisReply *r)
{
	struct redis_spread *w = spread;
	struct redis_marks *m = w->m;

	w->replied = true;
	if (!w->r) {
		unlink_spread(w);
		return;
	}
	if (!redis_marks_written(r, &w->r->mark)) {
		spread_end(w, redis_errno(r) < 0 ? redis_errno(r) : -EIO);
		return;
	}
	w->score = w->r->mark.until_ms;
	w->written_ms = clock_mono_ms();
	redis_marks_hold(m, &w->r->mark);
	ask_replicas(m);
	redis_marks_ask(m);
	look_start(m);
}

static void spread_write(struct redis_spread *w)
{
	struct mark would = w->r->mark;
	int rc = marks_would(w->m->shared->sh.marks, &would);

	if (rc != -ENOSPC)
		rc = redis_marks_write(w->m, &w->r->mark, w->r->mark.until_ms, written, w);
	if (rc < 0)
		spread_end(w, rc);
	else
		w->sent = true;
}

void redis_spread_go(struct redis_marks *m)
{
	for (struct redis_spread *w = m->first, *next; w; w = next) {
		next = w->next;
		w->durable |= w->score && m->held >= w->score;
		if (w->sent)
			continue;
		if (m->up && m->state == MARKS_FOLLOW)
			spread_write(w);
		else if (clock_mono_ms() - w->begun_ms > HOLD_MS)
			spread_end(w, -ENOTCONN);
	}
	if (m->unsafe && m->up && clock_mono_ms() - m->wait_ms >= AGAIN_MS)
		ask_replicas(m);
	look_soon(m);
}

void redis_spread_begin(struct redis_marks *m, struct store_req *r)
{
	struct redis_spread *w = calloc(1, sizeof(*w)), **last = &m->first;

	if (!w) {
		r->rc = -EBUSY;
		store_reply(r);
		return;
	}
	*w = (struct redis_spread){ .m = m, .r = r, .begun_ms = clock_mono_ms() };
	while (*last)
		last = &(*last)->next;
	*last = w;
	redis_spread_go(m);
}

/* What was sent has had its reply: NULL where there will be none. */
void redis_spread_lost(struct redis_marks *m)
{
	m->announced = false;
	m->replicas = m->have = 0;
	for (struct redis_spread *w = m->first, *next; w; w = next) {
		next = w->next;
		if (w->score && w->r)
			spread_end(w, -EIO);
	}
}

void redis_spread_end(struct redis_marks *m, const struct store *st, int rc)
{
	for (struct redis_spread *w = m->first, *next; w; w = next) {
		next = w->next;
		if (w->r && (!st || w->r->st == st))
			spread_end(w, rc);
	}
}
