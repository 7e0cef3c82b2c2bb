/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "naf" nodes: the NAFs of our network. Live: each change counts at once. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"
#include "common/gba/zn_msg.h"
#include "znproxy/proxy_show.h"
#include "znproxy/proxy_vty_in.h"

static struct proxy_cfg *cfg;

/* Who does not fit any more goes. */
static int naf_changed(void)
{
	if (!cfg_reading())
		proxy_show_recheck();
	return CMD_SUCCESS;
}

#define NAF_STR "A NAF of our network: it connects to us for keys\nIts Diameter identity\n"

DEFUN(proxy_naf, proxy_naf_cmd, "naf IDENTITY", NAF_STR)
{
	struct proxy_naf *n = proxy_cfg_naf(cfg, argv[0]);

	if (n && cfg_reading())
		return cfg_fail(vty, "naf %s is there already, in line %d; allowed: one node for each", argv[0],
				n->line);
	if (!n) {
		if (cfg_dns_name(vty, argv[0], DIA_NAME_MAX) != CMD_SUCCESS)
			return CMD_WARNING;
		if (!cfg_reading() && strcasecmp(argv[0], cfg->dia.identity) == 0)
			return cfg_fail(vty, "naf %s: that is our own identity; allowed: another one", argv[0]);
		n = proxy_cfg_naf_add(cfg, argv[0]);
		if (!n)
			return cfg_fail(vty, "no memory");
	}
	vty->node = PROXY_NODE_NAF;
	vty->index = n;
	return CMD_SUCCESS;
}

DEFUN(proxy_no_naf, proxy_no_naf_cmd, "no naf IDENTITY", NO_STR NAF_STR)
{
	struct proxy_naf *n = proxy_cfg_naf(cfg, argv[0]);

	if (!n)
		return cfg_fail(vty, "no naf %s", argv[0]);
	proxy_cfg_naf_remove(cfg, n);
	return naf_changed();
}

#define NET_STR "Where it connects from; may be repeated\nA.B.C.D/N or X:X::X/N\n"

