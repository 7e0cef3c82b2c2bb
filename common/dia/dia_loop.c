/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include "common/base/clock.h"
#include "common/dia/dia_ready.h"
#include "common/dia/dia_timers.h"

#define EVENTS_MAX 64
#define SLICE      4 /* messages of one, before another one has its turn */

struct dia_loop {
	int epoll, timer, wake;
	const struct dia_beside *beside; /* NULL: nobody */
	struct dia_ready ready;
	unsigned left;          /* messages, in this turn */
	uint64_t look_at_us;    /* when it looks next who else has come */
	struct dia_fd *current; /* whose on_ready() runs; NULL: it has been taken off */
	uint64_t now_ms;
	struct dia_timers timers;
	uint64_t armed_ms; /* what the timer descriptor is set to; 0: off */
	bool turning;
	uint64_t turns;
	bool gathers;                                       /* its owner gives it a turn before waiting */
	void (*tell_open)(int fd), (*tell_closing)(int fd); /* NULL: nobody asks */
	uint8_t scratch[2 * DIA_LOOP_SCRATCH];
	pthread_mutex_t lock;
	struct dia_post *first, **last; /* under the lock */
};

static int watch_own(struct dia_loop *l, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };

	return *fd < 0 ? -1 : epoll_ctl(l->epoll, EPOLL_CTL_ADD, *fd, &ev);
}

static int open_all(struct dia_loop *l)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -1;
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return watch_own(l, &l->timer) < 0 || watch_own(l, &l->wake) < 0 ? -1 : 0;
}

