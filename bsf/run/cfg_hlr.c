/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of the node "hlr". */
#include "bsf/run/hlr_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "common/rt/cfg_file.h"

#define HLR_TIMEOUT_S  5
#define IDENTITIES_MAX 1000

DEFUN(cfg_hlr, cfg_hlr_cmd, "hlr NAME",
      "An HLR that is asked for vectors by GSUP, in the place of all hss nodes\n"
      "A name for it, for logs\n")
{
	struct bsf_hlr *h = bsf_cfg->hlr;
	int rc;

	if (h && strcmp(h->label, argv[0]) != 0)
		return cfg_fail(vty, "hlr %s is there already, in line %d; allowed: one, " HLR_ALONE, h->label,
				h->line);
	if (h && cfg_reading())
		return cfg_fail(vty, "hlr %s is there already, in line %d; allowed: one node", h->label, h->line);
	if (!h) {
		if (!cfg_reading())
			return cfg_after_restart(vty);
		h = talloc_zero(bsf_cfg, struct bsf_hlr);
		if (!h)
			return cfg_fail(vty, "no memory");
		rc = bsf_cfg_set_name(vty, h->label, "name", argv[0], HLR_LABEL_MAX);
		if (rc != CMD_SUCCESS)
			return rc;
		h->line = cfg_line();
		atomic_store(&h->timeout_s, HLR_TIMEOUT_S);
		bsf_cfg->hlr = h;
	}
	vty->index = h;
	vty->node = BSF_NODE_HLR;
	return CMD_SUCCESS;
}

DEFUN(cfg_hlr_connect, cfg_hlr_connect_cmd, "connect " ADDR_PORT, "Where it listens for GSUP\n" ADDR_PORT_HELP)
{
	struct bsf_hlr *h = vty->index;
	int rc = cfg_reading() ? cfg_once(vty, &h->connect.line, "connect") : cfg_after_restart(vty);

	return rc == CMD_SUCCESS ? bsf_cfg_set_listen(vty, &h->connect, argv) : rc;
}

