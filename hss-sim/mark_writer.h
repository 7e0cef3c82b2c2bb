/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mark_writer.h
 *  The thread that makes marks durable: what is asked while it writes shares the next transaction. */
#pragma once

#include "common/rt/inbox.h"
#include "hss-sim/subscriber_db.h"

struct mark_writer;

/*! Main thread, once per mark asked for. rc 0: durable; else not written. */
typedef void mark_done_fn(void *owner, const char *impi, uint64_t seq, int rc);

/*! \param[in] back inbox of the main thread, whose owner the answers are given to
 *  \returns NULL and a reason in err */
struct mark_writer *mark_writer_start(const char *db_path, struct inbox *back, mark_done_fn *done, struct err *err);

/*! \returns 0: done() will come; -ENOMEM; -ESHUTDOWN */
int mark_writer_ask(struct mark_writer *w, const char *impi, int64_t id, uint64_t seq);

/*! Write what was asked, end the thread; answers to `back` may still wait there. w may be NULL. */
void mark_writer_stop(struct mark_writer *w);
