/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* None of these commands is live: after start they answer "takes effect after restart" and change nothing. */
#include "bsf/run/cfg_vty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_addr.h"
#include "common/rt/cfg_file.h"
#include "common/rt/kek_cfg.h"

/* Copy a name into a field of the configuration. */
int bsf_cfg_set_name(struct vty *vty, char *out, const char *what, const char *text, size_t max)
{
	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (!fqdn_valid(span_str(text), max))
		return cfg_fail(
			vty, "%s '%s' is no host name; allowed: letters, digits, hyphen and dot, up to %zu characters",
			what, text, max);
	strcpy(out, text);
	return CMD_SUCCESS;
}

int bsf_cfg_set_name_once(struct vty *vty, char *out, int *line, const char *what, const char *text)
{
	int rc = cfg_once(vty, line, what);

	return rc == CMD_SUCCESS ? bsf_cfg_set_name(vty, out, what, text, BSF_ID_MAX) : rc;
}

static int set_number(struct vty *vty, unsigned *out, int *line, const char *what, const char *text)
{
	int rc = cfg_reading() ? cfg_once(vty, line, what) : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		*out = (unsigned)atoi(text);
	return rc;
}

int bsf_cfg_set_listen(struct vty *vty, struct bsf_listen *out, const char *argv[])
{
	if (sockaddr_parse(&out->addr, argv[0], argv[1]) < 0)
		return cfg_fail(vty, "%s is no address; allowed: an IPv4 or IPv6 address", argv[0]);
	snprintf(out->text, sizeof(out->text), "%s %s", argv[0], argv[1]);
	out->line = cfg_line();
	return CMD_SUCCESS;
}

static int add_listen(struct vty *vty, struct bsf_listen *list, size_t *n, const char *argv[])
{
	int rc;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (*n == BSF_LISTEN_MAX)
		return cfg_fail(vty, "too many addresses; allowed: %d", BSF_LISTEN_MAX);
	rc = bsf_cfg_set_listen(vty, &list[*n], argv);
	if (rc == CMD_SUCCESS)
		(*n)++;
	return rc;
}

/* bsf */

DEFUN(cfg_bsf, cfg_bsf_cmd, "bsf", "Names of this BSF and life of its keys\n")
{
	vty->node = BSF_NODE_BSF;
	return CMD_SUCCESS;
}

DEFUN(cfg_name, cfg_name_cmd, "name FQDN",
      "Name under which devices know this BSF; realm on Ub, domain of the B-TID\n"
      "Host name\n")
{
	int rc;

	if (bsf_cfg->n_names == BSF_NAMES_MAX && cfg_reading())
		return cfg_fail(vty, "too many names; allowed: %d", BSF_NAMES_MAX);
	for (size_t i = 0; i < bsf_cfg->n_names && cfg_reading(); i++) {
		if (strcasecmp(bsf_cfg->names[i], argv[0]) == 0)
			return cfg_fail(vty, "name %s is there already; allowed: once", argv[0]);
	}
	rc = bsf_cfg_set_name(vty, bsf_cfg->names[bsf_cfg->n_names % BSF_NAMES_MAX], "name", argv[0], BSF_NAME_MAX);
	if (rc == CMD_SUCCESS)
		bsf_cfg->n_names++;
	return rc;
}

DEFUN(cfg_shards, cfg_shards_cmd, "shards <1-64>",
      "Threads that serve Ub\n"
      "Number\n")
{
	static int line;

	return set_number(vty, &bsf_cfg->shards, &line, "shards", argv[0]);
}

