/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_loop.h
 *  One thread's event loop of the Diameter node: descriptors, timers, words from other threads. It is itself one
 *  descriptor to watch, so that a program with a loop of its own needs no further thread. All calls on the loop's thread
 *  but dia_loop_post(). Descriptors are watched edge-triggered and what is not worked off waits in a list of our own:
 *  who floods goes to its end after a few messages, so a quiet one is served soon (level-triggered epoll always hands out the same
 *  first ones when less is fetched than is ready). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIA_LOOP_SCRATCH 16384
#define DIA_LOOP_LOOK_US 50 /* while somebody floods, so often it looks who else has come */

struct dia_loop;

/*! A descriptor on the loop; member of its owner's object. Zero before dia_loop_add(). */
struct dia_fd {
	int fd;
	/*! Something came or may be written. \param[in] events EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR as they came since
	 *  the last call; 0: called again for what was left. \param[in,out] budget messages that may still be worked off in
	 *  this turn. \returns true: there is more to do without a new event (not read until EAGAIN). */
	bool (*on_ready)(struct dia_fd *f, uint32_t events, unsigned *budget);
	struct dia_fd *next, *prev; /* in the ready list; NULL: not in it */
	uint32_t events;
};

/*! An instant at which something is to be done; member of its owner's object. Zero before the first start. */
struct dia_timer {
	void (*on_time)(struct dia_timer *t);
	uint64_t at_ms;
	bool running;
	/* of dia_timers.c */
	uint64_t number;
	struct dia_timer *after, *next, **owner;
};

/*! A word from another thread; first member of what is posted, owned by run() from then on. */
struct dia_post {
	struct dia_post *next;
	/*! Once, on the loop's thread. stopping: the loop is being freed; release, do not act. */
	void (*run)(struct dia_post *p, bool stopping);
};

/*! \returns new object; NULL: no memory or no descriptor (errno) */
struct dia_loop *dia_loop_new(void);
/*! Runs what was posted with stopping = true. No descriptor or timer may be on it any more. l may be NULL. */
void dia_loop_free(struct dia_loop *l);

/*! Tell of each descriptor of this loop, its own ones and those added: when it comes, and before it is closed. Once, before
 *  any is added; for a library whose process may fork. */
void dia_loop_tell_fds(struct dia_loop *l, void (*open)(int fd), void (*closing)(int fd));

/*! \returns the descriptor to watch: readable when there is something to do. */
int dia_loop_fd(const struct dia_loop *l);

/*! One turn, without waiting: words, timers, then descriptors, some messages of each in turn.
 *  \param[in] budget messages after which the turn ends, or few more. \returns true: something is left, call again without waiting */
bool dia_loop_turn(struct dia_loop *l, unsigned budget);

/*! From now on the owner of the loop asks dia_loop_due() before it waits, and gives it a turn then: what is written outside
 *  of a turn is gathered for that one instead of being sent at once, message by message. */
void dia_loop_gather(struct dia_loop *l);
/*! \returns true: what is written now is sent in this turn or the next one */
bool dia_loop_gathers(const struct dia_loop *l);
/*! Others on this thread: a turn in which somebody floods ends when they have something to do. */
struct dia_beside {
	int fds[2];               /* readable then; open as long as turns are given */
	bool (*due)(void *owner); /* or this says so */
	void *owner;
};

/*! \param[in] b lent for the life of the loop */
void dia_loop_beside(struct dia_loop *l, const struct dia_beside *b);
/*! \returns true: there is something to do without a new event */
bool dia_loop_due(const struct dia_loop *l);

/*! Wait for something to do, at most so long. \param[in] ms -1: for ever. */
void dia_loop_wait(struct dia_loop *l, int ms);

/*! ms of the monotonic clock, as of the begin of this turn. */
uint64_t dia_loop_now(const struct dia_loop *l);

/*! Number of this turn. */
uint64_t dia_loop_turns(const struct dia_loop *l);

/*! Watch f->fd. on_ready() comes first with what is there already. \returns 0; -errno of epoll */
int dia_loop_add(struct dia_loop *l, struct dia_fd *f);
/*! Watch no longer; the descriptor stays open. From here on f may be freed, also within its own on_ready(). Call it before close(). */
void dia_loop_del(struct dia_loop *l, struct dia_fd *f);
/*! Call on_ready() in the next turn, with or without an event. */
void dia_loop_again(struct dia_loop *l, struct dia_fd *f);

/*! \returns true within f's on_ready() */
bool dia_loop_runs(const struct dia_loop *l, const struct dia_fd *f);
/*! 2 * DIA_LOOP_SCRATCH octets that belong to whoever runs on the loop, until it returns. */
uint8_t *dia_loop_scratch(struct dia_loop *l);

/*! Start, or start anew at another time; needs no memory. */
void dia_loop_timer(struct dia_loop *l, struct dia_timer *t, uint64_t after_ms);
void dia_loop_timer_stop(struct dia_loop *l, struct dia_timer *t);

/*! Any thread; never fails and never waits for the loop. */
void dia_loop_post(struct dia_loop *l, struct dia_post *p);
