/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/peer_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include "bsf/run/hss_nodes.h"
#include "bsf/run/naf_cfg.h"
#include "common/rt/cfg_file.h"

/* The list keeps the order of the file; the table finds one of ten thousand. */
static struct name_table *peers_by_identity;
static struct peer_cfg **end_of_peers;

struct peer_cfg *peer_cfg_find(const char *identity)
{
	return name_table_get(peers_by_identity, span_str(identity));
}

struct peer_cfg *peer_cfg_add(const char *identity, enum peer_of of)
{
	struct peer_cfg *p = talloc_zero(bsf_cfg, struct peer_cfg);

	if (!p)
		return NULL;
	if (!peers_by_identity)
		peers_by_identity = name_table_new();
	p->identity = talloc_strdup(p, identity);
	if (!peers_by_identity || !p->identity || name_table_put(peers_by_identity, identity, p) < 0) {
		talloc_free(p);
		return NULL;
	}
	p->of = of;
	p->connections = 1;
	p->line = cfg_line();
	if (!bsf_cfg->peers)
		end_of_peers = &bsf_cfg->peers;
	*end_of_peers = p;
	end_of_peers = &p->next;
	return p;
}

void peer_cfg_remove(struct peer_cfg *p)
{
	struct peer_cfg **at = &bsf_cfg->peers;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (!p->next)
		end_of_peers = at;
	name_table_del(peers_by_identity, p->identity);
	talloc_free(p);
}

void peer_cfg_free(struct bsf_cfg *c)
{
	while (c->peers) {
		struct peer_cfg *p = c->peers;

		c->peers = p->next;
		talloc_free(p);
	}
	name_table_free(peers_by_identity);
	peers_by_identity = NULL;
}

const char *peer_cfg_taken_by(const char *identity)
{
	static const char *const whose[] = {
		[PEER_NODE] = "a peer node has this identity, write 'via' and its name",
		[PEER_OF_HSS] = "an hss has this identity",
		[PEER_OF_NAF] = "a naf has this identity and its own address",
	};
	const struct peer_cfg *p = peer_cfg_find(identity);

	if (p)
		return whose[p->of];
	return strcasecmp(identity, bsf_cfg->identity) == 0 ? "that is our own identity" : NULL;
}

static bool is_via(const struct peer_cfg *p, const char *via, const char *identity)
{
	return via && strcasecmp(via, p->identity) == 0 &&
	       (p->of == PEER_NODE || strcasecmp(identity, p->identity) != 0);
}

const char *peer_cfg_user(const struct peer_cfg *p)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		if (is_via(p, bsf_cfg->hss[i]->via, bsf_cfg->hss[i]->identity))
			return bsf_cfg->hss[i]->identity;
	for (const struct naf_cfg *n = bsf_cfg->nafs; n; n = n->next)
		if (is_via(p, n->policy.via, n->policy.identity))
			return n->policy.identity;
	return NULL;
}

static int check_relays(const struct peer_cfg *p, struct err *err)
{
	for (size_t i = 0; i < p->relays.n; i++) {
		const struct naf_cfg *n = naf_cfg_find(p->relays.s[i]);

		if (n && strcasecmp(naf_cfg_via(n), p->identity) == 0)
			return cfg_error(err, -EINVAL, p->line,
					 "peer %s: relays %s is a naf that comes over it, so what it asks would be "
					 "taken for another's; allowed: names that are no naf's",
					 p->identity, p->relays.s[i]);
	}
	return 0;
}

static int check_peer(const struct peer_cfg *p, const struct bsf_cfg *c, struct err *err)
{
	static const struct {
		const char *node, *cure;
	} of[] = {
		[PEER_NODE] = { "peer", "connect ADDRESS PORT, address ADDRESS/PREFIX" },
		[PEER_OF_HSS] = { "hss", "connect ADDRESS PORT, via PEER" },
		[PEER_OF_NAF] = { "naf", "address ADDRESS/PREFIX, via PEER" },
	};

	if (strcasecmp(p->identity, c->identity) == 0)
		return cfg_error(err, -EINVAL, p->line, "%s %s: that is our own identity; allowed: another one",
				 of[p->of].node, p->identity);
	if (!p->has_connect && !p->nets.n)
		return cfg_error(err, -EINVAL, p->line, "%s %s: peer without address; allowed: %s", of[p->of].node,
				 p->identity, of[p->of].cure);
	return check_relays(p, err);
}

int peer_cfg_check(const struct bsf_cfg *c, struct err *err)
{
	int rc = 0;

	for (const struct peer_cfg *p = c->peers; p && rc == 0; p = p->next)
		rc = check_peer(p, c, err);
	return rc;
}

static bool is_asked(const struct peer_cfg *p)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		if (strcasecmp(hss_nodes_via(bsf_cfg->hss[i]), p->identity) == 0)
			return true;
	return false;
}

bool peer_cfg_is_beyond(const struct peer_cfg *p)
{
	bool beyond = p->has_connect && !sockaddr_is_loopback(&p->connect.addr);
	struct sockaddr_net net;

	for (size_t i = 0; i < p->nets.n && !beyond; i++) /* what is no range is any */
		beyond = sockaddr_net_parse(&net, p->nets.s[i]) < 0 || !sockaddr_net_is_loopback(&net);
	return beyond;
}

static bool tls_to_policy(struct policy_peer *out, const struct tls_peer *t)
{
	const struct names written = { (char **)t->names.s, t->names.n }, keys = { (char **)t->keys.s, t->keys.n };

	out->how = (uint8_t)t->how;
	out->tls_cn = t->cn;
	return names_copy(&out->tls_names, &written) == 0 && names_copy(&out->tls_keys, &keys) == 0;
}

bool peer_cfg_to_policy(struct policy_peer *out, const struct peer_cfg *p)
{
	out->identity = strdup(p->identity);
	out->relays = words_table(&p->relays);
	if (!out->identity || !out->relays || !tls_to_policy(out, &p->tls))
		return false;
	for (size_t i = 0; i < p->nets.n; i++) {
		if (policy_peer_add_net(out, p->nets.s[i]) < 0)
			return false;
		if (strcmp(p->nets.s[i], POLICY_ANY) == 0 && out->how == DIA_HUB_BEYOND_LOOPBACK)
			out->how = DIA_HUB_BY_TLS; /* nothing but its certificate binds the name */
	}
	out->dial = p->has_connect;
	out->connect = p->connect.addr;
	out->may_connect = p->may_connect;
	out->connections = p->connections;
	out->asked = is_asked(p);
	return true;
}
