/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/inbox_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <talloc.h>
#include "common/base/owner_of.h"

struct inbox_thread {
	pthread_t thread;
	sem_t up;
	int rc; /* of the thread's start */
	const char *name;
	struct inbox *in;
	struct inbox_item stop; /* there already: stopping needs no memory */
	void *owner;
	void (*turn)(void *owner);
	bool stopping;
};

static void run_last(void *owner, struct inbox_item *item, bool stopping)
{
	owner_of(item, struct inbox_thread, stop)->stopping = true;
}

static void inbox_thread_turn(struct inbox_thread *t)
{
	if (t->turn)
		t->turn(t->owner);
}

static void *inbox_thread_main(void *arg)
{
	struct inbox_thread *t = arg;

	osmo_ctx_init(t->name);
	osmo_select_init();
	t->rc = inbox_attach(t->in);
	t->stopping = t->rc < 0;
	sem_post(&t->up);
	while (!t->stopping) {
		osmo_select_main(0); /* collects all that waits */
		inbox_thread_turn(t);
	}
	inbox_close(t->in);
	inbox_thread_turn(t);
	talloc_free(osmo_ctx); /* of this thread, the library keeps it for ever */
	osmo_ctx = NULL;
	return NULL;
}

static void inbox_thread_free(struct inbox_thread *t)
{
	inbox_free(t->in);
	sem_destroy(&t->up);
	free(t);
}

struct inbox_thread *inbox_thread_start(const char *name, size_t bound, void *owner, void (*turn)(void *owner),
					struct err *err)
{
	struct inbox_thread *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	*t = (struct inbox_thread){ .name = name, .owner = owner, .turn = turn, .stop.run = run_last };
	sem_init(&t->up, 0, 0);
	t->in = inbox_new(bound, owner);
	if (!t->in || pthread_create(&t->thread, NULL, inbox_thread_main, t) != 0) {
		err_set(err, -ENOMEM, "no thread for %s", name);
		inbox_thread_free(t);
		return NULL;
	}
	while (sem_wait(&t->up) < 0)
		;
	if (t->rc == 0)
		return t;
	err_set(err, t->rc, "the thread for %s does not start", name);
	pthread_join(t->thread, NULL);
	inbox_thread_free(t);
	return NULL;
}

struct inbox *inbox_thread_inbox(const struct inbox_thread *t)
{
	return t->in;
}

void inbox_thread_stop(struct inbox_thread *t)
{
	if (!t)
		return;
	inbox_post_always(t->in, &t->stop);
	pthread_join(t->thread, NULL);
	inbox_thread_free(t);
}
