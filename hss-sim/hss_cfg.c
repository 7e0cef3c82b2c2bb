/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/hss_cfg.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/log_cat.h"

/* What the library's threads read; immutable once published. */
struct peers {
	const struct peers
		*former; /* a reader may still hold it; changes by hand are few, so all are kept to the end */
	size_t n;
	struct {
		char identity[256];
		struct sockaddr_net nets[HSS_NETS_MAX];
		size_t n_nets;
		struct tls_peer tls;
	} p[];
};
static const struct peers *_Atomic published;

struct hss_cfg *hss_cfg_new(void *ctx)
{
	struct hss_cfg *c = talloc_zero(ctx, struct hss_cfg);

	if (!c)
		return NULL;
	INIT_LLIST_HEAD(&c->bsfs);
	c->rules = SUBSCRIBER_RULES_USUAL;
	return c;
}

struct hss_bsf *hss_cfg_bsf(const struct hss_cfg *c, const char *identity)
{
	struct hss_bsf *b;

	llist_for_each_entry(b, &c->bsfs, entry)
	{
		if (strcasecmp(b->identity, identity) == 0)
			return b;
	}
	return NULL;
}

static int verify_tls(const struct hss_cfg *c, const struct hss_bsf *b, struct err *err)
{
	const char *needs = tls_peer_needs(&b->tls, sockaddr_nets_beyond(b->nets, b->n_nets));

	if (c->dia.tls.certificate || !needs)
		return 0;
	return cfg_error(err, -EINVAL, b->line,
			 "'bsf %s' %s and there is no certificate; allowed: tls certificate, tls key and tls ca in "
			 "'diameter', or 'security plain' here",
			 b->identity, needs);
}

int hss_cfg_verify(const struct hss_cfg *c, struct err *err)
{
	uint8_t keks[SEAL_KEKS_MAX];
	const struct hss_bsf *b;

	if (dia_node_verify(&c->dia, err) < 0)
		return -EINVAL;
	if (!c->subscribers_line)
		return cfg_error(err, -EINVAL, 0, "no node 'subscribers'; needed in it: database, kek");
	if (!c->database || kek_cfg_ids(keks) == 0)
		return cfg_error(err, -EINVAL, c->subscribers_line,
				 "'subscribers' lacks '%s'; needed in it: database, kek",
				 !c->database ? "database" : "kek");
	if (llist_empty(&c->bsfs))
		return cfg_error(err, -EINVAL, 0, "no node 'bsf IDENTITY': nobody could connect");
	llist_for_each_entry(b, &c->bsfs, entry)
	{
		if (strcasecmp(b->identity, c->dia.identity) == 0)
			return cfg_error(err, -EINVAL, b->line,
					 "'bsf %s': that is our own identity; allowed: another one", b->identity);
		if (!b->n_nets)
			return cfg_error(err, -EINVAL, b->line,
					 "'bsf %s' lacks 'address': where it comes from; allowed in it: "
					 "address A.B.C.D/N or X:X::X/N",
					 b->identity);
		if (verify_tls(c, b, err) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Names stay, as the table does. */
static bool copy_tls(struct tls_peer *out, const struct tls_peer *t)
{
	*out = *t;
	for (size_t i = 0; i < t->names.n; i++) {
		out->names.s[i] = strdup(t->names.s[i]);
		if (!out->names.s[i])
			return false;
	}
	return true;
}

int hss_peers_publish(const struct hss_cfg *c)
{
	struct peers *p;
	struct hss_bsf *b;
	size_t n = llist_count(&c->bsfs), i = 0;

	p = calloc(1, sizeof(*p) + n * sizeof(p->p[0]));
	if (!p)
		return -ENOMEM;
	llist_for_each_entry(b, &c->bsfs, entry)
	{
		strncpy(p->p[i].identity, b->identity, sizeof(p->p[i].identity) - 1);
		memcpy(p->p[i].nets, b->nets, sizeof(b->nets));
		p->p[i].n_nets = b->n_nets;
		if (!copy_tls(&p->p[i].tls, &b->tls))
			return -ENOMEM;
		i++;
	}
	p->n = n;
	p->former = atomic_load(&published);
	atomic_store(&published, p);
	return 0;
}

void hss_peers_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	const struct peers *p = atomic_load(&published);

	for (size_t i = 0; p && i < p->n; i++)
		if (strcasecmp(p->p[i].identity, identity) == 0)
			tls_peer_security(&p->p[i].tls, out);
}

void hss_peers_say_plain(const struct hss_cfg *c)
{
	const struct hss_bsf *b;

	llist_for_each_entry(b, &c->bsfs, entry)
	{
		if (b->tls.how == DIA_HUB_PLAIN && sockaddr_nets_beyond(b->nets, b->n_nets))
			LOGT(DRT, LOGL_NOTICE, "bsf %s comes from beyond loopback without TLS (security plain)\n",
			     b->identity);
	}
}

int hss_peers_accept(void *owner, const char *identity, const struct sockaddr *from)
{
	const struct peers *p = atomic_load(&published);
	size_t i, k;

	for (i = 0; p && i < p->n; i++) {
		if (strcasecmp(p->p[i].identity, identity) != 0)
			continue;
		for (k = 0; k < p->p[i].n_nets; k++) {
			if (sockaddr_net_match(&p->p[i].nets[k], from))
				return 0;
		}
		return -EPERM;
	}
	return -ENOENT;
}
