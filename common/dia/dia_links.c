/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_links.h"

#include "common/dia/dia_check.h"

static uint32_t jitter(struct dia_peer_machine *p, uint32_t below)
{
	p->rng ^= p->rng << 13;
	p->rng ^= p->rng >> 7;
	p->rng ^= p->rng << 17;
	return below ? (uint32_t)(p->rng >> 20) % below : 0;
}

struct dia_link *dia_links_attempt(struct dia_peer_machine *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state == DIA_ST_CONN || p->links[i].state == DIA_ST_WAIT_CEA)
			return &p->links[i];
	return NULL;
}

struct dia_link *dia_links_take(struct dia_peer_machine *p, uint64_t now_ms, enum dia_state state)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->links[i].state == DIA_ST_GONE) {
			p->links[i] = (struct dia_link){ .state = state, .heard_ms = now_ms, .since_ms = now_ms };
			return &p->links[i];
		}
	return NULL;
}

void dia_links_tell(struct dia_peer_machine *p, const struct dia_link *l, unsigned act, uint32_t arg)
{
	p->act(p->owner, (unsigned)(l - p->links), act, arg);
}

void dia_links_send_dwr(struct dia_peer_machine *p, struct dia_link *l)
{
	if (l->dwr_out)
		return;
	l->dwr_out = true;
	l->dwr_id = ++p->next_id;
	dia_links_tell(p, l, DIA_BIT_SEND_DWR, l->dwr_id);
}

static void opened(struct dia_peer_machine *p, struct dia_link *l)
{
	l->reopen = p->cfg.dial && p->failed ? DIA_REOPEN_DWAS : 0;
	p->back_off_ms = 0;
	p->again = false;
	dia_links_tell(p, l, DIA_BIT_OPENED, l->reopen);
	if (l->reopen)
		dia_links_send_dwr(p, l);
}

void dia_links_try_after(struct dia_peer_machine *p, uint64_t now_ms, uint32_t ms)
{
	p->next_try_ms = now_ms + ms + jitter(p, ms / 4);
}

/* An attempt came to nothing: wait longer each time. */
static void back_off(struct dia_peer_machine *p, uint64_t now_ms)
{
	p->back_off_ms = p->back_off_ms ? 2 * p->back_off_ms : DIA_TRY_FIRST_MS;
	if (p->back_off_ms > p->cfg.tc_ms)
		p->back_off_ms = p->cfg.tc_ms;
	dia_links_try_after(p, now_ms, p->back_off_ms);
}

/* Every end sets the next try; a peer that has left said when (dia_peer_event). */
static void gone(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *l, enum dia_state was, enum dia_on on,
		 uint32_t arg)
{
	l->deadline_ms = DIA_NEVER;
	l->asked = false;
	if (was >= DIA_ST_OPEN && was <= DIA_ST_SUSPECT) {
		p->failed = true;
		p->back_off_ms = 0;
		dia_links_try_after(p, now_ms, DIA_TRY_FIRST_MS);
	} else if (was == DIA_ST_DRAINING || was == DIA_ST_CLOSING) {
		dia_links_try_after(p, now_ms, p->again ? DIA_TRY_ANEW_MS : p->cfg.tc_ms);
	} else if (l->dialled && was != DIA_ST_LEAVING) {
		/* lost to a connection that is there: nobody is to blame */
		if (on == DIA_ON_DROP || (on == DIA_ON_CEA_BAD && arg == DIA_ELECTION_LOST))
			dia_links_try_after(p, now_ms, DIA_TRY_FIRST_MS);
		else
			back_off(p, now_ms);
	}
}

static void set_timer(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *l, unsigned act)
{
	static const uint32_t ms[] = {
		[DIA_BIT_TCE] = DIA_TCE_MS, [DIA_BIT_TDP] = DIA_TDP_MS, [DIA_BIT_DRAIN] = DIA_DRAIN_MS
	};

	if (act == DIA_BIT_TW)
		l->deadline_ms = now_ms + p->cfg.tw_ms - DIA_TW_JITTER_MS + jitter(p, 2 * DIA_TW_JITTER_MS);
	else
		l->deadline_ms = now_ms + ms[act];
}

static void do_act(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *l, unsigned act, uint32_t arg)
{
	switch (act) {
	case DIA_BIT_ELECT: /* settle() looks at all that are held */
		break;
	case DIA_BIT_TCE:
	case DIA_BIT_TW:
	case DIA_BIT_TDP:
		set_timer(p, now_ms, l, act);
		break;
	case DIA_BIT_DRAIN:
		set_timer(p, now_ms, l, act);
		dia_links_tell(p, l, act, 0);
		break;
	case DIA_BIT_SEND_DWR:
		dia_links_send_dwr(p, l);
		break;
	case DIA_BIT_SEND_DPR:
		dia_links_tell(p, l, act, l->cause);
		break;
	case DIA_BIT_OPENED:
		opened(p, l);
		break;
	case DIA_BIT_FAILBACK:
		if (!l->reopen)
			dia_links_tell(p, l, act, 0);
		break;
	default:
		dia_links_tell(p, l, act, act == DIA_BIT_SEND_REFUSAL ? arg : 0);
	}
}

void dia_links_step(struct dia_peer_machine *p, uint64_t now_ms, struct dia_link *l, enum dia_on on, uint32_t arg)
{
	struct dia_step s = dia_sm(l->state, on);
	enum dia_state was = l->state;

	l->state = s.next;
	if (on == DIA_ON_STOP || on == DIA_ON_UNNAMED || on == DIA_ON_EXPIRED)
		l->cause = arg;
	if (s.next != was)
		l->since_ms = now_ms;
	for (unsigned act = 0; act < DIA_N_ACTS; act++)
		if (s.acts & 1u << act)
			do_act(p, now_ms, l, act, arg);
	if (s.next == DIA_ST_GONE && was != DIA_ST_GONE)
		gone(p, now_ms, l, was, on, arg);
}
