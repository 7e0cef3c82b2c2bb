/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_timers.h"

#include <errno.h>
#include <stdlib.h>

static void put_at(struct dia_timers *ts, size_t place, struct dia_timer *t)
{
	ts->heap[place] = t;
	t->place = place;
}

static void sift_up(struct dia_timers *ts, size_t i, struct dia_timer *t)
{
	for (; i > 1 && t->at_ms < ts->heap[i / 2]->at_ms; i /= 2)
		put_at(ts, i, ts->heap[i / 2]);
	put_at(ts, i, t);
}

static void sift_down(struct dia_timers *ts, size_t i, struct dia_timer *t)
{
	size_t child;

	for (; (child = 2 * i) <= ts->n; i = child) {
		if (child < ts->n && ts->heap[child + 1]->at_ms < ts->heap[child]->at_ms)
			child++;
		if (t->at_ms <= ts->heap[child]->at_ms)
			break;
		put_at(ts, i, ts->heap[child]);
	}
	put_at(ts, i, t);
}

static int room_for_timer(struct dia_timers *ts)
{
	size_t room = ts->room ? 2 * ts->room : 64;
	struct dia_timer **heap;

	if (ts->n + 1 < ts->room)
		return 0;
	heap = realloc(ts->heap, room * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	ts->heap = heap;
	ts->room = room;
	return 0;
}

int dia_timers_start(struct dia_timers *ts, struct dia_timer *t, uint64_t at_ms)
{
	dia_timers_stop(ts, t);
	if (room_for_timer(ts) < 0)
		return -ENOMEM;
	t->at_ms = at_ms;
	sift_up(ts, ++ts->n, t);
	return 0;
}

void dia_timers_stop(struct dia_timers *ts, struct dia_timer *t)
{
	size_t i = t->place;
	struct dia_timer *last;

	if (!i)
		return;
	t->place = 0;
	last = ts->heap[ts->n--];
	if (last == t)
		return;
	if (i > 1 && last->at_ms < ts->heap[i / 2]->at_ms)
		sift_up(ts, i, last);
	else
		sift_down(ts, i, last);
}

struct dia_timer *dia_timers_first(const struct dia_timers *ts)
{
	return ts->n ? ts->heap[1] : NULL;
}
