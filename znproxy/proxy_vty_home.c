/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "home" nodes: the operators whose subscribers visit us. They count from the next start on. */
#include <stdlib.h>
#include <strings.h>
#include <talloc.h>
#include "common/dia/dia_addr.h"
#include "znproxy/proxy_vty_in.h"

static struct proxy_cfg *cfg;

DEFUN(proxy_home, proxy_home_cmd, "home NAME",
      "A home operator, whose subscribers' keys our NAFs may ask for\n"
      "Name for logs and commands: letters, digits, hyphen and dot\n")
{
	struct proxy_home *h = proxy_cfg_home(cfg, argv[0]);

	if (h && cfg_reading())
		return cfg_fail(vty, "home %s is there already, in line %d; allowed: one node for each", argv[0],
				h->line);
	if (!h) {
		CFG_AT_START_ONLY(vty);
		if (cfg_dns_name(vty, argv[0], DIA_NAME_MAX) != CMD_SUCCESS)
			return CMD_WARNING;
		if (llist_count(&cfg->homes) == PROXY_HOMES_MAX)
			return cfg_fail(vty, "too many homes; allowed: %d", PROXY_HOMES_MAX);
		h = talloc_zero(cfg, struct proxy_home);
		h->name = talloc_strdup(h, argv[0]);
		h->tls.node = talloc_asprintf(h, "home %s", argv[0]);
		h->timeout_s = PROXY_TIMEOUT_S;
		h->line = cfg_line();
		llist_add_tail(&h->entry, &cfg->homes);
	}
	vty->node = PROXY_NODE_HOME;
	vty->index = h;
	return CMD_SUCCESS;
}

DEFUN(home_realm, home_realm_cmd, "realm NAME",
      "A realm of it, or the name of a BSF that stands in B-TIDs, and all that is below; may be repeated\nDNS name\n")
{
	struct proxy_home *h = vty->index;

	CFG_AT_START_ONLY(vty);
	if (cfg_dns_name(vty, argv[0], DIA_NAME_MAX) != CMD_SUCCESS)
		return CMD_WARNING;
	return proxy_vty_add_word(vty, h, &h->realms, argv[0]);
}

DEFUN(home_bsf, home_bsf_cmd, "bsf IDENTITY ADDRESS [<1-65535>]",
      "A BSF of it, that we connect to; may be repeated, the first that is there is asked\n"
      "Its Diameter identity\nIPv4 or IPv6 address\nTCP port (default: 5868)\n")
{
	struct proxy_home *h = vty->index;
	struct proxy_bsf *b = &h->bsfs[h->n_bsfs];

	CFG_AT_START_ONLY(vty);
	if (cfg_dns_name(vty, argv[0], DIA_NAME_MAX) != CMD_SUCCESS)
		return CMD_WARNING;
	for (size_t i = 0; i < h->n_bsfs; i++)
		if (strcasecmp(h->bsfs[i].identity, argv[0]) == 0)
			return cfg_fail(vty, "bsf %s is there already; allowed: once in a home", argv[0]);
	if (h->n_bsfs == PROXY_BSFS_MAX)
		return cfg_fail(vty, "too many BSFs; allowed: %d", PROXY_BSFS_MAX);
	if (sockaddr_parse(&b->at, argv[1], argc > 2 ? argv[2] : DIA_ADDR_PORT_TLS) < 0)
		return cfg_fail(vty, "'%s' is no address; allowed: A.B.C.D or X:X::X", argv[1]);
	b->identity = talloc_strdup(h, argv[0]);
	h->n_bsfs++;
	return CMD_SUCCESS;
}

DEFUN(home_certificate, home_certificate_cmd, "tls certificate FILE", TLS_CFG_CERTIFICATE_HELP)
{
	struct proxy_home *h = vty->index;

	return tls_cfg_set(vty, h, &h->tls, TLS_CFG_CERTIFICATE, argv[0]);
}