static void close_all(struct dia_loop *l)
{
	const int fds[] = { l->epoll, l->timer, l->wake };

	for (size_t i = 0; i < 3; i++) {
		if (l->tell_closing)
			l->tell_closing(fds[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

struct dia_loop *dia_loop_new(void)
{
	struct dia_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epoll = l->timer = l->wake = -1;
	dia_ready_init(&l->ready);
	l->last = &l->first;
	l->now_ms = clock_mono_ms();
	if (open_all(l) < 0) {
		close_all(l);
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void dia_loop_tell_fds(struct dia_loop *l, void (*open)(int fd), void (*closing)(int fd))
{
	const int fds[] = { l->epoll, l->timer, l->wake };

	l->tell_open = open;
	l->tell_closing = closing;
	for (size_t i = 0; i < 3; i++)
		open(fds[i]);
}

int dia_loop_fd(const struct dia_loop *l)
{
	return l->epoll;
}

uint64_t dia_loop_now(const struct dia_loop *l)
{
	return l->now_ms;
}

uint64_t dia_loop_turns(const struct dia_loop *l)
{
	return l->turns;
}

bool dia_loop_runs(const struct dia_loop *l, const struct dia_fd *f)
{
	return l->current == f;
}

void dia_loop_gather(struct dia_loop *l)
{
	l->gathers = true;
}

bool dia_loop_gathers(const struct dia_loop *l)
{
	return l->turning || l->gathers;
}

bool dia_loop_due(const struct dia_loop *l)
{
	return dia_ready_any(&l->ready);
}

void dia_loop_beside(struct dia_loop *l, const struct dia_beside *b)
{
	l->beside = b;
}

uint8_t *dia_loop_scratch(struct dia_loop *l)
{
	return l->scratch;
}

/* Words from other threads. */

static void wake_up(struct dia_loop *l)
{
	const uint64_t one = 1;

	if (write(l->wake, &one, sizeof(one)) < 0)
		return; /* EAGAIN: 2^64-2 wake-ups nobody read; it is awake anyway */
}

void dia_loop_post(struct dia_loop *l, struct dia_post *p)
{
	bool wake;

	p->next = NULL;
	pthread_mutex_lock(&l->lock);
	wake = !l->first;
	*l->last = p;
	l->last = &p->next;
	pthread_mutex_unlock(&l->lock);
	if (wake)
		wake_up(l);
}

static void run_posted(struct dia_loop *l, bool stopping)
{
	struct dia_post *p, *next;

	pthread_mutex_lock(&l->lock);
	p = l->first;
	l->first = NULL;
	l->last = &l->first;
	pthread_mutex_unlock(&l->lock);
	for (; p; p = next) {
		next = p->next;
		p->run(p, stopping);
	}
}

void dia_loop_free(struct dia_loop *l)
{
	if (!l)
		return;
	run_posted(l, true);
	assert(l->timers.n == 0 && !dia_loop_due(l));
	close_all(l);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* Timers: the descriptor is set only when the earliest instant comes nearer. */

static void loop_arm(struct dia_loop *l)
{
	const struct dia_timer *first = dia_timers_first(&l->timers);
	uint64_t at = first ? first->at_ms : 0;
	struct itimerspec when = { .it_value = { .tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000 } };

	if (!at || (l->armed_ms && l->armed_ms <= at))
		return; /* it goes off early, finds nothing to do, and is set again */
	if (timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
		l->armed_ms = at;
}

void dia_loop_timer(struct dia_loop *l, struct dia_timer *t, uint64_t after_ms)
{
	if (!l->turning)
		l->now_ms = clock_mono_ms();
	dia_timers_start(&l->timers, t, l->now_ms + after_ms);
	loop_arm(l);
}

void dia_loop_timer_stop(struct dia_loop *l, struct dia_timer *t)
{
	dia_timers_stop(&l->timers, t);
}

/* Each timer at most once: one that starts itself again with 0 does not hold up the rest. */
static void run_timers(struct dia_loop *l)
{
	struct dia_timer *t;

	for (size_t most = l->timers.n; most && (t = dia_timers_first(&l->timers)) && t->at_ms <= l->now_ms; most--) {
		dia_timers_stop(&l->timers, t);
		t->on_time(t);
	}
	loop_arm(l);
}

/* Descriptors. */

void dia_loop_again(struct dia_loop *l, struct dia_fd *f)
{
	dia_ready_add(&l->ready, DIA_READY_LATER, f);
	if (!l->turning && !l->gathers)
		wake_up(l); /* who waits for our descriptor must come */
}

int dia_loop_add(struct dia_loop *l, struct dia_fd *f)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = f };
	int rc;

	f->next = f->prev = NULL;
	f->events = 0;
	if (l->tell_open)
		l->tell_open(f->fd);
	rc = epoll_ctl(l->epoll, EPOLL_CTL_ADD, f->fd, &ev) < 0 ? -errno : 0;
	if (rc < 0 && l->tell_closing)
		l->tell_closing(f->fd);
	return rc;
}

void dia_loop_del(struct dia_loop *l, struct dia_fd *f)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, f->fd, NULL);
	if (l->tell_closing)
		l->tell_closing(f->fd);
	dia_ready_del(f);
	if (l->current == f)
		l->current = NULL;
}

/* Both are told level-triggered, and read before what they announce is looked at: what comes in between wakes once more,
 * never once less. */
static void read_own(struct dia_loop *l, const int *fd)
{
	uint64_t n;

	if (read(*fd, &n, sizeof(n)) == (ssize_t)sizeof(n) && fd == &l->timer)
		l->armed_ms = 0;
}

/* All events go into the list before anybody is called: an on_ready() that ends another connection leaves no stale event.
 * Within a turn our own ones wait for the next. */
static void fetch(struct dia_loop *l, bool own)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(l->epoll, ev, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		struct dia_fd *f = ev[i].data.ptr;

		if (ev[i].data.ptr == &l->timer || ev[i].data.ptr == &l->wake) {
			if (own)
				read_own(l, ev[i].data.ptr);
			continue;
		}
		f->events |= ev[i].events;
		dia_ready_add(&l->ready, DIA_READY_NOW, f);
	}
}

/* Who else has come? For others on the thread the turn ends. By time: to look is a system call, and messages that are refused, or
 * that cost little, need fewer of them. */
static void look(struct dia_loop *l)
{
	uint64_t now_us = clock_mono_us();
	const struct dia_beside *b = l->beside;
	struct pollfd p[] = { { .fd = l->epoll, .events = POLLIN },
			      { .fd = b ? b->fds[0] : -1, .events = POLLIN },
			      { .fd = b ? b->fds[1] : -1, .events = POLLIN } };

	if (now_us < l->look_at_us)
		return;
	l->look_at_us = now_us + DIA_LOOP_LOOK_US;
	if (b && b->due(b->owner))
		l->left = 0;
	else if (poll(p, 3, 0) > 0 && (p[1].revents || p[2].revents))
		l->left = 0;
	else if (p[0].revents)
		fetch(l, false);
}

static void call(struct dia_loop *l, struct dia_fd *f)
{
	unsigned left = SLICE;
	uint32_t events = f->events;
	bool more;

	dia_ready_del(f);
	f->events = 0;
	l->current = f;
	more = f->on_ready(f, events, &left);
	if (l->current == f && more)
		dia_ready_add(&l->ready, left < SLICE ? DIA_READY_REST : DIA_READY_LATER, f);
	l->current = NULL;
	l->left -= SLICE - left < l->left ? SLICE - left : l->left;
	if (!left && l->left)
		look(l);
}

bool dia_loop_turn(struct dia_loop *l, unsigned budget)
{
	struct dia_fd *f;

	l->turning = true;
	l->turns++;
	l->now_ms = clock_mono_ms();
	l->look_at_us = clock_mono_us() + DIA_LOOP_LOOK_US;
	fetch(l, true);
	run_posted(l, false);
	run_timers(l);
	l->left = budget;
	dia_ready_turn(&l->ready);
	while (l->left && (f = dia_ready_next(&l->ready)))
		call(l, f);
	l->turning = false;
	return dia_loop_due(l);
}

void dia_loop_wait(struct dia_loop *l, int ms)
{
	struct pollfd p = { .fd = l->epoll, .events = POLLIN };

	if (!dia_loop_due(l))
		poll(&p, 1, ms);
}
