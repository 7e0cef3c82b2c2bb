/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/agent/agent_cfg.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include "common/gba/btid.h"

struct agent_cfg *agent_cfg_new(void *ctx)
{
	struct agent_cfg *c = talloc_zero(ctx, struct agent_cfg);

	if (c) {
		INIT_LLIST_HEAD(&c->realms);
		INIT_LLIST_HEAD(&c->programs);
	}
	return c;
}

int agent_cfg_verify(const struct agent_cfg *c, struct err *err)
{
	const struct agent_realm *r;

	if (!c->agent_line)
		return cfg_error(err, -EINVAL, 0, "no node 'agent'; needed in it: socket, state");
	if (!c->socket || !c->state)
		return cfg_error(err, -EINVAL, c->agent_line, "agent: socket and state are needed");
	if (llist_empty(&c->realms))
		return cfg_error(err, -EINVAL, 0, "no node 'realm NAME'; needed in it: card");
	llist_for_each_entry(r, &c->realms, entry)
	{
		if (!r->card)
			return cfg_error(err, -EINVAL, r->line, "realm %s: a card is needed", r->name);
	}
	return 0;
}

struct agent_program *agent_cfg_program(const struct agent_cfg *c, uid_t uid)
{
	struct agent_program *p;

	llist_for_each_entry(p, &c->programs, entry)
	{
		if (p->uid == uid)
			return p;
	}
	return NULL;
}

bool agent_cfg_naf_valid(const char *name)
{
	const char *host = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

	for (const char *p = host; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			return false; /* names are compared as they are derived from: in lower case */
	}
	return strcmp(name, "any") == 0 || (strchr(host, '.') && fqdn_valid(span_str(host), FQDN_MAX));
}

static bool naf_matches(const char *allowed, const char *fqdn)
{
	size_t tail = strlen(allowed) - 1, len = strlen(fqdn);

	if (strcmp(allowed, "any") == 0)
		return true;
	if (strncmp(allowed, "*.", 2) != 0)
		return strcmp(allowed, fqdn) == 0;
	return len > tail && strcmp(fqdn + len - tail, allowed + 1) == 0;
}

bool agent_cfg_allows(const struct agent_cfg *c, uid_t uid, const struct ask_line *ask)
{
	const struct agent_program *p = agent_cfg_program(c, uid);

	if (!p || ask->verb == ASK_LIST || ask->verb == ASK_WATCH)
		return p != NULL;
	if (ask->verb != ASK_KEY)
		return p->manage;
	for (size_t i = 0; i < p->n_nafs; i++) {
		if (naf_matches(p->nafs[i], ask->naf.fqdn))
			return true;
	}
	return false;
}
