/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "peer" nodes: connections, whoever makes them and whatever they carry. Live: each change counts at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "bsf/run/peer_cfg.h"
#include "common/rt/cfg_file.h"

int peer_cfg_changed(struct vty *vty)
{
	if (cfg_reading() || naf_cfg_publish(bsf_cfg) == 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% no memory%s", VTY_NEWLINE);
	return CMD_WARNING;
}

int peer_cfg_cmd_address(struct vty *vty, struct peer_cfg *p, const char *text)
{
	struct sockaddr_net net;
	bool any = strcmp(text, POLICY_ANY) == 0;
	int rc;

	if (any && p->tls.how == DIA_HUB_PLAIN)
		return cfg_fail(
			vty, "address any without TLS would let everybody in under that name; allowed: security tls");
	if (!any && sockaddr_net_parse(&net, text) < 0)
		return cfg_fail(vty, "%s is no address; allowed: an IPv4 or IPv6 address, with or without /PREFIX, any",
				text);
	rc = words_add(p, &p->nets, text);
	if (rc < 0)
		return cfg_fail(vty, rc == -E2BIG ? "too many addresses; allowed: %d" : "no memory", WORDS_MAX);
	return peer_cfg_changed(vty);
}

int peer_cfg_cmd_no_address(struct vty *vty, struct peer_cfg *p, const char *text)
{
	struct sockaddr_net want, have;

	/* the range that is meant, however it was written: 10.0.0.1 is 10.0.0.1/32 */
	if (p && strcmp(text, POLICY_ANY) == 0 && words_del(&p->nets, text) == 0)
		return peer_cfg_changed(vty);
	for (size_t i = 0; p && sockaddr_net_parse(&want, text) == 0 && i < p->nets.n; i++) {
		if (sockaddr_net_parse(&have, p->nets.s[i]) == 0 && sockaddr_net_same(&want, &have)) {
			(void)words_del(&p->nets, p->nets.s[i]);
			return peer_cfg_changed(vty);
		}
	}
	return cfg_fail(vty, "%s is not there", text);
}

int peer_cfg_cmd_connections(struct vty *vty, struct peer_cfg *p, const char *text)
{
	p->connections = (unsigned)atoi(text);
	return peer_cfg_changed(vty);
}

#define PEER_HELP \
	"A Diameter peer: a connection, over which HSSs are reached or NAFs come (their own 'via')\n" \
	"Its Diameter identity\n"

DEFUN(cfg_peer, cfg_peer_cmd, "peer IDENTITY", PEER_HELP)
{
	struct peer_cfg *p = peer_cfg_find(argv[0]);

	if (p && cfg_reading() && p->of == PEER_NODE)
		return cfg_fail(vty, "peer %s is there already, in line %d; allowed: one node for each", argv[0],
				p->line);
	if (!p || p->of != PEER_NODE) {
		if (!fqdn_valid(span_str(argv[0]), BSF_ID_MAX))
			return cfg_fail(vty, "'%s' is no host name; allowed: letters, digits, hyphen and dot", argv[0]);
		if (peer_cfg_taken_by(argv[0]))
			return cfg_fail(vty, "peer %s: %s; allowed: another one", argv[0], peer_cfg_taken_by(argv[0]));
		p = peer_cfg_add(argv[0], PEER_NODE);
		if (!p)
			return cfg_fail(vty, "no memory");
	}
	vty->index = p;
	vty->node = BSF_NODE_PEER;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_peer, cfg_no_peer_cmd, "no peer IDENTITY", NO_STR PEER_HELP)
{
	struct peer_cfg *p = peer_cfg_find(argv[0]);

	if (!p || p->of != PEER_NODE)
		return cfg_fail(vty, "%s is not there", argv[0]);
	if (peer_cfg_user(p))
		return cfg_fail(vty, "%s is via peer %s; allowed: when nothing is", peer_cfg_user(p), p->identity);
	peer_cfg_remove(p);
	return peer_cfg_changed(vty);
}

DEFUN(peer_connect, peer_connect_cmd, "connect " ADDR_PORT, "Where it listens: we connect to it\n" ADDR_PORT_HELP)
{
	struct peer_cfg *p = vty->index;
	int rc = cfg_once(vty, &p->connect.line, "connect");

	if (rc == CMD_SUCCESS)
		rc = bsf_cfg_set_listen(vty, &p->connect, argv);
	if (rc != CMD_SUCCESS)
		return rc;
	p->has_connect = true;
	return peer_cfg_changed(vty);
}

DEFUN(peer_no_connect, peer_no_connect_cmd, "no connect", NO_STR "Where it listens\n")
{
	((struct peer_cfg *)vty->index)->has_connect = false;
	return peer_cfg_changed(vty);
}

#define ADDRESS_HELP \
	"Where it may come to us from\n" \
	"ADDRESS or ADDRESS/PREFIX; any: anywhere, by TLS\n"

DEFUN(peer_address, peer_address_cmd, "address NET", ADDRESS_HELP)
{
	return peer_cfg_cmd_address(vty, vty->index, argv[0]);
}

DEFUN(peer_no_address, peer_no_address_cmd, "no address NET", NO_STR ADDRESS_HELP)
{
	return peer_cfg_cmd_no_address(vty, vty->index, argv[0]);
}

DEFUN(peer_connections, peer_connections_cmd, "connections <1-64>",
      "How many it may have at a time, for peers of several processes\n"
      "Connections\n")
{
	return peer_cfg_cmd_connections(vty, vty->index, argv[0]);
}

DEFUN(peer_no_connections, peer_no_connections_cmd, "no connections", NO_STR "How many it may have at a time\n")
{
	return peer_cfg_cmd_connections(vty, vty->index, "1");
}

#define RELAYS_HELP "Relays behind it: who asks is the last Route-Record that is none of these; replaces the list\n"

DEFUN(peer_relays, peer_relays_cmd, "relays .IDENTITY", RELAYS_HELP "Diameter identities\n")
{
	struct peer_cfg *p = vty->index;

	for (int i = 0; i < argc; i++)
		if (!fqdn_valid(span_str(argv[i]), BSF_ID_MAX))
			return cfg_fail(vty, "'%s' is no host name; allowed: letters, digits, hyphen and dot", argv[i]);
	if (argc > WORDS_MAX)
		return cfg_fail(vty, "too many relays; allowed: %d", WORDS_MAX);
	words_clear(&p->relays);
	for (int i = 0; i < argc; i++)
		if (words_add(p, &p->relays, argv[i]) < 0)
			return cfg_fail(vty, "no memory");
	return peer_cfg_changed(vty);
}

DEFUN(peer_no_relays, peer_no_relays_cmd, "no relays", NO_STR "Relays behind it\n")
{
	words_clear(&((struct peer_cfg *)vty->index)->relays);
	return peer_cfg_changed(vty);
}

static void write_one(struct vty *vty, const struct peer_cfg *p)
{
	vty_out(vty, "peer %s%s", p->identity, VTY_NEWLINE);
	if (p->has_connect)
		vty_out(vty, " connect %s%s", p->connect.text, VTY_NEWLINE);
	words_write(vty, "address", &p->nets);
	if (p->connections != 1)
		vty_out(vty, " connections %u%s", p->connections, VTY_NEWLINE);
	words_write_line(vty, "relays", &p->relays);
	tls_peer_write(vty, &p->tls);
}

static int write_peers(struct vty *vty)
{
	for (const struct peer_cfg *p = bsf_cfg->peers; p; p = p->next)
		if (p->of == PEER_NODE)
			write_one(vty, p);
	return CMD_SUCCESS;
}

static struct cmd_node peer_node = { .node = BSF_NODE_PEER, .prompt = "%s(config-peer)# ", .vtysh = 1 };

void peer_cfg_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&peer_connect_cmd,     &peer_no_connect_cmd,     &peer_address_cmd, &peer_no_address_cmd,
		&peer_connections_cmd, &peer_no_connections_cmd, &peer_relays_cmd,  &peer_no_relays_cmd,
	};

	install_node(&peer_node, write_peers);
	install_element(CONFIG_NODE, &cfg_peer_cmd);
	install_element(CONFIG_NODE, &cfg_no_peer_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_PEER, cmds[i]);
}
