/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_work.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#define ORDERS_MAX 256 /* of the control socket each connection has one in work */

struct reg_work {
	pthread_t thread;
	sem_t up;
	int rc; /* of the thread's start */
	struct inbox *in, *back;
	struct reg_db *db;
	void (*sends)(void);
	struct reg_order *first, **last; /* that came since the last transaction */
	bool stopping;
};

int reg_refuse(struct reg_order *o, int rc, enum ctl_word word, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->err.text, sizeof(o->err.text), fmt, ap);
	va_end(ap);
	o->word = word;
	return rc;
}

/* On the main thread again. */
static void answer(void *owner, struct inbox_item *item, bool stopping)
{
	struct reg_order *o = (struct reg_order *)item;

	if (o->rc < 0) {
		json_decref(o->answer);
		ctl_fail(o->q, o->word, "%s", o->err.text);
	} else {
		ctl_ok(o->q, o->answer);
	}
	free(o);
}

static void db_failed(struct reg_order *o, struct reg_db *db, int rc)
{
	if (!o->err.text[0])
		reg_refuse(o, rc, CTL_FAILED, "database: %s",
			   rc == -ENOSPC ? "disk full"
			   : db->fault   ? db->fault
					 : sqlite3_errmsg(db->sql));
}

static void work_one(struct reg_work *w, struct reg_order *o)
{
	w->db->fault = NULL;
	o->rc = w->sends ? sql_exec(w->db->sql, "SAVEPOINT one") : 0;
	if (o->rc == 0)
		o->rc = o->work(o, w->db);
	if (o->rc < 0)
		db_failed(o, w->db, o->rc);
	if (w->sends && o->rc < 0)
		sql_exec(w->db->sql, "ROLLBACK TO one");
	if (w->sends)
		sql_exec(w->db->sql, "RELEASE one");
}

static void end_one(struct reg_work *w, struct reg_order *o)
{
	if (!o->q) {
		if (o->ended)
			o->ended(o);
		free(o);
		return;
	}
	o->item.run = answer;
	inbox_post_always(w->back, &o->item); /* which outlives us */
}

/* \returns 0: all that it did is on the disk */
static int commit(struct reg_work *w, int begun)
{
	int rc = begun;

	if (rc == 0)
		rc = sql_exec(w->db->sql, "COMMIT");
	if (rc < 0)
		sql_exec(w->db->sql, "ROLLBACK");
	return rc;
}

/* All that waits in one transaction: one wait for the disk. Nobody is answered before it. */
static void work_batch(struct reg_work *w)
{
	struct reg_order *all = w->first, *o, *next;
	bool sends = false;
	int rc;

	if (!all)
		return;
	w->first = NULL;
	w->last = &w->first;
	rc = w->sends ? sql_exec(w->db->sql, "BEGIN IMMEDIATE") : 0;
	for (o = all; o && rc == 0; o = o->next)
		work_one(w, o);
	if (w->sends)
		rc = commit(w, rc);
	for (o = all; o; o = next) {
		next = o->next;
		if (rc < 0 && o->rc >= 0) {
			o->rc = rc;
			db_failed(o, w->db, rc);
		}
		sends |= o->rc >= 0 && o->sends;
		end_one(w, o);
	}
	if (sends)
		w->sends();
}

static void enqueue(void *owner, struct inbox_item *item, bool stopping)
{
	struct reg_work *w = owner;
	struct reg_order *o = (struct reg_order *)item;

	*w->last = o;
	w->last = &o->next;
}

static void work_stop(void *owner, struct inbox_item *item, bool stopping)
{
	struct reg_work *w = owner;

	w->stopping = true;
	free(item);
}

static void *work_main(void *arg)
{
	struct reg_work *w = arg;

	osmo_ctx_init("reg");
	osmo_select_init();
	w->rc = inbox_attach(w->in);
	w->stopping = w->rc < 0;
	sem_post(&w->up);
	while (!w->stopping) {
		osmo_select_main(0);
		work_batch(w);
	}
	inbox_close(w->in);
	work_batch(w);
	talloc_free(osmo_ctx); /* of this thread, the library keeps it for ever */
	osmo_ctx = NULL;
	return NULL;
}

static void work_free(struct reg_work *w)
{
	inbox_free(w->in);
	reg_db_close(w->db);
	sem_destroy(&w->up);
	free(w);
}

struct reg_work *reg_work_start(struct reg_db *db, struct inbox *back, void (*sends)(void), struct err *err)
{
	struct reg_work *w = calloc(1, sizeof(*w));

	if (!w) {
		reg_db_close(db);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	*w = (struct reg_work){ .db = db, .back = back, .sends = sends };
	w->last = &w->first;
	sem_init(&w->up, 0, 0);
	w->in = inbox_new(ORDERS_MAX, w);
	if (!w->in || pthread_create(&w->thread, NULL, work_main, w) != 0) {
		err_set(err, -ENOMEM, "no thread for the database");
		work_free(w);
		return NULL;
	}
	while (sem_wait(&w->up) < 0)
		;
	if (w->rc == 0)
		return w;
	err_set(err, w->rc, "the thread of the database does not start");
	pthread_join(w->thread, NULL);
	work_free(w);
	return NULL;
}

void reg_work_give(struct reg_work *w, struct ctl_request *q, int (*work)(struct reg_order *o, struct reg_db *db))
{
	struct reg_order *o = calloc(1, sizeof(*o));

	if (!o) {
		ctl_fail(q, CTL_FAILED, "no memory");
		return;
	}
	*o = (struct reg_order){ .w = w, .q = q, .work = work, .item.run = enqueue };
	if (inbox_post(w->in, &o->item) == 0)
		return;
	free(o);
	ctl_fail(q, CTL_BUSY, "too many orders wait");
}

int reg_work_tell(struct reg_work *w, int (*work)(struct reg_order *o, struct reg_db *db), void *data,
		  void (*ended)(struct reg_order *o))
{
	struct reg_order *o = calloc(1, sizeof(*o));
	int rc = o ? 0 : -ENOMEM;

	if (o) {
		*o = (struct reg_order){ .w = w, .work = work, .data = data, .ended = ended, .item.run = enqueue };
		rc = inbox_post_always(w->in, &o->item);
		if (rc < 0)
			free(o);
	}
	return rc;
}

void reg_work_stop(struct reg_work *w)
{
	struct inbox_item *stop;

	if (!w)
		return;
	stop = calloc(1, sizeof(*stop));
	if (!stop)
		return; /* no memory to stop with: the process ends anyway, what is durable is durable */
	stop->run = work_stop;
	if (inbox_post_always(w->in, stop) < 0)
		free(stop);
	pthread_join(w->thread, NULL);
	work_free(w);
}
