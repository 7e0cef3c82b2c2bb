/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The main thread's side of Zh: subscriber, decision, vector, answer. */
#include "hss-sim/zh_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/clock.h"
#include "common/dia/dia_redirect.h"
#include "common/dia/zh_wire.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"
#include "hss-sim/fault_act.h"
#include "hss-sim/zh_decide.h"

int zh_server_init(struct zh_server *s, void *ctx, struct subscriber_db *db, const struct subscriber_rules *rules,
		   struct faults *faults, const struct slf *slf)
{
	*s = (struct zh_server){ .faults = faults, .slf = slf };
	INIT_LLIST_HEAD(&s->delayed);
	s->inbox = inbox_new(ZH_WAITING_MAX, s);
	s->deadlines = deadline_set_new(ctx);
	s->cache = subscriber_cache_new(db, rules, SUBSCRIBER_CACHE_OCTETS);
	s->repeats = zh_repeats_new(ZH_REPEATS_MAX, ZH_REPEATS_AGE_MS);
	if (!s->inbox || !s->deadlines || !s->cache || !s->repeats)
		return -ENOMEM;
	return inbox_attach(s->inbox);
}

void zh_server_clear(struct zh_server *s)
{
	inbox_free(s->inbox);
	subscriber_cache_free(s->cache);
	zh_repeats_free(s->repeats);
}

/* The request is done with, one way or the other; t is freed. */
static void txn_end(struct zh_txn *t)
{
	deadline_stop(&t->delay);
	if (t->listed)
		llist_del(&t->entry);
	if (t->reply)
		dia_reply_drop(t->reply);
	t->server->in_work--;
	t->server->of_peer[t->peer]--;
	free(t);
}

static void txn_list(struct zh_txn *t, struct llist_head *list)
{
	llist_add_tail(&t->entry, list);
	t->listed = true;
}

static void txn_unlist(struct zh_txn *t)
{
	llist_del(&t->entry);
	t->listed = false;
}

static void log_end(const struct zh_txn *t, enum cause cause, const struct result *r, const uint8_t *rand)
{
	char names[FAULT_NAMES_MAX];
	const struct zh_server_end e = { cause, t->mar.impi.s, dia_reply_peer(t->reply),
					 r,     rand,          fault_effect_names(&t->effect, names) };

	zh_server_log(&e);
}

static int put_maa(struct writer *w, struct span request, const struct dia_self *self, const void *answer)
{
	return zh_wire_maa_put(w, request, self, answer);
}

static int put_redirect(struct writer *w, struct span request, const struct dia_self *self, const void *answer)
{
	return dia_redirect_put(w, request, self, answer);
}

static void send_or_tell(struct zh_txn *t, dia_reply_fn *put, const void *answer)
{
	const struct fault_answer spoilt = { put, answer, &t->effect };
	struct dia_reply *r = t->reply;
	char peer[256];
	int rc;

	snprintf(peer, sizeof(peer), "%s", dia_reply_peer(r));
	t->reply = NULL;
	rc = dia_reply_put(r, fault_put, &spoilt);
	if (rc == -EMSGSIZE)
		LOGT(DZH, LOGL_ERROR, "an MAA to %s would be longer than a message can be, 5012 in its place\n", peer);
	else if (rc < 0)
		dia_select_refused(DRT, CAUSE_dia_unsent, peer, "its connection has gone, or had no room for it");
	if (fault_cuts(&t->effect))
		dia_hub_cut(t->server->hub, peer);
}

static void zh_server_answer(struct zh_txn *t, const struct zh_decision *d, const struct aka_vector *v)
{
	struct zh_maa maa = { .result = d->result };
	char *other;

	maa.guss = fault_guss(d->guss, &t->effect, &other);
	if (v) {
		maa.vector.kind = ZH_VECTOR_AKA;
		maa.vector.aka = *v;
	}
	log_end(t, d->cause, &d->result, v ? v->rand : NULL);
	send_or_tell(t, put_maa, &maa);
	maa.guss = span_of(NULL, 0); /* lent */
	zh_maa_clear(&maa);
	free(other);
	txn_end(t);
}

