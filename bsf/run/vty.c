/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/vty.h"
#include "bsf/run/withdrawn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/hss_nodes.h"
#include "bsf/run/hss_show.h"
#include "bsf/run/naf_cfg.h"
#include "bsf/run/naf_load.h"
#include "bsf/run/suspend.h"
#include "bsf/ub/conn.h"
#include "common/rt/dia_show.h"
#include "common/rt/kek_job.h"
#include "common/rt/log_cat.h"

static struct store_shared *store;
static struct shard *const *shards;
static struct node *node;

static void show_marks(struct vty *vty, const struct store_figures *f)
{
	vty_out(vty, "marks             %" PRIu64 " of %" PRIu64 ", %" PRIu64 " octets%s", f->marks, f->marks_max,
		f->marks_octets, VTY_NEWLINE);
	vty_out(vty, "suspended         %zu, %s%s%s", suspend_count(), suspend_kept() ? "kept in " : "until a restart",
		suspend_kept() ?: "", VTY_NEWLINE);
}

/* What is on another machine is not counted here. \returns false: it is in this process */
static bool show_links(struct vty *vty, const struct store_figures *f)
{
	struct store_links l;

	if (!store_shared_links(store, &l))
		return false;
	vty_out(vty, "redis             %s%s", l.at[0] ? l.at : "nowhere", VTY_NEWLINE);
	if (l.sentinels)
		vty_out(vty, "sentinels         %u of %u name it%s", l.agree, l.sentinels, VTY_NEWLINE);
	vty_out(vty, "links             %u of %u%s%s%s%s", l.up, l.of, l.up < l.of ? " (" : "",
		l.up < l.of ? l.why : "", l.up < l.of ? ")" : "", VTY_NEWLINE);
	if (l.grace_left_ms)
		vty_out(vty,
			"lease             over: what was revoked is not known; only sessions made here are served, for %u ms%s",
			l.grace_left_ms, VTY_NEWLINE);
	else
		vty_out(vty, "lease             %s%s",
			l.lease ? "holds" : "over: what was revoked is not known, nothing is served", VTY_NEWLINE);
	vty_out(vty, "grace-ms          %u, the longest of all %u%s", bsf_cfg->redis.grace_ms, l.graces_ms,
		VTY_NEWLINE);
	vty_out(vty, "clock-ahead-ms    %" PRId64 "%s", l.clock_off_ms, VTY_NEWLINE);
	vty_out(vty, "memory            %s%s", l.full ? "full: new bootstraps get 503" : "has room", VTY_NEWLINE);
	vty_out(vty, "sessions-made     %" PRIu64 "%s", f->commits, VTY_NEWLINE);
	vty_out(vty, "unreadable        %" PRIu64 "%s", f->corrupt, VTY_NEWLINE);
	show_marks(vty, f);
	return true;
}

DEFUN(show_store, show_store_cmd, "show store", SHOW_STR "What is stored, and what the store has done\n")
{
	struct store_figures f;

	store_shared_figures(store, &f);
	if (show_links(vty, &f))
		return CMD_SUCCESS;
	vty_out(vty, "sessions          %" PRIu64 "%s", f.sessions, VTY_NEWLINE);
	vty_out(vty, "challenges        %" PRIu64 "%s", f.challenges, VTY_NEWLINE);
	vty_out(vty, "tmpis             %" PRIu64 "%s", f.tmpis, VTY_NEWLINE);
	vty_out(vty, "commits           %" PRIu64 "%s", f.commits, VTY_NEWLINE);
	vty_out(vty, "committed-records %" PRIu64 "%s", f.committed_records, VTY_NEWLINE);
	vty_out(vty, "swept             %" PRIu64 "%s", f.swept, VTY_NEWLINE);
	vty_out(vty, "unreadable        %" PRIu64 "%s", f.corrupt, VTY_NEWLINE);
	show_marks(vty, &f);
	return CMD_SUCCESS;
}

