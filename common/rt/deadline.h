/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file deadline.h
 *  Many deadlines, one timerfd on CLOCK_MONOTONIC per thread. osmo_timer is not used: it follows the wall clock, so a step
 *  back would put every deadline off by as much. */
#pragma once

#include <stdint.h>
#include <osmocom/core/linuxrbtree.h>

struct deadline_set; /* one per thread */

struct deadline {
	struct rb_node node;
	struct deadline_set *set; /* NULL: not running */
	uint64_t at_ms;
	void (*expired)(void *data);
	void *data;
};

/*! On the thread whose loop drives it, after osmo_select_init().
 *  \returns object owned by ctx (talloc_free() ends it, its deadlines then never fire); NULL: no memory or descriptor */
struct deadline_set *deadline_set_new(void *ctx);

/*! (Re)start; expired() runs once on this thread, never inside this call. */
void deadline_start(struct deadline_set *set, struct deadline *d, uint64_t in_ms, void (*expired)(void *), void *data);
void deadline_stop(struct deadline *d); /* not running: nothing happens */
