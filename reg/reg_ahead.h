/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_ahead.h
 *  What is asked of HSSs and BSFs before an order is worked on, so that what they would refuse is refused while nothing has changed: a
 *  device whose subscriber no HSS knows, an application that a BSF has in its own configuration already (it would refuse both). On
 *  a thread of its own, since they may be slow. One that does not answer says nothing against it, and is not asked for a while. */
#pragma once

#include "reg/reg_work.h"

/*! How long one that let an order wait in vain is not asked. */
extern int reg_ahead_silent_ms;

typedef int reg_ahead_fn(struct reg_order *o, struct reg_db *db);

/*! \param[in] db taken, also on error. \param[in] writer who works on it after that \returns 0; -ENOMEM and why in err */
int reg_ahead_start(struct reg_db *db, struct reg_work *writer, struct err *err);
/*! Before the writer, to whom all that waits is given, without a question. */
void reg_ahead_stop(void);

/*! What is to be asked before such an order? \returns NULL: nothing */
reg_ahead_fn *reg_ahead_of(int (*work)(struct reg_order *o, struct reg_db *db));

/*! Any thread: ask, then give it to the writer. \param[in] o taken if it is given; its ended() is called in any case
 *  \returns 0; -EBUSY too many wait; -ESHUTDOWN */
int reg_ahead_give(reg_ahead_fn *ask, struct reg_order *o);