DEFUN(pnaf_address, pnaf_address_cmd, "address NETWORK", NET_STR)
{
	struct proxy_naf *n = vty->index;
	int rc = cfg_net_add(vty, n->nets, &n->n_nets, PROXY_NETS_MAX, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_no_address, pnaf_no_address_cmd, "no address NETWORK", NO_STR NET_STR)
{
	struct proxy_naf *n = vty->index;
	int rc = cfg_net_del(vty, n->nets, &n->n_nets, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_connections, pnaf_connections_cmd, "connections <1-64>",
      "How many it may have at a time, for servers of several processes (default: 1)\nConnections\n")
{
	((struct proxy_naf *)vty->index)->connections = (unsigned)atoi(argv[0]);
	return CMD_SUCCESS;
}

#define SPEAKS_STR "NAF name for which it may fetch keys\nFQDN, or *.DOMAIN for one label more\n"

/* The table of the list as it is now. */
static int speaks_changed(struct vty *vty, struct proxy_naf *n)
{
	struct name_table *t = words_table(&n->speaks_for);

	if (!t)
		return cfg_fail(vty, "no memory");
	name_table_free(n->names);
	n->names = t;
	return CMD_SUCCESS;
}

DEFUN(pnaf_speaks_for, pnaf_speaks_for_cmd, "speaks-for FQDN", SPEAKS_STR)
{
	const char *name = strncmp(argv[0], "*.", 2) == 0 ? argv[0] + 2 : argv[0];
	struct proxy_naf *n = vty->index;

	if (!fqdn_valid(span_str(name), FQDN_MAX))
		return cfg_fail(vty, "%s is no host name; allowed: FQDN or *.DOMAIN", argv[0]);
	if (proxy_vty_add_word(vty, n, &n->speaks_for, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	return speaks_changed(vty, n);
}

DEFUN(pnaf_no_speaks_for, pnaf_no_speaks_for_cmd, "no speaks-for FQDN", NO_STR SPEAKS_STR)
{
	struct proxy_naf *n = vty->index;

	if (words_del(&n->speaks_for, argv[0]) < 0)
		return cfg_fail(vty, "%s is not there", argv[0]);
	return speaks_changed(vty, n);
}

#define GAA_STR "Services whose USSs it may ask a home for; replaces the list\n"

DEFUN(pnaf_gaa, pnaf_gaa_cmd, "gaa-service .GSID", GAA_STR "Service identifiers, decimal\n")
{
	struct proxy_naf *n = vty->index;

	for (int i = 0; i < argc; i++)
		if (strlen(argv[i]) > ZN_GSID_MAX || strspn(argv[i], "0123456789") != strlen(argv[i]))
			return cfg_fail(vty, "%s is no service identifier; allowed: up to %d digits", argv[i],
					ZN_GSID_MAX);
	words_clear(&n->gsids);
	for (int i = 0; i < argc; i++)
		if (proxy_vty_add_word(vty, n, &n->gsids, argv[i]) != CMD_SUCCESS)
			return CMD_WARNING;
	return CMD_SUCCESS;
}

DEFUN(pnaf_no_gaa, pnaf_no_gaa_cmd, "no gaa-service", NO_STR GAA_STR)
{
	words_clear(&((struct proxy_naf *)vty->index)->gsids);
	return CMD_SUCCESS;
}

#define RATE_STR "How many requests it may ask a second, and at once; those beyond get 3004\n"

DEFUN(pnaf_rate, pnaf_rate_cmd, "rate <1-1000000>", RATE_STR "Requests\n")
{
	rate_set(((struct proxy_naf *)vty->index)->rate, (uint32_t)atoi(argv[0]));
	return CMD_SUCCESS;
}

DEFUN(pnaf_no_rate, pnaf_no_rate_cmd, "no rate", NO_STR RATE_STR)
{
	rate_set(((struct proxy_naf *)vty->index)->rate, 0);
	return CMD_SUCCESS;
}

DEFUN(pnaf_security, pnaf_security_cmd, "security " TLS_PEER_HOW, TLS_PEER_HOW_HELP)
{
	int rc = tls_peer_set_how(vty, &((struct proxy_naf *)vty->index)->tls, &cfg->dia.tls, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_no_security, pnaf_no_security_cmd, "no security", NO_STR "How its connections are protected\n")
{
	tls_peer_set_how(vty, &((struct proxy_naf *)vty->index)->tls, &cfg->dia.tls, NULL);
	return naf_changed();
}

DEFUN(pnaf_tls_name, pnaf_tls_name_cmd, "tls-name NAME", TLS_PEER_NAME_HELP)
{
	struct proxy_naf *n = vty->index;
	int rc = tls_peer_add_name(vty, n, &n->tls, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_no_tls_name, pnaf_no_tls_name_cmd, "no tls-name NAME", NO_STR TLS_PEER_NAME_HELP)
{
	int rc = tls_peer_del_name(vty, &((struct proxy_naf *)vty->index)->tls, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_tls_key, pnaf_tls_key_cmd, "tls-key KEY", TLS_PEER_KEY_HELP)
{
	struct proxy_naf *n = vty->index;
	int rc = tls_peer_add_key(vty, n, &n->tls, &cfg->dia.tls, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_no_tls_key, pnaf_no_tls_key_cmd, "no tls-key KEY", NO_STR TLS_PEER_KEY_HELP)
{
	int rc = tls_peer_del_key(vty, &((struct proxy_naf *)vty->index)->tls, argv[0]);

	return rc == CMD_SUCCESS ? naf_changed() : rc;
}

DEFUN(pnaf_tls_cn, pnaf_tls_cn_cmd, "tls-cn", TLS_PEER_CN_HELP)
{
	((struct proxy_naf *)vty->index)->tls.cn = true;
	return naf_changed();
}

DEFUN(pnaf_no_tls_cn, pnaf_no_tls_cn_cmd, "no tls-cn", NO_STR TLS_PEER_CN_HELP)
{
	((struct proxy_naf *)vty->index)->tls.cn = false;
	return naf_changed();
}

static void write_one_naf(struct vty *vty, const struct proxy_naf *n)
{
	vty_out(vty, "naf %s%s", n->identity, VTY_NEWLINE);
	cfg_nets_write(vty, n->nets, n->n_nets);
	if (n->connections != 1)
		vty_out(vty, " connections %u%s", n->connections, VTY_NEWLINE);
	tls_peer_write(vty, &n->tls);
	words_write(vty, "speaks-for", &n->speaks_for);
	words_write_line(vty, "gaa-service", &n->gsids);
	if (rate_get(n->rate))
		vty_out(vty, " rate %u%s", (unsigned)rate_get(n->rate), VTY_NEWLINE);
	vty_out(vty, "!%s", VTY_NEWLINE);
}

static int write_nafs(struct vty *vty)
{
	const struct proxy_naf *n;

	llist_for_each_entry(n, &cfg->nafs, entry)
	{
		write_one_naf(vty, n);
	}
	return CMD_SUCCESS;
}

static struct cmd_node pnaf_node = { .node = PROXY_NODE_NAF, .prompt = "%s(config-naf)# ", .vtysh = 1 };

void proxy_vty_naf_init(struct proxy_cfg *c)
{
	static struct cmd_element *const cmds[] = {
		&pnaf_address_cmd,       &pnaf_no_address_cmd, &pnaf_connections_cmd, &pnaf_speaks_for_cmd,
		&pnaf_no_speaks_for_cmd, &pnaf_gaa_cmd,        &pnaf_no_gaa_cmd,      &pnaf_rate_cmd,
		&pnaf_no_rate_cmd,       &pnaf_security_cmd,   &pnaf_no_security_cmd, &pnaf_tls_name_cmd,
		&pnaf_no_tls_name_cmd,   &pnaf_tls_key_cmd,    &pnaf_no_tls_key_cmd,  &pnaf_tls_cn_cmd,
		&pnaf_no_tls_cn_cmd,
	};

	cfg = c;
	install_node(&pnaf_node, write_nafs);
	install_element(CONFIG_NODE, &proxy_naf_cmd);
	install_element(CONFIG_NODE, &proxy_no_naf_cmd);
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		install_element(PROXY_NODE_NAF, cmds[i]);
}
