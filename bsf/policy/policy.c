/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file policy.c
 *  Who may connect and ask what on Zn. */
#include "bsf/policy/policy.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* A reader holds a policy for the length of one callback or one loop round, which is milliseconds. */
#define RETIRED_FOR_S 60

struct published {
	struct policy *policy;
	struct published *next;
	time_t retired_at; /* CLOCK_MONOTONIC seconds */
};

static _Atomic(struct policy *) current;
static struct published *retired; /* main thread only */

const struct naf_policy *policy_naf(const struct policy *p, const char *identity)
{
	struct span want = span_str(identity);

	for (size_t i = 0; p && i < p->n_nafs; i++)
		if (span_ieq(span_str(p->nafs[i].identity), want))
			return &p->nafs[i];
	return NULL;
}

/* Address octets; an IPv4 address in IPv6 form counts as IPv4. */
static struct span addr_octets(const struct sockaddr *sa)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (sa->sa_family == AF_INET)
		return span_of(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	if (sa->sa_family == AF_INET6) {
		const uint8_t *p = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;

		return memcmp(p, mapped, sizeof(mapped)) ? span_of(p, 16) : span_of(p + 12, 4);
	}
	return span_of(NULL, 0);
}

static bool net_match(const struct naf_net *net, struct span from)
{
	struct span want = addr_octets((const struct sockaddr *)&net->addr);
	bool mapped = net->addr.ss_family == AF_INET6 && want.len == 4;
	unsigned prefix = mapped ? net->prefix - 96 : net->prefix; /* below 96 it wraps and is refused */
	unsigned whole = prefix / 8, bits = prefix % 8;

	if (from.len == 0 || want.len != from.len || prefix > 8 * from.len)
		return false;
	if (memcmp(want.p, from.p, whole))
		return false;
	return bits == 0 || ((want.p[whole] ^ from.p[whole]) >> (8 - bits)) == 0;
}

bool policy_net_match(const struct naf_policy *n, const struct sockaddr *from)
{
	struct span octets = addr_octets(from);

	for (size_t i = 0; i < n->n_nets; i++)
		if (net_match(&n->nets[i], octets))
			return true;
	return false;
}

static bool name_match(const char *pattern, struct span fqdn)
{
	const uint8_t *dot;

	if (pattern[0] != '*' || pattern[1] != '.')
		return span_ieq(span_str(pattern), fqdn);
	dot = memchr(fqdn.p, '.', fqdn.len);
	if (!dot || dot == fqdn.p)
		return false;
	return span_ieq(span_str(pattern + 1), span_of(dot, fqdn.len - (size_t)(dot - fqdn.p)));
}

bool policy_speaks_for(const struct naf_policy *n, const char *fqdn)
{
	for (size_t i = 0; i < n->n_speaks_for; i++)
		if (name_match(n->speaks_for[i], span_str(fqdn)))
			return true;
	return false;
}

static void strings_free(char **s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(s[i]);
	free(s);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_nafs; i++) {
		struct naf_policy *n = &p->nafs[i];

		free(n->identity);
		free(n->nets);
		free(n->naf_group);
		strings_free(n->speaks_for, n->n_speaks_for);
		strings_free(n->gsids, n->n_gsids);
		strings_free(n->required_gsids, n->n_required_gsids);
	}
	free(p->nafs);
	free(p);
}

const struct policy *policy_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

static time_t monotonic_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Free what was retired long enough ago, or all. */
static void retired_sweep(time_t now, bool all)
{
	struct published **p = &retired;

	while (*p) {
		struct published *r = *p;

		if (!all && now - r->retired_at < RETIRED_FOR_S) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		policy_free(r->policy);
		free(r);
	}
}

void policy_publish(struct policy *p)
{
	struct policy *old = atomic_exchange_explicit(&current, p, memory_order_acq_rel);
	time_t now = monotonic_s();

	if (old) {
		struct published *r = malloc(sizeof(*r));

		/* without memory to remember it, it is never freed: the safe side */
		if (r) {
			*r = (struct published){ old, retired, now };
			retired = r;
		}
	}
	retired_sweep(now, !p);
}
