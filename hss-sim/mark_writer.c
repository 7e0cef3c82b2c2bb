/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/mark_writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include "common/rt/log_cat.h"

#define BATCH_MAX 4096

/* Goes to the writer and comes back with rc. */
struct ask {
	struct inbox_item item;
	struct mark_writer *w;
	struct subscriber_mark mark;
	int rc;
	char impi[IMPI_MAX + 1];
};

struct mark_writer {
	pthread_t thread;
	sem_t up;
	int rc; /* of the thread's start */
	struct inbox *in, *back;
	struct subscriber_marks *db;
	mark_done_fn *done;
	bool stopping;
	/* of the thread */
	struct subscriber_mark marks[BATCH_MAX];
	struct ask *asks[BATCH_MAX];
	size_t n;
};

static void run_answer(void *owner, struct inbox_item *item, bool stopping)
{
	struct ask *a = (struct ask *)item;

	if (!stopping)
		a->w->done(owner, a->impi, a->mark.seq, a->rc);
	free(a);
}

static void write_batch(struct mark_writer *w)
{
	size_t i;
	int rc;

	if (w->n == 0)
		return;
	for (i = 0; i < w->n; i++)
		w->marks[i] = w->asks[i]->mark;
	rc = subscriber_marks_write(w->db, w->marks, w->n);
	if (rc < 0 && log_rate_ok(DSTORE))
		LOGT(DSTORE, LOGL_ERROR, "subscriber database: %s; no vectors for those concerned\n",
		     rc == -ENOSPC ? "disk full" : "write failed");
	for (i = 0; i < w->n; i++) {
		struct ask *a = w->asks[i];

		a->rc = rc;
		a->item.run = run_answer;
		if (inbox_post_always(w->back, &a->item) < 0)
			free(a);
	}
	w->n = 0;
}

static void run_ask(void *owner, struct inbox_item *item, bool stopping)
{
	struct mark_writer *w = owner;

	if (w->n == BATCH_MAX)
		write_batch(w);
	w->asks[w->n++] = (struct ask *)item;
}

static void run_stop(void *owner, struct inbox_item *item, bool stopping)
{
	struct mark_writer *w = owner;

	w->stopping = true;
	free(item);
}

static void *writer(void *arg)
{
	struct mark_writer *w = arg;

	osmo_ctx_init("marks");
	osmo_select_init();
	w->rc = inbox_attach(w->in);
	w->stopping = w->rc < 0;
	sem_post(&w->up);
	while (!w->stopping) {
		osmo_select_main(0); /* collects all that waits */
		write_batch(w);
	}
	inbox_close(w->in);
	write_batch(w);
	talloc_free(osmo_ctx); /* of this thread, the library keeps it for ever */
	osmo_ctx = NULL;
	return NULL;
}

struct mark_writer *mark_writer_start(const char *db_path, struct inbox *back, mark_done_fn *done, struct err *err)
{
	struct mark_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	w->back = back;
	w->done = done;
	w->db = subscriber_marks_open(db_path, err);
	if (!w->db)
		goto fail;
	w->in = inbox_new(0, w);
	sem_init(&w->up, 0, 0);
	if (!w->in || pthread_create(&w->thread, NULL, writer, w) != 0) {
		err_set(err, -ENOMEM, "no thread for the marks");
		goto fail;
	}
	while (sem_wait(&w->up) < 0)
		;
	if (w->rc == 0)
		return w;
	err_set(err, w->rc, "the thread for the marks does not start");
	pthread_join(w->thread, NULL);
fail:
	inbox_free(w->in);
	subscriber_marks_close(w->db);
	free(w);
	return NULL;
}

int mark_writer_ask(struct mark_writer *w, const char *impi, int64_t id, uint64_t seq)
{
	struct ask *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->item.run = run_ask;
	a->w = w;
	a->mark = (struct subscriber_mark){ id, seq };
	osmo_strlcpy(a->impi, impi, sizeof(a->impi));
	rc = inbox_post_always(w->in, &a->item);
	if (rc < 0)
		free(a);
	return rc;
}

void mark_writer_stop(struct mark_writer *w)
{
	struct inbox_item *stop;

	if (!w)
		return;
	stop = calloc(1, sizeof(*stop));
	if (!stop)
		return; /* no memory to stop with: the process ends anyway, what is durable is durable */
	stop->run = run_stop;
	if (inbox_post_always(w->in, stop) < 0)
		free(stop);
	pthread_join(w->thread, NULL);
	inbox_free(w->in);
	sem_destroy(&w->up);
	subscriber_marks_close(w->db);
	free(w);
}