DEFUN(cfg_hlr_name, cfg_hlr_name_cmd, "our-name NAME",
      "The name by which it knows this daemon: another one for each, and the same one for ever\n"
      "1 to 63 letters, digits, dots, dashes\n")
{
	struct bsf_hlr *h = vty->index;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (strspn(argv[0], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != strlen(argv[0]))
		return cfg_fail(vty, "our-name %s; allowed: letters, digits, dots, dashes", argv[0]);
	return bsf_cfg_set_name(vty, h->name, "our-name", argv[0], GSUP_NAME_MAX);
}

DEFUN(cfg_hlr_guss, cfg_hlr_guss_cmd, "guss-directory DIRECTORY",
      "Where a subscriber's GUSS is, in a file IMPI.xml; an HLR has none\n"
      "Folder\n")
{
	struct bsf_hlr *h = vty->index;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	h->guss_dir = talloc_strdup(h, argv[0]);
	h->guss_path = cfg_path(h, argv[0]);
	return h->guss_dir && h->guss_path ? CMD_SUCCESS : cfg_fail(vty, "no memory");
}

DEFUN(cfg_hlr_identity, cfg_hlr_identity_cmd, "identity IMPI imsi IMSI",
      "A subscriber whose IMPI does not show the IMSI\n"
      "As devices send it\n"
      "The IMSI the HLR knows\n"
      "6 to 15 digits\n")
{
	struct bsf_hlr *h = vty->index;
	struct gsup_identity *all, one = { .imsi = "" };
	size_t digits = strspn(argv[1], "0123456789");

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (impi_parse(&one.impi, (const uint8_t *)argv[0], strlen(argv[0])) < 0)
		return cfg_fail(vty, "identity %s; allowed: user@domain", argv[0]);
	if (digits < 6 || digits > GSUP_IMSI_MAX || argv[1][digits])
		return cfg_fail(vty, "imsi %s; allowed: 6 to 15 digits", argv[1]);
	if (h->n_identities == IDENTITIES_MAX)
		return cfg_fail(vty, "too many identities; allowed: %d", IDENTITIES_MAX);
	for (size_t i = 0; i < h->n_identities; i++) {
		if (impi_same(h->identities[i].impi.s, one.impi.s))
			return cfg_fail(vty, "identity %s is there already; allowed: each once", argv[0]);
	}
	memcpy(one.imsi, argv[1], digits + 1);
	all = talloc_realloc(h, h->identities, struct gsup_identity, h->n_identities + 1);
	if (!all)
		return cfg_fail(vty, "no memory");
	h->identities = all;
	h->identities[h->n_identities++] = one;
	return CMD_SUCCESS;
}

DEFUN(cfg_hlr_plain, cfg_hlr_plain_cmd, "security plain",
      "How the connection is protected\n"
      "Not at all, as GSUP has nothing: a network of its own, or IPsec; not needed on this host\n")
{
	if (!cfg_reading())
		return cfg_after_restart(vty);
	((struct bsf_hlr *)vty->index)->plain = true;
	return CMD_SUCCESS;
}

/* A limit, so live. */
DEFUN(cfg_hlr_timeout, cfg_hlr_timeout_cmd, "timeout <1-60>",
      "How long an answer may take\n"
      "Seconds\n")
{
	atomic_store(&((struct bsf_hlr *)vty->index)->timeout_s, (uint32_t)atoi(argv[0]));
	return CMD_SUCCESS;
}

DEFUN(cfg_hlr_no_timeout, cfg_hlr_no_timeout_cmd, "no timeout", NO_STR "How long an answer may take\n")
{
	atomic_store(&((struct bsf_hlr *)vty->index)->timeout_s, HLR_TIMEOUT_S);
	return CMD_SUCCESS;
}

static int write_hlr(struct vty *vty)
{
	const struct bsf_hlr *h = bsf_cfg->hlr;

	if (!h)
		return CMD_SUCCESS;
	vty_out(vty, "hlr %s%s", h->label, VTY_NEWLINE);
	vty_out(vty, " connect %s%s", h->connect.text, VTY_NEWLINE);
	vty_out(vty, " our-name %s%s", h->name, VTY_NEWLINE);
	if (h->plain)
		vty_out(vty, " security plain%s", VTY_NEWLINE);
	if (h->guss_dir)
		vty_out(vty, " guss-directory %s%s", h->guss_dir, VTY_NEWLINE);
	for (size_t i = 0; i < h->n_identities; i++)
		vty_out(vty, " identity %s imsi %s%s", h->identities[i].impi.s, h->identities[i].imsi, VTY_NEWLINE);
	vty_out(vty, " timeout %u%s", (unsigned)atomic_load(&h->timeout_s), VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_hlr, show_hlr_cmd, "show hlr", SHOW_STR "The HLR that is asked for vectors by GSUP\n")
{
	const struct bsf_hlr *h = bsf_cfg->hlr;

	if (!h)
		vty_out(vty, "no hlr is configured%s", VTY_NEWLINE);
	else
		vty_out(vty, "hlr %s: %s %s, as %s%s", h->label, h->connect.text,
			atomic_load(&h->open) ? "connected" : "down", h->name, VTY_NEWLINE);
	return CMD_SUCCESS;
}

int hlr_cfg_check(const struct bsf_cfg *c, struct err *err)
{
	const struct bsf_hlr *h = c->hlr;
	struct stat st;

	if (!h)
		return 0;
	if (c->n_hss)
		return cfg_error(err, -EINVAL, h->line, "hlr %s beside an hss; allowed: one of them, " HLR_ALONE,
				 h->label);
	if (!h->connect.line)
		return cfg_error(err, -EINVAL, h->line, "hlr %s: no address; allowed: connect ADDRESS PORT", h->label);
	if (!h->name[0])
		return cfg_error(err, -EINVAL, h->line,
				 "hlr %s: no name of ours; allowed: our-name NAME, another one for each daemon",
				 h->label);
	if (!h->plain && !sockaddr_is_loopback(&h->connect.addr))
		return cfg_error(
			err, -EINVAL, h->line,
			"hlr %s: %s is beyond loopback, and GSUP has no protection of its own; allowed: security"
			" plain, on a network of the operator's",
			h->label, h->connect.text);
	if (h->guss_path && (stat(h->guss_path, &st) < 0 || !S_ISDIR(st.st_mode)))
		return cfg_error(err, -ENOTDIR, h->line, "hlr %s: guss-directory %s; allowed: a folder that is there",
				 h->label, h->guss_dir);
	return 0;
}

static struct cmd_node hlr_node = { .node = BSF_NODE_HLR, .prompt = "%s(config-hlr)# ", .vtysh = 1 };

void hlr_cfg_vty_init(void)
{
	static struct cmd_element *const cmds[] = {
		&cfg_hlr_plain_cmd,    &cfg_hlr_connect_cmd, &cfg_hlr_name_cmd,       &cfg_hlr_guss_cmd,
		&cfg_hlr_identity_cmd, &cfg_hlr_timeout_cmd, &cfg_hlr_no_timeout_cmd,
	};

	install_node(&hlr_node, write_hlr);
	install_element(CONFIG_NODE, &cfg_hlr_cmd);
	install_element_ve(&show_hlr_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_HLR, cmds[i]);
}
