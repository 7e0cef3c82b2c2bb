/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "naf" nodes: who may connect to us and for which NAF names it speaks. Live: each change is published at once. */
#include "bsf/run/naf_cfg.h"

#include <errno.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "common/base/sockaddr.h"
#include "common/gba/naf_id.h"
#include "common/gba/zn_msg.h"
#include "common/rt/cfg_file.h"

/* After a command: what was written counts at once; while the file is read, main publishes at the end. */
static int changed(struct vty *vty)
{
	if (cfg_reading() || naf_cfg_publish(bsf_cfg) == 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% no memory%s", VTY_NEWLINE);
	return CMD_WARNING;
}

static int cfg_add(struct vty *vty, struct words *w, const char *s)
{
	int rc = naf_cfg_word_add(vty->index, w, s);

	if (rc == -E2BIG)
		return cfg_fail(vty, "too many of them; allowed: %d", NAF_CFG_WORDS_MAX);
	if (rc < 0)
		return cfg_fail(vty, "no memory");
	return changed(vty);
}

static int del(struct vty *vty, struct words *w, const char *s)
{
	if (naf_cfg_word_del(w, s) < 0)
		return cfg_fail(vty, "%s is not there", s);
	return changed(vty);
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
	return changed(vty);
}

DEFUN(cfg_no_naf, cfg_no_naf_cmd, "no naf IDENTITY", NO_STR NAF_HELP)
{
	struct naf_cfg *n = naf_cfg_find(argv[0]);

	if (!n)
		return cfg_fail(vty, "%s is not there", argv[0]);
	naf_cfg_remove(n);
	return changed(vty);
}

#define ADDRESS_HELP \
	"Source address that binds the name, as there is no TLS\n" \
	"ADDRESS or ADDRESS/PREFIX\n"

DEFUN(naf_address, naf_address_cmd, "address NET", ADDRESS_HELP)
{
	struct naf_cfg *n = vty->index;
	struct sockaddr_net net;

	if (sockaddr_net_parse(&net, argv[0]) < 0)
		return cfg_fail(vty, "%s is no address; allowed: an IPv4 or IPv6 address, with or without /PREFIX",
				argv[0]);
	return cfg_add(vty, &n->nets, argv[0]);
}

DEFUN(naf_no_address, naf_no_address_cmd, "no address NET", NO_STR ADDRESS_HELP)
{
	struct naf_cfg *n = vty->index;
	struct sockaddr_net want, have;

	/* the range that is meant, however it was written: 10.0.0.1 is 10.0.0.1/32 */
	for (size_t i = 0; sockaddr_net_parse(&want, argv[0]) == 0 && i < n->nets.n; i++) {
		if (sockaddr_net_parse(&have, n->nets.s[i]) == 0 && sockaddr_net_same(&want, &have))
			return del(vty, &n->nets, n->nets.s[i]);
	}
	return cfg_fail(vty, "%s is not there", argv[0]);
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
	return changed(vty);
}

DEFUN(naf_no_group, naf_no_group_cmd, "no naf-group", NO_STR GROUP_HELP)
{
	struct naf_cfg *n = vty->index;

	TALLOC_FREE(n->group);
	return changed(vty);
}

DEFUN(naf_private, naf_private_cmd, "private-identity (allow|deny)",
      "May it learn the IMPI?\n"
      "User-Name is in the answer\n"
      "It is not (default)\n")
{
	((struct naf_cfg *)vty->index)->private_identity = argv[0][0] == 'a';
	return changed(vty);
}

static int set_gsids(struct vty *vty, struct words *w, int argc, const char *argv[])
{
	for (int i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (len > ZN_GSID_MAX || strspn(argv[i], "0123456789") != len)
			return cfg_fail(vty, "%s is no service identifier; allowed: up to %d digits", argv[i],
					ZN_GSID_MAX);
	}
	naf_cfg_words_clear(w);
	for (int i = 0; i < argc; i++) {
		int rc = cfg_add(vty, w, argv[i]);

		if (rc != CMD_SUCCESS)
			return rc;
	}
	return changed(vty);
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
	return changed(vty);
}

DEFUN(naf_no_proxy, naf_no_proxy_cmd, "no proxy", NO_STR PROXY_HELP)
{
	((struct naf_cfg *)vty->index)->proxy = false;
	return changed(vty);
}

static void write_words(struct vty *vty, const char *word, const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		vty_out(vty, " %s %s%s", word, w->s[i], VTY_NEWLINE);
}

static void write_gsids(struct vty *vty, const char *word, const struct words *w)
{
	if (!w->n)
		return;
	vty_out(vty, " %s", word);
	for (size_t i = 0; i < w->n; i++)
		vty_out(vty, " %s", w->s[i]);
	vty_out(vty, "%s", VTY_NEWLINE);
}

static int write_naf(struct vty *vty)
{
	for (const struct naf_cfg *n = bsf_cfg->nafs; n; n = n->next) {
		vty_out(vty, "naf %s%s", n->identity, VTY_NEWLINE);
		write_words(vty, "address", &n->nets);
		write_words(vty, "speaks-for", &n->speaks_for);
		if (n->group)
			vty_out(vty, " naf-group %s%s", n->group, VTY_NEWLINE);
		if (n->private_identity)
			vty_out(vty, " private-identity allow%s", VTY_NEWLINE);
		write_gsids(vty, "gaa-service", &n->gsids);
		write_gsids(vty, "uss-required", &n->required);
		if (n->proxy)
			vty_out(vty, " proxy%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static struct cmd_node naf_node = { .node = BSF_NODE_NAF, .prompt = "%s(config-naf)# ", .vtysh = 1 };

void naf_cfg_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&naf_address_cmd,  &naf_no_address_cmd, &naf_speaks_for_cmd,  &naf_no_speaks_for_cmd,
		&naf_group_cmd,    &naf_no_group_cmd,   &naf_private_cmd,     &naf_gaa_cmd,
		&naf_no_gaa_cmd,   &naf_required_cmd,   &naf_no_required_cmd, &naf_proxy_cmd,
		&naf_no_proxy_cmd,
	};

	install_node(&naf_node, write_naf);
	install_element(CONFIG_NODE, &cfg_naf_cmd);
	install_element(CONFIG_NODE, &cfg_no_naf_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_NAF, cmds[i]);
}
