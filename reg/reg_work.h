/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_work.h
 *  A thread with a database connection of its own, and what it is told to do. There are two: one writes, and what waits for it
 *  becomes one durable transaction, in which each order is a savepoint; one reads, so that nothing long keeps a change waiting. */
#pragma once

#include "reg/reg_call.h"

/*! \param[in] db taken, also on error. \param[in] sends called on the thread when what was committed is for the targets; NULL: this
 *  one only reads
 *  \returns NULL and a reason in err */
struct reg_work *reg_work_start(struct reg_db *db, void (*sends)(void), struct err *err);

/*! Any thread. \param[in] o taken if it is given \returns 0; -EBUSY too many wait; -ESHUTDOWN */
int reg_work_give(struct reg_work *w, struct reg_order *o);
/*! Any thread: what the registry asks of itself, however many wait. ended() takes the order. \returns 0; -ENOMEM, -ESHUTDOWN */
int reg_work_tell(struct reg_work *w, int (*work)(struct reg_order *o, struct reg_db *db), void *data,
		  void (*ended)(struct reg_order *o));

/*! What was given is done. w may be NULL. */
void reg_work_stop(struct reg_work *w);
