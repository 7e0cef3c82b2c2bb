/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/deadline.h"

#include <stdbool.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <talloc.h>
#include "common/base/clock.h"

struct deadline_set {
	struct rb_root tree;
	struct osmo_fd ofd;
	uint64_t armed_ms; /* what the descriptor is set to; 0: off */
};

static struct deadline *first_of(const struct deadline_set *set)
{
	struct rb_node *n = rb_first(&set->tree);

	return n ? rb_entry(n, struct deadline, node) : NULL;
}

/* Set the descriptor only when something comes earlier than it knows: starting and stopping the usual time-out, which is
 * later than those that run, costs no system call. A wake-up for a deadline that was stopped is harmless. */
static void deadline_arm(struct deadline_set *set)
{
	struct deadline *d = first_of(set);
	struct itimerspec its = { 0 };
	uint64_t now, in_ms;

	if (!d || (set->armed_ms && set->armed_ms <= d->at_ms))
		return;
	/* Relative: libfaketime, which the tests step the clock with, takes an absolute instant for one of the wall clock. */
	now = clock_mono_ms();
	in_ms = d->at_ms > now ? d->at_ms - now : 0;
	set->armed_ms = d->at_ms;
	its.it_value.tv_sec = in_ms / 1000;
	its.it_value.tv_nsec = in_ms ? in_ms % 1000 * 1000000 : 1; /* all zero would switch it off */
	timerfd_settime(set->ofd.fd, 0, &its, NULL);
}

static void unlink_deadline(struct deadline *d)
{
	rb_erase(&d->node, &d->set->tree);
	d->set = NULL;
}

static int on_timer(struct osmo_fd *ofd, unsigned int what)
{
	struct deadline_set *set = ofd->data;
	uint64_t n, now = clock_mono_ms();
	struct deadline *d;

	if (read(ofd->fd, &n, sizeof(n)) == sizeof(n))
		set->armed_ms = 0;
	/* now is taken once: what expired() starts anew with 0 ms waits for the next round, the loop cannot be held. */
	while ((d = first_of(set)) && d->at_ms <= now) {
		unlink_deadline(d);
		d->expired(d->data);
	}
	deadline_arm(set);
	return 0;
}

static int set_destroy(struct deadline_set *set)
{
	struct deadline *d;

	while ((d = first_of(set)))
		unlink_deadline(d);
	osmo_fd_unregister(&set->ofd);
	close(set->ofd.fd);
	return 0;
}

struct deadline_set *deadline_set_new(void *ctx)
{
	struct deadline_set *set = talloc_zero(ctx, struct deadline_set);
	int fd;

	if (!set)
		return NULL;
	set->tree = (struct rb_root)RB_ROOT;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd < 0)
		goto fail;
	osmo_fd_setup(&set->ofd, fd, OSMO_FD_READ, on_timer, set, 0);
	if (osmo_fd_register(&set->ofd) < 0) {
		close(fd);
		goto fail;
	}
	talloc_set_destructor(set, set_destroy);
	return set;
fail:
	talloc_free(set);
	return NULL;
}

void deadline_start(struct deadline_set *set, struct deadline *d, uint64_t in_ms, void (*expired)(void *), void *data)
{
	struct rb_node **at = &set->tree.rb_node, *parent = NULL;

	deadline_stop(d);
	/* One more: the clock's current millisecond is partly over, and a deadline never fires early. */
	d->at_ms = clock_mono_ms() + in_ms + 1;
	d->expired = expired;
	d->data = data;
	d->set = set;
	while (*at) {
		parent = *at;
		at = d->at_ms < rb_entry(parent, struct deadline, node)->at_ms ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&d->node, parent, at);
	rb_insert_color(&d->node, &set->tree);
	deadline_arm(set);
}

void deadline_stop(struct deadline *d)
{
	if (d->set)
		unlink_deadline(d);
}
