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

static uint64_t *free_of(struct dia_shakes *s, const struct sockaddr_storage *from)
{
	struct span host = sockaddr_host(from);
	uint64_t h = s->seed;

	/* of IPv6 the network: who has one has all its addresses */
	for (size_t i = 0; i < host.len && i < 8; i++)
		h = (h ^ host.p[i]) * 0x9e3779b97f4a7c15u;
	return &s->free_ms[(h >> 32) % DIA_SHAKES_SLOTS];
}

/* A bucket as the instant at which it would be full again: one number for each slot. */
unsigned dia_shakes_wait(struct dia_shakes *s, const struct sockaddr_storage *from)
{
	const uint64_t each = 1000 / DIA_SHAKES_A_SECOND, most = 1000 - each;
	uint64_t now = dia_loop_now(s->loop), *free_ms = free_of(s, from);

	if (*free_ms < now)
		*free_ms = now;
	if (*free_ms - now > most)
		return (unsigned)(*free_ms - now - most);
	*free_ms += each;
	return 0;
}
