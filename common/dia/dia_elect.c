/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_elect.h"

#include "common/dia/dia_check.h"

static unsigned count_open(const struct dia_peer_machine *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += dia_links_is_open(&p->links[i]);
	return n;
}

static struct dia_link *longest_held(struct dia_peer_machine *p)
{
	struct dia_link *oldest = NULL;

	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state == DIA_ST_HELD && (!oldest || p->links[i].since_ms < oldest->since_ms))
			oldest = &p->links[i];
	return oldest;
}

static bool win(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *h)
{
	dia_links_step(p, now_ms, h, h->tls_follows ? DIA_ON_WIN_TLS : DIA_ON_WIN, 0);
	return true;
}

static bool drop(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *l)
{
	dia_links_step(p, now_ms, l, DIA_ON_DROP, 0);
	return true;
}

/* There is a place: for it, unless an attempt of ours has come as far (RFC 6733 5.6.4). */
static bool decide_place(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *h, unsigned open)
{
	struct dia_link *own = dia_links_attempt(p);
	bool we_win = dia_dict_identity_cmp(span_str(p->cfg.self), span_str(p->cfg.name)) > 0;

	if (own && own->state == DIA_ST_WAIT_CEA && open + 1 == p->cfg.connections) {
		if (!we_win) {
			h->elected = true;
			return false;
		}
		drop(p, now_ms, own);
	} else if (own && own->state == DIA_ST_CONN) {
		drop(p, now_ms, own);
	}
	return win(p, now_ms, h);
}

/* The peer has started anew and says so: what was open is dead. */
static struct dia_link *find_dead(struct dia_peer_machine *p, const struct dia_link *h)
{
	if (!p->cfg.restart_is_proof || p->cfg.connections != 1 || !h->has_state)
		return NULL;
	for (unsigned i = 0; i < p->n; i++)
		if (dia_links_is_open(&p->links[i]) && p->links[i].has_state && h->state_id > p->links[i].state_id)
			return &p->links[i];
	return NULL;
}

/* \returns how many have to answer */
static unsigned ask_all(struct dia_peer_machine *p, uint64_t now_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++) {
		struct dia_link *l = &p->links[i];

		if (l->state < DIA_ST_OPEN || l->state > DIA_ST_SUSPECT || now_ms - l->heard_ms < DIA_HEARD_MS)
			continue;
		l->asked = true;
		dia_links_send_dwr(p, l);
		n++;
	}
	return n;
}

static unsigned count_asked(const struct dia_peer_machine *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += p->links[i].asked;
	return n;
}

static void drop_silent(struct dia_peer_machine *p, uint64_t now_ms)
{
	p->round_ms = DIA_NEVER;
	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].asked)
			drop(p, now_ms, &p->links[i]);
}

/* No place. RFC 6733 would reject; but a peer that lost its power could then not come in for two watchdogs. So those that
 * are open are asked, all at once, and all that are held wait for the same round. */
static bool decide_full(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *h)
{
	struct dia_link *dead = find_dead(p, h);

	if (dead) {
		drop(p, now_ms, dead);
		return win(p, now_ms, h);
	}
	if (h->elected) /* our own attempt came through */
		return drop(p, now_ms, h);
	if (p->round_ms == DIA_NEVER && !h->in_round && ask_all(p, now_ms))
		p->round_ms = now_ms + DIA_ROUND_MS;
	if (p->round_ms == DIA_NEVER) {
		dia_links_step(p, now_ms, h, DIA_ON_REFUSE, RESULT_UNABLE_TO_COMPLY);
		return true;
	}
	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state == DIA_ST_HELD)
			p->links[i].in_round = true;
	if (count_asked(p) == 0)
		p->round_ms = DIA_NEVER;
	else if (now_ms >= p->round_ms)
		drop_silent(p, now_ms);
	else
		return false;
	return true;
}

static bool decide(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *h)
{
	unsigned open = count_open(p);

	if (p->stopping)
		return drop(p, now_ms, h);
	return open < p->cfg.connections ? decide_place(p, now_ms, h, open) : decide_full(p, now_ms, h);
}

void dia_elect(struct dia_peer_machine *p, uint64_t now_ms)
{
	struct dia_link *h;

	while ((h = longest_held(p)) && decide(p, now_ms, h))
		;
	if (h || p->round_ms == DIA_NEVER)
		return;
	p->round_ms = DIA_NEVER; /* who waited has gone */
	for (unsigned i = 0; i < p->n; i++)
		p->links[i].asked = false;
}
