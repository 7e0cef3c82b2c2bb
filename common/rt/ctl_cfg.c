/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Node control: where the socket is, and for whom. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/rt/cfg_file.h"
#include "common/rt/ctl.h"
#include "common/rt/unix_sock.h"

#define CONTROL_NODE (_LAST_OSMOVTY_NODE + 40) /* behind those of the programs */

struct unix_sock ctl_sock = { .node = "control" };
static char *group_name; /* as typed; NULL: the process's own */
static int group_line;
static gid_t group;

gid_t ctl_group(void)
{
	return group_name ? group : getegid();
}

DEFUN(control, control_cmd, "control", "The socket on which programs operate this daemon, as with gbactl\n")
{
	vty->node = CONTROL_NODE;
	return CMD_SUCCESS;
}

DEFUN(control_socket, control_socket_cmd, "socket PATH",
      "Unix socket, for root, the daemon's user and a group\n"
      "Path, relative to the folder of this file\n")
{
	return unix_sock_configure(&ctl_sock, vty, argv[0]);
}

DEFUN(control_group, control_group_cmd, "group NAME",
      "Whose members may use the socket, too; the daemon's own group if it is not said\n"
      "A group of this system\n")
{
	const struct group *g;
	int rc;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	g = getgrnam(argv[0]);
	if (!g)
		return cfg_fail(vty, "there is no group '%s'; allowed: one of this system", argv[0]);
	rc = cfg_once(vty, &group_line, "group");
	if (rc != CMD_SUCCESS)
		return rc;
	group = g->gr_gid;
	group_name = talloc_strdup(tall_vty_ctx, argv[0]);
	return CMD_SUCCESS;
}

static int write_control(struct vty *vty)
{
	if (!ctl_sock.path && !group_name)
		return CMD_SUCCESS;
	vty_out(vty, "control%s", VTY_NEWLINE);
	if (ctl_sock.path)
		vty_out(vty, " socket %s%s", ctl_sock.path, VTY_NEWLINE);
	if (group_name)
		vty_out(vty, " group %s%s", group_name, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static struct cmd_node control_node = { .node = CONTROL_NODE, .prompt = "%s(config-control)# ", .vtysh = 1 };

void ctl_cfg_init(void)
{
	install_node(&control_node, write_control);
	install_element(CONFIG_NODE, &control_cmd);
	install_element(CONTROL_NODE, &control_socket_cmd);
	install_element(CONTROL_NODE, &control_group_cmd);
}
