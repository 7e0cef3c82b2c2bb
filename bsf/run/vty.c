/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/vty.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/cfg.h"
#include "bsf/ub/conn.h"
#include "common/rt/log_cat.h"

static struct store_shared *store;
static struct shard *const *shards;
static struct node *node;

DEFUN(show_store, show_store_cmd, "show store", SHOW_STR "What is stored, and what the store has done\n")
{
	struct store_figures f;

	store_shared_figures(store, &f);
	vty_out(vty, "sessions          %" PRIu64 "%s", f.sessions, VTY_NEWLINE);
	vty_out(vty, "challenges        %" PRIu64 "%s", f.challenges, VTY_NEWLINE);
	vty_out(vty, "tmpis             %" PRIu64 "%s", f.tmpis, VTY_NEWLINE);
	vty_out(vty, "commits           %" PRIu64 "%s", f.commits, VTY_NEWLINE);
	vty_out(vty, "committed-records %" PRIu64 "%s", f.committed_records, VTY_NEWLINE);
	vty_out(vty, "swept             %" PRIu64 "%s", f.swept, VTY_NEWLINE);
	vty_out(vty, "unreadable        %" PRIu64 "%s", f.corrupt, VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_sessions, show_sessions_cmd, "show sessions count",
      SHOW_STR "Sessions (B-TIDs)\n"
	       "How many\n")
{
	struct store_figures f;

	store_shared_figures(store, &f);
	vty_out(vty, "%" PRIu64 "%s", f.sessions, VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_ub, show_ub_cmd, "show ub", SHOW_STR "HTTP side\n")
{
	vty_out(vty, "connections %u of %" PRIu32 "%s", ub_conn_open(), bsf_connections(), VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* The peers as they were a moment ago. */
struct peers {
	struct vty *vty;
	struct dia_hub_peer_figures *f;
	int n;
};

static const struct dia_hub_peer_figures *figures_find(const struct peers *p, const char *identity)
{
	static const struct dia_hub_peer_figures none;

	for (int i = 0; i < p->n; i++)
		if (strcasecmp(p->f[i].identity, identity) == 0)
			return &p->f[i];
	return &none;
}

static void show_naf(void *data, const char *identity)
{
	const struct peers *p = data;
	struct vty *vty = p->vty;

	vty_out(vty, "naf  %-50s %s%s", identity, figures_find(p, identity)->open ? "open" : "closed", VTY_NEWLINE);
}

DEFUN(show_peers, show_peers_cmd, "show peers", SHOW_STR "Diameter peers and whether they are connected\n")
{
	struct peers p = { .vty = vty };

	p.n = node_figures(node, &p.f);
	if (p.n < 0) {
		vty_out(vty, "%% the Diameter node does not answer: %s%s", strerror(-p.n), VTY_NEWLINE);
		return CMD_WARNING;
	}
	for (size_t i = 0; i < bsf_cfg->n_hss; i++) {
		const struct dia_hub_peer_figures *f = figures_find(&p, bsf_cfg->hss[i].identity);

		vty_out(vty, "hss  %-50s %s, %u unanswered%s", bsf_cfg->hss[i].identity, f->open ? "open" : "closed",
			f->pending, VTY_NEWLINE);
	}
	naf_cfg_each(bsf_cfg, show_naf, &p);
	free(p.f);
	return CMD_SUCCESS;
}

static int revoked(struct vty *vty, int rc)
{
	if (rc < 0) {
		vty_out(vty, "%% not revoked: %s%s", rc == -ENOENT ? "no such session" : strerror(-rc), VTY_NEWLINE);
		return CMD_WARNING;
	}
	LOGT(DSTORE, LOGL_NOTICE, "%d sessions revoked by the operator\n", rc);
	vty_out(vty, "%d sessions revoked%s", rc, VTY_NEWLINE);
	return CMD_SUCCESS;
}

#define REVOKE_HELP "Make keys invalid at once; the device must bootstrap again\n"

DEFUN(revoke_impi, revoke_impi_cmd, "revoke impi IMPI",
      REVOKE_HELP "All of a subscriber\n"
		  "user@domain\n")
{
	struct impi impi;

	if (impi_parse(&impi, (const uint8_t *)argv[0], strlen(argv[0])) < 0) {
		vty_out(vty, "%% %s is no IMPI; allowed: user@domain%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	return revoked(vty, shard_revoke(shards[0], impi.s, NULL));
}

DEFUN(revoke_btid, revoke_btid_cmd, "revoke btid BTID",
      REVOKE_HELP "One session\n"
		  "base64(RAND)@BSF name\n")
{
	struct btid btid;

	if (btid_parse(&btid, (const uint8_t *)argv[0], strlen(argv[0])) < 0) {
		vty_out(vty, "%% %s is no B-TID; allowed: base64(RAND)@FQDN%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	return revoked(vty, shard_revoke(shards[0], NULL, &btid));
}

void bsf_vty_init(struct store_shared *st, struct shard *const *sh, struct node *no)
{
	node = no;
	store = st;
	shards = sh;
	install_element_ve(&show_store_cmd);
	install_element_ve(&show_sessions_cmd);
	install_element_ve(&show_ub_cmd);
	install_element_ve(&show_peers_cmd);
	install_element(ENABLE_NODE, &revoke_impi_cmd);
	install_element(ENABLE_NODE, &revoke_btid_cmd);
}
