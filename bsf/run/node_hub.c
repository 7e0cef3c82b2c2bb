/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the hub of a shard asks and tells, and where a connection goes whose peer is another shard's. */
#include "bsf/run/node_in.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_frame.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"

static void node_on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_HUB_STRAY) /* Zh is the one point where we ask */
		dia_select_refused(DZH, CAUSE_zh_duplicate, peer, "an answer to nothing that waits");
	else
		dia_select_event(owner, ev, peer, detail);
}

static void node_on_ready(void *owner, const char *peer, bool ready)
{
	struct node *n = ((struct part *)owner)->node;

	const struct policy *p = policy_current();

	for (size_t i = 0; p && i < p->n_hss; i++) {
		if (strcasecmp(p->hss[i]->via, peer) != 0)
			continue;
		hss_state_ready(p->hss[i]->state, ready);
		if (ready)
			sem_post(&n->hss_open);
	}
}

static int node_admit(void *owner, const char *identity, const struct sockaddr *from)
{
	return policy_admit(policy_current(), identity, from);
}

static bool node_comes_from(void *owner, const struct sockaddr *from)
{
	return !atomic_load_explicit(&bsf_cfg->limits.strangers_close, memory_order_relaxed) ||
	       policy_comes_from(policy_current(), from);
}

static void node_limits(void *owner, const char *identity, struct dia_hub_limits *out)
{
	const struct policy_peer *p = policy_peer(policy_current(), identity);

	if (!p)
		return;
	out->connections = p->connections;
	out->msg_max = p->asked ? DIA_FRAME_HSS : DIA_FRAME_NAF;
}

static void node_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	const struct policy_peer *p = policy_peer(policy_current(), identity);

	if (!p)
		return;
	out->how = (enum dia_hub_protection)p->how;
	/* between operators there is no Zn' without TLS, wherever they are (33.220 4.4.6) */
	if (out->how == DIA_HUB_BEYOND_LOOPBACK &&
	    policy_vouch(policy_current(), identity, NULL) == POLICY_BY_CERTIFICATE)
		out->how = DIA_HUB_BY_TLS;
	out->names = (const char *const *)p->tls_names.s;
	out->n_names = p->tls_names.n;
	out->cn = p->tls_cn;
	out->keys = (const char *const *)p->tls_keys.s;
	out->n_keys = p->tls_keys.n;
}

/* A connection on its way to the part of its peer. */
struct move_post {
	struct dia_post post; /* first */
	struct part *part;
	struct dia_hub_arrival a;
	uint8_t octets[];
};

static void node_run_move(struct dia_post *post, bool stopping)
{
	struct move_post *m = (struct move_post *)post;

	if (!stopping && m->part->hub)
		dia_hub_take(m->part->hub, &m->a);
	else
		dia_hub_turn_away(&m->a);
	free(m);
}

static bool node_elsewhere(void *owner, const char *identity)
{
	return !node_is_of(owner, identity);
}

static void node_hand_over(void *owner, const char *identity, const struct dia_hub_arrival *a)
{
	struct node *n = ((struct part *)owner)->node;
	struct move_post *m = malloc(sizeof(*m) + a->octets.len);

	if (!m) {
		dia_hub_turn_away(a);
		return;
	}
	*m = (struct move_post){ .post.run = node_run_move, .part = &n->parts[node_part_of(n, identity)], .a = *a };
	memcpy(m->octets, a->octets.p, a->octets.len);
	m->a.octets.p = m->octets;
	dia_loop_post(m->part->loop, &m->post);
}

struct dia_hub_callbacks node_hub_cb(struct part *part)
{
	const bool several = part->node->n_parts > 1;

	return (struct dia_hub_callbacks){ .event = node_on_event,
					   .ready = node_on_ready,
					   .comes_from = node_comes_from,
					   .admit = node_admit,
					   .limits = node_limits,
					   .security = node_security,
					   .elsewhere = several ? node_elsewhere : NULL,
					   .hand_over = several ? node_hand_over : NULL,
					   .owner = part };
}
