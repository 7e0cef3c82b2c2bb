/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_checkpoint.h
 *  A thread that brings what was committed from the log of the database (WAL) to its pages. SQLite lets who commits do that, every
 *  thousand pages: a change would wait for two more writes to the disk, of pages that lie all over it. */
#pragma once

#include "reg/reg_db.h"

struct reg_checkpoint;

/*! \param[in] writer the connection that commits; it does this no more itself, and is closed before the thread is stopped
 *  \param[in] path of its database. \returns NULL and a reason in err */
struct reg_checkpoint *reg_checkpoint_start(struct reg_db *writer, const char *path, struct err *err);
void reg_checkpoint_stop(struct reg_checkpoint *c); /* may be NULL */
