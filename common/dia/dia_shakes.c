/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_shakes.h"

#include "common/base/sockaddr.h"

void dia_shakes_init(struct dia_shakes *s, struct dia_loop *l, uint64_t seed)
{
	*s = (struct dia_shakes){ .loop = l, .seed = seed };
}

bool dia_shakes_step(struct dia_shakes *s)
{
	uint64_t turn = dia_loop_turns(s->loop);

	if (turn != s->turn)
		s->now = 0;
	s->turn = turn;
	if (s->now == DIA_SHAKES_A_TURN)
		return false;
	s->now++;
	return true;
}

static uint64_t who_is(const struct sockaddr_storage *from)
{
	struct span line = sockaddr_line(from);
	uint64_t who = line.len;

	for (size_t i = 0; i < line.len; i++)
		who = who << 8 | line.p[i];
	return who;
}

/* Where all ways of a set are taken the one that is forgotten first gives way: nobody pays for another. */
static struct dia_shakes_of *entry_of(struct dia_shakes *s, uint64_t who)
{
	struct dia_shakes_of *set = s->of[((who ^ s->seed) * 0x9e3779b97f4a7c15u >> 32) % DIA_SHAKES_SETS];
	struct dia_shakes_of *least = &set[0];

	for (size_t i = 0; i < DIA_SHAKES_WAYS; i++) {
		if (set[i].who == who)
			return &set[i];
		if (set[i].free_ms < least->free_ms)
			least = &set[i];
	}
	*least = (struct dia_shakes_of){ .who = who };
	return least;
}

unsigned dia_shakes_wait(struct dia_shakes *s, const struct sockaddr_storage *from)
{
	const uint64_t each = 1000 / DIA_SHAKES_A_SECOND, most = 1000 - each;
	struct dia_shakes_of *e = entry_of(s, who_is(from));
	uint64_t now = dia_loop_now(s->loop);

	if (e->free_ms < now)
		e->free_ms = now;
	if (e->free_ms - now > most)
		return (unsigned)(e->free_ms - now - most);
	e->free_ms += each;
	return 0;
}
