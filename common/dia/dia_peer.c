/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_peer.h"

#include <errno.h>
#include <stdlib.h>
#include "common/dia/dia_base.h"
#include "common/dia/dia_elect.h"

#define DIA_NEVER UINT64_MAX

struct dia_peer_machine *dia_peer_new(const struct dia_peer_cfg *cfg, dia_peer_fn *act, void *owner, uint64_t now_ms)
{
	unsigned n = DIA_PEER_LINKS(cfg->connections);
	struct dia_peer_machine *p = calloc(1, sizeof(*p) + n * sizeof(p->links[0]));

	if (!p)
		return NULL;
	p->cfg = *cfg;
	p->act = act;
	p->owner = owner;
	p->rng = cfg->seed ? cfg->seed : 1;
	p->next_id = (uint32_t)p->rng;
	p->next_try_ms = now_ms;
	p->round_ms = DIA_NEVER;
	p->n = n;
	for (unsigned i = 0; i < n; i++)
		p->links[i].state = DIA_ST_GONE;
	return p;
}

void dia_peer_free(struct dia_peer_machine *p)
{
	free(p);
}

static bool may_dial(const struct dia_peer_machine *p)
{
	if (!p->cfg.dial || p->stopping)
		return false;
	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state != DIA_ST_GONE && p->links[i].state < DIA_ST_CLOSING)
			return false;
	return true;
}

static void dial(struct dia_peer_machine *p, uint64_t now_ms)
{
	struct dia_link *l = dia_links_take(p, now_ms, DIA_ST_CONN);

	if (!l) { /* all leave: soon there is room */
		dia_links_try_after(p, now_ms, DIA_TRY_FIRST_MS);
		return;
	}
	l->dialled = true;
	l->deadline_ms = now_ms + DIA_CONNECT_MS;
	dia_links_tell(p, l, DIA_BIT_DIAL, 0);
}

static void settle(struct dia_peer_machine *p, uint64_t now_ms)
{
	dia_elect(p, now_ms);
	if (may_dial(p) && now_ms >= p->next_try_ms)
		dial(p, now_ms);
}

int dia_peer_cer(struct dia_peer_machine *p, uint64_t now_ms, bool has_state, uint32_t state)
{
	struct dia_link *l = dia_links_take(p, now_ms, DIA_ST_WAIT_CER);
	int n;

	if (!l)
		return -EBUSY;
	n = (int)(l - p->links);
	l->has_state = has_state;
	l->state_id = state;
	l->tls_follows = p->cfg.tls_after_cer;
	dia_links_step(p, now_ms, l, DIA_ON_CER, 0);
	settle(p, now_ms);
	return n;
}

void dia_peer_tls_follows(struct dia_peer_machine *p, bool yes)
{
	p->cfg.tls_after_cer = yes;
}

static void after_dwa(struct dia_peer_machine *p, struct dia_link *l)
{
	if (!l->reopen)
		return;
	if (--l->reopen) {
		dia_links_send_dwr(p, l);
		return;
	}
	p->failed = false;
	dia_links_tell(p, l, DIA_BIT_FAILBACK, 0);
}

static bool is_message(enum dia_on on)
{
	return on >= DIA_ON_CER && on <= DIA_ON_ANSWER && on != DIA_ON_STRAY;
}

/* RFC 6733 5.4 forbids to come again after the second and third; but who never comes again is lost for good. */
static uint32_t wait_after_dpr(const struct dia_peer_machine *p, uint32_t cause)
{
	if (cause == DIA_REBOOTING)
		return p->cfg.tc_ms;
	return cause == DIA_BUSY ? DIA_TRY_BUSY_MS : DIA_TRY_UNWANTED_MS;
}

void dia_peer_event(struct dia_peer_machine *p, uint64_t now_ms, unsigned link, enum dia_on on, uint32_t arg)
{
	struct dia_link *l = &p->links[link];

	if (on == DIA_ON_DWA && (!l->dwr_out || arg != l->dwr_id))
		on = DIA_ON_STRAY;
	if (on == DIA_ON_DWA)
		l->dwr_out = l->asked = false;
	if (is_message(on))
		l->heard_ms = now_ms;
	if (on == DIA_ON_CEA_OK || on == DIA_ON_CEA_TLS) {
		l->has_state = arg != 0;
		l->state_id = arg;
	}
	dia_links_step(p, now_ms, l, on, arg);
	if (on == DIA_ON_DWA && dia_links_is_open(l))
		after_dwa(p, l);
	if (on == DIA_ON_DPR && l->state == DIA_ST_LEAVING)
		dia_links_try_after(p, now_ms, wait_after_dpr(p, arg));
	settle(p, now_ms);
}

void dia_peer_tick(struct dia_peer_machine *p, uint64_t now_ms)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state != DIA_ST_GONE && now_ms >= p->links[i].deadline_ms)
			dia_links_step(p, now_ms, &p->links[i], DIA_ON_TIMER, 0);
	settle(p, now_ms);
}

uint64_t dia_peer_next(const struct dia_peer_machine *p)
{
	uint64_t next = p->round_ms;

	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state != DIA_ST_GONE && p->links[i].deadline_ms < next)
			next = p->links[i].deadline_ms;
	return may_dial(p) && p->next_try_ms < next ? p->next_try_ms : next;
}

void dia_peer_stop(struct dia_peer_machine *p, uint64_t now_ms, enum dia_on on, uint32_t cause)
{
	p->stopping = true;
	for (unsigned i = 0; i < p->n; i++)
		dia_links_step(p, now_ms, &p->links[i], on, cause);
}

void dia_peer_again(struct dia_peer_machine *p, uint64_t now_ms)
{
	p->stopping = false;
	p->again = true;
	dia_links_try_after(p, now_ms, DIA_TRY_ANEW_MS);
}

void dia_peer_dial(struct dia_peer_machine *p, uint64_t now_ms, bool dial)
{
	if (dial && !p->cfg.dial)
		p->next_try_ms = now_ms;
	p->cfg.dial = dial;
}

int dia_peer_connections(struct dia_peer_machine **p, unsigned connections)
{
	unsigned n = DIA_PEER_LINKS(connections), had = (*p)->n;

	if (n > had) {
		struct dia_peer_machine *wide = realloc(*p, sizeof(*wide) + n * sizeof(wide->links[0]));

		if (!wide)
			return -ENOMEM;
		*p = wide;
		wide->n = n;
		for (unsigned i = had; i < n; i++)
			wide->links[i] = (struct dia_link){ .state = DIA_ST_GONE };
	}
	(*p)->cfg.connections = connections;
	return 0;
}

enum dia_state dia_peer_state(const struct dia_peer_machine *p, unsigned link)
{
	return p->links[link].state;
}

bool dia_peer_usable(const struct dia_peer_machine *p, unsigned link)
{
	const struct dia_link *l = &p->links[link];

	return (l->state == DIA_ST_OPEN || l->state == DIA_ST_PROBED) && !l->reopen;
}

unsigned dia_peer_links(const struct dia_peer_machine *p)
{
	return p->n;
}
