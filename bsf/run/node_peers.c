/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Peers: what the policy says, and the operator; a word to the loop. */
#include "bsf/run/node_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/owner_of.h"
#include "common/rt/log_cat.h"

#define SETTLED_MS 1000

enum peer_word { PEERS_APPLY, PEER_DISCONNECT, PEER_RECONNECT, PEERS_RECONNECT, NEW_TLS };

struct peer_post {
	struct dia_post post; /* first */
	struct part *part;
	enum peer_word word;
	SSL_CTX *tls; /* a reference */
	char identity[BSF_ID_MAX + 1];
};

/* \returns 0; -ENOMEM */
int node_dial_all(struct part *part, const struct policy *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->n_peers && rc != -ENOMEM; i++)
		if (p->peers[i].dial && node_is_of(part, p->peers[i].identity))
			rc = dia_hub_dial(part->hub, p->peers[i].identity, &p->peers[i].connect,
					  p->peers[i].may_connect);
	return rc == -ENOMEM ? rc : 0;
}

/* Of one that is known to the hub: what is not configured any more? */
static void undial_one(void *hub, const struct dia_hub_peer_figures *f)
{
	const struct policy_peer *p = policy_peer(policy_current(), f->identity);

	if (f->dialled && (!p || !p->dial))
		dia_hub_undial(hub, f->identity);
	if (f->held_off && !p)
		(void)dia_hub_reconnect(hub, f->identity); /* if it is ever written again it is as new */
}

/* Who is not configured any more, or not from there, goes. A line that is replaced by two commands is no reason: that is
 * looked at when nothing was changed for a moment. Their requests are refused at once. */
void node_on_settled(struct dia_timer *t)
{
	struct dia_hub *h = owner_of(t, struct part, settled)->hub;

	dia_hub_figures(h, undial_one, h);
	dia_hub_recheck(h);
}

/* What is via a peer that was there already. */
static void hss_apply(struct part *part, const struct policy *p)
{
	for (size_t i = 0; i < p->n_hss; i++)
		if (node_is_of(part, p->hss[i]->via))
			hss_state_ready(p->hss[i]->state, dia_hub_is_open(part->hub, p->hss[i]->via));
}

static void peers_apply(struct part *p)
{
	hss_apply(p, policy_current());
	dia_loop_timer(p->loop, &p->settled, SETTLED_MS);
	if (node_dial_all(p, policy_current()) < 0)
		LOGT(DRT, LOGL_ERROR, "no memory to change all peers; the next change tries again\n");
}

static void run_peers(struct dia_post *post, bool stopping)
{
	struct peer_post *p = (struct peer_post *)post;
	struct dia_hub *h = stopping ? NULL : p->part->hub;

	if (h && p->word == PEERS_APPLY)
		peers_apply(p->part);
	else if (h && p->word == PEER_DISCONNECT)
		(void)dia_hub_disconnect(h, p->identity);
	else if (h && p->word == PEER_RECONNECT)
		(void)dia_hub_reconnect(h, p->identity);
	else if (h && p->word == PEERS_RECONNECT)
		dia_hub_reconnect_all(h);
	else if (h)
		dia_hub_tls(h, p->tls);
	SSL_CTX_free(p->tls);
	free(p);
}

static int post_word(struct part *part, enum peer_word word, const char *identity, SSL_CTX *tls)
{
	struct peer_post *p = calloc(1, sizeof(*p));

	if (!p || (tls && !SSL_CTX_up_ref(tls))) {
		free(p);
		return -ENOMEM;
	}
	p->post.run = run_peers;
	p->part = part;
	p->word = word;
	p->tls = tls;
	snprintf(p->identity, sizeof(p->identity), "%s", identity);
	dia_loop_post(part->loop, &p->post);
	return 0;
}

static int peers_post(struct part *part, enum peer_word word, const char *identity)
{
	return post_word(part, word, identity, NULL);
}

static int post_all(struct node *n, enum peer_word word, SSL_CTX *tls)
{
	int rc = 0;

	for (unsigned i = 0; i < n->n_parts; i++)
		rc = post_word(&n->parts[i], word, "", tls) < 0 ? -ENOMEM : rc;
	return rc;
}

void node_on_publish(void *owner)
{
	if (post_all(owner, PEERS_APPLY, NULL) < 0)
		LOGT(DRT, LOGL_ERROR, "no memory to change peers; the next change tries again\n");
}

int node_disconnect(struct node *n, const char *identity)
{
	return peers_post(&n->parts[node_part_of(n, identity)], PEER_DISCONNECT, identity);
}

int node_reconnect(struct node *n, const char *identity)
{
	return peers_post(&n->parts[node_part_of(n, identity)], PEER_RECONNECT, identity);
}

int node_reconnect_all(struct node *n)
{
	return post_all(n, PEERS_RECONNECT, NULL);
}

int node_tls(void *n, SSL_CTX *tls)
{
	return post_all(n, NEW_TLS, tls);
}
