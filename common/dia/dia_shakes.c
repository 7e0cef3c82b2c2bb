/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_shakes.h"

void dia_shakes_init(struct dia_shakes *s, struct dia_loop *l, struct dia_rate *rate)
{
	*s = (struct dia_shakes){ .loop = l, .rate = rate };
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

int dia_shakes_wait(struct dia_shakes *s, const struct sockaddr_storage *from)
{
	return dia_rate_wait(s->rate, from, dia_loop_now(s->loop));
}
