/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "hss" nodes: whom we ask for vectors, in which order, and over which peer. Live: each change counts at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "bsf/run/hlr_cfg.h"
#include "bsf/run/hss_nodes.h"
#include "bsf/run/naf_cfg.h"
#include "bsf/run/peer_cfg.h"
#include "common/rt/cfg_file.h"

#define NO_HOST_NAME "'%s' is no host name; allowed: letters, digits, hyphen and dot, up to %d characters"
#define HSS_HELP \
	"An HSS\n" \
	"Its Diameter identity\n"

/* Whose the name is already, but for a peer node, of which a "via" may speak; NULL: nobody's. */
static const char *hss_taken_by(const char *identity)
{
	const struct peer_cfg *p = peer_cfg_find(identity);

	if (naf_cfg_find(identity))
		return "a naf has this identity";
	return p && p->of == PEER_NODE ? NULL : peer_cfg_taken_by(identity);
}

DEFUN(cfg_hss, cfg_hss_cmd, "hss IDENTITY", HSS_HELP)
{
	struct bsf_hss *h = hss_nodes_find(argv[0]);

	if (bsf_cfg->hlr)
		return cfg_fail(vty, "hss %s beside an hlr; allowed: one of them, " HLR_ALONE, argv[0]);
	if (h && cfg_reading())
		return cfg_fail(vty, "hss %s is there already, in line %d; allowed: one node for each", argv[0],
				h->line);
	if (!h) {
		if (bsf_cfg->n_hss == BSF_HSS_MAX)
			return cfg_fail(vty, "too many HSSs; allowed: %d", BSF_HSS_MAX);
		if (!fqdn_valid(span_str(argv[0]), BSF_ID_MAX))
			return cfg_fail(vty, "identity " NO_HOST_NAME, argv[0], BSF_ID_MAX);
		if (!cfg_reading() && hss_taken_by(argv[0]))
			return cfg_fail(vty, "hss %s: %s; allowed: another one", argv[0], hss_taken_by(argv[0]));
		h = hss_nodes_add(argv[0]);
		if (!h)
			return cfg_fail(vty, "no memory");
	}
	vty->index = h;
	vty->node = BSF_NODE_HSS;
	return peer_cfg_changed(vty);
}

/* \returns its own peer; NULL: none (yet) */
static struct peer_cfg *hss_own_peer(const struct bsf_hss *h)
{
	struct peer_cfg *p = h->via ? NULL : peer_cfg_find(h->identity);

	return p && p->of == PEER_OF_HSS ? p : NULL;
}

DEFUN(cfg_no_hss, cfg_no_hss_cmd, "no hss IDENTITY", NO_STR HSS_HELP)
{
	struct bsf_hss *h = hss_nodes_find(argv[0]);
	struct peer_cfg *own = h ? hss_own_peer(h) : NULL;

	if (!h)
		return cfg_fail(vty, "%s is not there", argv[0]);
	if (own && peer_cfg_user(own))
		return cfg_fail(vty, "%s is via hss %s; allowed: when nothing is", peer_cfg_user(own), h->identity);
	if (own)
		peer_cfg_remove(own);
	hss_nodes_remove(h);
	return peer_cfg_changed(vty);
}

DEFUN(cfg_hss_realm, cfg_hss_realm_cmd, "realm REALM",
      "Destination-Realm of our requests\n"
      "Realm\n")
{
	struct bsf_hss *h = vty->index;
	int rc = cfg_once(vty, &h->realm_line, "realm");

	if (rc != CMD_SUCCESS)
		return rc;
	if (!fqdn_valid(span_str(argv[0]), BSF_ID_MAX))
		return cfg_fail(vty, "realm " NO_HOST_NAME, argv[0], BSF_ID_MAX);
	osmo_talloc_replace_string(h, &h->realm, argv[0]);
	return h->realm ? peer_cfg_changed(vty) : cfg_fail(vty, "no memory");
}

struct peer_cfg *bsf_cfg_hss_own_peer(struct vty *vty, const struct bsf_hss *h)
{
	struct peer_cfg *p = hss_own_peer(h);

