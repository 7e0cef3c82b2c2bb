/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file policy.c
 *  Who may connect and ask what on Zn. */
#include "bsf/policy/policy.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "common/http/product.h"
#include "common/base/clock.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"
#include "common/base/sockaddr.h"

/* A reader holds a policy for the length of one callback or one loop round, which is milliseconds. */
#define RETIRED_FOR_S 60
#define PASSES        2 /* one may have begun before, and its counter have been read late */

struct published {
	struct policy *policy;
	struct published *next;
	uint64_t retired_at; /* s, monotonic */
	uint32_t passed[POLICY_READERS_MAX];
};

static unsigned n_readers;
static struct {
	_Alignas(64) atomic_uint n;
} passes[POLICY_READERS_MAX];

static _Atomic(struct policy *) current;
static struct published *retired; /* main thread only */

/* Where this one may come from. \returns 0; -ENOMEM */
static int index_nets(struct nets *nets, const struct policy_peer *p)
{
	struct span host = sockaddr_host(&p->connect);
	struct sockaddr_net one = { .len = (uint8_t)host.len, .prefix = (uint8_t)(8 * host.len) };
	int rc = 0;

	for (size_t i = 0; i < p->n_nets && rc == 0; i++)
		rc = nets_add(nets, &p->nets[i]);
	if (rc < 0 || !p->may_connect || !host.len)
		return rc;
	memcpy(one.host, host.p, host.len);
	return nets_add(nets, &one);
}

int policy_index_peer(struct policy *p, struct policy_peer *peer)
{
	if (name_table_put(p->peer_by_identity, peer->identity, peer) == -ENOMEM)
		return -ENOMEM;
	return index_nets(p->nets, peer);
}

int policy_index(struct policy *p)
{
	p->by_identity = name_table_new();
	p->peer_by_identity = name_table_new();
	p->nets = nets_new();
	if (!p->by_identity || !p->peer_by_identity || !p->nets)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_peers; i++)
		if (policy_index_peer(p, &p->peers[i]) < 0)
			return -ENOMEM;
	if (naf_index(p) < 0)
		return -ENOMEM;
	nets_sort(p->nets);
	return 0;
}

bool policy_comes_from(const struct policy *p, const struct sockaddr *from)
{
	return p && nets_has(p->nets, from);
}

const struct policy_peer *policy_peer(const struct policy *p, const char *identity)
{
	return p ? name_table_get(p->peer_by_identity, span_str(identity)) : NULL;
}

bool policy_net_match(const struct policy_peer *n, const struct sockaddr *from)
{
	for (size_t i = 0; i < n->n_nets; i++)
		if (sockaddr_net_match(&n->nets[i], from))
			return true;
	return false;
}

int policy_admit(const struct policy *p, const char *identity, const struct sockaddr *from)
{
	const struct policy_peer *n = policy_peer(p, identity);

	if (!n)
		return -ENOENT;
	return policy_net_match(n, from) ? 0 : -EPERM;
}

/* The last that is no relay of the peer's; none: the peer. \returns an empty one: it stood in what was not kept */
static struct span handed_over_by(const struct policy_peer *peer, const struct span *routes, size_t n, bool cut)
{
	while (n--)
		if (!name_table_get(peer->relays, routes[n]))
			return routes[n];
	return cut ? span_of(NULL, 0) : span_str(peer->identity);
}

const struct naf_policy *policy_naf(const struct policy *p, struct span identity)
{
	return p ? name_table_get(p->by_identity, identity) : NULL;
}

const struct naf_policy *policy_naf_over(const struct policy *p, const char *peer, struct span name)
{
	const struct naf_policy *n = policy_naf(p, name);

	return n && (n->refused || span_ieq(span_str(n->via), span_str(peer))) ? n : NULL;
}

/* The policy of a Zn-Proxy, if it is one. */
static const struct naf_policy *proxy_over(const struct policy *p, const char *peer, struct span name)
{
	const struct naf_policy *n = policy_naf_over(p, peer, name);

	return n && n->proxy ? n : NULL;
}

enum policy_who policy_who(const struct naf_policy **naf, const struct policy *p, const char *peer,
			   struct span origin_host, const struct span *routes, size_t n_routes, bool cut)
{
	const struct policy_peer *from = policy_peer(p, peer);
	const struct naf_policy *named = policy_naf_over(p, peer, origin_host);
	struct span by;

	*naf = NULL;
	if (!from) { /* a moment after its file has gone, its connection is still there */
		*naf = named && named->refused && span_ieq(origin_host, span_str(peer)) ? named : NULL;
		return *naf ? POLICY_KNOWN : POLICY_NOBODY;
	}
	by = handed_over_by(from, routes, n_routes, cut);
	if (span_ieq(by, origin_host) || (named && named->proxy && span_ieq(origin_host, span_str(peer))))
		*naf = named;
	else if (!named)
		*naf = proxy_over(p, peer, by);
	if (!*naf && !named)
		*naf = proxy_over(p, peer, span_str(peer));
	if (*naf)
		return POLICY_KNOWN;
	return n_routes && !span_ieq(by, origin_host) ? POLICY_LIAR : POLICY_NOBODY;
}