/* What a tester wants in the place of an answer. */
static void answer_outcome(struct zh_txn *t, const struct fault_outcome *o)
{
	const struct zh_maa maa = { .result = o->result };

	log_end(t, CAUSE_hss_fault, &o->result, NULL);
	if (o->redirect.n)
		send_or_tell(t, put_redirect, &o->redirect);
	else if (o->result.code)
		send_or_tell(t, put_maa, &maa);
	else if (fault_cuts(&t->effect))
		dia_hub_cut(t->server->hub, dia_reply_peer(t->reply));
	txn_end(t);
}

static void answer_redirect(struct zh_txn *t, const struct zh_redirect *to)
{
	static const struct result redirect = { .code = RESULT_REDIRECT };

	log_end(t, CAUSE_hss_redirected, &redirect, NULL);
	send_or_tell(t, put_redirect, to);
	txn_end(t);
}

static void answer_failed(struct zh_txn *t)
{
	struct zh_decision d;

	zh_decide_failed(&d);
	zh_server_answer(t, &d, NULL);
}

static struct subscriber *zh_server_load(struct zh_txn *t, struct zh_facts *f, int *rc)
{
	struct subscriber *sub = NULL;

	*rc = subscriber_cache_get(t->server->cache, t->mar.impi.s, &sub);
	if (*rc < 0)
		return NULL;
	*f = (struct zh_facts){
		.known = true,
		.readable = sub->readable,
		.guss = span_of(sub->row.guss, sub->row.guss_len),
		.has_guss_timestamp = sub->row.has_guss_timestamp,
		.guss_timestamp = sub->row.guss_timestamp,
	};
	return sub;
}

/* Ask for a new mark if it is time. \returns false: it could not be asked for */
static bool move_mark(struct zh_server *s, struct subscriber *sub)
{
	uint64_t mark;

	if (!auc_counter_ask(&sub->counter, clock_wall_ms(), &mark))
		return true;
	if (mark_writer_ask(s->writer, sub->row.impi.s, sub->row.id, mark) == 0)
		return true;
	auc_counter_moved(&sub->counter, mark, false);
	return false;
}

/* It came again while it still waits: the one that waits is answered to who asked last, and this one is done. */
static bool joined(struct zh_txn *t, struct llist_head *list)
{
	struct zh_txn *former;

	if (!t->repeated)
		return false;
	llist_for_each_entry(former, list, entry)
	{
		if (!zh_repeats_same(&former->key, &t->key))
			continue;
		dia_reply_drop(former->reply);
		former->reply = t->reply;
		t->reply = NULL;
		txn_end(t);
		return true;
	}
	return false;
}

/* It came again and was answered: the same vector, also where its AUTS has set the counter by now. \returns false: it was not */
static bool gave_again(struct zh_txn *t, const struct zh_facts *f, const struct subscriber *sub)
{
	static const struct result fine = { 0 };
	struct zh_mar mar = t->mar;
	struct aka_vector v = { 0 };
	struct zh_given given;
	struct zh_decision d;

	if (!t->repeated || !zh_repeats_get(t->server->repeats, &t->key, clock_mono_ms(), &given))
		return false;
	mar.has_resync = false;
	zh_decide(&d, &mar, &fine, f);
	if (d.vector && (aka_vector_make(&v, &sub->row.cred, given.rand, given.sqn) < 0 ||
			 fault_vector(&v, &given.spoilt, &sub->row.cred) < 0))
		zh_decide_failed(&d);
	if (d.vector)
		d.cause = CAUSE_hss_repeated;
	zh_server_answer(t, &d, d.vector ? &v : NULL);
	aka_vector_clear(&v);
	return true;
}

static void zh_server_remember(const struct zh_txn *t, const uint8_t rand[AKA_RAND_LEN], uint64_t sqn)
{
	struct zh_given given = { .sqn = sqn, .spoilt = t->effect.of[FAULT_SORT_VECTOR] };

	memcpy(given.rand, rand, sizeof(given.rand));
	zh_repeats_put(t->server->repeats, &t->key, &given, clock_mono_ms());
}

