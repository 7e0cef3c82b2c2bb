/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_checkpoint.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "common/rt/log_cat.h"

#define PAGES_WORTH 1000  /* in the log before it is worth it: SQLite's own number */
#define PAGES_MOST  16384 /* then a writer waits until the log begins anew: commits never pause */
#define WAIT_MS     50    /* so long at most, for who reads what is in it */

struct reg_checkpoint {
	sqlite3 *sql;
	pthread_t thread;
	sem_t wake;
	atomic_bool stopping;
	bool failed; /* and that was said. Of the thread */
};

static void checkpoint_say(struct reg_checkpoint *c, bool fails)
{
	if (fails && !c->failed)
		LOGT(DSTORE, LOGL_ERROR, "database: its log stays as it is, and grows: %s\n", sqlite3_errmsg(c->sql));
	else if (!fails && c->failed)
		LOGT(DSTORE, LOGL_NOTICE, "database: its log is emptied again\n");
	c->failed = fails;
}

/* Without a lock that a writer needs: what he commits meanwhile is for the next time. */
static void checkpoint(struct reg_checkpoint *c)
{
	int in_log = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(c->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);

	if (rc == SQLITE_OK && in_log > PAGES_MOST && in_log - done < PAGES_WORTH)
		rc = sqlite3_wal_checkpoint_v2(c->sql, NULL, SQLITE_CHECKPOINT_RESTART, &in_log, &done);
	if (rc != SQLITE_BUSY)
		checkpoint_say(c, rc != SQLITE_OK);
}

static void *checkpoint_main(void *arg)
{
	struct reg_checkpoint *c = arg;

	while (!c->stopping) {
		checkpoint(c);
		while (sem_wait(&c->wake) < 0)
			;
		while (sem_trywait(&c->wake) == 0)
			;
	}
	return NULL;
}

static int committed(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct reg_checkpoint *c = arg;

	if (pages >= PAGES_WORTH)
		sem_post(&c->wake);
	return SQLITE_OK;
}

static void checkpoint_free(struct reg_checkpoint *c)
{
	sqlite3_close(c->sql);
	sem_destroy(&c->wake);
	free(c);
}

struct reg_checkpoint *reg_checkpoint_start(struct reg_db *writer, const char *path, struct err *err)
{
	struct reg_checkpoint *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	sem_init(&c->wake, 0, 0);
	if (sql_open(path, &c->sql) < 0) {
		err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(c->sql));
		goto fail;
	}
	sqlite3_busy_timeout(c->sql, WAIT_MS); /* before the thread: the connection is its own from then on */
	if (pthread_create(&c->thread, NULL, checkpoint_main, c) != 0) {
		err_set(err, -ENOMEM, "no thread for the log of the database");
		goto fail;
	}
	sqlite3_wal_hook(writer->sql, committed, c);
	return c;
fail:
	checkpoint_free(c);
	return NULL;
}

void reg_checkpoint_stop(struct reg_checkpoint *c)
{
	if (!c)
		return;
	atomic_store(&c->stopping, true);
	sem_post(&c->wake);
	pthread_join(c->thread, NULL);
	checkpoint_free(c);
}
