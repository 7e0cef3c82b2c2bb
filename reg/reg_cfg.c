/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_cfg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/regular.h"
#include "common/gba/btid.h"
#include "common/rt/cfg_file.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/kek_job.h"
#include "common/rt/tls_certs.h"
#include "reg/reg_anchor.h"
#include "reg/api_cfg.h"
#include "reg/reg_bound.h"
#include "reg/reg_discovery.h"
#include "reg/reg_naf.h"
#include "reg/reg_nodes.h"
#include "reg/reg_profile.h"

#define NAME_MAX_LEN 255 /* of a Diameter identity */

#define INTERVAL_S 86400
#define LAPSE_S    (7 * 86400)

struct reg_cfg reg_cfg = { .realm.recheck_s = -1,
			   .proof = { .interval_s = INTERVAL_S, .lapse_s = LAPSE_S },
			   .usage = { .interval_s = REG_USAGE_INTERVAL_S, .kept_s = REG_USAGE_KEPT_S },
			   .daily_changes = REG_BOUND_CHANGES };

static int reg_text_once(struct vty *vty, char **out, const char *what, const char *text)
{
	CFG_AT_START_ONLY(vty);
	if (*out)
		return cfg_fail(vty, "%s stands here already; allowed: once", what);
	*out = talloc_strdup(tall_vty_ctx, text);
	return CMD_SUCCESS;
}

static int set_host(struct vty *vty, char **out, const char *what, const char *name)
{
	int rc = cfg_dns_name(vty, name, NAME_MAX_LEN);

	return rc == CMD_SUCCESS ? reg_text_once(vty, out, what, name) : rc;
}

static int set_path(struct vty *vty, char **typed, char **path, const char *what, const char *text)
{
	int rc = reg_text_once(vty, typed, what, text);

	if (rc == CMD_SUCCESS)
		*path = cfg_path(tall_vty_ctx, text);
	return rc;
}

/* --- registry */

DEFUN(registry, registry_cmd, "registry", "The registry: its database, and what it tells applications\n")
{
	if (cfg_reading())
		reg_cfg.registry_line = cfg_line();
	vty->node = REGISTRY_NODE;
	return CMD_SUCCESS;
}

DEFUN(reg_database, reg_database_cmd, "database PATH", "SQLite file\nRelative to the folder of this file\n")
{
	if (cfg_reading())
		reg_cfg.database_line = cfg_line();
	return reg_text_once(vty, &reg_cfg.database, "database", argv[0]);
}

DEFUN(reg_anchor, reg_anchor_cmd, "anchor PATH",
      "Where the head of the audit is written too, best on another disk\nRelative to the folder of this file\n")
{
	char *path = cfg_path(tall_vty_ctx, argv[0]);
	struct err err;
	int fd = regular_open(path, O_WRONLY, 0, &err);

	talloc_free(path);
	if (fd >= 0)
		close(fd);
	if (fd == -EINVAL)
		return cfg_fail(vty, "%s; allowed: one, or a name that nothing has", err.text);
	return set_path(vty, &reg_cfg.anchor_typed, &reg_cfg.anchor, "anchor", argv[0]);
}

DEFUN(reg_anchor_key, reg_anchor_key_cmd, "anchor-key FILE",
      "Sign each head of the audit\nPrivate key, Ed25519 or EC P-256, in PEM, readable by its owner only; relative to this file\n")
{
	if (cfg_reading())
		reg_cfg.anchor_key_line = cfg_line();
	return set_path(vty, &reg_cfg.anchor_key_typed, &reg_cfg.anchor_key, "anchor-key", argv[0]);
}

