/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* NAFs by identity, and names by who speaks for them: those of the configuration and those of the policy directory together. What does
 * not go together is refused to all who are concerned, whatever comes first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "bsf/policy/naf_dir.h"
#include "common/dia/dia_hub.h"
#include "common/gba/naf_id.h"
#include "common/rt/log_line.h"

static const struct naf_policy claimed_twice; /* the value of such a name */

static int problem(struct policy *p, const char *who, const char *why)
{
	char text[1024];

	p->n_problems++;
	snprintf(text, sizeof(text), "%s: %s", who, why);
	log_line_harmless(text); /* the name of a file may be anything */
	return names_add(&p->problems, span_str(text), POLICY_PROBLEMS_MAX) == -ENOMEM ? -ENOMEM : 0;
}

/* --- identities */

static int put_instead(struct policy *p, const char *identity, struct naf_policy *n)
{
	name_table_del(p->by_identity, identity);
	return name_table_put(p->by_identity, identity, n);
}

/* Nobody is served under this identity. \param[in] who for people: it, or its file */
static int refuse_identity(struct policy *p, const char *identity, const char *who, const char *why)
{
	struct naf_policy **grown = realloc(p->refusals, (p->n_refusals + 1) * sizeof(*grown)), *n;

	if (!grown)
		return -ENOMEM;
	p->refusals = grown;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	grown[p->n_refusals++] = n;
	n->identity = strdup(identity);
	n->refused = strdup(why);
	if (!n->identity || !n->refused || problem(p, who, why) < 0)
		return -ENOMEM;
	return put_instead(p, identity, n);
}

static int refuse_both(struct policy *p, const struct naf_policy *there, const struct naf_file *f)
{
	char why[700];

	snprintf(why, sizeof(why), "claimed twice, in %s and in %s; allowed: once",
		 there->source ? there->source : "the configuration", f->name);
	return refuse_identity(p, f->naf.identity, f->naf.identity, why);
}

/* \returns what of the configuration stands against it; NULL: nothing */
static const char *unfit(const struct policy *p, const struct naf_file *f)
{
	const char *taken = p->taken_by ? p->taken_by(f->naf.identity) : NULL;
	uint8_t how = f->peer ? f->peer->how : DIA_HUB_PLAIN;

	if (taken)
		return taken;
	if (f->peer && policy_peer(p, f->naf.identity))
		return "a peer has this identity; allowed: via and its name";
	if (!p->tls && (how == DIA_HUB_BY_TLS || how == DIA_HUB_TLS_AFTER_CER || (f->peer && f->peer->tls_keys.n)))
		return "needs TLS, and there is no certificate; allowed: tls certificate, tls key and tls ca in diameter";
	if (!p->tls && how == DIA_HUB_BEYOND_LOOPBACK && sockaddr_nets_beyond(f->peer->nets, f->peer->n_nets))
		return "is beyond loopback, so it needs TLS, and there is no certificate; allowed: tls certificate, tls key "
		       "and tls ca in diameter, or security plain";
	return NULL;
}

static int put_file(struct policy *p, struct naf_file *f)
{
	const struct naf_policy *there = f->naf.identity ? policy_naf(p, span_str(f->naf.identity)) : NULL;
	const char *why;
	int rc = f->why ? problem(p, f->name, f->why) : 0;

	if (f->state == NAF_FILE_IGNORED || f->state == NAF_FILE_GONE || rc < 0)
		return rc;
	if (there)
		return there->source || !there->refused ? refuse_both(p, there, f) : 0;
	why = unfit(p, f);
	if (why)
		return refuse_identity(p, f->naf.identity, f->name, why);
	rc = name_table_put(p->by_identity, f->naf.identity, &f->naf);
	if (rc == 0 && f->peer)
		rc = policy_index_peer(p, f->peer);
	if (rc == 0 && f->naf.rate)
		rate_set(f->naf.rate, f->naf.per_s);
	return rc;
}

/* When all others are there: one of those may have its name now. */
static int put_gone(struct policy *p, struct naf_file *f)
{
	int rc = f->state == NAF_FILE_GONE ? name_table_put(p->by_identity, f->naf.identity, &f->naf) : 0;

	return rc == -ENOMEM ? rc : 0;
}