static int write_bsf(struct vty *vty)
{
	vty_out(vty, "bsf%s", VTY_NEWLINE);
	for (size_t i = 0; i < bsf_cfg->n_names; i++)
		vty_out(vty, " name %s%s", bsf_cfg->names[i], VTY_NEWLINE);
	bsf_limits_write(vty, BSF_NODE_BSF);
	if (bsf_cfg->shards)
		vty_out(vty, " shards %u%s", bsf_cfg->shards, VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* ub */

DEFUN(cfg_ub, cfg_ub_cmd, "ub", "Reference point to the devices (HTTP), and its limits\n")
{
	vty->node = BSF_NODE_UB;
	return CMD_SUCCESS;
}

DEFUN(cfg_ub_listen, cfg_ub_listen_cmd, "listen " ADDR_PORT, "Where devices reach us\n" ADDR_PORT_HELP)
{
	return add_listen(vty, bsf_cfg->ub, &bsf_cfg->n_ub, argv);
}

DEFUN(cfg_ub_path, cfg_ub_path_cmd, "path PATH",
      "Serve this path only (default: any, devices differ)\n"
      "Path, beginning with /\n")
{
	static int line;
	int rc;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (argv[0][0] != '/')
		return cfg_fail(vty, "%s is no path; allowed: /...", argv[0]);
	rc = cfg_once(vty, &line, "path");
	if (rc == CMD_SUCCESS)
		bsf_cfg->ub_path = talloc_strdup(bsf_cfg, argv[0]);
	return rc;
}

static int write_ub(struct vty *vty)
{
	vty_out(vty, "ub%s", VTY_NEWLINE);
	for (size_t i = 0; i < bsf_cfg->n_ub; i++)
		vty_out(vty, " listen %s%s", bsf_cfg->ub[i].text, VTY_NEWLINE);
	if (bsf_cfg->ub_path)
		vty_out(vty, " path %s%s", bsf_cfg->ub_path, VTY_NEWLINE);
	bsf_limits_write(vty, BSF_NODE_UB);
	bsf_form_write(vty);
	return CMD_SUCCESS;
}

/* diameter */

DEFUN(cfg_diameter, cfg_diameter_cmd, "diameter", "Our Diameter node\n")
{
	vty->node = BSF_NODE_DIAMETER;
	return CMD_SUCCESS;
}

DEFUN(cfg_identity, cfg_identity_cmd, "identity FQDN",
      "Diameter identity, our Origin-Host\n"
      "Host name\n")
{
	static int line;

	return bsf_cfg_set_name_once(vty, bsf_cfg->identity, &line, "identity", argv[0]);
}

DEFUN(cfg_dia_realm, cfg_dia_realm_cmd, "realm REALM",
      "Diameter realm, our Origin-Realm\n"
      "Realm\n")
{
	static int line;

	return bsf_cfg_set_name_once(vty, bsf_cfg->realm, &line, "realm", argv[0]);
}

DEFUN(cfg_dia_listen, cfg_dia_listen_cmd, "listen " ADDR_PORT, "Where NAFs connect\n" ADDR_PORT_HELP)
{
	return add_listen(vty, bsf_cfg->dia, &bsf_cfg->n_dia, argv);
}

DEFUN(cfg_dia_listen_tls, cfg_dia_listen_tls_cmd, "listen tls ADDRESS [<1-65535>]",
      "Where NAFs connect\n"
      "By TLS from the first octet\n" ADDR_PORT_HELP)
{
	const char *with_port[] = { argv[0], argc > 1 ? argv[1] : DIA_ADDR_PORT_TLS };
	size_t n = bsf_cfg->n_dia;
	int rc = add_listen(vty, bsf_cfg->dia, &bsf_cfg->n_dia, with_port);

	if (rc == CMD_SUCCESS)
		bsf_cfg->dia[n].tls = true;
	return rc;
}

static int write_diameter(struct vty *vty)
{
	vty_out(vty, "diameter%s", VTY_NEWLINE);
	if (bsf_cfg->identity[0])
		vty_out(vty, " identity %s%s", bsf_cfg->identity, VTY_NEWLINE);
	if (bsf_cfg->realm[0])
		vty_out(vty, " realm %s%s", bsf_cfg->realm, VTY_NEWLINE);
	for (size_t i = 0; i < bsf_cfg->n_dia; i++)
		vty_out(vty, " listen%s %s%s", bsf_cfg->dia[i].tls ? " tls" : "", bsf_cfg->dia[i].text, VTY_NEWLINE);
	tls_cfg_write(vty, &bsf_cfg->tls);
	bsf_limits_write(vty, BSF_NODE_DIAMETER);
	return CMD_SUCCESS;
}

/* store */

DEFUN(cfg_store, cfg_store_cmd, "store", "Where challenges and sessions live\n")
{
	vty->node = BSF_NODE_STORE;
	return CMD_SUCCESS;
}

int bsf_cfg_choose_store(struct vty *vty, enum bsf_store_kind kind)
{
	int rc = cfg_reading() ? cfg_once(vty, &bsf_cfg->store_line, "a store") : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		bsf_cfg->store = kind;
	return rc;
}

DEFUN(cfg_lmdb, cfg_lmdb_cmd, "lmdb DIRECTORY",
      "Durable, in this process\n"
      "State directory, relative to this file\n")
{
	int rc = bsf_cfg_choose_store(vty, BSF_STORE_LMDB);

	if (rc == CMD_SUCCESS) {
		bsf_cfg->lmdb_dir = talloc_strdup(bsf_cfg, argv[0]);
		bsf_cfg->lmdb_path = cfg_path(bsf_cfg, argv[0]);
	}
	return rc;
}

DEFUN(cfg_memory, cfg_memory_cmd, "memory", "In memory only; a restart forgets every session\n")
{
	return bsf_cfg_choose_store(vty, BSF_STORE_MEMORY);
}

DEFUN(cfg_map_size, cfg_map_size_cmd, "map-size-gib <1-4096>",
      "How large data.mdb may become; new sessions are refused before it or its disk is full\n"
      "GiB\n")
{
	static int line;

	return set_number(vty, &bsf_cfg->map_size_gib, &line, "map-size-gib", argv[0]);
}

char *bsf_cfg_secret_path(bool credential, const char *where)
{
	const char *dir = secret_credentials();
	char *path;

	if (!credential)
		return cfg_path(bsf_cfg, where);
	path = dir ? talloc_asprintf(bsf_cfg, "%s/%s", dir, where) : NULL;
	return path ? cfg_path(bsf_cfg, path) : NULL;
}

static int write_store(struct vty *vty)
{
	vty_out(vty, "store%s", VTY_NEWLINE);
	if (bsf_cfg->store == BSF_STORE_LMDB) {
		vty_out(vty, " lmdb %s%s", bsf_cfg->lmdb_dir, VTY_NEWLINE);
		vty_out(vty, " map-size-gib %u%s", bsf_cfg->map_size_gib, VTY_NEWLINE);
	} else if (bsf_cfg->store == BSF_STORE_MEMORY) {
		vty_out(vty, " memory%s", VTY_NEWLINE);
	}
	bsf_redis_write(vty);
	kek_cfg_write(vty);
	return CMD_SUCCESS;
}

static struct cmd_node bsf_nodes[] = {
	{ .node = BSF_NODE_BSF, .prompt = "%s(config-bsf)# ", .vtysh = 1 },
	{ .node = BSF_NODE_UB, .prompt = "%s(config-ub)# ", .vtysh = 1 },
	{ .node = BSF_NODE_DIAMETER, .prompt = "%s(config-diameter)# ", .vtysh = 1 },
	{ .node = BSF_NODE_STORE, .prompt = "%s(config-store)# ", .vtysh = 1 },
};

void bsf_cfg_vty_init(void)
{
	static int (*const writers[])(struct vty *) = { write_bsf, write_ub, write_diameter, write_store };
	static const struct {
		int node;
		struct cmd_element *el;
	} cmds[] = {
		{ CONFIG_NODE, &cfg_bsf_cmd },
		{ CONFIG_NODE, &cfg_ub_cmd },
		{ CONFIG_NODE, &cfg_diameter_cmd },
		{ CONFIG_NODE, &cfg_store_cmd },
		{ BSF_NODE_BSF, &cfg_name_cmd },
		{ BSF_NODE_BSF, &cfg_shards_cmd },
		{ BSF_NODE_UB, &cfg_ub_listen_cmd },
		{ BSF_NODE_UB, &cfg_ub_path_cmd },
		{ BSF_NODE_DIAMETER, &cfg_identity_cmd },
		{ BSF_NODE_DIAMETER, &cfg_dia_realm_cmd },
		{ BSF_NODE_DIAMETER, &cfg_dia_listen_cmd },
		{ BSF_NODE_DIAMETER, &cfg_dia_listen_tls_cmd },
		{ BSF_NODE_STORE, &cfg_lmdb_cmd },
		{ BSF_NODE_STORE, &cfg_memory_cmd },
		{ BSF_NODE_STORE, &cfg_map_size_cmd },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bsf_nodes); i++)
		install_node(&bsf_nodes[i], writers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(cmds[i].node, cmds[i].el);
	kek_cfg_init(BSF_NODE_STORE);
}
