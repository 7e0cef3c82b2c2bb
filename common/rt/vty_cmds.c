/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/vty_cmds.h"

#include <string.h>
#include <osmocom/core/logging.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/logging.h>
#include <osmocom/vty/vector.h>
#include <osmocom/vty/vty.h>
#include "common/base/folder.h"
#include "common/rt/cfg_file.h"
#include "common/rt/log_cat.h"

#define CATEGORIES_MAX 256 /* the library has some thirty */

typedef int command_fn(struct cmd_element *, struct vty *, int, const char *[]);

extern vector cmdvec; /* of libosmovty: exported, in no public header */
extern struct cmd_node cfg_log_node;

static int (*check_all)(struct err *err);
static command_fn *library_log_file;
static int (*library_write_log)(struct vty *vty);

/* The beginnings of commands that are no use or do harm. */
static const char *const dropped[] = {
	"password ",
	"enable password ",
	"no enable password",
	"login",
	"no login",
	"bind ", /* there is no TCP */
	"service advanced-vty",
	"no service advanced-vty", /* nor a mode without `enable` */
	"banner motd file ",       /* shows any file the daemon can read */
	"log gsmtap",
	"no log gsmtap", /* the log to a network, unsealed */
	"logp ",         /* lines in the log that no part of the daemon wrote */
	"hostname ",
	"no hostname",          /* shown nowhere */
	"copy running-config ", /* write file by another name */
};

static bool is_dropped(const struct cmd_element *el)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		if (strncmp(el->string, dropped[i], strlen(dropped[i])) == 0)
			return true;
	}
	return false;
}

static int write_config(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	const char *path = argc ? argv[0] : NULL;
	struct err err = { { 0 } };

	if ((check_all && check_all(&err) < 0) || cfg_write(path, &err) < 0)
		return cfg_fail(vty, "not written: %s", err.text);
	vty_out(vty, "Configuration saved to %s%s", path ? path : host_config_file(), VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* In the file the operator is root; at the VTY the daemon would open what he names, and write into it. */
static int log_file(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	const char *why = folder_of_open_to(argv[0]); /* a link there would have us write where it leads */

	if (cfg_path_used(argv[0]))
		return cfg_fail(vty, "'%s' is a file of this daemon; allowed: another one", argv[0]);
	if (why)
		return cfg_fail(vty, "'%s': %s; allowed: a file in " FOLDER_OURS, argv[0], why);
	return library_log_file(self, vty, argc, argv);
}

static void take_over(struct cmd_element *el)
{
	if (strcmp(el->string, "write") == 0 || strcmp(el->string, "write memory") == 0 ||
	    strcmp(el->string, "write file [PATH]") == 0)
		el->func = write_config;
	if (strncmp(el->string, "log file ", 9) == 0 && el->func != log_file) {
		library_log_file = el->func;
		el->func = log_file;
	}
}

static void go_through(struct cmd_node *node)
{
	vector cmds = node->cmd_vector;
	unsigned kept = 0;

	for (unsigned i = 0; i < vector_active(cmds); i++) {
		struct cmd_element *el = vector_slot(cmds, i);

		if (!el || is_dropped(el))
			continue;
		take_over(el);
		cmds->index[kept++] = el;
	}
	cmds->active = kept;
}

/* The library's own categories log nothing here that a level of its own would be good for. It makes its commands and its
 * part of the configuration from the names, and leaves out those that have none. */
static void hide_categories(bool hide)
{
	static const char *names[CATEGORIES_MAX];
	struct log_info_cat *cats = (struct log_info_cat *)osmo_log_info->cat; /* a copy of its own */

	for (unsigned i = LOG_CAT_COUNT; i < osmo_log_info->num_cat && i < CATEGORIES_MAX; i++) {
		if (hide)
			names[i] = cats[i].name;
		cats[i].name = hide ? NULL : names[i];
	}
}

static int write_log(struct vty *vty)
{
	int rc;

	hide_categories(true);
	rc = library_write_log(vty);
	hide_categories(false);
	return rc;
}

void vty_cmds_init(int (*check)(struct err *err))
{
	check_all = check;
	hide_categories(true);
	logging_vty_add_cmds();
	hide_categories(false);
	library_write_log = cfg_log_node.func;
	cfg_log_node.func = write_log;
	for (unsigned i = 0; i < vector_active(cmdvec); i++) {
		struct cmd_node *node = vector_slot(cmdvec, i);

		if (node)
			go_through(node);
	}
}
