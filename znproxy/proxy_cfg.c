/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/proxy_cfg.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include "common/rt/log_cat.h"

static int proxy_cfg_free(struct proxy_cfg *c)
{
	name_table_free(c->by_identity);
	name_table_free(c->by_realm);
	name_table_free(c->own);
	return 0;
}

struct proxy_cfg *proxy_cfg_new(void *ctx)
{
	struct proxy_cfg *c = talloc_zero(ctx, struct proxy_cfg);

	if (!c)
		return NULL;
	talloc_set_destructor(c, proxy_cfg_free);
	INIT_LLIST_HEAD(&c->nafs);
	INIT_LLIST_HEAD(&c->homes);
	c->by_identity = name_table_new();
	c->by_realm = name_table_new();
	c->own = name_table_new();
	return c->by_identity && c->by_realm && c->own ? c : NULL;
}

struct proxy_naf *proxy_cfg_naf(const struct proxy_cfg *c, const char *identity)
{
	return name_table_get(c->by_identity, span_str(identity));
}

struct proxy_home *proxy_cfg_home(const struct proxy_cfg *c, const char *name)
{
	struct proxy_home *h;

	llist_for_each_entry(h, &c->homes, entry)
	{
		if (strcasecmp(h->name, name) == 0)
			return h;
	}
	return NULL;
}

static int naf_end(struct proxy_naf *n)
{
	name_table_free(n->names);
	rate_drop(n->rate);
	return 0;
}

struct proxy_naf *proxy_cfg_naf_add(struct proxy_cfg *c, const char *identity)
{
	struct proxy_naf *n = talloc_zero(c, struct proxy_naf);

	if (!n)
		return NULL;
	talloc_set_destructor(n, naf_end);
	n->identity = talloc_strdup(n, identity);
	n->rate = rate_new();
	n->names = name_table_new();
	n->connections = 1;
	n->line = cfg_line();
	if (!n->identity || !n->rate || !n->names || name_table_put(c->by_identity, identity, n) < 0) {
		talloc_free(n);
		return NULL;
	}
	llist_add_tail(&n->entry, &c->nafs);
	return n;
}

void proxy_cfg_naf_remove(struct proxy_cfg *c, struct proxy_naf *n)
{
	name_table_del(c->by_identity, n->identity);
	llist_del(&n->entry);
	talloc_free(n);
}

static bool is_own(const struct proxy_cfg *c, const char *name)
{
	return name_table_above(c->own, name) != NULL;
}

struct proxy_whose proxy_cfg_whose(struct proxy_cfg *c, struct span name)
{
	size_t at = name.len ? (name.len * 31 + name.p[0] * 7u + name.p[name.len / 2]) % PROXY_WHOSE_PLACES : 0;
	struct proxy_whose_place *p = &c->whose[at];

	if (!name.len || name.len > DIA_NAME_MAX || memchr(name.p, '\0', name.len))
		return (struct proxy_whose){ 0 };
	if (!span_eq(span_of(p->name, p->len), name)) {
		(void)span_to_str(p->name, sizeof(p->name), name);
		p->len = name.len;
		p->home = name_table_above(c->by_realm, p->name);
		p->own = is_own(c, p->name);
	}
	return (struct proxy_whose){ p->home, p->own };
}

/* --- is it whole */

static int verify_naf(const struct proxy_cfg *c, const struct proxy_naf *n, struct err *err)
{
	const char *needs = tls_peer_needs(&n->tls, sockaddr_nets_beyond(n->nets, n->n_nets));

	if (strcasecmp(n->identity, c->dia.identity) == 0)
		return cfg_error(err, -EINVAL, n->line, "naf %s: that is our own identity; allowed: another one",
				 n->identity);
	if (!n->n_nets)
		return cfg_error(err, -EINVAL, n->line, "naf %s: peer without address; allowed: address ADDRESS/PREFIX",
				 n->identity);
	if (!n->speaks_for.n)
		return cfg_error(err, -EINVAL, n->line,
				 "naf %s: speaks for no name, so it would get no key; allowed: speaks-for FQDN",
				 n->identity);
	if (c->dia.tls.certificate || !needs)
		return 0;
	return cfg_error(err, -EINVAL, n->line,
			 "naf %s %s and there is no certificate; allowed: " TLS_CFG_WORDS
			 " in 'diameter', or 'security plain' here",
			 n->identity, needs);
}

