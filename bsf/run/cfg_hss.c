/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "hss" nodes: whom we ask for vectors, and over which peer. But for the limit none is live. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "bsf/run/peer_cfg.h"
#include "common/rt/cfg_file.h"

#define HSS_TIMEOUT_S 5

static struct bsf_hss *hss_find(const char *identity)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		if (strcasecmp(bsf_cfg->hss[i].identity, identity) == 0)
			return &bsf_cfg->hss[i];
	return NULL;
}

DEFUN(cfg_hss, cfg_hss_cmd, "hss IDENTITY",
      "An HSS\n"
      "Its Diameter identity\n")
{
	struct bsf_hss *h = hss_find(argv[0]);
	int rc;

	if (h && cfg_reading())
		return cfg_fail(vty, "hss %s is there already, in line %d; allowed: one node for each", argv[0],
				h->line);
	if (!h) {
		if (bsf_cfg->n_hss == BSF_HSS_MAX && cfg_reading())
			return cfg_fail(vty, "too many HSSs; allowed: %d", BSF_HSS_MAX);
		h = &bsf_cfg->hss[bsf_cfg->n_hss % BSF_HSS_MAX];
		rc = bsf_cfg_set_name(vty, h->identity, "identity", argv[0], BSF_ID_MAX);
		if (rc != CMD_SUCCESS)
			return rc;
		h->line = cfg_line();
		atomic_store(&h->timeout_s, HSS_TIMEOUT_S);
		bsf_cfg->n_hss++;
	}
	vty->index = h;
	vty->node = BSF_NODE_HSS;
	return CMD_SUCCESS;
}

DEFUN(cfg_hss_realm, cfg_hss_realm_cmd, "realm REALM",
      "Destination-Realm of our requests\n"
      "Realm\n")
{
	struct bsf_hss *h = vty->index;

	return bsf_cfg_set_name_once(vty, h->realm, &h->realm_line, "realm", argv[0]);
}

/* The peer it has for itself; made when it is first spoken of. \returns NULL: vty has been told why not */
static struct peer_cfg *hss_own_peer(struct vty *vty, const struct bsf_hss *h)
{
	struct peer_cfg *p = peer_cfg_find(h->identity);

	if (!cfg_reading()) {
		cfg_after_restart(vty);
		return NULL;
	}
	if (h->via) {
		cfg_fail(vty, "hss %s is reached via %s; allowed: either a connection of its own, or via", h->identity,
			 h->via);
		return NULL;
	}
	if (p && p->of != PEER_OF_HSS) {
		cfg_fail(vty, "hss %s: %s; allowed: another one", h->identity, peer_cfg_taken_by(h->identity));
		return NULL;
	}
	p = p ? p : peer_cfg_add(h->identity, PEER_OF_HSS);
	if (!p)
		cfg_fail(vty, "no memory");
	else
		p->line = h->line;
	return p;
}

DEFUN(cfg_hss_connect, cfg_hss_connect_cmd, "connect " ADDR_PORT,
      "Where it listens: a connection of its own\n" ADDR_PORT_HELP)
{
	struct peer_cfg *p = hss_own_peer(vty, vty->index);
	int rc = p ? cfg_once(vty, &p->connect.line, "connect") : CMD_WARNING;

	if (rc == CMD_SUCCESS)
		rc = bsf_cfg_set_listen(vty, &p->connect, argv);
	if (rc == CMD_SUCCESS)
		p->has_connect = true;
	return rc;
}

DEFUN(cfg_hss_may_connect, cfg_hss_may_connect_cmd, "may-connect",
      "It may come to us, from the address where it listens. Whoever has that address while it is away is then asked for vectors\n")
{
	struct peer_cfg *p = hss_own_peer(vty, vty->index);

	if (!p)
		return CMD_WARNING;
	p->may_connect = true;
	return CMD_SUCCESS;
}

DEFUN(cfg_hss_via, cfg_hss_via_cmd, "via PEER",
      "It is reached over this peer, a relay; our requests name its realm\n"
      "Name of a peer\n")
{
	struct bsf_hss *h = vty->index;
	const struct peer_cfg *own = peer_cfg_find(h->identity);
	int rc = cfg_reading() ? cfg_once(vty, &h->via_line, "via") : cfg_after_restart(vty);

	if (rc != CMD_SUCCESS)
		return rc;
	if (own && own->of == PEER_OF_HSS)
		return cfg_fail(vty, "hss %s has a connection of its own; allowed: either that, or via", h->identity);
	h->via = talloc_strdup(bsf_cfg, argv[0]);
	return h->via ? CMD_SUCCESS : cfg_fail(vty, "no memory");
}

DEFUN(cfg_hss_destination_host, cfg_hss_destination_host_cmd, "destination-host",
      "Our requests over a relay name this HSS (Destination-Host), not its realm alone\n")
{
	if (!cfg_reading())
		return cfg_after_restart(vty);
	((struct bsf_hss *)vty->index)->destination_host = true;
	return CMD_SUCCESS;
}

/* A limit, so live. */
DEFUN(cfg_hss_timeout, cfg_hss_timeout_cmd, "timeout <1-60>",
      "How long an answer may take\n"
      "Seconds\n")
{
	struct bsf_hss *h = vty->index;
	int rc = cfg_once(vty, &h->timeout_line, "timeout");

	if (rc == CMD_SUCCESS)
		atomic_store(&h->timeout_s, (uint32_t)atoi(argv[0]));
	return rc;
}

DEFUN(cfg_hss_no_timeout, cfg_hss_no_timeout_cmd, "no timeout", NO_STR "How long an answer may take\n")
{
	atomic_store(&((struct bsf_hss *)vty->index)->timeout_s, HSS_TIMEOUT_S);
	return CMD_SUCCESS;
}

static void write_way(struct vty *vty, const struct bsf_hss *h)
{
	const struct peer_cfg *own = h->via ? NULL : peer_cfg_find(h->identity);

	if (h->via)
		vty_out(vty, " via %s%s", h->via, VTY_NEWLINE);
	if (h->destination_host)
		vty_out(vty, " destination-host%s", VTY_NEWLINE);
	if (own && own->has_connect)
		vty_out(vty, " connect %s%s", own->connect.text, VTY_NEWLINE);
}

static int write_hss(struct vty *vty)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++) {
		const struct bsf_hss *h = &bsf_cfg->hss[i];
		const struct peer_cfg *p = peer_cfg_find(h->identity);

		vty_out(vty, "hss %s%s", h->identity, VTY_NEWLINE);
		vty_out(vty, " realm %s%s", h->realm, VTY_NEWLINE);
		write_way(vty, h);
		vty_out(vty, " timeout %u%s", (unsigned)atomic_load(&h->timeout_s), VTY_NEWLINE);
		if (!h->via && p && p->may_connect)
			vty_out(vty, " may-connect%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static struct cmd_node hss_node = { .node = BSF_NODE_HSS, .prompt = "%s(config-hss)# ", .vtysh = 1 };

void bsf_cfg_hss_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&cfg_hss_realm_cmd,   &cfg_hss_connect_cmd,    &cfg_hss_may_connect_cmd,      &cfg_hss_via_cmd,
		&cfg_hss_timeout_cmd, &cfg_hss_no_timeout_cmd, &cfg_hss_destination_host_cmd,
	};

	install_node(&hss_node, write_hss);
	install_element(CONFIG_NODE, &cfg_hss_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_HSS, cmds[i]);
}
