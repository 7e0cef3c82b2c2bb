/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/naf_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include "bsf/run/hss_nodes.h"
#include "bsf/run/naf_load.h"
#include "bsf/run/suspend.h"
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"

/* The list keeps the order of the file; the table finds one of ten thousand. */
static struct name_table *by_identity;
static struct naf_cfg **end_of_list;

struct peer_cfg *naf_cfg_own_peer(const struct naf_cfg *n)
{
	struct peer_cfg *p = n->policy.via ? NULL : peer_cfg_find(n->policy.identity);

	return p && p->of == PEER_OF_NAF ? p : NULL;
}

static bool naf_to_policy(struct naf_policy *out, const struct naf_cfg *n)
{
	if (naf_policy_copy(out, &n->policy) < 0)
		return false;
	rate_set(out->rate, out->per_s);
	if (!out->via)
		out->via = strdup(out->identity);
	return out->via != NULL;
}

static const char *taken_by(const char *identity)
{
	return naf_cfg_taken_by(bsf_cfg, identity);
}

/* What is not bound to any address (yet) is nobody. */
static bool fill_policy(struct policy *p, const struct bsf_cfg *c)
{
	memcpy(p->forms, c->forms, sizeof(p->forms));
	p->n_forms = c->n_forms;
	for (const struct peer_cfg *i = c->peers; i; i = i->next)
		if ((i->has_connect || i->nets.n) && !peer_cfg_to_policy(&p->peers[p->n_peers++], i))
			return false;
	for (const struct naf_cfg *i = c->nafs; i; i = i->next)
		if (peer_cfg_find(naf_cfg_via(i)) && !naf_to_policy(&p->nafs[p->n_nafs++], i))
			return false;
	p->dir = naf_load.dir ? naf_dir_hold(naf_load.dir) : NULL;
	p->tls = c->tls.certificate != NULL;
	p->taken_by = taken_by;
	p->suspended = suspend_count() ? suspend_table() : NULL;
	if (suspend_count() && !p->suspended)
		return false;
	return hss_nodes_to_policy(p, c) && policy_index(p) == 0;
}

static struct policy *policy_with_room(const struct bsf_cfg *c)
{
	struct policy *p = calloc(1, sizeof(*p));
	size_t nafs = 1, peers = 1;

	for (const struct naf_cfg *i = c->nafs; i; i = i->next)
		nafs++;
	for (const struct peer_cfg *i = c->peers; i; i = i->next)
		peers++;
	if (!p)
		return NULL;
	p->nafs = calloc(nafs, sizeof(*p->nafs));
	p->peers = calloc(peers, sizeof(*p->peers));
	if (p->nafs && p->peers)
		return p;
	policy_free(p);
	return NULL;
}

static struct {
	void (*fn)(void *owner);
	void *owner;
} to_tell;

void naf_cfg_on_publish(void (*fn)(void *owner), void *owner)
{
	to_tell.fn = fn;
	to_tell.owner = owner;
}

struct policy *naf_cfg_policy(const struct bsf_cfg *c)
{
	struct policy *p = policy_with_room(c);

	if (p && fill_policy(p, c))
		return p;
	policy_free(p);
	return NULL;
}

int naf_cfg_publish(const struct bsf_cfg *c)
{
	return naf_cfg_publish_saying(c, NULL);
}

int naf_cfg_publish_saying(const struct bsf_cfg *c, void (*say)(const struct policy *now, const struct policy *before))
{
	struct policy *p = naf_cfg_policy(c);

	if (!p)
		return -ENOMEM;
	if (say)
		say(p, policy_current());
	policy_publish(p);
	if (to_tell.fn)
		to_tell.fn(to_tell.owner);
	return 0;
}

const char *naf_cfg_taken_by(const struct bsf_cfg *c, const char *identity)
{
	if (hss_nodes_find(identity))
		return "an hss has this identity";
	return strcasecmp(identity, c->identity) == 0 ? "that is our own identity" : NULL;
}

static int check_way(const struct naf_cfg *n, struct err *err)
{
	if (!n->policy.via && !naf_cfg_own_peer(n))
		return cfg_error(err, -EINVAL, n->line,
				 "naf %s: peer without address; allowed: address ADDRESS/PREFIX, via PEER",
				 n->policy.identity);
	if (!peer_cfg_find(naf_cfg_via(n)))
		return cfg_error(err, -EINVAL, n->line,
				 "naf %s: via %s: there is no such peer; allowed: the name of a peer",
				 n->policy.identity, n->policy.via);
	return 0;
}

int naf_cfg_check(const struct bsf_cfg *c, struct err *err)
{
	struct err why;

	for (const struct naf_cfg *i = c->nafs; i; i = i->next) {
		if (check_way(i, err) < 0)
			return -EINVAL;
		if (!i->policy.speaks_for.n)
			return cfg_error(err, -EINVAL, i->line,
					 "naf %s: speaks for no name, so it would get no key; allowed: speaks-for FQDN",
					 i->policy.identity);
		if (naf_policy_check(&i->policy, &why) < 0)
			return cfg_error(err, -EINVAL, i->line, "naf %s: %s", i->policy.identity, why.text);
		if (naf_cfg_taken_by(c, i->policy.identity))
			return cfg_error(err, -EINVAL, i->line, "naf %s: %s; allowed: another one", i->policy.identity,
					 naf_cfg_taken_by(c, i->policy.identity));
	}
	return 0;
}

void naf_cfg_free(struct bsf_cfg *c)
{
	while (c->nafs) {
		struct naf_cfg *n = c->nafs;

		c->nafs = n->next;
		talloc_free(n);
	}
	name_table_free(by_identity);
	by_identity = NULL;
}

struct naf_cfg *naf_cfg_find(const char *identity)
{
	return name_table_get(by_identity, span_str(identity));
}

static int naf_cfg_end(struct naf_cfg *n)
{
	naf_policy_clear(&n->policy);
	return 0;
}

struct naf_cfg *naf_cfg_add(const char *identity)
{
	struct naf_cfg *n = talloc_zero(bsf_cfg, struct naf_cfg);

	if (!n)
		return NULL;
	talloc_set_destructor(n, naf_cfg_end);
	if (!by_identity)
		by_identity = name_table_new();
	n->policy.identity = strdup(identity);
	n->policy.rate = rate_new();
	if (!by_identity || !n->policy.identity || !n->policy.rate || name_table_put(by_identity, identity, n) < 0) {
		talloc_free(n);
		return NULL;
	}
	n->line = cfg_line();
	if (!bsf_cfg->nafs)
		end_of_list = &bsf_cfg->nafs;
	*end_of_list = n;
	end_of_list = &n->next;
	return n;
}

void naf_cfg_remove(struct naf_cfg *n)
{
	struct naf_cfg **p = &bsf_cfg->nafs;

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	if (!n->next)
		end_of_list = p;
	name_table_del(by_identity, n->policy.identity);
	talloc_free(n);
}
