/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is said of TLS: our files in the node "diameter", and how each connection is protected, in peer, hss and naf nodes. */
#include <errno.h>
#include <stdio.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg_vty.h"
#include "bsf/run/naf_cfg.h"
#include "common/rt/cfg_file.h"
#include "common/rt/log_cat.h"

/* Commands of a connection, wherever it is written. */

static struct peer_cfg *peer_of(struct vty *vty)
{
	switch (vty->node) {
	case BSF_NODE_PEER:
		return vty->index;
	case BSF_NODE_NAF:
		return naf_cfg_make_own_peer(vty, vty->index);
	default:
		return bsf_cfg_hss_own_peer(vty, vty->index);
	}
}

static int tls_changed(struct vty *vty, struct peer_cfg *p, int rc)
{
	if (vty->node == BSF_NODE_NAF)
		naf_cfg_forget_own_peer(p);
	else if (vty->node == BSF_NODE_HSS)
		bsf_cfg_hss_drop_peer(vty->index);
	return rc == CMD_SUCCESS ? peer_cfg_changed(vty) : rc;
}

static bool comes_from_anywhere(const struct peer_cfg *p)
{
	for (size_t i = 0; i < p->nets.n; i++)
		if (strcmp(p->nets.s[i], POLICY_ANY) == 0)
			return true;
	return false;
}

DEFUN(peer_security, peer_security_cmd, "security " TLS_PEER_HOW, TLS_PEER_HOW_HELP)
{
	struct peer_cfg *p = peer_of(vty);

	if (!p)
		return CMD_WARNING;
	if (strcmp(argv[0], "plain") == 0 && comes_from_anywhere(p))
		return cfg_fail(vty,
				"with address any the certificate alone binds the name; allowed: tls, tls-after-cer");
	return tls_changed(vty, p, tls_peer_set_how(vty, &p->tls, &bsf_cfg->tls, argv[0]));
}

DEFUN(peer_no_security, peer_no_security_cmd, "no security", NO_STR "How its connections are protected\n")
{
	struct peer_cfg *p = peer_of(vty);

	if (!p)
		return CMD_WARNING;
	return tls_changed(vty, p, tls_peer_set_how(vty, &p->tls, &bsf_cfg->tls, NULL));
}

DEFUN(peer_tls_name, peer_tls_name_cmd, "tls-name NAME", TLS_PEER_NAME_HELP)
{
	struct peer_cfg *p = peer_of(vty);

	return p ? tls_changed(vty, p, tls_peer_add_name(vty, p, &p->tls, argv[0])) : CMD_WARNING;
}

DEFUN(peer_no_tls_name, peer_no_tls_name_cmd, "no tls-name NAME", NO_STR TLS_PEER_NAME_HELP)
{
	struct peer_cfg *p = peer_of(vty);

	return p ? tls_changed(vty, p, tls_peer_del_name(vty, &p->tls, argv[0])) : CMD_WARNING;
}

DEFUN(peer_tls_key, peer_tls_key_cmd, "tls-key KEY", TLS_PEER_KEY_HELP)
{
	struct peer_cfg *p = peer_of(vty);

	return p ? tls_changed(vty, p, tls_peer_add_key(vty, p, &p->tls, &bsf_cfg->tls, argv[0])) : CMD_WARNING;
}

DEFUN(peer_no_tls_key, peer_no_tls_key_cmd, "no tls-key KEY", NO_STR TLS_PEER_KEY_HELP)
{
	struct peer_cfg *p = peer_of(vty);

	return p ? tls_changed(vty, p, tls_peer_del_key(vty, &p->tls, argv[0])) : CMD_WARNING;
}

static int set_cn(struct vty *vty, bool cn)
{
	struct peer_cfg *p = peer_of(vty);

	if (!p)
		return CMD_WARNING;
	p->tls.cn = cn;
	return tls_changed(vty, p, CMD_SUCCESS);
}

DEFUN(peer_tls_cn, peer_tls_cn_cmd, "tls-cn", TLS_PEER_CN_HELP)
{
	return set_cn(vty, true);
}

DEFUN(peer_no_tls_cn, peer_no_tls_cn_cmd, "no tls-cn", NO_STR TLS_PEER_CN_HELP)
{
	return set_cn(vty, false);
}

/* As a whole. */

static int check_one(const struct peer_cfg *p, bool have, struct err *err)
{
	bool written = p->tls.how == DIA_HUB_BY_TLS || p->tls.how == DIA_HUB_TLS_AFTER_CER || p->tls.keys.n;

	if (have || p->tls.how == DIA_HUB_PLAIN || (!written && !peer_cfg_is_beyond(p)))
		return 0;
	return cfg_error(err, -EINVAL, p->line,
			 "%s: %s and there is no certificate; allowed: tls certificate, tls key and tls ca in "
			 "diameter, or security plain here",
			 p->identity, written ? "needs TLS" : "is beyond loopback, so it needs TLS,");
}

int bsf_tls_check(const struct bsf_cfg *c, struct err *err)
{
	int rc = tls_cfg_check(&c->tls, err);
	bool have = rc > 0;

	for (size_t i = 0; i < c->n_dia && rc >= 0; i++)
		if (c->dia[i].tls && !have)
			rc = cfg_error(err, -EINVAL, c->dia[i].line,
				       "diameter: listen tls without a certificate; needed: " TLS_CFG_WORDS);
	for (const struct peer_cfg *p = c->peers; p && rc >= 0; p = p->next)
		rc = check_one(p, have, err);
	return rc < 0 ? rc : 0;
}

void bsf_tls_say_plain(const struct bsf_cfg *c)
{
	const struct peer_cfg *first = NULL;
	unsigned n = 0;

	for (const struct peer_cfg *p = c->peers; p; p = p->next) {
		if (p->tls.how != DIA_HUB_PLAIN || !peer_cfg_is_beyond(p))
			continue;
		first = first ? first : p;
		n++;
	}
	if (n)
		LOGT(DRT, LOGL_NOTICE, "%u connections beyond loopback have no TLS (security plain), the first is %s\n",
		     n, first->identity);
}

void bsf_tls_vty_init(void)
{
	static const int nodes[] = { BSF_NODE_PEER, BSF_NODE_HSS, BSF_NODE_NAF };
	static struct cmd_element *const cmds[] = { &peer_security_cmd,    &peer_no_security_cmd, &peer_tls_name_cmd,
						    &peer_no_tls_name_cmd, &peer_tls_key_cmd,     &peer_no_tls_key_cmd,
						    &peer_tls_cn_cmd,      &peer_no_tls_cn_cmd };

	tls_cfg_vty_init(&bsf_cfg->tls, bsf_cfg, BSF_NODE_DIAMETER);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		for (size_t k = 0; k < ARRAY_SIZE(cmds); k++)
			install_element(nodes[i], cmds[k]);
}
