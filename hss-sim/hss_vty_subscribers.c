/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Node subscribers: the database, what seals it, and what holds for all in it. */
#include <stdlib.h>
#include <string.h>
#include <osmocom/core/utils.h>
#include <talloc.h>
#include "common/rt/kek_cfg.h"
#include "hss-sim/hss_vty_in.h"

static struct hss_cfg *subscribers_cfg;

DEFUN(subscribers, subscribers_cmd, "subscribers", "The subscribers: database and the key that seals it\n")
{
	if (cfg_reading())
		subscribers_cfg->subscribers_line = cfg_line();
	vty->node = SUBSCRIBERS_NODE;
	return CMD_SUCCESS;
}

DEFUN(sub_database, sub_database_cmd, "database PATH", "SQLite file\nRelative to the folder of this file\n")
{
	int rc;

	CFG_AT_START_ONLY(vty);
	rc = cfg_once(vty, &subscribers_cfg->database_line, "database");
	if (rc == CMD_SUCCESS)
		osmo_talloc_replace_string(subscribers_cfg, &subscribers_cfg->database, argv[0]);
	return rc;
}

DEFUN(sub_allow_test, sub_allow_test_cmd, "allow-test-algorithms",
      "Subscribers with XOR (TS 34.108) too: it protects nothing, whoever sees a challenge and its answer has K\n")
{
	CFG_AT_START_ONLY(vty);
	subscribers_cfg->rules.allow_test = true;
	return CMD_SUCCESS;
}

DEFUN(sub_sqn_profile, sub_sqn_profile_cmd, "sqn-profile (counter|part-time|time)",
      "How sequence numbers grow where a subscriber's row does not say it (TS 33.102 annex C)\n"
      "By one per vector (C.3.2)\nThe low 24 bits of SEQ follow a clock of 1 s (C.3.1)\n"
      "A clock of 0.1 s plus a difference (C.3.3)\n")
{
	static int line;
	int rc;

	CFG_AT_START_ONLY(vty);
	rc = cfg_once(vty, &line, "sqn-profile");
	if (rc == CMD_SUCCESS)
		sqn_profile_find(&subscribers_cfg->rules.profile, argv[0], strlen(argv[0]));
	return rc;
}

DEFUN(sub_ind, sub_ind_cmd, "ind <0-255> <0-255>",
      "IND of subscribers without a fixed one runs through these: another range in each of several AuCs (TS 33.102 C.1.2)\n"
      "First\nLast\n")
{
	static int line;
	int from = atoi(argv[0]), to = atoi(argv[1]), rc;

	CFG_AT_START_ONLY(vty);
	if (from > to)
		return cfg_fail(vty, "ind %d %d; allowed: the lower one first", from, to);
	rc = cfg_once(vty, &line, "ind");
	if (rc == CMD_SUCCESS) {
		subscribers_cfg->rules.ind_from = (uint8_t)from;
		subscribers_cfg->rules.ind_to = (uint8_t)to;
	}
	return rc;
}

static void write_rules(struct vty *vty)
{
	const struct subscriber_rules *r = &subscribers_cfg->rules, usual = SUBSCRIBER_RULES_USUAL;

	if (r->allow_test)
		vty_out(vty, " allow-test-algorithms%s", VTY_NEWLINE);
	if (r->profile != usual.profile)
		vty_out(vty, " sqn-profile %s%s", sqn_profile_name(r->profile), VTY_NEWLINE);
	if (r->ind_from != usual.ind_from || r->ind_to != usual.ind_to)
		vty_out(vty, " ind %u %u%s", r->ind_from, r->ind_to, VTY_NEWLINE);
}

static int write_subscribers(struct vty *vty)
{
	vty_out(vty, "subscribers%s", VTY_NEWLINE);
	if (subscribers_cfg->database)
		vty_out(vty, " database %s%s", subscribers_cfg->database, VTY_NEWLINE);
	kek_cfg_write(vty);
	write_rules(vty);
	vty_out(vty, "!%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

static struct cmd_node subscribers_node = { .node = SUBSCRIBERS_NODE,
					    .prompt = "%s(config-subscribers)# ",
					    .vtysh = 1 };

void hss_vty_subscribers_init(struct hss_cfg *c)
{
	subscribers_cfg = c;
	install_node(&subscribers_node, write_subscribers);
	install_element(CONFIG_NODE, &subscribers_cmd);
	install_element(SUBSCRIBERS_NODE, &sub_database_cmd);
	kek_cfg_init(SUBSCRIBERS_NODE);
	install_element(SUBSCRIBERS_NODE, &sub_allow_test_cmd);
	install_element(SUBSCRIBERS_NODE, &sub_sqn_profile_cmd);
	install_element(SUBSCRIBERS_NODE, &sub_ind_cmd);
}
