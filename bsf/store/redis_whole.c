/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_whole.c
 *  Is what is held here all that was revoked? It is with whoever was confirmed until now, as each revocation waited for him. Who begins, or
 *  was cut off for longer than the lease, may come to a server that has lost marks (a replica that lagged took its place, it began with
 *  an older copy) before those who know them, and would serve what is revoked. So he waits until
 *
 *  - somebody who held all has been there: he has said so under a key that counts for this run of the server only; and so has who found
 *    it empty, as no session was there; or
 *  - everybody it has heard of lately has written there what he knows; or
 *  - whoever lives has had the time to come. */
#include "bsf/store/redis_marks_in.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"

#define COME_MS 1000 /* to hear of another master, and to be linked to it */

const char redis_whole_key[] = "bw";

static bool is_run(const struct redis_marks *m, struct span s)
{
	return s.len && span_eq(s, span_str(m->part->run_id)); /* it may not say which it is */
}

static void whole(struct redis_marks *m)
{
	m->whole = true;
	redis_marks_ask(m);
}

/* One answer less is waited for; with the last of them it is known whether anybody has not written there what he knows. */
static void checked(struct redis_marks *m)
{
	if (--m->checking == 0 && !m->elsewhere && m->was_listed)
		whole(m);
}

static void listed_here(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;
	struct span s = redis_string(r);
	size_t at = s.len;

	while (at && s.p[at - 1] != ' ')
		at--;
	if (!s.len || !is_run(m, span_of(s.p + at, s.len - at))) /* it may not be there any more */
		m->elsewhere = true;
	checked(m);
}

static void listed(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;
	uint8_t key[REDIS_SPREAD_KEY];

	m->elsewhere = redis_errno(r) < 0 || r->type != REDIS_REPLY_ARRAY;
	for (size_t i = 0; !m->elsewhere && i < r->elements; i++) {
		struct span name = redis_string(r->element[i]);

		if (name.len != sizeof(m->name) - 1 || !memcmp(name.p, m->name, name.len))
			continue;
		if (redis_ask_key(m->part, redis_spread_key(key, (const char *)name.p), listed_here, m) == 0)
			m->checking++;
		else
			m->elsewhere = true;
	}
	checked(m);
}

static void heard(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;
	char since[24];

	m->checking--;
	if (redis_errno(r) < 0)
		return;
	if (is_run(m, redis_string(r))) {
		m->vouched = true;
		whole(m);
		return;
	}
	snprintf(since, sizeof(since), "%" PRId64, store_clock_ms(m->st) - HEARD_MS);
	m->checking += redis_link_call(m->part->link, 4,
				       (struct span[]){ span_str("ZRANGEBYSCORE"), span_str(redis_bsfs_key),
							span_str(since), span_str("+inf") },
				       listed, m) == 0;
}

/* Its list is of before this link. */
static void was_listed(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;
	struct span s = redis_string(r);
	char text[24];

	if (redis_errno(r) == 0 && span_to_str(text, sizeof(text), s) == 0)
		m->was_listed = strtoll(text, NULL, 10) > store_clock_ms(m->st) - HEARD_MS;
}

void redis_whole_begin(struct redis_marks *m)
{
	m->whole = !store_lease_over(&m->shared->sh);
	m->vouched = m->was_listed = false;
	m->checking = 0;
	(void)redis_link_call(m->part->link, 3,
			      (struct span[]){ span_str("ZSCORE"), span_str(redis_bsfs_key), span_str(m->name) },
			      was_listed, m);
}

void redis_whole_ask(struct redis_marks *m)
{
	if (m->whole)
		return;
	if (clock_mono_ms() - m->up_ms >= m->shared->cfg.others_lease_ms + COME_MS)
		whole(m);
	else if (!m->checking)
		m->checking = redis_ask_key(m->part, span_str(redis_whole_key), heard, m) == 0;
}

static void vouched(void *marks, const struct redisReply *r)
{
	struct redis_marks *m = marks;

	if (redis_errno(r) < 0)
		m->vouched = false;
}

bool redis_whole(struct redis_marks *m)
{
	if (m->whole && !m->vouched)
		m->vouched = redis_script_call(m->part->link, REDIS_ALWAYS, span_str(redis_whole_key), 2,
					       (struct span[]){ span_str("SET"), span_str(m->part->run_id) }, vouched,
					       m) == 0;
	return m->whole;
}
