/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "naf" nodes: who may connect to us and for which NAF names it speaks. Live: each change is published at once. */
#include "bsf/run/naf_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "common/base/sockaddr.h"
#include "common/gba/naf_id.h"
#include "common/gba/zn_msg.h"
#include "common/rt/cfg_file.h"

static int cfg_add(struct vty *vty, struct words *w, const char *s)
{
	int rc = words_add(vty->index, w, s);

	if (rc == -E2BIG)
		return cfg_fail(vty, "too many of them; allowed: %d", WORDS_MAX);
	if (rc < 0)
		return cfg_fail(vty, "no memory");
	return peer_cfg_changed(vty);
}

static int del(struct vty *vty, struct words *w, const char *s)
{
	if (words_del(w, s) < 0)
		return cfg_fail(vty, "%s is not there", s);
	return peer_cfg_changed(vty);
}

#define NAF_HELP \
	"A peer that connects to us for keys: a NAF, a proxy or a tool\n" \
	"Its Diameter identity\n"

DEFUN(cfg_naf, cfg_naf_cmd, "naf IDENTITY", NAF_HELP)
{
	struct naf_cfg *n = naf_cfg_find(argv[0]);

	if (n && cfg_reading())
		return cfg_fail(vty, "naf %s is there already, in line %d; allowed: one node for each", argv[0],
				n->line);
	if (!n) {
		if (!fqdn_valid(span_str(argv[0]), BSF_ID_MAX))
			return cfg_fail(vty, "'%s' is no host name; allowed: letters, digits, hyphen and dot", argv[0]);
		if (!cfg_reading() && naf_cfg_taken_by(bsf_cfg, argv[0]))
			return cfg_fail(vty, "naf %s: %s; allowed: another one", argv[0],
					naf_cfg_taken_by(bsf_cfg, argv[0]));
		n = naf_cfg_add(argv[0]);
		if (!n)
			return cfg_fail(vty, "no memory");
	}
	vty->index = n;
	vty->node = BSF_NODE_NAF;
	return peer_cfg_changed(vty);
}

DEFUN(cfg_no_naf, cfg_no_naf_cmd, "no naf IDENTITY", NO_STR NAF_HELP)
{
	struct naf_cfg *n = naf_cfg_find(argv[0]);

	struct peer_cfg *own = n ? naf_cfg_own_peer(n) : NULL;

	if (!n)
		return cfg_fail(vty, "%s is not there", argv[0]);
	if (own && peer_cfg_user(own))
		return cfg_fail(vty, "%s is via naf %s; allowed: when nothing is", peer_cfg_user(own), n->identity);
	if (own)
		peer_cfg_remove(own);
	naf_cfg_remove(n);
	return peer_cfg_changed(vty);
}

struct peer_cfg *naf_cfg_make_own_peer(struct vty *vty, const struct naf_cfg *n)
{
	struct peer_cfg *p = naf_cfg_own_peer(n);

	if (n->via) {
		cfg_fail(vty, "naf %s comes via %s; allowed: either a connection of its own, or via", n->identity,
			 n->via);
		return NULL;
	}
	if (!p && peer_cfg_taken_by(n->identity)) {
		cfg_fail(vty, "naf %s: %s; allowed: via PEER", n->identity, peer_cfg_taken_by(n->identity));
		return NULL;
	}
	p = p ? p : peer_cfg_add(n->identity, PEER_OF_NAF);
	if (!p)
		cfg_fail(vty, "no memory");
	else
		p->line = n->line;
	return p;
}

void naf_cfg_forget_own_peer(struct peer_cfg *p)
{
	if (p && !p->nets.n && p->connections == 1 && !tls_peer_is_written(&p->tls))
		peer_cfg_remove(p);
}

#define ADDRESS_HELP \
	"Where it may come to us from: a connection of its own\n" \
	"ADDRESS or ADDRESS/PREFIX; any: anywhere, by TLS\n"

DEFUN(naf_address, naf_address_cmd, "address NET", ADDRESS_HELP)
{
	struct peer_cfg *p = naf_cfg_make_own_peer(vty, vty->index);
	int rc = p ? peer_cfg_cmd_address(vty, p, argv[0]) : CMD_WARNING;

	naf_cfg_forget_own_peer(p);
	return rc;
}

DEFUN(naf_no_address, naf_no_address_cmd, "no address NET", NO_STR ADDRESS_HELP)
{
	struct peer_cfg *p = naf_cfg_own_peer(vty->index);
	int rc = peer_cfg_cmd_no_address(vty, p, argv[0]);

	naf_cfg_forget_own_peer(p);
	return rc;
}

