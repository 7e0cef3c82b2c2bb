/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_nets.c
 *  Ranges that a peer may come from, in a configuration. */
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/rt/cfg_file.h"

static int net_of(struct vty *vty, struct sockaddr_net *out, const char *text)
{
	if (sockaddr_net_parse(out, text) < 0)
		return cfg_fail(vty, "'%s' is no address range; allowed: A.B.C.D/N or X:X::X/N", text);
	return CMD_SUCCESS;
}

/* \returns its place; n: it is not there */
static size_t net_at(const struct sockaddr_net *nets, size_t n, const struct sockaddr_net *net)
{
	size_t i = 0;

	while (i < n && !sockaddr_net_same(&nets[i], net))
		i++;
	return i;
}

int cfg_net_add(struct vty *vty, struct sockaddr_net *nets, size_t *n, size_t max, const char *text)
{
	struct sockaddr_net net;

	if (net_of(vty, &net, text) != CMD_SUCCESS)
		return CMD_WARNING;
	if (net_at(nets, *n, &net) < *n)
		return CMD_SUCCESS;
	if (*n == max)
		return cfg_fail(vty, "more than %zu address ranges", max);
	nets[(*n)++] = net;
	return CMD_SUCCESS;
}

int cfg_net_del(struct vty *vty, struct sockaddr_net *nets, size_t *n, const char *text)
{
	struct sockaddr_net net;
	size_t i;

	if (net_of(vty, &net, text) != CMD_SUCCESS)
		return CMD_WARNING;
	i = net_at(nets, *n, &net);
	if (i == *n)
		return cfg_fail(vty, "no address %s", text);
	memmove(&nets[i], &nets[i + 1], (--*n - i) * sizeof(nets[0]));
	return CMD_SUCCESS;
}

void cfg_nets_write(struct vty *vty, const struct sockaddr_net *nets, size_t n)
{
	char text[SOCKADDR_TEXT];

	for (size_t i = 0; i < n; i++) {
		sockaddr_net_text(text, &nets[i]);
		vty_out(vty, " address %s%s", text, VTY_NEWLINE);
	}
}
