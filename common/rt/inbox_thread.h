/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file inbox_thread.h
 *  A thread that does what comes into its inbox, on a select loop of its own, until it is stopped. */
#pragma once

#include "common/base/err.h"
#include "common/rt/inbox.h"

struct inbox_thread;

/*! \param[in] name of the thread, and in the reason where it does not start. \param[in] bound as for inbox_new()
 *  \param[in] owner handed to the items. \param[in] turn called on the thread when what waited has run, and once more at its end;
 *  may be NULL
 *  \returns running, its inbox takes items; NULL and a reason in err */
struct inbox_thread *inbox_thread_start(const char *name, size_t bound, void *owner, void (*turn)(void *owner),
					struct err *err);

struct inbox *inbox_thread_inbox(const struct inbox_thread *t);

/*! What was given is done (what came last with stopping set), then the thread ends. Nobody posts any more. t may be NULL. */
void inbox_thread_stop(struct inbox_thread *t);