DEFUN(home_key, home_key_cmd, "tls key FILE", TLS_CFG_KEY_HELP)
{
	struct proxy_home *h = vty->index;

	return tls_cfg_set(vty, h, &h->tls, TLS_CFG_KEY, argv[0]);
}

DEFUN(home_ca, home_ca_cmd, "tls ca FILE", TLS_CFG_CA_HELP)
{
	struct proxy_home *h = vty->index;

	return tls_cfg_set(vty, h, &h->tls, TLS_CFG_CA, argv[0]);
}

DEFUN(home_security, home_security_cmd, "security (tls|tls-after-cer)",
      "How its connections are protected; not at all is not allowed between operators (33.220 4.4.6)\n"
      "By TLS from the first octet (default)\n"
      "By TLS after CER and CEA, as old peers do it (RFC 3588)\n")
{
	struct proxy_home *h = vty->index;

	CFG_AT_START_ONLY(vty);
	return tls_peer_set_how(vty, &h->peer, &h->tls, argv[0]);
}

DEFUN(home_tls_name, home_tls_name_cmd, "tls-name NAME",
      "Name the certificates of its BSFs must have, in the place of their identities; several: one of them\ndNSName\n")
{
	struct proxy_home *h = vty->index;

	CFG_AT_START_ONLY(vty);
	return tls_peer_add_name(vty, h, &h->peer, argv[0]);
}

DEFUN(home_tls_key, home_tls_key_cmd, "tls-key KEY",
      "Public key that the certificates of its BSFs must be for, beside their name; several: one of them\n"
      "sha256: and 64 hex digits, of SubjectPublicKeyInfo\n")
{
	struct proxy_home *h = vty->index;

	CFG_AT_START_ONLY(vty);
	return tls_peer_add_key(vty, h, &h->peer, &h->tls, argv[0]);
}

DEFUN(home_timeout, home_timeout_cmd, "timeout <1-60>",
      "How long a BSF of it may take for an answer; then the NAF is told 3002 (default: 5)\nSeconds\n")
{
	((struct proxy_home *)vty->index)->timeout_s = (unsigned)atoi(argv[0]);
	return CMD_SUCCESS;
}

static void write_home(struct vty *vty, const struct proxy_home *h)
{
	char text[SOCKADDR_TEXT];

	vty_out(vty, "home %s%s", h->name, VTY_NEWLINE);
	words_write(vty, "realm", &h->realms);
	for (size_t i = 0; i < h->n_bsfs; i++) {
		sockaddr_text(text, &h->bsfs[i].at);
		vty_out(vty, " bsf %s %s%s", h->bsfs[i].identity, text, VTY_NEWLINE);
	}
	tls_cfg_write(vty, &h->tls);
	tls_peer_write(vty, &h->peer);
	if (h->timeout_s != PROXY_TIMEOUT_S)
		vty_out(vty, " timeout %u%s", h->timeout_s, VTY_NEWLINE);
	vty_out(vty, "!%s", VTY_NEWLINE);
}

static int write_homes(struct vty *vty)
{
	const struct proxy_home *h;

	llist_for_each_entry(h, &cfg->homes, entry)
	{
		write_home(vty, h);
	}
	return CMD_SUCCESS;
}

static struct cmd_node home_node = { .node = PROXY_NODE_HOME, .prompt = "%s(config-home)# ", .vtysh = 1 };

void proxy_vty_home_init(struct proxy_cfg *c)
{
	static struct cmd_element *const cmds[] = {
		&home_realm_cmd,    &home_bsf_cmd,      &home_certificate_cmd, &home_key_cmd,     &home_ca_cmd,
		&home_security_cmd, &home_tls_name_cmd, &home_tls_key_cmd,     &home_timeout_cmd,
	};

	cfg = c;
	install_node(&home_node, write_homes);
	install_element(CONFIG_NODE, &proxy_home_cmd);
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		install_element(PROXY_NODE_HOME, cmds[i]);
}
