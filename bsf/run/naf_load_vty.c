/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is typed about the policy directory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg.h"
#include "bsf/run/naf_load.h"
#include "common/rt/cfg_file.h"

#define POLICY_HELP "What NAFs may ask, beside the naf nodes\n"

static void forget_names(char *written, char *path)
{
	talloc_free(written);
	talloc_free(path);
}

/* Live: it counts when it has been read. */
static int change_directory(struct vty *vty, char *written, char *path)
{
	struct naf_load_state former = naf_load;
	struct err err;

	naf_load.written = written;
	naf_load.path = path;
	naf_load.line = cfg_line();
	if (cfg_reading() || naf_load_now(&err) == 0) {
		forget_names(former.written, former.path);
		return CMD_SUCCESS;
	}
	naf_load.written = former.written;
	naf_load.path = former.path;
	naf_load.line = former.line;
	forget_names(written, path);
	return cfg_fail(vty, "policy directory: %s", err.text);
}

DEFUN(policy_directory, policy_directory_cmd, "policy directory PATH",
      POLICY_HELP "A folder of files IDENTITY.naf, each what a naf node says\n"
		  "Path, relative to the folder of this file\n")
{
	char *written, *path;

	if (naf_load.path && cfg_reading())
		return cfg_fail(vty, "policy directory is there already, in line %d; allowed: once", naf_load.line);
	written = talloc_strdup(bsf_cfg, argv[0]);
	path = cfg_path(bsf_cfg, argv[0]);
	if (written && path)
		return change_directory(vty, written, path);
	forget_names(written, path);
	return cfg_fail(vty, "no memory");
}

DEFUN(no_policy_directory, no_policy_directory_cmd, "no policy directory",
      NO_STR POLICY_HELP "A folder of files IDENTITY.naf\n")
{
	struct naf_dir *former = naf_load.dir;

	naf_load.dir = NULL;
	if (naf_cfg_publish(bsf_cfg) < 0) {
		naf_load.dir = former;
		return cfg_fail(vty, "no memory");
	}
	naf_dir_drop(former);
	forget_names(naf_load.written, naf_load.path);
	naf_load.written = naf_load.path = NULL;
	naf_load.failed[0] = '\0';
	return CMD_SUCCESS;
}

#define EVERY_HELP POLICY_HELP "Read what has changed in the folder\n"

DEFUN(policy_every, policy_every_cmd, "policy reload every <1-86400>",
      EVERY_HELP "By itself, too\n"
		 "Seconds\n")
{
	naf_load.every_s = (unsigned)atoi(argv[0]);
	naf_load_every();
	return CMD_SUCCESS;
}

DEFUN(no_policy_every, no_policy_every_cmd, "no policy reload every", NO_STR EVERY_HELP "By itself\n")
{
	naf_load.every_s = 0;
	naf_load_every();
	return CMD_SUCCESS;
}

static void show_state(struct vty *vty)
{
	const struct naf_dir *d = naf_load.dir;

	vty_out(vty, "directory %s%s", naf_load.path ? naf_load.path : "none", VTY_NEWLINE);
	if (naf_load.failed[0])
		vty_out(vty, "not read, the former table stays: %s%s", naf_load.failed, VTY_NEWLINE);
	if (d)
		vty_out(vty, "files     %zu good, %zu bad, %zu vanished, %zu ignored; %zu read in %u ms%s",
			d->in_state[NAF_FILE_GOOD], d->in_state[NAF_FILE_BAD], d->in_state[NAF_FILE_GONE],
			d->in_state[NAF_FILE_IGNORED], d->read, d->took_ms, VTY_NEWLINE);
}

DEFUN(policy_reload, policy_reload_cmd, "policy reload", EVERY_HELP)
{
	struct err err;

	if (naf_load_now(&err) < 0) {
		vty_out(vty, "%% not read, the former table stays: %s%s", err.text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	show_state(vty);
	return CMD_SUCCESS;
}

DEFUN(show_policy, show_policy_cmd, "show policy",
      SHOW_STR "The policy directory, and what in it cannot be used and why\n")
{
	const struct policy *p = policy_current();

	show_state(vty);
	for (size_t i = 0; p && i < p->problems.n; i++)
		vty_out(vty, "problem   %s%s", p->problems.s[i], VTY_NEWLINE);
	if (p && p->n_problems > p->problems.n)
		vty_out(vty, "problem   and %zu more%s", p->n_problems - p->problems.n, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static int write_policy(struct vty *vty)
{
	if (naf_load.written)
		vty_out(vty, "policy directory %s%s", naf_load.written, VTY_NEWLINE);
	if (naf_load.every_s)
		vty_out(vty, "policy reload every %u%s", naf_load.every_s, VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* Without a command that leads to it: it is there for its writer. */
static struct cmd_node policy_node = { .node = BSF_NODE_POLICY, .prompt = "%s(config-policy)# ", .vtysh = 1 };

void naf_load_vty_init(void)
{
	install_node(&policy_node, write_policy);
	install_element(CONFIG_NODE, &policy_directory_cmd);
	install_element(CONFIG_NODE, &no_policy_directory_cmd);
	install_element(CONFIG_NODE, &policy_every_cmd);
	install_element(CONFIG_NODE, &no_policy_every_cmd);
	install_element(ENABLE_NODE, &policy_reload_cmd);
	install_element_ve(&show_policy_cmd);
}
