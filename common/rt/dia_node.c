/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/dia_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/base/sockaddr.h"
#include "common/dia/dia_addr.h"
#include "common/rt/cfg_file.h"

static struct cmd_node diameter = { .prompt = "%s(config-diameter)# ", .vtysh = 1 };
static struct dia_node *the_node;
static void *node_ctx;
static void (*node_write_more)(struct vty *vty);

/* --- commands */

static int name_once(struct vty *vty, char **out, int *line, const char *what, const char *name)
{
	int rc = cfg_reading() ? cfg_once(vty, line, what) : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		rc = cfg_dns_name(vty, name, DIA_NAME_MAX);
	if (rc == CMD_SUCCESS)
		osmo_talloc_replace_string(node_ctx, out, name);
	return rc;
}

DEFUN(dia_node, dia_node_cmd, "diameter", "The Diameter node: who we are and where we listen\n")
{
	if (cfg_reading())
		the_node->line = cfg_line();
	vty->node = diameter.node;
	return CMD_SUCCESS;
}

DEFUN(dia_node_identity, dia_node_identity_cmd, "identity NAME", "Our Diameter identity\nDNS name\n")
{
	static int line;

	return name_once(vty, &the_node->identity, &line, "identity", argv[0]);
}

DEFUN(dia_node_realm, dia_node_realm_cmd, "realm NAME", "Our Diameter realm\nDNS name\n")
{
	static int line;

	return name_once(vty, &the_node->realm, &line, "realm", argv[0]);
}

static int listen_at(struct vty *vty, const char *address, const char *port, bool tls)
{
	struct dia_node *d = the_node;
	struct sockaddr_storage ss;

	CFG_AT_START_ONLY(vty);
	if (sockaddr_parse(&ss, address, port) < 0)
		return cfg_fail(vty, "'%s' is no address; allowed: A.B.C.D or X:X::X", address);
	if (d->n_listen == DIA_HUB_LISTEN_MAX)
		return cfg_fail(vty, "more than %d listen addresses", DIA_HUB_LISTEN_MAX);
	d->listen_line[d->n_listen] = cfg_line();
	d->listen_tls[d->n_listen] = tls;
	d->listen[d->n_listen++] = ss;
	return CMD_SUCCESS;
}

DEFUN(dia_node_listen, dia_node_listen_cmd, "listen ADDRESS <1-65535>",
      "Accept connections here; may be repeated, all with the same port\nIPv4 or IPv6 address\nTCP port\n")
{
	return listen_at(vty, argv[0], argv[1], false);
}

DEFUN(dia_node_listen_tls, dia_node_listen_tls_cmd, "listen tls ADDRESS [<1-65535>]",
      "Accept connections here; may be repeated, all with the same port\nBy TLS from the first octet\n"
      "IPv4 or IPv6 address\nTCP port\n")
{
	return listen_at(vty, argv[0], argc > 1 ? argv[1] : DIA_ADDR_PORT_TLS, true);
}

static int seconds_once(struct vty *vty, int *out, int *line, const char *what, const char *text)
{
	int rc = cfg_reading() ? cfg_once(vty, line, what) : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		*out = atoi(text);
	return rc;
}

DEFUN(dia_node_tc, dia_node_tc_cmd, "tc <1-3600>", "Time between attempts to connect (RFC 6733 Tc)\nSeconds\n")
{
	static int line;

	return seconds_once(vty, &the_node->tc_s, &line, "tc", argv[0]);
}

DEFUN(dia_node_tw, dia_node_tw_cmd, "tw <6-3600>", "Silence after which a watchdog is sent (RFC 3539 Tw)\nSeconds\n")
{
	static int line;

	return seconds_once(vty, &the_node->tw_s, &line, "tw", argv[0]);
}