/* Decide and answer, or wait for the mark and come here again: then everything is decided anew, on what is true by then. */
static void zh_server_do_serve(struct zh_txn *t)
{
	static const struct result fine = { 0 };
	struct zh_facts f = { 0 };
	struct zh_decision d;
	struct aka_vector v = { 0 };
	struct subscriber *sub;
	uint64_t sqn_ms = 0, sqn, now = clock_wall_ms();
	struct zh_redirect to;
	int rc;

	if (slf_find(&to, t->server->slf, t->mar.impi.s))
		return answer_redirect(t, &to);
	sub = zh_server_load(t, &f, &rc);
	if (!sub && rc != -ENOENT) {
		if (log_rate_ok(DSTORE))
			LOGT(DSTORE, LOGL_ERROR, "subscriber database cannot be read\n");
		answer_failed(t);
		return;
	}
	if (sub && sub->stale) {
		txn_list(t, &sub->waiting);
		return;
	}
	if (gave_again(t, &f, sub))
		return;
	if (sub && sub->readable && t->mar.has_resync)
		f.auts = auc_auts_check(&sub->counter, &sub->row.cred, now, t->mar.rand, t->mar.auts, &sqn_ms);
	zh_decide(&d, &t->mar, &fine, &f);
	if (!d.vector) {
		zh_server_answer(t, &d, NULL);
		return;
	}
	if (joined(t, &sub->waiting))
		return;
	if (d.resync) {
		auc_counter_resync(&sub->counter, now, sqn_ms);
		t->resynced = true;
	}
	if (t->resynced)
		d.cause =
			CAUSE_hss_resync; /* set when it came first; now that it waited for the mark the numbers fit */
	rc = auc_counter_next(&sub->counter, now, &sqn);
	if (!move_mark(t->server, sub) && rc == -EAGAIN)
		rc = -EIO;
	if (rc == -EAGAIN) {
		txn_list(t, &sub->waiting);
		return;
	}
	if (rc < 0 || auc_vector(&v, &sub->row.cred, sqn) < 0 ||
	    fault_vector(&v, &t->effect.of[FAULT_SORT_VECTOR], &sub->row.cred) < 0) {
		answer_failed(t);
		return;
	}
	zh_server_remember(t, v.rand, sqn);
	zh_server_answer(t, &d, &v);
	aka_vector_clear(&v);
}

static void begin_now(struct zh_txn *t)
{
	struct fault_outcome o;

	if (fault_outcome(&o, &t->effect))
		answer_outcome(t, &o);
	else
		zh_server_do_serve(t);
}

static void on_delay_over(void *data)
{
	struct zh_txn *t = data;

	txn_unlist(t);
	begin_now(t);
}

void zh_server_begin(struct zh_txn *t)
{
	struct zh_server *s = t->server;
	uint64_t delay_ms;

	if (joined(t, &s->delayed))
		return;
	fault_take(&t->effect, s->faults, t->mar.impi.s, clock_mono_ms());
	delay_ms = fault_delay_ms(&t->effect);
	if (!delay_ms) {
		begin_now(t);
		return;
	}
	txn_list(t, &s->delayed);
	deadline_start(s->deadlines, &t->delay, delay_ms, on_delay_over, t);
}

void zh_server_mark_done(void *owner, const char *impi, uint64_t seq, int rc)
{
	struct zh_server *s = owner;
	struct subscriber *sub = subscriber_cache_peek(s->cache, impi);
	struct zh_txn *t;
	LLIST_HEAD(ready);

	if (!sub)
		return; /* nobody waited, it made room for others */
	auc_counter_moved(&sub->counter, seq, rc == 0);
	llist_splice_init(&sub->waiting, &ready);
	while (!llist_empty(&ready)) {
		t = llist_first_entry(&ready, struct zh_txn, entry);
		txn_unlist(t);
		if (rc < 0)
			answer_failed(t);
		else
			zh_server_do_serve(t);
	}
}

static void drop_list(struct llist_head *list)
{
	while (!llist_empty(list))
		txn_end(llist_first_entry(list, struct zh_txn, entry));
}

void zh_server_drop_all(struct zh_server *s)
{
	drop_list(&s->delayed);
	subscriber_cache_each(s->cache, drop_list);
}
