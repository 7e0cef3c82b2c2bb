/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file policy.c
 *  Who may connect and ask what on Zn. */
#include "bsf/policy/policy.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "common/base/clock.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"
#include "common/base/sockaddr.h"

/* A reader holds a policy for the length of one callback or one loop round, which is milliseconds. */
#define RETIRED_FOR_S 60

struct published {
	struct policy *policy;
	struct published *next;
	uint64_t retired_at; /* s, monotonic */
};

static _Atomic(struct policy *) current;
static struct published *retired; /* main thread only */

int policy_index(struct policy *p)
{
	p->by_identity = name_table_new();
	for (size_t i = 0; p->by_identity && i < p->n_nafs; i++) {
		if (name_table_put(p->by_identity, p->nafs[i].identity, &p->nafs[i]) == -ENOMEM)
			return -ENOMEM;
	}
	return p->by_identity ? 0 : -ENOMEM;
}

const struct naf_policy *policy_naf(const struct policy *p, const char *identity)
{
	return p ? name_table_get(p->by_identity, span_str(identity)) : NULL;
}

bool policy_net_match(const struct naf_policy *n, const struct sockaddr *from)
{
	for (size_t i = 0; i < n->n_nets; i++)
		if (sockaddr_net_match(&n->nets[i], from))
			return true;
	return false;
}

bool policy_speaks_for(const struct naf_policy *n, const char *fqdn)
{
	char wildcard[FQDN_MAX + 2] = "*";
	const char *parent = strchr(fqdn, '.');

	if (!fqdn_valid(span_str(fqdn), FQDN_MAX))
		return false;
	if (name_table_get(n->speaks_for, span_str(fqdn)))
		return true;
	if (!parent)
		return false;
	strcpy(wildcard + 1, parent);
	return name_table_get(n->speaks_for, span_str(wildcard)) != NULL;
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
		name_table_free(n->speaks_for);
		strings_free(n->gsids, n->n_gsids);
		strings_free(n->required_gsids, n->n_required_gsids);
	}
	name_table_free(p->by_identity);
	free(p->nafs);
	free(p);
}

const struct policy *policy_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

/* Free what was retired long enough ago, or all. */
static void retired_sweep(uint64_t now, bool all)
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
	uint64_t now = clock_mono_ms() / 1000;

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
