/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_work.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/rt/inbox_thread.h"

#define ORDERS_MAX 256 /* of the control socket each connection has one in work */

struct reg_work {
	struct inbox_thread *thread;
	struct inbox *back;
	struct reg_db *db;
	void (*sends)(void);
	struct reg_order *first, **last; /* that came since the last transaction */
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
static void work_batch(void *owner)
{
	struct reg_work *w = owner;
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

static void work_free(struct reg_work *w)
{
	reg_db_close(w->db);
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
	w->thread = inbox_thread_start(sends ? "writer" : "reader", ORDERS_MAX, w, work_batch, err);
	if (w->thread)
		return w;
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
	if (inbox_post(inbox_thread_inbox(w->thread), &o->item) == 0)
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
		rc = inbox_post_always(inbox_thread_inbox(w->thread), &o->item);
		if (rc < 0)
			free(o);
	}
	return rc;
}

void reg_work_stop(struct reg_work *w)
{
	if (!w)
		return;
	inbox_thread_stop(w->thread);
	work_free(w);
}
