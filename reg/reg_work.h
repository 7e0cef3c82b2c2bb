/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_work.h
 *  A thread with a database connection of its own, and what it is told to do. There are two: one writes, and what waits for it
 *  becomes one durable transaction, in which each order is a savepoint; one reads, so that nothing long keeps a change waiting. */
#pragma once

#include "common/rt/ctl.h"
#include "common/rt/inbox.h"
#include "reg/reg_db.h"

struct reg_work;

/*! An order under way; malloc'ed. */
struct reg_order {
	struct inbox_item item; /* first */
	struct reg_work *w;
	struct ctl_request *q; /* answered in its end; NULL: nobody asked */
	/*! On the thread, inside a transaction that rc 0 commits. Reads q's arguments; sets answer, or word and err. */
	int (*work)(struct reg_order *o, struct reg_db *db);
	void *data; /* of who gave it without q */
	void (*ended)(
		struct reg_order *o); /* of who gave it without q: on the thread, when rc is durable; may be NULL */
	bool sends;                   /* set by work(): there is something for the targets */
	int rc;
	enum ctl_word word;
	struct err err;
	json_t *answer; /* owned */
	struct reg_order *next;
};

/*! \param[in] db taken, also on error. \param[in] back inbox of the main thread. \param[in] sends called on the thread when what was
 *  committed is for the targets; NULL: this one only reads
 *  \returns NULL and a reason in err */
struct reg_work *reg_work_start(struct reg_db *db, struct inbox *back, void (*sends)(void), struct err *err);

/*! Main thread. Do work for q, then answer it. */
void reg_work_give(struct reg_work *w, struct ctl_request *q, int (*work)(struct reg_order *o, struct reg_db *db));
/*! Any thread. \returns 0; -ENOMEM, -ESHUTDOWN: ended() is not called */
int reg_work_tell(struct reg_work *w, int (*work)(struct reg_order *o, struct reg_db *db), void *data,
		  void (*ended)(struct reg_order *o));

/*! What was given is done; answers wait in `back`. w may be NULL. */
void reg_work_stop(struct reg_work *w);

/*! For work(): why not. \returns rc */
int reg_refuse(struct reg_order *o, int rc, enum ctl_word word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
