/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file signals.h
 *  Signals are for the main thread. */
#pragma once

#include <pthread.h>
#include <signal.h>

/*! Block all signals in this thread, and in those it starts, but for those that a fault of the thread itself raises:
 *  blocked they would end the process without a word.
 *  \param[out] before mask to go back to */
static inline void signals_block(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, before);
}