DEFUN(reg_bsf_name, reg_bsf_name_cmd, "bsf-name FQDN", "BSF name in B-TIDs, for naf.conf; may be repeated\nDNS name\n")
{
	struct reg_realm *r = &reg_cfg.realm;

	CFG_AT_START_ONLY(vty);
	if (r->n_bsf_names == REG_NAMES_MAX)
		return cfg_fail(vty, "more than %d names", REG_NAMES_MAX);
	if (!fqdn_valid(span_str(argv[0]), BSF_NAME_MAX))
		return cfg_fail(vty, "'%s' is no DNS name of at most %d characters", argv[0], BSF_NAME_MAX);
	r->bsf_names[r->n_bsf_names++] = talloc_strdup(tall_vty_ctx, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(reg_bsf_address, reg_bsf_address_cmd, "bsf-address ADDRESS",
      "Where applications reach the BSF, for naf.conf\nHOST, HOST:PORT or [IPV6]:PORT\n")
{
	return reg_text_once(vty, &reg_cfg.realm.bsf_address, "bsf-address", argv[0]);
}

DEFUN(reg_bsf_identity, reg_bsf_identity_cmd, "bsf-identity NAME",
      "Diameter identity of the BSF, for naf.conf\nDNS name\n")
{
	return set_host(vty, &reg_cfg.realm.bsf_identity, "bsf-identity", argv[0]);
}

DEFUN(reg_bsf_realm, reg_bsf_realm_cmd, "bsf-realm NAME", "Diameter realm of the BSF, for naf.conf\nDNS name\n")
{
	return set_host(vty, &reg_cfg.realm.bsf_realm, "bsf-realm", argv[0]);
}

DEFUN(reg_recheck, reg_recheck_cmd, "recheck <0-86400>",
      "How old what applications know may be, for naf.conf: so fast a withdrawn right is true there\nSeconds; 0: never asked again\n")
{
	CFG_AT_START_ONLY(vty);
	reg_cfg.realm.recheck_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(reg_naf_conf, reg_naf_conf_cmd, "naf-conf .LINE",
      "One more line of each naf.conf, as 'ca operator.pem'; may be repeated\nWord and value of libgba-naf(3)\n")
{
	struct reg_realm *r = &reg_cfg.realm;

	CFG_AT_START_ONLY(vty);
	if (r->n_lines == REG_NAMES_MAX)
		return cfg_fail(vty, "more than %d lines", REG_NAMES_MAX);
	r->lines[r->n_lines++] = argv_concat(argv, argc, 0);
	return CMD_SUCCESS;
}

/* --- whose name an application has */

DEFUN(reg_dns, reg_dns_cmd, "dns ADDRESS [<1-65535>]",
      "The DNS server that is asked for proofs of names; not written: those of the system\nIPv4 or IPv6\nPort, 53 if it is not said\n")
{
	const char *port = argc > 1 ? argv[1] : "53";
	char *typed;
	int rc;

	CFG_AT_START_ONLY(vty);
	if (sockaddr_parse(&reg_cfg.proof.server, argv[0], port) < 0)
		return cfg_fail(vty, "'%s' is no address; allowed: A.B.C.D or X:X::X", argv[0]);
	typed = talloc_asprintf(tall_vty_ctx, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? port : "");
	rc = reg_text_once(vty, &reg_cfg.dns_typed, "dns", typed);
	talloc_free(typed);
	return rc;
}

DEFUN(reg_proof_interval, reg_proof_interval_cmd, "proof-interval <1-604800>",
      "How often each name is asked for\nSeconds, 86400 if it is not written\n")
{
	CFG_AT_START_ONLY(vty);
	reg_cfg.proof.interval_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(reg_proof_lapse, reg_proof_lapse_cmd, "proof-lapse <1-31536000>",
      "How long without its proof until an application is suspended\nSeconds, 604800 if it is not written\n")
{
	CFG_AT_START_ONLY(vty);
	reg_cfg.proof.lapse_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(reg_usage, reg_usage_cmd, "usage interval <1-3600> kept <60-2592000>",
      "Who used which token: BSFs are asked for it, and it is kept\nHow often they are asked\nSeconds, 10 if it is not written\n"
      "How long it is kept\nSeconds, 2592000 if it is not written: 30 days\n")
{
	CFG_AT_START_ONLY(vty);
	reg_cfg.usage.interval_s = atoi(argv[0]);
	reg_cfg.usage.kept_s = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(reg_daily_changes, reg_daily_changes_cmd, "daily-changes <1-100000000>",
      "How much an ASP or a user may change in a day; what only ends something is not counted\n"
      "Rows of the audit, 100000 if it is not written\n")
{
	CFG_AT_START_ONLY(vty);
	reg_cfg.daily_changes = atoi(argv[0]);
	return CMD_SUCCESS;
}

static void write_times(struct vty *vty)
{
	const struct reg_usage_cfg *u = &reg_cfg.usage;

	if (u->interval_s != REG_USAGE_INTERVAL_S || u->kept_s != REG_USAGE_KEPT_S)
		vty_out(vty, " usage interval %d kept %d%s", u->interval_s, u->kept_s, VTY_NEWLINE);
	if (reg_cfg.daily_changes != REG_BOUND_CHANGES)
		vty_out(vty, " daily-changes %d%s", reg_cfg.daily_changes, VTY_NEWLINE);
	if (reg_cfg.dns_typed)
		vty_out(vty, " dns %s%s", reg_cfg.dns_typed, VTY_NEWLINE);
	if (reg_cfg.proof.interval_s != INTERVAL_S)
		vty_out(vty, " proof-interval %d%s", reg_cfg.proof.interval_s, VTY_NEWLINE);
	if (reg_cfg.proof.lapse_s != LAPSE_S)
		vty_out(vty, " proof-lapse %d%s", reg_cfg.proof.lapse_s, VTY_NEWLINE);
}

static void write_text(struct vty *vty, const char *word, const char *text)
{
	if (text)
		vty_out(vty, " %s %s%s", word, text, VTY_NEWLINE);
}

static int write_registry(struct vty *vty)
{
	const struct reg_realm *r = &reg_cfg.realm;

	vty_out(vty, "registry%s", VTY_NEWLINE);
	write_text(vty, "database", reg_cfg.database);
	kek_cfg_write(vty);
	write_text(vty, "anchor", reg_cfg.anchor_typed);
	write_text(vty, "anchor-key", reg_cfg.anchor_key_typed);
	for (size_t i = 0; i < r->n_bsf_names; i++)
		write_text(vty, "bsf-name", r->bsf_names[i]);
	write_text(vty, "bsf-address", r->bsf_address);
	write_text(vty, "bsf-identity", r->bsf_identity);
	write_text(vty, "bsf-realm", r->bsf_realm);
	if (r->recheck_s >= 0)
		vty_out(vty, " recheck %d%s", r->recheck_s, VTY_NEWLINE);
	for (size_t i = 0; i < r->n_lines; i++)
		write_text(vty, "naf-conf", r->lines[i]);
	write_times(vty);
	reg_discovery_write(vty);
	reg_naf_write(vty);
	vty_out(vty, "!%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* --- target */

DEFUN(target, target_cmd, "target NAME (bsf|hss)",
      "A daemon that is told what has changed, by its control socket\nA name for it, which the outbox keeps\n"
      "gba-bsfd: applications and the rights of devices\ngba-hss-simd: the rights of devices\n")
{
	struct reg_target *t = reg_cfg.targets;

	CFG_AT_START_ONLY(vty);
	while (t < reg_cfg.targets + reg_cfg.n_targets && strcmp(t->name, argv[0]) != 0)
		t++;
	if (t == reg_cfg.targets + REG_TARGETS_MAX)
		return cfg_fail(vty, "more than %d targets", REG_TARGETS_MAX);
	if (t->name)
		return cfg_fail(vty, "target %s is there already; allowed: another name", argv[0]);
	t->name = talloc_strdup(tall_vty_ctx, argv[0]);
	t->is_hss = strcmp(argv[1], "hss") == 0;
	t->line = cfg_line();
	reg_cfg.n_targets++;
	vty->index = t;
	vty->node = TARGET_NODE;
	return CMD_SUCCESS;
}

DEFUN(target_socket, target_socket_cmd, "socket PATH", "Its control socket\nRelative to the folder of this file\n")
{
	struct reg_target *t = vty->index;

	return set_path(vty, &t->socket_typed, &t->socket, "socket", argv[0]);
}

DEFUN(target_directory, target_directory_cmd, "policy-directory PATH",
      "Its folder of policies, a file for each application\nRelative to the folder of this file\n")
{
	struct reg_target *t = vty->index;

	if (t->is_hss)
		return cfg_fail(vty, "an HSS has no policies of applications; allowed: socket");
	return set_path(vty, &t->directory_typed, &t->policy_directory, "policy-directory", argv[0]);
}

DEFUN(target_unasked, target_unasked_cmd, "subscribers (asked|unasked)",
      "Is it asked for the subscriber before a device is registered?\nYes: one that it does not know is refused\n"
      "No: it gets its subscribers later\n")
{
	struct reg_target *t = vty->index;

	if (!t->is_hss)
		return cfg_fail(vty, "a BSF has no subscribers; allowed: socket, policy-directory");
	t->unasked = strcmp(argv[0], "unasked") == 0;
	return CMD_SUCCESS;
}

static int write_targets(struct vty *vty)
{
	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		const struct reg_target *t = &reg_cfg.targets[i];

		vty_out(vty, "target %s %s%s", t->name, t->is_hss ? "hss" : "bsf", VTY_NEWLINE);
		write_text(vty, "socket", t->socket_typed);
		write_text(vty, "policy-directory", t->directory_typed);
		if (t->unasked)
			vty_out(vty, " subscribers unasked%s", VTY_NEWLINE);
		vty_out(vty, "!%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static struct cmd_node registry_node = { .node = REGISTRY_NODE, .prompt = "%s(config-registry)# ", .vtysh = 1 };
static struct cmd_node target_node = { .node = TARGET_NODE, .prompt = "%s(config-target)# ", .vtysh = 1 };

void reg_cfg_init(void)
{
	static struct cmd_element *const of_registry[] = {
		&reg_database_cmd,    &reg_anchor_cmd,       &reg_anchor_key_cmd,     &reg_bsf_name_cmd,
		&reg_bsf_address_cmd, &reg_bsf_identity_cmd, &reg_bsf_realm_cmd,      &reg_recheck_cmd,
		&reg_naf_conf_cmd,    &reg_dns_cmd,          &reg_proof_interval_cmd, &reg_proof_lapse_cmd,
		&reg_usage_cmd,       &reg_daily_changes_cmd
	};

	tls_certs_init();
	kek_vty_init();
	install_node(&registry_node, write_registry);
	install_element(CONFIG_NODE, &registry_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(of_registry); i++)
		install_element(REGISTRY_NODE, of_registry[i]);
	kek_cfg_init(REGISTRY_NODE);
	reg_discovery_cfg_init(REGISTRY_NODE);
	reg_naf_cfg_init(REGISTRY_NODE);
	api_cfg_init();
	install_node(&target_node, write_targets);
	install_element(CONFIG_NODE, &target_cmd);
	install_element(TARGET_NODE, &target_socket_cmd);
	install_element(TARGET_NODE, &target_directory_cmd);
	install_element(TARGET_NODE, &target_unasked_cmd);
	reg_profile_init();
}

static int check_anchor_key(struct err *err)
{
	struct err why = { "" };
	int rc = reg_anchor_open(reg_cfg.anchor_key, &why);

	reg_anchor_close();
	return rc < 0 ? cfg_error(err, rc, reg_cfg.anchor_key_line, "anchor-key: %s", why.text) : 0;
}

int reg_cfg_verify(struct err *err)
{
	const struct reg_realm *r = &reg_cfg.realm;
	uint8_t keks[SEAL_KEKS_MAX];
	const struct {
		bool there;
		const char *word;
	} needed[] = {
		{ reg_cfg.database != NULL, "database" },    { kek_cfg_ids(keks) > 0, "kek" },
		{ r->n_bsf_names > 0, "bsf-name" },          { r->bsf_address != NULL, "bsf-address" },
		{ r->bsf_identity != NULL, "bsf-identity" }, { r->bsf_realm != NULL, "bsf-realm" },
	};

	if (!reg_cfg.registry_line)
		return cfg_error(err, -EINVAL, 0,
				 "no node 'registry'; needed in it: database, kek, bsf-name, "
				 "bsf-address, bsf-identity, bsf-realm");
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!needed[i].there)
			return cfg_error(err, -EINVAL, reg_cfg.registry_line, "'registry' lacks '%s'", needed[i].word);
	}
	if (check_anchor_key(err) < 0 || reg_discovery_verify(err) < 0 || reg_naf_verify(err) < 0 ||
	    reg_profile_verify(err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		const struct reg_target *t = &reg_cfg.targets[i];

		if (!t->socket)
			return cfg_error(err, -EINVAL, t->line, "'target %s' lacks 'socket': its control socket",
					 t->name);
	}
	return api_cfg_verify(err);
}