/* What is of one home is of no other, and not ours. */
static int index_realm(struct proxy_cfg *c, struct proxy_home *h, const char *realm, struct err *err)
{
	const struct proxy_home *former = name_table_get(c->by_realm, span_str(realm));
	int rc;

	if (is_own(c, realm))
		return cfg_error(err, -EINVAL, h->line,
				 "home %s: realm %s is our own: our NAFs ask our own BSF for its subscribers; "
				 "allowed: realms of others",
				 h->name, realm);
	if (former && former != h)
		return cfg_error(err, -EINVAL, h->line, "home %s: realm %s is that of home %s already", h->name, realm,
				 former->name);
	rc = name_table_put(c->by_realm, realm, h);
	return rc == -ENOMEM ? cfg_error(err, rc, h->line, "no memory") : 0;
}

static int verify_home(struct proxy_cfg *c, struct proxy_home *h, struct err *err)
{
	int rc = tls_cfg_check(&h->tls, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return cfg_error(err, -EINVAL, h->line,
				 "home %s: no certificate, and Zn' between operators is by TLS only (33.220 4.4.6); "
				 "needed: " TLS_CFG_WORDS,
				 h->name);
	if (!h->realms.n || !h->n_bsfs)
		return cfg_error(err, -EINVAL, h->line, "home %s: lacks '%s'; needed: realm, bsf, " TLS_CFG_WORDS,
				 h->name, h->realms.n ? "bsf" : "realm");
	for (size_t i = 0; i < h->n_bsfs; i++)
		if (strcasecmp(h->bsfs[i].identity, c->dia.identity) == 0)
			return cfg_error(err, -EINVAL, h->line, "home %s: bsf %s is our own identity", h->name,
					 c->dia.identity);
	for (size_t i = 0, r = 0; i < h->realms.n && !r; i++) {
		rc = index_realm(c, h, h->realms.s[i], err);
		r = rc < 0;
	}
	return rc < 0 ? rc : 0;
}

static int index_own(struct proxy_cfg *c)
{
	int rc = name_table_put(c->own, c->dia.realm, c);

	for (size_t i = 0; i < c->own_realms.n && rc != -ENOMEM; i++)
		rc = name_table_put(c->own, c->own_realms.s[i], c);
	return rc == -ENOMEM ? rc : 0;
}

int proxy_cfg_verify(struct proxy_cfg *c, struct err *err)
{
	const struct proxy_naf *n;
	struct proxy_home *h;

	if (dia_node_verify(&c->dia, err) < 0)
		return -EINVAL;
	if (index_own(c) < 0)
		return err_set(err, -ENOMEM, "no memory");
	llist_for_each_entry(n, &c->nafs, entry)
	{
		if (verify_naf(c, n, err) < 0)
			return -EINVAL;
	}
	if (llist_empty(&c->homes))
		return cfg_error(err, -EINVAL, 0, "no node 'home NAME': there would be nobody to ask");
	llist_for_each_entry(h, &c->homes, entry)
	{
		if (verify_home(c, h, err) < 0)
			return -EINVAL;
	}
	return 0;
}

/* --- who comes */

int proxy_cfg_admit(void *cfg, const char *identity, const struct sockaddr *from)
{
	const struct proxy_naf *n = proxy_cfg_naf(cfg, identity);

	for (size_t i = 0; n && i < n->n_nets; i++)
		if (sockaddr_net_match(&n->nets[i], from))
			return 0;
	return n ? -EPERM : -ENOENT;
}

void proxy_cfg_limits(void *cfg, const char *identity, struct dia_hub_limits *out)
{
	const struct proxy_naf *n = proxy_cfg_naf(cfg, identity);

	if (n)
		out->connections = n->connections;
}

void proxy_cfg_security(void *cfg, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	const struct proxy_naf *n = proxy_cfg_naf(cfg, identity);

	if (n)
		tls_peer_security(&n->tls, out);
}

void proxy_cfg_say_plain(const struct proxy_cfg *c)
{
	const struct proxy_naf *n;

	llist_for_each_entry(n, &c->nafs, entry)
	{
		if (n->tls.how == DIA_HUB_PLAIN && sockaddr_nets_beyond(n->nets, n->n_nets))
			LOGT(DRT, LOGL_NOTICE, "naf %s comes from beyond loopback without TLS (security plain)\n",
			     n->identity);
	}
}
