/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file inbox.h
 *  Items from any thread into one thread's osmo_select loop. Bounded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct inbox;

/*! First member of what crosses; malloc'ed by the poster, owned by run() from then on. */
struct inbox_item {
	struct inbox_item *next;
	/*! Called once on the receiving thread. stopping: the inbox is being freed; release, do not act. */
	void (*run)(void *owner, struct inbox_item *item, bool stopping);
};

/*! \param[in] bound items waiting at most. \returns NULL: no memory or no descriptor */
struct inbox *inbox_new(size_t bound, void *owner);

/*! Call on the receiving thread after osmo_select_init(). \returns 0; -errno */
int inbox_attach(struct inbox *in);

/*! Any thread. \returns 0; -EBUSY full (the caller still owns item); -ESHUTDOWN */
int inbox_post(struct inbox *in, struct inbox_item *item);

/*! The same beyond the bound, for what must not be lost (answers to what we asked; their number is bounded by the asking). */
int inbox_post_always(struct inbox *in, struct inbox_item *item);

/*! On the receiving thread: leave its loop, refuse further posts (-ESHUTDOWN) and run what waits with stopping = true. The
 *  object lives on, so that threads which still post get their refusal. */
void inbox_close(struct inbox *in);

/*! On the receiving thread: run what waits now, without its loop. */
void inbox_run(struct inbox *in);

/*! \returns the descriptor that is readable while something waits; for the receiving thread to look, not to read */
int inbox_fd(const struct inbox *in);
/*! Once nobody can post any more: close and free. On the receiving thread, or on any after inbox_close(). in may be
 *  NULL. */
void inbox_free(struct inbox *in);