	if (h->via) {
		cfg_fail(vty, "hss %s is reached via %s; allowed: either a connection of its own, or via", h->identity,
			 h->via);
		return NULL;
	}
	if (!p && peer_cfg_taken_by(h->identity)) {
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

void bsf_cfg_hss_drop_peer(const struct bsf_hss *h)
{
	struct peer_cfg *p = hss_own_peer(h);

	if (p && !p->has_connect && !p->may_connect && !tls_peer_is_written(&p->tls) && !peer_cfg_user(p))
		peer_cfg_remove(p);
}

DEFUN(cfg_hss_connect, cfg_hss_connect_cmd, "connect " ADDR_PORT,
      "Where it listens: a connection of its own\n" ADDR_PORT_HELP)
{
	struct peer_cfg *p = bsf_cfg_hss_own_peer(vty, vty->index);
	int rc = p ? cfg_once(vty, &p->connect.line, "connect") : CMD_WARNING;

	if (rc == CMD_SUCCESS)
		rc = bsf_cfg_set_listen(vty, &p->connect, argv);
	if (rc == CMD_SUCCESS)
		p->has_connect = true;
	else
		bsf_cfg_hss_drop_peer(vty->index);
	return rc == CMD_SUCCESS ? peer_cfg_changed(vty) : rc;
}

DEFUN(cfg_hss_no_connect, cfg_hss_no_connect_cmd, "no connect", NO_STR "Where it listens\n")
{
	struct peer_cfg *p = hss_own_peer(vty->index);

	if (!p || !p->has_connect)
		return cfg_fail(vty, "connect is not there");
	p->has_connect = false;
	bsf_cfg_hss_drop_peer(vty->index);
	return peer_cfg_changed(vty);
}

#define MAY_CONNECT_HELP \
	"It may come to us, from the address where it listens. Whoever has that address while it is away is then asked for vectors\n"

static int may_connect(struct vty *vty, bool may)
{
	struct peer_cfg *p = bsf_cfg_hss_own_peer(vty, vty->index);

	if (!p)
		return CMD_WARNING;
	p->may_connect = may;
	bsf_cfg_hss_drop_peer(vty->index);
	return peer_cfg_changed(vty);
}

DEFUN(cfg_hss_may_connect, cfg_hss_may_connect_cmd, "may-connect", MAY_CONNECT_HELP)
{
	return may_connect(vty, true);
}

DEFUN(cfg_hss_no_may_connect, cfg_hss_no_may_connect_cmd, "no may-connect", NO_STR MAY_CONNECT_HELP)
{
	return may_connect(vty, false);
}

DEFUN(cfg_hss_via, cfg_hss_via_cmd, "via PEER",
      "It is reached over this peer, a relay; our requests name its realm\n"
      "Name of a peer\n")
{
	struct bsf_hss *h = vty->index;
	int rc = cfg_once(vty, &h->via_line, "via");

	if (rc != CMD_SUCCESS)
		return rc;
	if (hss_own_peer(h))
		return cfg_fail(vty, "hss %s has a connection of its own; allowed: either that, or via", h->identity);
	if (!cfg_reading() && !peer_cfg_find(argv[0]))
		return cfg_fail(vty, "there is no peer %s; allowed: the name of a peer", argv[0]);
	osmo_talloc_replace_string(h, &h->via, argv[0]);
	return h->via ? peer_cfg_changed(vty) : cfg_fail(vty, "no memory");
}

DEFUN(cfg_hss_no_via, cfg_hss_no_via_cmd, "no via", NO_STR "It is reached over a peer\n")
{
	TALLOC_FREE(((struct bsf_hss *)vty->index)->via);
	return peer_cfg_changed(vty);
}

#define DESTINATION_HELP "Our requests over a relay name this HSS (Destination-Host), not its realm alone\n"

static int destination_host(struct vty *vty, bool on)
{
	((struct bsf_hss *)vty->index)->destination_host = on;
	return peer_cfg_changed(vty);
}

DEFUN(cfg_hss_destination_host, cfg_hss_destination_host_cmd, "destination-host", DESTINATION_HELP)
{
	return destination_host(vty, true);
}

DEFUN(cfg_hss_no_destination_host, cfg_hss_no_destination_host_cmd, "no destination-host", NO_STR DESTINATION_HELP)
{
	return destination_host(vty, false);
}

static int set_uint(struct vty *vty, uint32_t *out, int *line, const char *what, const char *text)
{
	int rc = cfg_once(vty, line, what);

	if (rc != CMD_SUCCESS)
		return rc;
	*out = (uint32_t)atoi(text);
	return peer_cfg_changed(vty);
}

DEFUN(cfg_hss_timeout, cfg_hss_timeout_cmd, "timeout <1-60>",
      "How long an answer may take\n"
      "Seconds\n")
{
	struct bsf_hss *h = vty->index;

	return set_uint(vty, &h->timeout_s, &h->timeout_line, "timeout", argv[0]);
}

DEFUN(cfg_hss_no_timeout, cfg_hss_no_timeout_cmd, "no timeout", NO_STR "How long an answer may take\n")
{
	((struct bsf_hss *)vty->index)->timeout_s = HSS_TIMEOUT_S;
	return peer_cfg_changed(vty);
}

#define PRIORITY_HELP "The lowest number is asked first, a higher one only where no lower one can be\n"

DEFUN(cfg_hss_priority, cfg_hss_priority_cmd, "priority <0-65535>", PRIORITY_HELP "Number\n")
{
	struct bsf_hss *h = vty->index;

	return set_uint(vty, &h->priority, &h->priority_line, "priority", argv[0]);
}

DEFUN(cfg_hss_no_priority, cfg_hss_no_priority_cmd, "no priority", NO_STR PRIORITY_HELP)
{
	((struct bsf_hss *)vty->index)->priority = HSS_PRIORITY;
	return peer_cfg_changed(vty);
}

#define LOAD_HELP \
	"Share of the requests beside others of its priority; 0: none, but for users that another one sends to it\n"

DEFUN(cfg_hss_load, cfg_hss_load_cmd, "load <0-65535>", LOAD_HELP "Weight\n")
{
	struct bsf_hss *h = vty->index;

	return set_uint(vty, &h->load, &h->load_line, "load", argv[0]);
}

DEFUN(cfg_hss_no_load, cfg_hss_no_load_cmd, "no load", NO_STR LOAD_HELP)
{
	((struct bsf_hss *)vty->index)->load = HSS_LOAD;
	return peer_cfg_changed(vty);
}

static void write_way(struct vty *vty, const struct bsf_hss *h)
{
	const struct peer_cfg *own = hss_own_peer(h);

	if (h->via)
		vty_out(vty, " via %s%s", h->via, VTY_NEWLINE);
	if (h->destination_host)
		vty_out(vty, " destination-host%s", VTY_NEWLINE);
	if (own && own->has_connect)
		vty_out(vty, " connect %s%s", own->connect.text, VTY_NEWLINE);
	if (h->priority != HSS_PRIORITY)
		vty_out(vty, " priority %u%s", (unsigned)h->priority, VTY_NEWLINE);
	if (h->load != HSS_LOAD)
		vty_out(vty, " load %u%s", (unsigned)h->load, VTY_NEWLINE);
	vty_out(vty, " timeout %u%s", (unsigned)h->timeout_s, VTY_NEWLINE);
	if (own)
		tls_peer_write(vty, &own->tls);
	if (own && own->may_connect)
		vty_out(vty, " may-connect%s", VTY_NEWLINE);
}

static int write_hss(struct vty *vty)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++) {
		const struct bsf_hss *h = bsf_cfg->hss[i];

		vty_out(vty, "hss %s%s", h->identity, VTY_NEWLINE);
		if (h->realm)
			vty_out(vty, " realm %s%s", h->realm, VTY_NEWLINE);
		write_way(vty, h);
	}
	return CMD_SUCCESS;
}

static struct cmd_node hss_node = { .node = BSF_NODE_HSS, .prompt = "%s(config-hss)# ", .vtysh = 1 };

void bsf_cfg_hss_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&cfg_hss_realm_cmd,    &cfg_hss_connect_cmd,     &cfg_hss_no_connect_cmd,
		&cfg_hss_via_cmd,      &cfg_hss_no_via_cmd,      &cfg_hss_may_connect_cmd,
		&cfg_hss_timeout_cmd,  &cfg_hss_no_timeout_cmd,  &cfg_hss_no_may_connect_cmd,
		&cfg_hss_priority_cmd, &cfg_hss_no_priority_cmd, &cfg_hss_destination_host_cmd,
		&cfg_hss_load_cmd,     &cfg_hss_no_load_cmd,     &cfg_hss_no_destination_host_cmd,
	};

	install_node(&hss_node, write_hss);
	install_element(CONFIG_NODE, &cfg_hss_cmd);
	install_element(CONFIG_NODE, &cfg_no_hss_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_HSS, cmds[i]);
}