static int write_node(struct vty *vty)
{
	const struct dia_node *d = the_node;
	char text[SOCKADDR_TEXT];

	vty_out(vty, "diameter%s", VTY_NEWLINE);
	if (d->identity)
		vty_out(vty, " identity %s%s", d->identity, VTY_NEWLINE);
	if (d->realm)
		vty_out(vty, " realm %s%s", d->realm, VTY_NEWLINE);
	if (node_write_more)
		node_write_more(vty);
	for (size_t i = 0; i < d->n_listen; i++) {
		sockaddr_text(text, &d->listen[i]);
		vty_out(vty, " listen%s %s%s", d->listen_tls[i] ? " tls" : "", text, VTY_NEWLINE);
	}
	tls_cfg_write(vty, &d->tls);
	if (d->tc_s)
		vty_out(vty, " tc %d%s", d->tc_s, VTY_NEWLINE);
	if (d->tw_s)
		vty_out(vty, " tw %d%s", d->tw_s, VTY_NEWLINE);
	vty_out(vty, "!%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

void dia_node_vty_init(struct dia_node *d, void *ctx, int node, void (*write_more)(struct vty *vty))
{
	struct cmd_element *const in_it[] = { &dia_node_identity_cmd,   &dia_node_realm_cmd, &dia_node_listen_cmd,
					      &dia_node_listen_tls_cmd, &dia_node_tc_cmd,    &dia_node_tw_cmd };

	the_node = d;
	node_ctx = ctx;
	node_write_more = write_more;
	diameter.node = node;
	install_node(&diameter, write_node);
	install_element(CONFIG_NODE, &dia_node_cmd);
	for (size_t i = 0; i < sizeof(in_it) / sizeof(in_it[0]); i++)
		install_element(node, in_it[i]);
	tls_cfg_vty_init(&d->tls, ctx, node);
}

/* --- is it whole */

static int verify_listen(const struct dia_node *d, struct err *err)
{
	int first[2] = { -1, -1 };

	for (size_t i = 0; i < d->n_listen; i++) {
		int *f = &first[d->listen_tls[i]];

		*f = *f < 0 ? (int)i : *f;
		if (sockaddr_port(&d->listen[i]) != sockaddr_port(&d->listen[*f]))
			return cfg_error(err, -EINVAL, d->listen_line[i],
					 "'listen' with another port than line %d; allowed: several addresses, one "
					 "port, and one for TLS",
					 d->listen_line[*f]);
		if (d->listen_tls[i] && !d->tls.certificate)
			return cfg_error(err, -EINVAL, d->listen_line[i],
					 "'listen tls' without a certificate; needed: " TLS_CFG_WORDS);
	}
	return 0;
}

int dia_node_verify(const struct dia_node *d, struct err *err)
{
	if (!d->line)
		return cfg_error(err, -EINVAL, 0, "no node 'diameter'; needed in it: identity, realm, listen");
	if (!d->identity || !d->realm || !d->n_listen)
		return cfg_error(err, -EINVAL, d->line, "'diameter' lacks '%s'; needed in it: identity, realm, listen",
				 !d->identity ? "identity"
				 : !d->realm  ? "realm"
					      : "listen");
	return verify_listen(d, err) < 0 || tls_cfg_check(&d->tls, err) < 0 ? -EINVAL : 0;
}

/* --- for its hub */

int dia_node_probe(const struct rt_args *a, const struct dia_node *d, struct err *err)
{
	struct cfg_ports ports = { 0 };
	int rc = 0;

	for (size_t i = 0; i < d->n_listen && rc == 0; i++)
		rc = rt_held(a, cfg_ports_take(&ports, &d->listen[i], d->listen_line[i], "diameter", err), err);
	if (rc == 0)
		rc = rt_vty_check(a, err);
	cfg_ports_release(&ports);
	return rc;
}

void dia_node_hub(const struct dia_node *d, struct dia_hub_cfg *out)
{
	out->self = (struct dia_self){ d->identity, d->realm };
	out->realms = (const char *const *)&d->realm;
	out->n_realms = 1;
	out->state_id = (uint32_t)time(NULL);
	out->tc_ms = (uint32_t)d->tc_s * 1000;
	out->tw_ms = (uint32_t)d->tw_s * 1000;
	out->n_listen = d->n_listen;
	memcpy(out->listen, d->listen, sizeof(out->listen));
	memcpy(out->listen_tls, d->listen_tls, sizeof(out->listen_tls));
}
