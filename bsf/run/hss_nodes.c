/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/hss_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include "bsf/run/peer_cfg.h"
#include "common/rt/cfg_file.h"

struct bsf_hss *hss_nodes_find(const char *identity)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		if (strcasecmp(bsf_cfg->hss[i]->identity, identity) == 0)
			return bsf_cfg->hss[i];
	return NULL;
}

struct bsf_hss *hss_nodes_add(const char *identity)
{
	struct bsf_hss *h = talloc_zero(bsf_cfg, struct bsf_hss);

	if (!h)
		return NULL;
	h->identity = talloc_strdup(h, identity);
	h->state = hss_state_new();
	if (!h->identity || !h->state) {
		hss_state_put(h->state);
		talloc_free(h);
		return NULL;
	}
	h->timeout_s = HSS_TIMEOUT_S;
	h->priority = HSS_PRIORITY;
	h->load = HSS_LOAD;
	h->line = cfg_line();
	bsf_cfg->hss[bsf_cfg->n_hss++] = h;
	return h;
}

static void node_free(struct bsf_hss *h)
{
	hss_state_put(h->state);
	talloc_free(h);
}

void hss_nodes_remove(struct bsf_hss *h)
{
	struct bsf_cfg *c = bsf_cfg;
	size_t i = 0;

	while (c->hss[i] != h)
		i++;
	c->n_hss--;
	memmove(&c->hss[i], &c->hss[i + 1], (c->n_hss - i) * sizeof(c->hss[0]));
	node_free(h);
}

void hss_nodes_free(struct bsf_cfg *c)
{
	while (c->n_hss)
		node_free(c->hss[--c->n_hss]);
}

static int check_one(const struct bsf_hss *h, struct err *err)
{
	if (!peer_cfg_find(hss_nodes_via(h)))
		return h->via ? cfg_error(err, -EINVAL, h->via_line,
					  "hss %s: via %s: there is no such peer; allowed: the name of a peer",
					  h->identity, h->via)
			      : cfg_error(err, -EINVAL, h->line,
					  "hss %s: peer without address; allowed: connect ADDRESS PORT, via PEER",
					  h->identity);
	if (!h->realm)
		return cfg_error(err, -EINVAL, h->line, "hss %s: no realm; allowed: realm REALM", h->identity);
	return 0;
}

int hss_nodes_check(const struct bsf_cfg *c, struct err *err)
{
	uint64_t loads = 0;

	if (!c->n_hss && c->hlr)
		return 0;
	if (!c->n_hss)
		return cfg_error(err, -EINVAL, 0, "no hss; allowed: hss IDENTITY, hlr NAME");
	for (size_t i = 0; i < c->n_hss; i++) {
		if (check_one(c->hss[i], err) < 0)
			return -EINVAL;
		loads += c->hss[i]->load;
	}
	if (!loads)
		return cfg_error(err, -EINVAL, c->hss[0]->load_line,
				 "hss %s: load 0 at each hss, so none would be asked; allowed: load 1 to 65535 at one",
				 c->hss[0]->identity);
	return 0;
}

static bool is_whole(const struct bsf_hss *h)
{
	const struct peer_cfg *p = peer_cfg_find(hss_nodes_via(h));

	return h->realm && p && (p->has_connect || p->nets.n);
}

static struct hss *hss_of(const struct bsf_hss *h)
{
	const char *via = hss_nodes_via(h);

	return hss_new(&(struct hss){ .identity = h->identity,
				      .realm = h->realm,
				      .via = via,
				      .relayed = h->via && strcasecmp(h->via, h->identity) != 0,
				      .destination_host = h->destination_host || !h->via,
				      .timeout_ms = h->timeout_s * 1000,
				      .priority = h->priority,
				      .load = h->load,
				      .state = h->state });
}

bool hss_nodes_to_policy(struct policy *p, const struct bsf_cfg *c)
{
	p->hss = calloc(c->n_hss + 1, sizeof(struct hss *));
	if (!p->hss)
		return false;
	for (size_t i = 0; i < c->n_hss; i++) {
		if (!is_whole(c->hss[i]))
			continue;
		p->hss[p->n_hss] = hss_of(c->hss[i]);
		if (!p->hss[p->n_hss])
			return false;
		p->n_hss++;
	}
	return true;
}
