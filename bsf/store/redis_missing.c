/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_missing.c
 *  Marks that are held here and that the server has not: they are written there before anything is served from it. */
#include <stdlib.h>

#include "bsf/store/redis_marks_in.h"
#include "common/rt/log_cat.h"

#define WRITING_MAX 256

/* What we hold and the server has not. */
struct missing {
	struct redis_marks *m;
	int64_t now_ms;
	size_t n;
	struct mark marks[WRITING_MAX];
};

static bool collect_missing(void *missing, const struct mark *mark)
{
	struct missing *o = missing;
	struct mark copy = *mark;

	if (mark->until_ms > o->now_ms && marks_would(o->m->there, &copy) == 0 && copy.at_ms == mark->at_ms)
		o->marks[o->n++] = *mark;
	return o->n < WRITING_MAX;
}

static void missing_written(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;

	m->writing--;
	if (!r)
		return; /* the link is lost; what it was is said by the link */
	if (redis_errno(r) < 0)
		redis_link_refuse(m->part->link, "it does not take the revocation marks that are known here");
	else if (!m->writing)
		redis_missing_write(m);
}

static bool missing_write(struct redis_marks *m, const struct mark *mark)
{
	struct mark copy = *mark;

	if (redis_marks_write(m, mark, 0, missing_written, m) < 0)
		return false;
	m->writing++;
	(void)marks_add(m->there, &copy);
	return true;
}

/* The next ones, to its end; what came meanwhile is found by going through it once more. */
static void missing_find(struct redis_marks *m, struct missing *o)
{
	size_t from;

	o->n = 0;
	do {
		from = m->missing_from;
		m->missing_from = marks_each(m->shared->sh.marks, from, collect_missing, o);
	} while (!o->n && from);
}

/* Some at a time, until it has all. Without memory it is as if not all had been read: it is asked again, and written then. */
void redis_missing_write(struct redis_marks *m)
{
	struct missing *o = malloc(sizeof(*o));
	bool sent = true;

	m->state = MARKS_READ;
	if (!o)
		return;
	o->m = m;
	o->now_ms = store_clock_ms(m->st);
	missing_find(m, o);
	for (size_t i = 0; i < o->n && sent; i++)
		sent = missing_write(m, &o->marks[i]);
	if (!o->n) {
		m->state = MARKS_FOLLOW;
	} else if (m->writing) {
		m->state = MARKS_WRITE;
		LOGT(DSTORE, LOGL_NOTICE, "store: %zu revocation marks that Redis had not were written there\n", o->n);
	}
	free(o);
	if (m->state == MARKS_FOLLOW) {
		marks_free(m->there);
		m->there = NULL;
		redis_spread_announce(m); /* that it is all there */
		redis_marks_ask(m);
	}
}