enum policy_vouch policy_vouch(const struct policy *p, const char *peer, const struct naf_policy *naf)
{
	bool itself = naf && span_ieq(span_str(naf->identity), span_str(peer)); /* most are, and need no look */
	const struct naf_policy *proxy = !itself ? proxy_over(p, peer, span_str(peer)) : naf->proxy ? naf : NULL;
	const char *theirs = proxy ? proxy->visited_network : NULL;
	const char *network = naf && naf->visited_network ? naf->visited_network : theirs;

	if (!network)
		return POLICY_AT_HOME;
	return theirs && span_ieq(span_str(theirs), span_str(network)) ? POLICY_BY_CERTIFICATE : POLICY_NOT_VOUCHED;
}

bool policy_speaks_for(const struct naf_policy *n, const char *fqdn)
{
	char wildcard[FQDN_MAX + 2];

	if (!fqdn_valid(span_str(fqdn), FQDN_MAX))
		return false;
	return names_has(&n->speaks_for, span_str(fqdn)) ||
	       (naf_id_wildcard(wildcard, fqdn) && names_has(&n->speaks_for, span_str(wildcard)));
}

int policy_peer_add_net(struct policy_peer *p, const char *text)
{
	static const char *const anywhere[] = { "0.0.0.0/0", "::/0" };
	bool any = strcmp(text, POLICY_ANY) == 0;
	struct sockaddr_net *grown;

	grown = realloc(p->nets, (p->n_nets + 2) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->nets = grown;
	for (int i = 0; i < 1 + any; i++)
		if (sockaddr_net_parse(&grown[p->n_nets + (size_t)i], any ? anywhere[i] : text) < 0)
			return -EINVAL;
	p->n_nets += 1u + any;
	return 0;
}

int policy_peer_copy(struct policy_peer *out, const struct policy_peer *p)
{
	size_t len = p->n_nets * sizeof(*p->nets);

	*out = *p;
	out->relays = NULL;
	out->tls_names = out->tls_keys = (struct names){ 0 };
	out->identity = strdup(p->identity);
	out->nets = malloc(len + 1);
	if (out->identity && out->nets && names_copy(&out->tls_names, &p->tls_names) == 0 &&
	    names_copy(&out->tls_keys, &p->tls_keys) == 0) {
		memcpy(out->nets, p->nets, len);
		return 0;
	}
	policy_peer_clear(out);
	return -ENOMEM;
}

void policy_peer_clear(struct policy_peer *p)
{
	free(p->identity);
	free(p->nets);
	name_table_free(p->relays);
	names_clear(&p->tls_names);
	names_clear(&p->tls_keys);
	*p = (struct policy_peer){ 0 };
}

struct digest_alg policy_form(const struct policy *p, const char *impi, struct span user_agent)
{
	for (size_t i = 0; p && user_agent.p && i < p->n_forms; i++) {
		if (impi_same(p->forms[i].impi, impi) && product_has(user_agent, p->forms[i].token))
			return p->forms[i].alg;
	}
	return (struct digest_alg){ DIGEST_MD5, 1 };
}

bool policy_suspended(const struct policy *p, const char *impi)
{
	struct impi key;

	if (!p || !p->suspended)
		return false;
	impi_key(&key, impi);
	return name_table_get(p->suspended, span_str(key.s));
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_nafs; i++)
		naf_policy_clear(&p->nafs[i]);
	for (size_t i = 0; i < p->n_peers; i++)
		policy_peer_clear(&p->peers[i]);
	name_table_free(p->by_identity);
	name_table_free(p->peer_by_identity);
	name_table_free(p->suspended);
	naf_index_clear(p);
	for (size_t i = 0; i < p->n_hss; i++)
		hss_put(p->hss[i]);
	free(p->hss);
	nets_free(p->nets);
	free(p->nafs);
	free(p->peers);
	free(p);
}

const struct policy *policy_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

void policy_readers(unsigned n)
{
	n_readers = n;
}

void policy_reader_passed(unsigned no)
{
	atomic_fetch_add(&passes[no].n, 1);
}

static bool held_by_none(const struct published *r, uint64_t now)
{
	if (now - r->retired_at >= RETIRED_FOR_S)
		return true;
	for (unsigned i = 0; i < n_readers; i++)
		if (atomic_load(&passes[i].n) - r->passed[i] < PASSES)
			return false;
	return n_readers > 0;
}

/* Free what was retired long enough ago, or all. */
static void retired_sweep(uint64_t now, bool all)
{
	struct published **p = &retired;

	while (*p) {
		struct published *r = *p;

		if (!all && !held_by_none(r, now)) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		policy_free(r->policy);
		free(r);
	}
}

bool policy_sweep(void)
{
	retired_sweep(clock_mono_ms() / 1000, false);
	return retired != NULL;
}

void policy_publish(struct policy *p)
{
	struct policy *old = atomic_exchange(&current, p);
	uint64_t now = clock_mono_ms() / 1000;

	if (old) {
		struct published *r = malloc(sizeof(*r));

		/* without memory to remember it, it is never freed: the safe side */
		if (r) {
			*r = (struct published){ old, retired, now, { 0 } };
			for (unsigned i = 0; i < n_readers; i++)
				r->passed[i] = atomic_load(&passes[i].n);
			retired = r;
		}
	}
	retired_sweep(now, !p);
}
