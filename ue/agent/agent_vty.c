/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The configuration's words. Those of a program are live: the next question is judged by them. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "ue/agent/agent_cfg.h"
#include "ue/lib/http_url.h"

enum { AGENT_NODE = _LAST_OSMOVTY_NODE + 1, REALM_NODE, PROGRAM_NODE };

static struct agent_cfg *cfg;

#define AT_START_ONLY(vty) \
	do { \
		if (!cfg_reading()) \
			return cfg_after_restart(vty); \
	} while (0)

/* --- agent */

DEFUN(agent, agent_cmd, "agent", "Where programs ask, and what is kept\n")
{
	if (cfg_reading())
		cfg->agent_line = cfg_line();
	vty->node = AGENT_NODE;
	return CMD_SUCCESS;
}

DEFUN(agent_socket, agent_socket_cmd, "socket PATH",
      "Unix socket where programs ask; anybody may connect, 'program' says who gets what\nRelative to the folder of this file\n")
{
	int rc;

	AT_START_ONLY(vty);
	if (strlen(argv[0]) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return cfg_fail(vty, "'%s' is too long for a socket; allowed: a path of up to %zu characters", argv[0],
				sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	rc = cfg_once(vty, &cfg->socket_line, "socket");
	if (rc == CMD_SUCCESS)
		osmo_talloc_replace_string(cfg, &cfg->socket, argv[0]);
	return rc;
}

DEFUN(agent_state, agent_state_cmd, "state PATH",
      "Folder of what is kept of each realm: sealed keys, TMPI, which realm is active\nRelative to the folder of this file\n")
{
	int rc;

	AT_START_ONLY(vty);
	rc = cfg_once(vty, &cfg->state_line, "state");
	if (rc == CMD_SUCCESS)
		osmo_talloc_replace_string(cfg, &cfg->state, argv[0]);
	return rc;
}

DEFUN(agent_timeout, agent_timeout_cmd, "timeout <1-3600>", "Time for one request to a BSF\nSeconds; default 15\n")
{
	AT_START_ONLY(vty);
	cfg->timeout_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(agent_renewals, agent_renewals_cmd, "renewals <1-32> <1-86400>",
      "How many keys an application may refuse before no new one is made for it\nKeys; default 3\nWithin seconds; default 600\n")
{
	AT_START_ONLY(vty);
	cfg->renewals = atoi(argv[0]);
	cfg->renewals_s = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(agent_renew_before, agent_renew_before_cmd, "renew-before <1-86400>",
      "A key that somebody was given is made anew so long before its end\nSeconds; default: when it is over and somebody asks\n")
{
	AT_START_ONLY(vty);
	cfg->renew_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(agent_connect_to, agent_connect_to_cmd, "connect-to WHERE",
      "Where to connect instead, as in curl; may be repeated\nHOST:PORT:ADDR:PORT\n")
{
	AT_START_ONLY(vty);
	if (!http_url_connect_to(argv[0]))
		return cfg_fail(vty, "'%s': allowed is HOST:PORT:ADDR:PORT", argv[0]);
	if (cfg->n_connect_to == UE_CONNECT_TO_MAX)
		return cfg_fail(vty, "more than %d connect-to", UE_CONNECT_TO_MAX);
	cfg->connect_to[cfg->n_connect_to++] = talloc_strdup(cfg, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(agent_consent, agent_consent_cmd, "consent PROGRAM",
      "Run before a key is given, with GBA_UID, GBA_PID, GBA_NAF and GBA_REALM in its environment; status 0 means yes\n"
      "Relative to the folder of this file\n")
{
	int rc;

	AT_START_ONLY(vty);
	rc = cfg_once(vty, &cfg->consent_line, "consent");
	if (rc == CMD_SUCCESS)
		osmo_talloc_replace_string(cfg, &cfg->consent, argv[0]);
	return rc;
}

DEFUN(agent_consent_time, agent_consent_time_cmd, "consent-time <1-3600>",
      "How long it may take; then the answer is no\nSeconds; default 60\n")
{
	AT_START_ONLY(vty);
	cfg->consent_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int write_agent(struct vty *vty)
{
	vty_out(vty, "agent%s", VTY_NEWLINE);
	if (cfg->socket)
		vty_out(vty, " socket %s%s", cfg->socket, VTY_NEWLINE);
	if (cfg->state)
		vty_out(vty, " state %s%s", cfg->state, VTY_NEWLINE);
	if (cfg->timeout_s)
		vty_out(vty, " timeout %d%s", cfg->timeout_s, VTY_NEWLINE);
	if (cfg->renewals)
		vty_out(vty, " renewals %d %d%s", cfg->renewals, cfg->renewals_s, VTY_NEWLINE);
	if (cfg->renew_s)
		vty_out(vty, " renew-before %d%s", cfg->renew_s, VTY_NEWLINE);
	for (size_t i = 0; i < cfg->n_connect_to; i++)
		vty_out(vty, " connect-to %s%s", cfg->connect_to[i], VTY_NEWLINE);
	if (cfg->consent)
		vty_out(vty, " consent %s%s", cfg->consent, VTY_NEWLINE);
	if (cfg->consent_s)
		vty_out(vty, " consent-time %d%s", cfg->consent_s, VTY_NEWLINE);
	vty_out(vty, "!%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* --- realm */

DEFUN(realm, realm_cmd, "realm NAME",
      "A card at an operator; the first one is active until another is chosen\nName here\n")
{
	struct agent_realm *r;

	AT_START_ONLY(vty);
	llist_for_each_entry(r, &cfg->realms, entry)
	{
		if (strcmp(r->name, argv[0]) == 0)
			return cfg_fail(vty, "realm %s is there already, in line %d", argv[0], r->line);
	}
	r = talloc_zero(cfg, struct agent_realm);
	r->name = talloc_strdup(r, argv[0]);
	r->line = cfg_line();
	llist_add_tail(&r->entry, &cfg->realms);
	vty->node = REALM_NODE;
	vty->index = r;
	return CMD_SUCCESS;
}

DEFUN(realm_card, realm_card_cmd, "card .CARD",
      "Its card\nFile of a soft USIM, relative to the folder of this file; pcsc:READER, modem:DEVICE or rest:URL with words behind "
      "commas as in gba-ue(1)\n")
{
	struct agent_realm *r = vty->index;
	char *card;

	AT_START_ONLY(vty);
	card = argv_concat(argv, argc, 0);
	osmo_talloc_replace_string(r, &r->card, card);
	talloc_free(card);
	return CMD_SUCCESS;
}

DEFUN(realm_bsf, realm_bsf_cmd, "bsf URL", "Its BSF, if not the one named by the card\nhttp://HOST[:PORT]/\n")
{
	struct agent_realm *r = vty->index;
	char *host = NULL, *target = NULL;
	struct err why;
	int rc;

	AT_START_ONLY(vty);
	rc = http_url_split(argv[0], &host, &target, &why);
	free(host);
	free(target);
	if (rc < 0)
		return cfg_fail(vty, "%s", why.text);
	osmo_talloc_replace_string(r, &r->bsf, argv[0]);
	return CMD_SUCCESS;
}

static int write_realms(struct vty *vty)
{
	struct agent_realm *r;

	llist_for_each_entry(r, &cfg->realms, entry)
	{
		vty_out(vty, "realm %s%s", r->name, VTY_NEWLINE);
		if (r->card)
			vty_out(vty, " card %s%s", r->card, VTY_NEWLINE);
		if (r->bsf)
			vty_out(vty, " bsf %s%s", r->bsf, VTY_NEWLINE);
		vty_out(vty, "!%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

/* --- program */

#define UID_STR "What a program may ask\nOf this user\nUser number, as id -u tells\n"

DEFUN(program_uid, program_uid_cmd, "program uid <0-4294967294>", UID_STR)
{
	uid_t uid = (uid_t)strtoul(argv[0], NULL, 10);
	struct agent_program *p = agent_cfg_program(cfg, uid);

	if (!p) {
		p = talloc_zero(cfg, struct agent_program);
		p->uid = uid;
		llist_add_tail(&p->entry, &cfg->programs);
	}
	vty->node = PROGRAM_NODE;
	vty->index = p;
	return CMD_SUCCESS;
}

DEFUN(no_program_uid, no_program_uid_cmd, "no program uid <0-4294967294>", NO_STR UID_STR)
{
	struct agent_program *p = agent_cfg_program(cfg, (uid_t)strtoul(argv[0], NULL, 10));

	if (!p)
		return cfg_fail(vty, "no program uid %s", argv[0]);
	llist_del(&p->entry);
	talloc_free(p);
	return CMD_SUCCESS;
}

DEFUN(program_naf, program_naf_cmd, "naf (any|NAME)",
      "An application it gets keys for; may be repeated\nEvery application\nHost name in lower case, or *.DOMAIN\n")
{
	struct agent_program *p = vty->index;

	if (!agent_cfg_naf_valid(argv[0]))
		return cfg_fail(vty, "'%s' is no application; allowed: a host name in lower case, *.DOMAIN, any",
				argv[0]);
	if (p->n_nafs == AGENT_NAFS_MAX)
		return cfg_fail(vty, "more than %d applications", AGENT_NAFS_MAX);
	p->nafs[p->n_nafs++] = talloc_strdup(p, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(program_no_naf, program_no_naf_cmd, "no naf (any|NAME)",
      NO_STR "An application it gets keys for\nEvery application\nHost name, or *.DOMAIN\n")
{
	struct agent_program *p = vty->index;

	for (size_t i = 0; i < p->n_nafs; i++) {
		if (strcmp(p->nafs[i], argv[0]) != 0)
			continue;
		talloc_free(p->nafs[i]);
		memmove(&p->nafs[i], &p->nafs[i + 1], (--p->n_nafs - i) * sizeof(p->nafs[0]));
		return CMD_SUCCESS;
	}
	return cfg_fail(vty, "no naf %s", argv[0]);
}

DEFUN(program_manage, program_manage_cmd, "manage", "It may also make a realm active, and renew and drop keys\n")
{
	((struct agent_program *)vty->index)->manage = true;
	return CMD_SUCCESS;
}

DEFUN(program_no_manage, program_no_manage_cmd, "no manage",
      NO_STR "It may make a realm active, and renew and drop keys\n")
{
	((struct agent_program *)vty->index)->manage = false;
	return CMD_SUCCESS;
}

static int write_programs(struct vty *vty)
{
	struct agent_program *p;

	llist_for_each_entry(p, &cfg->programs, entry)
	{
		vty_out(vty, "program uid %u%s", (unsigned)p->uid, VTY_NEWLINE);
		for (size_t i = 0; i < p->n_nafs; i++)
			vty_out(vty, " naf %s%s", p->nafs[i], VTY_NEWLINE);
		if (p->manage)
			vty_out(vty, " manage%s", VTY_NEWLINE);
		vty_out(vty, "!%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static struct cmd_node agent_node = { .node = AGENT_NODE, .prompt = "%s(config-agent)# ", .vtysh = 1 };
static struct cmd_node realm_node = { .node = REALM_NODE, .prompt = "%s(config-realm)# ", .vtysh = 1 };
static struct cmd_node program_node = { .node = PROGRAM_NODE, .prompt = "%s(config-program)# ", .vtysh = 1 };

void agent_vty_init(struct agent_cfg *c)
{
	cfg = c;
	install_node(&agent_node, write_agent);
	install_element(CONFIG_NODE, &agent_cmd);
	install_element(AGENT_NODE, &agent_socket_cmd);
	install_element(AGENT_NODE, &agent_state_cmd);
	install_element(AGENT_NODE, &agent_timeout_cmd);
	install_element(AGENT_NODE, &agent_renewals_cmd);
	install_element(AGENT_NODE, &agent_renew_before_cmd);
	install_element(AGENT_NODE, &agent_connect_to_cmd);
	install_element(AGENT_NODE, &agent_consent_cmd);
	install_element(AGENT_NODE, &agent_consent_time_cmd);
	install_node(&realm_node, write_realms);
	install_element(CONFIG_NODE, &realm_cmd);
	install_element(REALM_NODE, &realm_card_cmd);
	install_element(REALM_NODE, &realm_bsf_cmd);
	install_node(&program_node, write_programs);
	install_element(CONFIG_NODE, &program_uid_cmd);
	install_element(CONFIG_NODE, &no_program_uid_cmd);
	install_element(PROGRAM_NODE, &program_naf_cmd);
	install_element(PROGRAM_NODE, &program_no_naf_cmd);
	install_element(PROGRAM_NODE, &program_manage_cmd);
	install_element(PROGRAM_NODE, &program_no_manage_cmd);
}