static int set_connections(struct vty *vty, const char *number)
{
	struct peer_cfg *p = naf_cfg_make_own_peer(vty, vty->index);
	int rc = p ? peer_cfg_cmd_connections(vty, p, number) : CMD_WARNING;

	naf_cfg_forget_own_peer(p);
	return rc;
}

DEFUN(naf_connections, naf_connections_cmd, "connections <1-64>",
      "How many it may have at a time, for servers of several processes\n"
      "Connections\n")
{
	return set_connections(vty, argv[0]);
}

DEFUN(naf_no_connections, naf_no_connections_cmd, "no connections", NO_STR "How many it may have at a time\n")
{
	return set_connections(vty, "1");
}

DEFUN(naf_via, naf_via_cmd, "via PEER",
      "It comes over this peer, a relay\n"
      "Name of a peer\n")
{
	struct naf_cfg *n = vty->index;
	char *via;

	if (naf_cfg_own_peer(n))
		return cfg_fail(vty, "naf %s has a connection of its own; allowed: either that, or via", n->identity);
	if (n->via && cfg_reading())
		return cfg_fail(vty, "via %s is written already; allowed: once", n->via);
	if (!cfg_reading() && !peer_cfg_find(argv[0]))
		return cfg_fail(vty, "there is no peer %s; allowed: the name of a peer", argv[0]);
	via = talloc_strdup(n, argv[0]);
	if (!via)
		return cfg_fail(vty, "no memory");
	talloc_free(n->via);
	n->via = via;
	return peer_cfg_changed(vty);
}

DEFUN(naf_no_via, naf_no_via_cmd, "no via", NO_STR "It comes over a peer\n")
{
	struct naf_cfg *n = vty->index;

	TALLOC_FREE(n->via);
	return peer_cfg_changed(vty);
}

#define SPEAKS_HELP \
	"NAF name for which it may fetch keys\n" \
	"FQDN, or *.DOMAIN for one label more\n"

DEFUN(naf_speaks_for, naf_speaks_for_cmd, "speaks-for FQDN", SPEAKS_HELP)
{
	const char *name = strncmp(argv[0], "*.", 2) == 0 ? argv[0] + 2 : argv[0];

	if (!fqdn_valid(span_str(name), FQDN_MAX))
		return cfg_fail(vty, "%s is no host name; allowed: FQDN or *.DOMAIN", argv[0]);
	return cfg_add(vty, &((struct naf_cfg *)vty->index)->speaks_for, argv[0]);
}

DEFUN(naf_no_speaks_for, naf_no_speaks_for_cmd, "no speaks-for FQDN", NO_STR SPEAKS_HELP)
{
	return del(vty, &((struct naf_cfg *)vty->index)->speaks_for, argv[0]);
}

#define GROUP_HELP "NAF group, which chooses among USSs of one service (33.220 4.4.6)\n"

DEFUN(naf_group, naf_group_cmd, "naf-group NAME", GROUP_HELP "Name as in the GUSS\n")
{
	struct naf_cfg *n = vty->index;

	talloc_free(n->group);
	n->group = talloc_strdup(n, argv[0]);
	return peer_cfg_changed(vty);
}

DEFUN(naf_no_group, naf_no_group_cmd, "no naf-group", NO_STR GROUP_HELP)
{
	struct naf_cfg *n = vty->index;

	TALLOC_FREE(n->group);
	return peer_cfg_changed(vty);
}

DEFUN(naf_private, naf_private_cmd, "private-identity (allow|deny)",
      "May it learn the IMPI?\n"
      "User-Name is in the answer\n"
      "It is not (default)\n")
{
	((struct naf_cfg *)vty->index)->private_identity = argv[0][0] == 'a';
	return peer_cfg_changed(vty);
}

static int set_gsids(struct vty *vty, struct words *w, int argc, const char *argv[])
{
	for (int i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (len > ZN_GSID_MAX || strspn(argv[i], "0123456789") != len)
			return cfg_fail(vty, "%s is no service identifier; allowed: up to %d digits", argv[i],
					ZN_GSID_MAX);
	}
	words_clear(w);
	for (int i = 0; i < argc; i++) {
		int rc = cfg_add(vty, w, argv[i]);

		if (rc != CMD_SUCCESS)
			return rc;
	}
	return peer_cfg_changed(vty);
}

#define GSID_HELP "Service identifiers, decimal\n"

