/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/proxy_vty.h"

#include <errno.h>
#include <stdlib.h>
#include <osmocom/core/utils.h>
#include <talloc.h>
#include "common/dia/dia_addr.h"
#include "common/gba/btid.h"
#include "znproxy/proxy_vty_in.h"

static struct proxy_cfg *cfg;

int proxy_vty_check_name(struct vty *vty, const char *name)
{
	if (fqdn_valid(span_str(name), DIA_NAME_MAX))
		return CMD_SUCCESS;
	return cfg_fail(vty, "'%s' is no DNS name; allowed: letters, digits, hyphen and dot", name);
}

int proxy_vty_add_word(struct vty *vty, void *ctx, struct words *w, const char *word)
{
	int rc = words_add(ctx, w, word);

	if (rc == -E2BIG)
		return cfg_fail(vty, "too many of them; allowed: %d", WORDS_MAX);
	return rc < 0 ? cfg_fail(vty, "no memory") : CMD_SUCCESS;
}

static int name_once(struct vty *vty, char **out, int *line, const char *what, const char *name)
{
	int rc = cfg_once(vty, line, what);

	if (rc == CMD_SUCCESS)
		rc = proxy_vty_check_name(vty, name);
	if (rc == CMD_SUCCESS)
		osmo_talloc_replace_string(cfg, out, name);
	return rc;
}

DEFUN(proxy_diameter, proxy_diameter_cmd, "diameter", "The Diameter node: who we are and where we listen\n")
{
	if (cfg_reading())
		cfg->diameter_line = cfg_line();
	vty->node = PROXY_NODE_DIAMETER;
	return CMD_SUCCESS;
}

DEFUN(proxy_identity, proxy_identity_cmd, "identity NAME", "Our Diameter identity\nDNS name\n")
{
	static int line;

	PROXY_AT_START_ONLY(vty);
	return name_once(vty, &cfg->identity, &line, "identity", argv[0]);
}

DEFUN(proxy_realm, proxy_realm_cmd, "realm NAME",
      "Our Diameter realm: what is in it is never asked for from here\nDNS name\n")
{
	static int line;

	PROXY_AT_START_ONLY(vty);
	return name_once(vty, &cfg->realm, &line, "realm", argv[0]);
}

DEFUN(proxy_own_realm, proxy_own_realm_cmd, "own-realm NAME",
      "One more realm, or name of a BSF, of our own operator: never asked for from here; may be repeated\nDNS name\n")
{
	int rc;

	PROXY_AT_START_ONLY(vty);
	rc = proxy_vty_check_name(vty, argv[0]);
	return rc == CMD_SUCCESS ? proxy_vty_add_word(vty, cfg, &cfg->own_realms, argv[0]) : rc;
}

static int proxy_add_listen(struct vty *vty, const char *address, const char *port, bool tls)
{
	struct sockaddr_storage ss;

	PROXY_AT_START_ONLY(vty);
	if (sockaddr_parse(&ss, address, port) < 0)
		return cfg_fail(vty, "'%s' is no address; allowed: A.B.C.D or X:X::X", address);
	if (cfg->n_listen == DIA_HUB_LISTEN_MAX)
		return cfg_fail(vty, "more than %d listen addresses", DIA_HUB_LISTEN_MAX);
	cfg->listen_line[cfg->n_listen] = cfg_line();
	cfg->listen_tls[cfg->n_listen] = tls;
	cfg->listen[cfg->n_listen++] = ss;
	return CMD_SUCCESS;
}

DEFUN(proxy_listen, proxy_listen_cmd, "listen ADDRESS <1-65535>",
      "Accept NAFs here; may be repeated, all with the same port\nIPv4 or IPv6 address\nTCP port\n")
{
	return proxy_add_listen(vty, argv[0], argv[1], false);
}

DEFUN(proxy_listen_tls, proxy_listen_tls_cmd, "listen tls ADDRESS [<1-65535>]",
      "Accept NAFs here; may be repeated, all with the same port\nBy TLS from the first octet\n"
      "IPv4 or IPv6 address\nTCP port\n")
{
	return proxy_add_listen(vty, argv[0], argc > 1 ? argv[1] : DIA_ADDR_PORT_TLS, true);
}

static int seconds_once(struct vty *vty, int *out, int *line, const char *what, const char *text)
{
	int rc = cfg_reading() ? cfg_once(vty, line, what) : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		*out = atoi(text);
	return rc;
}

DEFUN(proxy_tc, proxy_tc_cmd, "tc <1-3600>", "Time between attempts to connect (RFC 6733 Tc)\nSeconds\n")
{
	static int line;

	return seconds_once(vty, &cfg->tc_s, &line, "tc", argv[0]);
}

DEFUN(proxy_tw, proxy_tw_cmd, "tw <6-3600>", "Silence after which a watchdog is sent (RFC 3539 Tw)\nSeconds\n")
{
	static int line;

	return seconds_once(vty, &cfg->tw_s, &line, "tw", argv[0]);
}

static int write_proxy_diameter(struct vty *vty)
{
	char text[SOCKADDR_TEXT];

	vty_out(vty, "diameter%s", VTY_NEWLINE);
	if (cfg->identity)
		vty_out(vty, " identity %s%s", cfg->identity, VTY_NEWLINE);
	if (cfg->realm)
		vty_out(vty, " realm %s%s", cfg->realm, VTY_NEWLINE);
	words_write(vty, "own-realm", &cfg->own_realms);
	for (size_t i = 0; i < cfg->n_listen; i++) {
		sockaddr_text(text, &cfg->listen[i]);
		vty_out(vty, " listen%s %s%s", cfg->listen_tls[i] ? " tls" : "", text, VTY_NEWLINE);
	}
	tls_cfg_write(vty, &cfg->tls);
	if (cfg->tc_s)
		vty_out(vty, " tc %d%s", cfg->tc_s, VTY_NEWLINE);
	if (cfg->tw_s)
		vty_out(vty, " tw %d%s", cfg->tw_s, VTY_NEWLINE);
	vty_out(vty, "!%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

static struct cmd_node proxy_diameter_node = { .node = PROXY_NODE_DIAMETER,
					       .prompt = "%s(config-diameter)# ",
					       .vtysh = 1 };

void proxy_vty_init(struct proxy_cfg *c)
{
	cfg = c;
	install_node(&proxy_diameter_node, write_proxy_diameter);
	install_element(CONFIG_NODE, &proxy_diameter_cmd);
	install_element(PROXY_NODE_DIAMETER, &proxy_identity_cmd);
	install_element(PROXY_NODE_DIAMETER, &proxy_realm_cmd);
	install_element(PROXY_NODE_DIAMETER, &proxy_own_realm_cmd);
	install_element(PROXY_NODE_DIAMETER, &proxy_listen_cmd);
	install_element(PROXY_NODE_DIAMETER, &proxy_listen_tls_cmd);
	tls_cfg_vty_init(&c->tls, c, PROXY_NODE_DIAMETER);
	install_element(PROXY_NODE_DIAMETER, &proxy_tc_cmd);
	install_element(PROXY_NODE_DIAMETER, &proxy_tw_cmd);
	proxy_vty_naf_init(c);
	proxy_vty_home_init(c);
}
