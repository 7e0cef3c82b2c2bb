/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file pcsc_thread.h
 *  Calls that may never come back, on a thread of their own: libpcsclite waits without end for pcscd, for a reader, and for the
 *  transaction of another program. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"

struct pcsc_thread;

/*! What the jobs work on. All of it belongs to the thread while a job runs, and for good when the thread is left alone with one. */
struct pcsc_jobs {
	void *owner;
	void (*late)(void *owner); /* a job has come back when nobody waited any more: undo what it began */
	void (*drop)(void *owner); /* free it; on the thread */
};

#define PCSC_STUCK_MAX 8 /* threads that were left alone and are not back, of this process */

/*! \returns new object, which will drop the owner; NULL, nothing is taken: no memory, or PCSC_STUCK_MAX */
struct pcsc_thread *pcsc_thread_new(const struct pcsc_jobs *jobs, struct err *err);

/*! Run job(owner) and wait for it.
 *  \returns 0; -ETIMEDOUT it, or one before it, is not back: the owner is not to be touched */
int pcsc_thread_run(struct pcsc_thread *t, void (*job)(void *owner), int timeout_s);

/*! Is the owner ours to be touched? */
bool pcsc_thread_idle(struct pcsc_thread *t);

/*! End it; one that is not back ends when it is. */
void pcsc_thread_free(struct pcsc_thread *t);