/* When all peers are there. */
static int check_file_way(struct policy *p, struct naf_file *f)
{
	const struct policy_peer *via;
	char why[700];

	if (f->state != NAF_FILE_GOOD || policy_naf(p, span_str(f->naf.identity)) != &f->naf)
		return 0;
	via = policy_peer(p, f->naf.via);
	if (via && !name_table_get(via->relays, span_str(f->naf.identity)))
		return 0;
	if (!via)
		snprintf(why, sizeof(why), "via %s: there is no such peer; allowed: the name of a peer", f->naf.via);
	else
		snprintf(why, sizeof(why), "a relay of %s has this name; allowed: one that is no relay's", f->naf.via);
	return refuse_identity(p, f->naf.identity, f->name, why);
}

/* --- names they speak for */

static int claim(struct policy *p, struct naf_policy *n, const char *name)
{
	const struct naf_policy *there = name_table_get(p->claims, span_str(name));
	char why[700];

	if (!there)
		return name_table_put(p->claims, name, n);
	if (there == n || there == &claimed_twice || (!there->source && !n->source))
		return 0; /* the configuration may give a name to several */
	snprintf(why, sizeof(why), "claimed twice, by %s and by %s; allowed: once", there->identity, n->identity);
	name_table_del(p->claims, name);
	/* of two that have one identity that is told already */
	if (!span_ieq(span_str(there->identity), span_str(n->identity)) && problem(p, name, why) < 0)
		return -ENOMEM;
	return name_table_put(p->claims, name, (void *)&claimed_twice);
}

static int claim_all(struct policy *p, struct naf_policy *n)
{
	int rc = 0;

	for (size_t i = 0; i < n->speaks_for.n && rc == 0; i++)
		rc = claim(p, n, n->speaks_for.s[i]);
	return rc;
}

const struct naf_policy *policy_claimed(const struct policy *p, const char *name, bool *several)
{
	const struct naf_policy *n = name_table_get(p->claims, span_str(name));

	*several = n == &claimed_twice;
	return *several ? NULL : n;
}

bool policy_twice(const struct policy *p, const char *fqdn)
{
	const struct naf_policy *exact = name_table_get(p->claims, span_str(fqdn)), *wild = NULL;
	char wildcard[FQDN_MAX + 2];

	if (naf_id_wildcard(wildcard, fqdn))
		wild = name_table_get(p->claims, span_str(wildcard));
	if (exact == &claimed_twice || wild == &claimed_twice)
		return true;
	return exact && wild && exact != wild && (exact->source || wild->source);
}

/* --- all of it */

static int each_file(struct policy *p, int (*fn)(struct policy *p, struct naf_file *f))
{
	int rc = 0;

	for (size_t i = 0; p->dir && i < p->dir->n && rc == 0; i++)
		rc = fn(p, p->dir->files[i]);
	return rc;
}

static int claim_of(struct policy *p, struct naf_file *f)
{
	return claim_all(p, &f->naf);
}

int naf_index(struct policy *p)
{
	int rc = 0;

	p->claims = name_table_new();
	if (!p->claims)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_nafs && rc == 0; i++) {
		rc = name_table_put(p->by_identity, p->nafs[i].identity, &p->nafs[i]);
		rc = rc == -EEXIST ? 0 : rc;
		if (rc == 0)
			rc = claim_all(p, &p->nafs[i]);
	}
	if (rc == 0)
		rc = each_file(p, put_file);
	if (rc == 0)
		rc = each_file(p, put_gone);
	if (rc == 0)
		rc = each_file(p, check_file_way);
	return rc ? rc : each_file(p, claim_of);
}

void naf_index_clear(struct policy *p)
{
	for (size_t i = 0; i < p->n_refusals; i++) {
		free((char *)p->refusals[i]->refused);
		naf_policy_clear(p->refusals[i]);
		free(p->refusals[i]);
	}
	free(p->refusals);
	names_clear(&p->problems);
	name_table_free(p->claims);
	naf_dir_drop(p->dir);
}
