/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/hss_vty.h"

#include <stdlib.h>
#include <string.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/dia/dia_addr.h"
#include "common/gba/btid.h"
#include "hss-sim/hss_vty_in.h"
#include "hss-sim/hss_vty_show.h"

static struct hss_cfg *cfg;

/* --- bsf */

/* While the file is read nothing is published: main does it once, when all is verified. */
static int publish(struct vty *vty)
{
	if (!cfg_reading() && hss_peers_publish(cfg) < 0)
		return cfg_fail(vty, "no memory: the former peers stay");
	return CMD_SUCCESS;
}

/* Who does not fit any more goes. */
static int publish_live(struct vty *vty)
{
	int rc = publish(vty);

	if (rc == CMD_SUCCESS && !cfg_reading())
		hss_vty_show_recheck();
	return rc;
}

DEFUN(bsf, bsf_cmd, "bsf IDENTITY", "A BSF that may connect\nIts Diameter identity\n")
{
	struct hss_bsf *b = hss_cfg_bsf(cfg, argv[0]);

	if (b && cfg_reading())
		return cfg_fail(vty, "bsf %s is there already, in line %d", argv[0], b->line);
	if (!b) {
		int rc = cfg_dns_name(vty, argv[0], DIA_NAME_MAX);

		if (rc != CMD_SUCCESS)
			return rc;
		b = talloc_zero(cfg, struct hss_bsf);
		b->identity = talloc_strdup(b, argv[0]);
		b->line = cfg_line();
		llist_add_tail(&b->entry, &cfg->bsfs);
	}
	vty->node = BSF_NODE;
	vty->index = b;
	return publish(vty);
}

DEFUN(no_bsf, no_bsf_cmd, "no bsf IDENTITY", NO_STR "A BSF that may connect\nIts Diameter identity\n")
{
	struct hss_bsf *b = hss_cfg_bsf(cfg, argv[0]);

	if (!b)
		return cfg_fail(vty, "no bsf %s", argv[0]);
	llist_del(&b->entry);
	talloc_free(b);
	if (publish(vty) != CMD_SUCCESS)
		return CMD_WARNING;
	hss_vty_show_recheck();
	return CMD_SUCCESS;
}

DEFUN(bsf_address, bsf_address_cmd, "address NETWORK",
      "Where it connects from; may be repeated\nA.B.C.D/N or X:X::X/N\n")
{
	struct hss_bsf *b = vty->index;
	int rc = cfg_net_add(vty, b->nets, &b->n_nets, HSS_NETS_MAX, argv[0]);

	return rc == CMD_SUCCESS ? publish(vty) : rc;
}

DEFUN(bsf_no_address, bsf_no_address_cmd, "no address NETWORK",
      NO_STR "Where it connects from\nA.B.C.D/N or X:X::X/N\n")
{
	struct hss_bsf *b = vty->index;
	int rc = cfg_net_del(vty, b->nets, &b->n_nets, argv[0]);

	return rc == CMD_SUCCESS ? publish(vty) : rc;
}

DEFUN(bsf_security, bsf_security_cmd, "security " TLS_PEER_HOW, TLS_PEER_HOW_HELP)
{
	int rc = tls_peer_set_how(vty, &((struct hss_bsf *)vty->index)->tls, &cfg->dia.tls, argv[0]);

	return rc == CMD_SUCCESS ? publish_live(vty) : rc;
}

DEFUN(bsf_no_security, bsf_no_security_cmd, "no security", NO_STR "How its connections are protected\n")
{
	tls_peer_set_how(vty, &((struct hss_bsf *)vty->index)->tls, &cfg->dia.tls, NULL);
	return publish_live(vty);
}

DEFUN(bsf_tls_name, bsf_tls_name_cmd, "tls-name NAME", TLS_PEER_NAME_HELP)
{
	struct hss_bsf *b = vty->index;
	int rc = tls_peer_add_name(vty, b, &b->tls, argv[0]);

	return rc == CMD_SUCCESS ? publish_live(vty) : rc;
}

DEFUN(bsf_no_tls_name, bsf_no_tls_name_cmd, "no tls-name NAME", NO_STR TLS_PEER_NAME_HELP)
{
	int rc = tls_peer_del_name(vty, &((struct hss_bsf *)vty->index)->tls, argv[0]);

	return rc == CMD_SUCCESS ? publish_live(vty) : rc;
}

DEFUN(bsf_tls_key, bsf_tls_key_cmd, "tls-key KEY", TLS_PEER_KEY_HELP)
{
	struct hss_bsf *b = vty->index;
	int rc = tls_peer_add_key(vty, b, &b->tls, &cfg->dia.tls, argv[0]);

	return rc == CMD_SUCCESS ? publish_live(vty) : rc;
}

DEFUN(bsf_no_tls_key, bsf_no_tls_key_cmd, "no tls-key KEY", NO_STR TLS_PEER_KEY_HELP)
{
	int rc = tls_peer_del_key(vty, &((struct hss_bsf *)vty->index)->tls, argv[0]);

	return rc == CMD_SUCCESS ? publish_live(vty) : rc;
}

DEFUN(bsf_tls_cn, bsf_tls_cn_cmd, "tls-cn", TLS_PEER_CN_HELP)
{
	((struct hss_bsf *)vty->index)->tls.cn = true;
	return publish_live(vty);
}

DEFUN(bsf_no_tls_cn, bsf_no_tls_cn_cmd, "no tls-cn", NO_STR TLS_PEER_CN_HELP)
{
	((struct hss_bsf *)vty->index)->tls.cn = false;
	return publish_live(vty);
}

static int write_bsfs(struct vty *vty)
{
	struct hss_bsf *b;

	llist_for_each_entry(b, &cfg->bsfs, entry)
	{
		vty_out(vty, "bsf %s%s", b->identity, VTY_NEWLINE);
		cfg_nets_write(vty, b->nets, b->n_nets);
		tls_peer_write(vty, &b->tls);
		vty_out(vty, "!%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static struct cmd_node bsf_node = { .node = BSF_NODE, .prompt = "%s(config-bsf)# ", .vtysh = 1 };

void hss_vty_init(struct hss_cfg *c)
{
	cfg = c;
	dia_node_vty_init(&c->dia, c, DIAMETER_NODE, NULL);
	install_node(&bsf_node, write_bsfs);
	install_element(CONFIG_NODE, &bsf_cmd);
	install_element(CONFIG_NODE, &no_bsf_cmd);
	install_element(BSF_NODE, &bsf_address_cmd);
	install_element(BSF_NODE, &bsf_no_address_cmd);
	install_element(BSF_NODE, &bsf_security_cmd);
	install_element(BSF_NODE, &bsf_no_security_cmd);
	install_element(BSF_NODE, &bsf_tls_name_cmd);
	install_element(BSF_NODE, &bsf_no_tls_name_cmd);
	install_element(BSF_NODE, &bsf_tls_key_cmd);
	install_element(BSF_NODE, &bsf_no_tls_key_cmd);
	install_element(BSF_NODE, &bsf_tls_cn_cmd);
	install_element(BSF_NODE, &bsf_no_tls_cn_cmd);
	hss_vty_subscribers_init(c);
	hss_vty_fault_init(c);
	hss_vty_provision_init();
	hss_vty_slf_init(c);
	hss_vty_show_init(c);
}
