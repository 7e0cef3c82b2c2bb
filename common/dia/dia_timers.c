/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A pairing heap: each timer is at the head of the list of those that come after it. */
#include "common/dia/dia_timers.h"

#include <stddef.h>

static bool is_before(const struct dia_timer *a, const struct dia_timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

/* Of two heaps one. \returns its earliest; either may be NULL */
static struct dia_timer *join(struct dia_timer *a, struct dia_timer *b)
{
	struct dia_timer *first, *second;

	if (!a || !b)
		return a ? a : b;
	first = is_before(a, b) ? a : b;
	second = first == a ? b : a;
	second->next = first->after;
	if (second->next)
		second->next->owner = &second->next;
	first->after = second;
	second->owner = &first->after;
	return first;
}

/* All of a list: first in pairs, then the pairs from the last to the first; this is what keeps the heap flat. */
static struct dia_timer *join_all(struct dia_timer *list)
{
	struct dia_timer *pairs = NULL, *all = NULL, *next;

	for (; list; list = next) {
		struct dia_timer *a = list, *b = a->next;

		next = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = join(a, b);
		a->next = pairs;
		pairs = a;
	}
	for (; pairs; pairs = next) {
		next = pairs->next;
		pairs->next = NULL;
		all = join(all, pairs);
	}
	return all;
}

static void set_first(struct dia_timers *ts, struct dia_timer *first)
{
	ts->first = first;
	if (first) {
		first->next = NULL;
		first->owner = &ts->first;
	}
}

void dia_timers_start(struct dia_timers *ts, struct dia_timer *t, uint64_t at_ms)
{
	dia_timers_stop(ts, t);
	t->at_ms = at_ms;
	t->number = ts->started++;
	t->running = true;
	t->after = t->next = NULL;
	ts->n++;
	set_first(ts, join(ts->first, t));
}

void dia_timers_stop(struct dia_timers *ts, struct dia_timer *t)
{
	struct dia_timer *rest;

	if (!t->running)
		return;
	*t->owner = t->next;
	if (t->next)
		t->next->owner = t->owner;
	rest = join_all(t->after);
	t->running = false;
	t->after = t->next = NULL;
	ts->n--;
	set_first(ts, join(ts->first, rest));
}

struct dia_timer *dia_timers_first(const struct dia_timers *ts)
{
	return ts->first;
}
