/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A connection whose CER names an identity of another loop: it goes there, with what was read of it. All connections of one
 * identity are on one loop, so that elections, watchdogs and numbers need no lock. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/dia/dia_hub_in.h"

struct dia_move {
	char name[DIA_NAME_MAX + 1];
	size_t len;
	uint8_t cer[];
};

bool dia_move_begin(struct dia_conn *c, const char *name, struct span cer)
{
	const struct dia_hub_callbacks *cb = &c->hub->cfg.cb;
	struct dia_move *m;

	if (!cb->elsewhere || !cb->elsewhere(cb->owner, name))
		return false;
	m = malloc(sizeof(*m) + cer.len);
	if (!m) {
		dia_conn_end(c, true, "no memory");
		return true;
	}
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->len = cer.len;
	memcpy(m->cer, cer.p, cer.len);
	c->moving = m;
	dia_loop_timer(c->hub->loop, &c->timer, 0);
	dia_stream_pause(&c->s); /* what came behind its CER waits in the stream */
	return true;
}

void dia_move_end(struct dia_conn *c)
{
	const struct dia_hub_callbacks *cb = &c->hub->cfg.cb;
	struct dia_move *m = c->moving;
	struct span rest = dia_stream_unread(&c->s);
	uint8_t *all = malloc(m->len + rest.len);
	struct dia_hub_arrival a = { .from = c->from };

	if (!all) {
		dia_conn_end(c, true, "no memory");
		return;
	}
	memcpy(all, m->cer, m->len);
	if (rest.len)
		memcpy(all + m->len, rest.p, rest.len);
	a.fd = dia_stream_release(&c->s, &a.way);
	a.octets = span_of(all, m->len + rest.len);
	cb->hand_over(cb->owner, m->name, &a);
	free(all);
	dia_conn_clear(c);
}

void dia_hub_turn_away(const struct dia_hub_arrival *a)
{
	a->way->ops->free(a->way);
	close(a->fd);
}

void dia_hub_take(struct dia_hub *h, const struct dia_hub_arrival *a)
{
	struct dia_conn *c = h->stopping ? NULL : dia_listen_named(h, a->fd, &a->from);

	if (!c) {
		dia_hub_turn_away(a);
		return;
	}
	c->moved = true;
	dia_stream_way(&c->s, a->way, true);
	if (!dia_stream_feed(&c->s, a->octets))
		dia_conn_end(c, true, "no memory");
}
