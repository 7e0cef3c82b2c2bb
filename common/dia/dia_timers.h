/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_timers.h
 *  The timers of a loop by their instants: a heap that needs no memory of its own, so that starting one cannot fail. */
#pragma once

#include "common/dia/dia_loop.h"

/*! Zero at first. */
struct dia_timers {
	struct dia_timer *first; /* the earliest */
	size_t n;
	uint64_t started; /* ever: of two for the same instant the one that was started first comes first */
};

/*! Start, or start anew at another instant (ms of the monotonic clock). */
void dia_timers_start(struct dia_timers *ts, struct dia_timer *t, uint64_t at_ms);
/*! Also one that does not run. */
void dia_timers_stop(struct dia_timers *ts, struct dia_timer *t);
/*! \returns the earliest; NULL: none runs */
struct dia_timer *dia_timers_first(const struct dia_timers *ts);
