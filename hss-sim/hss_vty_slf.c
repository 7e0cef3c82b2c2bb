/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands that make an SLF of the simulator. Live. */
#include <errno.h>
#include <stdlib.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/gba/btid.h"
#include "hss-sim/hss_vty_in.h"

static struct slf *slf;

#define REDIRECT_STR \
	"Answer as an SLF (Dz): name the HSS that has the subscriber (DIAMETER_REDIRECT_INDICATION)\n" \
	"all, an IMPI, or a range of IMSIs, FROM-TO\n"

DEFUN(slf_redirect, slf_redirect_cmd, "redirect WHO HSS",
      REDIRECT_STR "Diameter identity of the HSS; may be repeated, up to four\n")
{
	if (!slf_who_valid(argv[0]))
		return cfg_fail(
			vty,
			"'%s' is nobody; allowed: all, user@domain, or FROM-TO of as many digits, the lower one first",
			argv[0]);
	if (cfg_dns_name(vty, argv[1], ZH_HOST_MAX) != CMD_SUCCESS)
		return CMD_WARNING;
	switch (slf_add(slf, argv[0], argv[1])) {
	case -E2BIG:
		return cfg_fail(vty, "more than %d hosts for %s", ZH_REDIRECT_HOSTS, argv[0]);
	case -ENOSPC:
		return cfg_fail(vty, "more than %d lines", SLF_MAX);
	default:
		return CMD_SUCCESS;
	}
}

DEFUN(slf_no_redirect, slf_no_redirect_cmd, "no redirect WHO", NO_STR REDIRECT_STR)
{
	if (!slf_del(slf, argv[0]))
		return cfg_fail(vty, "no redirect %s", argv[0]);
	return CMD_SUCCESS;
}

#define USAGE_STR "For how many requests what an SLF says holds (Redirect-Host-Usage)\n"

DEFUN(slf_usage, slf_usage_cmd,
      "redirect-usage (all-session|all-realm|realm-and-application|all-application|all-host|all-user) <0-4294967295>",
      USAGE_STR "All of the session\nAll to the realm\nAll to the realm of this application\nAll of this application\n"
		"All to the host\nAll of the user\n"
		"For how long (Redirect-Max-Cache-Time), seconds\n")
{
	slf->usage = (uint32_t)slf_usage_find(argv[0]);
	slf->cache_s = (uint32_t)strtoul(argv[1], NULL, 10);
	return CMD_SUCCESS;
}

DEFUN(slf_no_usage, slf_no_usage_cmd, "no redirect-usage", NO_STR USAGE_STR)
{
	slf->usage = ZH_REDIRECT_ONCE;
	slf->cache_s = 0;
	return CMD_SUCCESS;
}

static int write_slf(struct vty *vty)
{
	for (size_t i = 0; i < slf->n; i++)
		vty_out(vty, "redirect %s %s%s", slf->e[i].who, slf->e[i].host, VTY_NEWLINE);
	if (slf->usage != ZH_REDIRECT_ONCE)
		vty_out(vty, "redirect-usage %s %u%s", slf_usage_name(slf->usage), (unsigned)slf->cache_s, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static struct cmd_node slf_node = { .node = SLF_NODE, .prompt = "", .vtysh = 1 };

void hss_vty_slf_init(struct hss_cfg *c)
{
	slf = &c->slf;
	install_node(&slf_node, write_slf);
	install_element(CONFIG_NODE, &slf_redirect_cmd);
	install_element(CONFIG_NODE, &slf_no_redirect_cmd);
	install_element(CONFIG_NODE, &slf_usage_cmd);
	install_element(CONFIG_NODE, &slf_no_usage_cmd);
}
