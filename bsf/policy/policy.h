/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file policy.h
 *  Who may connect and ask what on Zn: immutable once published, swapped whole while running (doc/design.md, "Threads"). */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include "bsf/policy/name_table.h"
#include "common/base/sockaddr.h"

/*! One "naf IDENTITY" node of the configuration. */
struct naf_policy {
	char *identity;            /* Diameter identity of the connection */
	struct sockaddr_net *nets; /* source addresses that bind the name; at least one without TLS */
	size_t n_nets;
	struct name_table *speaks_for; /* FQDNs; "*.x" matches exactly one label more */
	char *naf_group;               /* or NULL */
	bool private_identity;         /* may learn the IMPI (User-Name) */
	char **gsids;                  /* gaa-service: USSs it may have; n_gsids 0: none */
	size_t n_gsids;
	char **required_gsids; /* uss-required: without them 5402, also if not asked for */
	size_t n_required_gsids;
	bool proxy; /* Origin-Host may be another than the connection's (Zn-Proxy) */
};

struct policy {
	struct naf_policy *nafs;
	size_t n_nafs;
	struct name_table *by_identity;
};

/*! Make what policy_naf() looks into; when all nafs are there. \returns 0; -ENOMEM */
int policy_index(struct policy *p);

/*! \returns entry or NULL; no case */
const struct naf_policy *policy_naf(const struct policy *p, const char *identity);
bool policy_net_match(const struct naf_policy *n, const struct sockaddr *from);
/*! fqdn comes from a peer: what is no DNS name is nobody's, under whatever wildcard. */
bool policy_speaks_for(const struct naf_policy *n, const char *fqdn);

/*! The published policy; any thread. Valid until the caller's thread has passed its loop once. */
const struct policy *policy_current(void);
/*! Main thread: publish p (a tree of malloc'ed objects, owned from now on). The former one is freed at a later call, at
 *  least a minute after it was replaced, when no callback or loop round can still hold it.
 *  \param[in] p NULL at exit, when no other thread runs: frees all */
void policy_publish(struct policy *p);
/*! Free a policy that was never published; p may be NULL. */
void policy_free(struct policy *p);
