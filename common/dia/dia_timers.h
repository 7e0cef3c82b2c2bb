/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_timers.h
 *  The timers of a loop by their instants: a heap, so that the earliest is at hand and one of ten thousand costs 14 steps. */
#pragma once

#include "common/dia/dia_loop.h"

/*! Zero at first; heap is freed by the owner when no timer runs. */
struct dia_timers {
	struct dia_timer **heap; /* from 1; the earliest is heap[1] */
	size_t n, room;
};

/*! Start, or start anew at another instant (ms of the monotonic clock). \returns 0; -ENOMEM, and it does not run */
int dia_timers_start(struct dia_timers *ts, struct dia_timer *t, uint64_t at_ms);
/*! Also one that does not run. */
void dia_timers_stop(struct dia_timers *ts, struct dia_timer *t);
/*! \returns the earliest; NULL: none runs */
struct dia_timer *dia_timers_first(const struct dia_timers *ts);
