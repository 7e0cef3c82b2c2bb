/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_work.h"

#include <errno.h>
#include <stdlib.h>
#include "common/rt/inbox_thread.h"

#define ORDERS_MAX 256 /* of the control socket each connection has one in work */

struct reg_work {
	struct inbox_thread *thread;
	struct reg_db *db;
	void (*sends)(void);
	struct reg_order *first, **last; /* that came since the last transaction */
};

static void db_failed(struct reg_order *o, struct reg_db *db, int rc)
{
	if (!o->err.text[0])
		reg_refuse(o, CTL_FAILED, NULL, "database: %s",
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

static void end_one(struct reg_order *o)
{
	if (o->ended)
		o->ended(o);
	else
		reg_order_free(o);
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
		end_one(o);
	}
	if (sends)
		w->sends();
}

static void enqueue(void *owner, struct inbox_item *item, bool stopping)
{
	struct reg_work *w = owner;
	struct reg_order *o = (struct reg_order *)item;

	o->next = NULL; /* it may come from the list of another thread */
	*w->last = o;
	w->last = &o->next;
}

static void work_free(struct reg_work *w)
{
	reg_db_close(w->db);
	free(w);
}

struct reg_work *reg_work_start(struct reg_db *db, void (*sends)(void), struct err *err)
{
	struct reg_work *w = calloc(1, sizeof(*w));

	if (!w) {
		reg_db_close(db);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	*w = (struct reg_work){ .db = db, .sends = sends };
	w->last = &w->first;
	w->thread = inbox_thread_start(sends ? "writer" : "reader", ORDERS_MAX, w, work_batch, err);
	if (w->thread)
		return w;
	work_free(w);
	return NULL;
}

int reg_work_give(struct reg_work *w, struct reg_order *o)
{
	o->item.run = enqueue;
	return inbox_post(inbox_thread_inbox(w->thread), &o->item);
}

int reg_work_tell(struct reg_work *w, int (*work)(struct reg_order *o, struct reg_db *db), void *data,
		  void (*ended)(struct reg_order *o))
{
	struct reg_order *o = reg_order_new(work, NULL);
	int rc;

	if (!o)
		return -ENOMEM;
	o->data = data;
	o->ended = ended;
	o->item.run = enqueue;
	rc = inbox_post_always(inbox_thread_inbox(w->thread), &o->item);
	if (rc < 0)
		reg_order_free(o);
	return rc;
}

void reg_work_stop(struct reg_work *w)
{
	if (!w)
		return;
	inbox_thread_stop(w->thread);
	work_free(w);
}
