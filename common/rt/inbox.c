/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <osmocom/core/select.h>

struct inbox {
	pthread_mutex_t lock;
	struct inbox_item *first, **last;
	size_t waiting, bound;
	bool closed;
	void *owner;
	bool attached;
	struct osmo_fd ofd;
};

struct inbox *inbox_new(size_t bound, void *owner)
{
	struct inbox *in = calloc(1, sizeof(*in));
	int fd;

	if (!in)
		return NULL;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0) {
		free(in);
		return NULL;
	}
	pthread_mutex_init(&in->lock, NULL);
	in->last = &in->first;
	in->bound = bound;
	in->owner = owner;
	in->ofd.fd = fd;
	return in;
}

/* Take all that waits. */
static struct inbox_item *take_all(struct inbox *in)
{
	struct inbox_item *list;

	pthread_mutex_lock(&in->lock);
	list = in->first;
	in->first = NULL;
	in->last = &in->first;
	in->waiting = 0;
	pthread_mutex_unlock(&in->lock);
	return list;
}

static void run_all(struct inbox *in, struct inbox_item *list, bool stopping)
{
	while (list) {
		struct inbox_item *item = list;

		list = item->next;
		item->run(in->owner, item, stopping);
	}
}

int inbox_fd(const struct inbox *in)
{
	return in->ofd.fd;
}

static int inbox_on_event(struct osmo_fd *ofd, unsigned int what)
{
	struct inbox *in = ofd->data;
	uint64_t n;

	/* Cleared before the list is taken: a post in between wakes us once more, never once less. */
	if (read(ofd->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return 0;
	run_all(in, take_all(in), false);
	return 0;
}

int inbox_attach(struct inbox *in)
{
	int rc;

	osmo_fd_setup(&in->ofd, in->ofd.fd, OSMO_FD_READ, inbox_on_event, in, 0);
	rc = osmo_fd_register(&in->ofd);
	if (rc == 0)
		in->attached = true;
	return rc;
}

static int post(struct inbox *in, struct inbox_item *item, bool always)
{
	bool wake;

	item->next = NULL;
	pthread_mutex_lock(&in->lock);
	if (in->closed || (!always && in->waiting >= in->bound)) {
		int rc = in->closed ? -ESHUTDOWN : -EBUSY;

		pthread_mutex_unlock(&in->lock);
		return rc;
	}
	wake = in->first == NULL;
	*in->last = item;
	in->last = &item->next;
	in->waiting++;
	pthread_mutex_unlock(&in->lock);
	if (wake) {
		uint64_t one = 1;

		/* EAGAIN would mean 2^64-2 unread wake-ups: the reader is awake anyway. */
		if (write(in->ofd.fd, &one, sizeof(one)) < 0)
			return 0;
	}
	return 0;
}

int inbox_post(struct inbox *in, struct inbox_item *item)
{
	return post(in, item, false);
}

int inbox_post_always(struct inbox *in, struct inbox_item *item)
{
	return post(in, item, true);
}

void inbox_close(struct inbox *in)
{
	pthread_mutex_lock(&in->lock);
	in->closed = true;
	pthread_mutex_unlock(&in->lock);
	if (in->attached) /* here and not in inbox_free(): the loop that knows it is this thread's */
		osmo_fd_unregister(&in->ofd);
	in->attached = false;
	run_all(in, take_all(in), true);
}

void inbox_run(struct inbox *in)
{
	run_all(in, take_all(in), false);
}

void inbox_free(struct inbox *in)
{
	if (!in)
		return;
	inbox_close(in);
	close(in->ofd.fd);
	pthread_mutex_destroy(&in->lock);
	free(in);
}