DEFUN(naf_gaa, naf_gaa_cmd, "gaa-service .GSID", "Services whose USSs it may have; replaces the list\n" GSID_HELP)
{
	return set_gsids(vty, &((struct naf_cfg *)vty->index)->gsids, argc, argv);
}

DEFUN(naf_no_gaa, naf_no_gaa_cmd, "no gaa-service", NO_STR "Services whose USSs it may have\n")
{
	return set_gsids(vty, &((struct naf_cfg *)vty->index)->gsids, 0, NULL);
}

DEFUN(naf_required, naf_required_cmd, "uss-required .GSID",
      "Services without whose USS the subscriber gets no key here (33.220 4.4.6); replaces the list\n" GSID_HELP)
{
	return set_gsids(vty, &((struct naf_cfg *)vty->index)->required, argc, argv);
}

DEFUN(naf_no_required, naf_no_required_cmd, "no uss-required", NO_STR "Services without whose USS there is no key\n")
{
	return set_gsids(vty, &((struct naf_cfg *)vty->index)->required, 0, NULL);
}

#define PROXY_HELP "It relays for NAFs: Origin-Host may be another than its own\n"

DEFUN(naf_proxy, naf_proxy_cmd, "proxy", PROXY_HELP)
{
	((struct naf_cfg *)vty->index)->proxy = true;
	return peer_cfg_changed(vty);
}

DEFUN(naf_no_proxy, naf_no_proxy_cmd, "no proxy", NO_STR PROXY_HELP)
{
	((struct naf_cfg *)vty->index)->proxy = false;
	return peer_cfg_changed(vty);
}

#define RATE_HELP "How many requests it may ask a second, and at once; those beyond get 3004\n"

DEFUN(naf_rate, naf_rate_cmd, "rate <1-1000000>", RATE_HELP "Requests\n")
{
	rate_set(((struct naf_cfg *)vty->index)->rate, (uint32_t)atoi(argv[0]));
	return CMD_SUCCESS;
}

DEFUN(naf_no_rate, naf_no_rate_cmd, "no rate", NO_STR RATE_HELP)
{
	rate_set(((struct naf_cfg *)vty->index)->rate, 0);
	return CMD_SUCCESS;
}

static void write_own_peer(struct vty *vty, const struct peer_cfg *p)
{
	words_write(vty, "address", &p->nets);
	if (p->connections != 1)
		vty_out(vty, " connections %u%s", p->connections, VTY_NEWLINE);
	tls_peer_write(vty, &p->tls);
}

static int write_naf(struct vty *vty)
{
	for (const struct naf_cfg *n = bsf_cfg->nafs; n; n = n->next) {
		vty_out(vty, "naf %s%s", n->identity, VTY_NEWLINE);
		if (n->via)
			vty_out(vty, " via %s%s", n->via, VTY_NEWLINE);
		if (naf_cfg_own_peer(n))
			write_own_peer(vty, naf_cfg_own_peer(n));
		words_write(vty, "speaks-for", &n->speaks_for);
		if (n->group)
			vty_out(vty, " naf-group %s%s", n->group, VTY_NEWLINE);
		if (n->private_identity)
			vty_out(vty, " private-identity allow%s", VTY_NEWLINE);
		words_write_line(vty, "gaa-service", &n->gsids);
		words_write_line(vty, "uss-required", &n->required);
		if (rate_get(n->rate))
			vty_out(vty, " rate %u%s", (unsigned)rate_get(n->rate), VTY_NEWLINE);
		if (n->proxy)
			vty_out(vty, " proxy%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static struct cmd_node naf_node = { .node = BSF_NODE_NAF, .prompt = "%s(config-naf)# ", .vtysh = 1 };

void naf_cfg_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&naf_address_cmd,  &naf_no_address_cmd,  &naf_speaks_for_cmd,     &naf_no_speaks_for_cmd,
		&naf_group_cmd,    &naf_no_group_cmd,    &naf_private_cmd,        &naf_gaa_cmd,
		&naf_no_gaa_cmd,   &naf_required_cmd,    &naf_no_required_cmd,    &naf_proxy_cmd,
		&naf_no_proxy_cmd, &naf_connections_cmd, &naf_no_connections_cmd, &naf_via_cmd,
		&naf_no_via_cmd,   &naf_rate_cmd,        &naf_no_rate_cmd,
	};

	install_node(&naf_node, write_naf);
	install_element(CONFIG_NODE, &cfg_naf_cmd);
	install_element(CONFIG_NODE, &cfg_no_naf_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_NAF, cmds[i]);
}
