/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_fatal.c
 *  Damage that nobody can know before it is met: LMDB's own checks fail, or the kernel cannot read a page of the map.
 *  Neither leaves a store that could go on, so the process ends in words; the next start looks at every page. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "bsf/store/lmdb.h"

/* Ready before it is needed: a signal handler may not format. */
static char line[4096 + 256];
static size_t line_len;

void lmdb_fatal(void)
{
	if (write(STDERR_FILENO, line, line_len) < 0)
		_exit(2);
	_exit(1);
}

static void on_sigbus(int sig)
{
	lmdb_fatal();
}

static void on_assert(MDB_env *env, const char *text)
{
	lmdb_fatal();
}

_Thread_local volatile bool lmdb_writing;

/* Of a page that is damaged so that LMDB goes astray while it moves entries. Elsewhere it is a fault of ours, and ends as one. */
static void on_sigsegv(int sig)
{
	if (lmdb_writing)
		lmdb_fatal();
	signal(sig, SIG_DFL);
	raise(sig);
}

void lmdb_fatal_init(MDB_env *env, const char *dir)
{
	struct sigaction sa = { .sa_handler = on_sigbus };
	int n = snprintf(
		line, sizeof(line),
		"store: %s/data.mdb cannot be used any longer: it is damaged or cut, or its disk fails. Ending; the next "
		"start saves what can be read, and says how much.\n",
		dir);

	line_len = n > 0 && (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
	sigaction(SIGBUS, &sa, NULL);
	sa.sa_handler = on_sigsegv;
	sigaction(SIGSEGV, &sa, NULL);
	mdb_env_set_assert(env, on_assert);
}
