/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/mark_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/core/utils.h>
#include "common/rt/inbox_thread.h"
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
	struct inbox_thread *thread;
	struct inbox *back;
	struct subscriber_marks *db;
	mark_done_fn *done;
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

static void write_batch(void *owner)
{
	struct mark_writer *w = owner;
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
	w->thread = w->db ? inbox_thread_start("marks", 0, w, write_batch, err) : NULL;
	if (w->thread)
		return w;
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
	rc = inbox_post_always(inbox_thread_inbox(w->thread), &a->item);
	if (rc < 0)
		free(a);
	return rc;
}

void mark_writer_stop(struct mark_writer *w)
{
	if (!w)
		return;
	inbox_thread_stop(w->thread);
	subscriber_marks_close(w->db);
	free(w);
}