DEFUN(show_sessions, show_sessions_cmd, "show sessions count",
      SHOW_STR "Sessions (B-TIDs)\n"
	       "How many\n")
{
	struct store_figures f;

	if (bsf_cfg->store == BSF_STORE_REDIS) {
		vty_out(vty, "%% they are counted by Redis alone; there: DBSIZE%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	store_shared_figures(store, &f);
	vty_out(vty, "%" PRIu64 "%s", f.sessions, VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_ub, show_ub_cmd, "show ub", SHOW_STR "HTTP side\n")
{
	vty_out(vty, "connections %u of %" PRIu32 "%s", ub_conn_open(), bsf_connections(), VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* The peers as they were a moment ago, by name. */
struct peers {
	struct vty *vty;
	struct dia_hub_peer_figures *f;
	int n;
};

static int by_identity(const void *a, const void *b)
{
	const struct dia_hub_peer_figures *x = a, *y = b;

	return strcasecmp(x->identity, y->identity);
}

static const struct dia_hub_peer_figures *figures_find(const struct peers *p, const char *identity)
{
	static const struct dia_hub_peer_figures none;
	const struct dia_hub_peer_figures key = { .identity = identity }, *f;

	f = p->n ? bsearch(&key, p->f, (size_t)p->n, sizeof(key), by_identity) : NULL;
	return f ? f : &none;
}

/* \param[in] via NULL: a connection of its own */
static void show_naf(const struct peers *p, const char *identity, const char *via)
{
	const struct dia_hub_peer_figures *f = figures_find(p, via ? via : identity);
	struct vty *vty = p->vty;

	vty_out(vty, "naf  %-50s %s%s%s%s", identity, dia_show_state(f), via ? ", via " : "", via ? via : "",
		VTY_NEWLINE);
	if (!via)
		dia_show_history(vty, f);
}

static void show_nafs(const struct peers *p)
{
	const struct naf_dir *d = naf_load.dir;

	for (const struct naf_cfg *n = bsf_cfg->nafs; n; n = n->next)
		show_naf(p, n->policy.identity, n->policy.via);
	for (size_t i = 0; d && i < d->n; i++)
		if (d->files[i]->naf.via)
			show_naf(p, d->files[i]->naf.identity, d->files[i]->peer ? NULL : d->files[i]->naf.via);
}

static void show_hss(const struct peers *p, const struct bsf_hss *h)
{
	const struct dia_hub_peer_figures *f = figures_find(p, hss_nodes_via(h));
	struct vty *vty = p->vty;

	vty_out(vty, "hss  %-50s %s, %u unanswered%s%s%s", h->identity, dia_show_state(f), f->pending,
		h->via ? ", via " : "", h->via ? h->via : "", VTY_NEWLINE);
	if (!h->via)
		dia_show_history(vty, f);
}

static void show_peer(const struct peers *p, const struct peer_cfg *c)
{
	const struct dia_hub_peer_figures *f = figures_find(p, c->identity);
	struct vty *vty = p->vty;

	vty_out(vty, "peer %-50s %s, %u of %u connections%s", c->identity, dia_show_state(f), f->connections,
		c->connections, VTY_NEWLINE);
	dia_show_history(vty, f);
}

DEFUN(show_peers, show_peers_cmd, "show peers",
      SHOW_STR "Diameter peers: connected or not and for how long, from where, what has happened\n")
{
	struct peers p = { .vty = vty };

	p.n = node_figures(node, &p.f);
	if (p.n < 0) {
		vty_out(vty, "%% the Diameter node does not answer: %s%s", strerror(-p.n), VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (p.n)
		qsort(p.f, (size_t)p.n, sizeof(p.f[0]), by_identity);
	for (const struct peer_cfg *c = bsf_cfg->peers; c; c = c->next)
		if (c->of == PEER_NODE)
			show_peer(&p, c);
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		show_hss(&p, bsf_cfg->hss[i]);
	show_nafs(&p);
	free(p.f);
	return CMD_SUCCESS;
}

DEFUN(peer_word, peer_word_cmd, "peer IDENTITY (disconnect|reconnect)",
      "A Diameter peer: also an hss or naf with a connection of its own\n"
      "Its Diameter identity\n"
      "End its connections and keep it off until reconnect\n"
      "End its connections, if there are any, and take it up anew\n")
{
	bool off = argv[1][0] == 'd';
	int rc;

	if (!peer_cfg_find(argv[0]) && !policy_peer(policy_current(), argv[0])) {
		vty_out(vty, "%% there is no peer %s; allowed: a name of 'show peers'%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	rc = off ? node_disconnect(node, argv[0]) : node_reconnect(node, argv[0]);
	if (rc == 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% %s%s", strerror(-rc), VTY_NEWLINE);
	return CMD_WARNING;
}

DEFUN(peers_reconnect, peers_reconnect_cmd, "peers reconnect",
      "All Diameter peers that are connected\n"
      "End and take up their connections anew, one peer after the other: with a new certificate\n")
{
	if (node_reconnect_all(node) == 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% no memory for all of them; do it again%s", VTY_NEWLINE);
	return CMD_WARNING;
}

/* Who has it, of those that use the same store. */
static void spread_out(struct vty *vty, const struct store_spread *s)
{
	if (!s->bsfs)
		return;
	vty_out(vty, "known at %u of %u BSFs%s%s%s", s->confirmed, s->bsfs,
		s->late[0] ? "; these may serve no more: " : "", s->late, VTY_NEWLINE);
	if (s->have < s->replicas)
		vty_out(vty, "not yet safe against a failover: %u of %u replicas have it; it is gone on trying%s",
			s->have, s->replicas, VTY_NEWLINE);
}

static int revoked(struct vty *vty, int rc, const struct store_spread *spread)
{
	if (rc < 0) {
		vty_out(vty, "%% %s%s", rc == -ENOENT ? "no such session" : store_words(rc), VTY_NEWLINE);
		return CMD_WARNING;
	}
	LOGT(DSTORE, LOGL_NOTICE, "%d sessions revoked by the operator\n", rc);
	vty_out(vty, "%d sessions revoked%s", rc, VTY_NEWLINE);
	spread_out(vty, spread);
	return CMD_SUCCESS;
}

#define REVOKE_HELP "Make keys invalid at once; the device must bootstrap again\n"

DEFUN(revoke_impi, revoke_impi_cmd, "revoke impi IMPI",
      REVOKE_HELP "All of a subscriber\n"
		  "user@domain\n")
{
	struct store_spread spread;
	struct impi impi;
	int rc;

	if (impi_parse(&impi, (const uint8_t *)argv[0], strlen(argv[0])) < 0) {
		vty_out(vty, "%% %s is no IMPI; allowed: user@domain%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	rc = withdrawn_sessions(shards[0], impi.s, &spread);
	return revoked(vty, rc, &spread);
}

DEFUN(revoke_btid, revoke_btid_cmd, "revoke btid BTID",
      REVOKE_HELP "One session\n"
		  "base64(RAND)@BSF name\n")
{
	struct store_spread spread;
	struct btid btid;
	int rc;

	if (btid_parse(&btid, (const uint8_t *)argv[0], strlen(argv[0])) < 0) {
		vty_out(vty, "%% %s is no B-TID; allowed: base64(RAND)@FQDN%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	rc = withdrawn_session(shards[0], &btid, &spread);
	return revoked(vty, rc, &spread);
}

/* How many sessions that are is not counted. */
static int marked(struct vty *vty, int rc, const char *whose, const struct store_spread *spread)
{
	if (rc < 0)
		return revoked(vty, rc, spread);
	LOGT(DSTORE, LOGL_NOTICE, "keys of %s revoked by the operator\n", whose);
	vty_out(vty, "no key of %s any more that was there before%s", whose, VTY_NEWLINE);
	spread_out(vty, spread);
	return CMD_SUCCESS;
}

DEFUN(revoke_naf, revoke_naf_cmd, "revoke naf FQDN",
      REVOKE_HELP "Those of an application, of sessions that are there\n"
		  "FQDN of its NAF_Id\n")
{
	struct store_spread spread;
	int rc;

	if (!fqdn_valid(span_str(argv[0]), BTID_MAX)) {
		vty_out(vty, "%% %s is no name; allowed: FQDN of the application's NAF_Id%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	rc = withdrawn_from_naf(shards[0], argv[0], &spread);
	return marked(vty, rc, argv[0], &spread);
}

DEFUN(revoke_all, revoke_all_cmd, "revoke all", REVOKE_HELP "Of everybody\n")
{
	struct store_spread spread;
	int rc = withdrawn_all(shards[0], &spread);

	return marked(vty, rc, "everybody", &spread);
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
	hss_show_init();
	kek_vty_init();
	install_element(ENABLE_NODE, &peer_word_cmd);
	install_element(ENABLE_NODE, &peers_reconnect_cmd);
	install_element(ENABLE_NODE, &revoke_impi_cmd);
	install_element(ENABLE_NODE, &revoke_btid_cmd);
	install_element(ENABLE_NODE, &revoke_naf_cmd);
	install_element(ENABLE_NODE, &revoke_all_cmd);
}
