/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file deadline.h
 *  Many deadlines, one osmo_timer per thread; CLOCK_MONOTONIC, immune to clock steps (a periodic wake-up of at most 200 ms
 *  bounds what a stepped wall clock can do to osmo_timer). */
#pragma once

#include <stdint.h>
#include <osmocom/core/linuxrbtree.h>

struct deadline_set; /* one per thread */

struct deadline {
	struct rb_node node;
	struct deadline_set *set;  /* NULL: not running */
	uint64_t at_ms;
	void (*expired)(void *data);
	void *data;
};

struct deadline_set *deadline_set_new(void *ctx);

/*! (Re)start; expired() runs once on this thread, never inside this call. */
void deadline_start(struct deadline_set *set, struct deadline *d, uint64_t in_ms, void (*expired)(void *), void *data);
void deadline_stop(struct deadline *d);

uint64_t monotonic_ms(void);
