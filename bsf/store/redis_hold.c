/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_hold.c
 *  Calls that are made while a lost link is made anew wait for it, as long as for an answer. A server that has paused for a moment, or a
 *  connection that was cut, costs those that were under way, not those that come after them. */
#include "bsf/store/redis.h"

#include <errno.h>

#include "common/base/clock.h"

/* Who is told how one ended may ask again at once. */
static void held_each(struct redis_part *p, void (*fn)(struct store_req *r))
{
	struct store_req *r = p->held;

	p->held = NULL;
	while (r) {
		struct store_req *next = r->next;

		fn(r);
		r = next;
	}
}

/* Nothing was sent of it. */
static void held_refuse(struct store_req *r)
{
	redis_end(r, -ENOTCONN);
}

static void held_late(void *part)
{
	struct redis_part *p = part;

	redis_link_missed(p->link);
	held_each(p, held_refuse);
}

bool redis_hold(struct redis_part *p, struct store_req *r)
{
	if (!redis_link_soon(p->link))
		return false;
	if (!p->held) {
		p->held_last = &p->held;
		deadline_start(p->deadlines, &p->hold, p->shared->cfg.timeout_ms, held_late, p);
	}
	r->next = NULL;
	*p->held_last = r;
	p->held_last = &r->next;
	return true;
}

static void held_begin(struct store_req *r)
{
	int rc = redis_begin(r->st->part, r);

	if (rc < 0)
		redis_end(r, rc);
}

void redis_held_go(struct redis_part *p)
{
	deadline_stop(&p->hold);
	held_each(p, held_begin);
}

void redis_held_end(struct redis_part *p)
{
	deadline_stop(&p->hold);
	held_each(p, held_refuse);
}
