/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/hss_vty_show.h"

#include <errno.h>
#include <inttypes.h>
#include <strings.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/base/sockaddr.h"
#include "common/crypto/aka_algorithm.h"
#include "common/gba/gba_time.h"
#include "common/rt/kek_job.h"
#include "hss-sim/mar_log.h"

static struct hss_cfg *cfg;
static struct subscriber_db *db;
static struct subscriber_cache *cache;

static struct dia_hub *hub;

static int not_running(struct vty *vty)
{
	vty_out(vty, "%% the database is not open%s", VTY_NEWLINE);
	return CMD_WARNING;
}

struct wanted {
	const char *identity;
	struct vty *vty;
};

static void show_tls(void *owner, const struct dia_hub_peer_figures *f)
{
	const struct wanted *w = owner;
	struct vty *vty = w->vty;

	if (f->open && f->tls[0] && strcasecmp(f->identity, w->identity) == 0)
		vty_out(vty, ", %s %s", f->tls, f->names);
}

DEFUN(show_peers, show_peers_cmd, "show peers", SHOW_STR "BSFs that may connect, and whether they are\n")
{
	char text[SOCKADDR_TEXT];
	struct hss_bsf *b;
	size_t i;

	llist_for_each_entry(b, &cfg->bsfs, entry)
	{
		vty_out(vty, "bsf %s %s from", b->identity,
			hub && dia_hub_is_open(hub, b->identity) ? "open" : "closed");
		for (i = 0; i < b->n_nets; i++) {
			sockaddr_net_text(text, &b->nets[i]);
			vty_out(vty, " %s", text);
		}
		if (hub)
			dia_hub_figures(hub, show_tls, &(struct wanted){ b->identity, vty });
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

DEFUN(show_subscribers, show_subscribers_cmd, "show subscribers count",
      SHOW_STR "Subscribers\nHow many there are, and how many are in memory\n")
{
	int64_t n;

	if (!db)
		return not_running(vty);
	n = subscriber_db_count(db);
	if (n < 0) {
		vty_out(vty, "%% database: %s%s", subscriber_db_errmsg(db), VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty_out(vty, "%" PRId64 " subscribers, %zu in memory%s", n, subscriber_cache_count(cache), VTY_NEWLINE);
	return CMD_SUCCESS;
}

static void show_guss(struct vty *vty, const struct subscriber_row *r)
{
	char at[DATE_TIME_LEN + 1] = "none", when[DATE_TIME_MS_LEN + 1];

	if (!r->guss) {
		vty_out(vty, " guss none%s", VTY_NEWLINE);
		return;
	}
	if (r->has_guss_timestamp)
		date_time_format(at, r->guss_timestamp);
	vty_out(vty, " guss %zu octets, timestamp %s", r->guss_len, at);
	if (r->guss_changed_ms && date_time_ms_format(when, r->guss_changed_ms) == 0)
		vty_out(vty, ", changed %s", when);
	vty_out(vty, "%s", VTY_NEWLINE);
}

static void show_algorithm(struct vty *vty, const struct subscriber_row *r)
{
	const struct aka_cred *c = &r->cred;

	vty_out(vty, " imsi %s%s algorithm %s, K of %u bits, RES of %u", r->imsi[0] ? r->imsi : "-", VTY_NEWLINE,
		aka_algorithm_of(c)->name, c->k.len * 8u, aka_algorithm_res_len(c) * 8u);
	if (c->rounds)
		vty_out(vty, ", rounds %u", c->rounds);
	vty_out(vty, "%s amf %02x%02x%s", VTY_NEWLINE, c->amf[0], c->amf[1], VTY_NEWLINE);
}

static void show_sqn(struct vty *vty, const struct subscriber *s)
{
	const struct sqn_home *h = &s->counter.home;

	vty_out(vty, " seq %" PRIu64 ", on disk %" PRIu64 ", sqn-profile %s%s", h->seq, s->counter.mark,
		sqn_profile_name(h->scheme.profile), VTY_NEWLINE);
	if (h->scheme.ind_from == h->scheme.ind_to)
		vty_out(vty, " ind %u, fixed", h->scheme.ind_from);
	else
		vty_out(vty, " ind %u, runs from %u to %u", h->ind, h->scheme.ind_from, h->scheme.ind_to);
	vty_out(vty, ", length %u%s", h->scheme.ind_bits, VTY_NEWLINE);
}

DEFUN(show_subscriber, show_subscriber_cmd, "show subscriber IMPI",
      SHOW_STR "One subscriber, without its keys\nPrivate identity\n")
{
	struct subscriber *s;
	int rc;

	if (!db)
		return not_running(vty);
	rc = subscriber_cache_get(cache, argv[0], &s);
	if (rc < 0) {
		vty_out(vty, "%% %s%s", rc == -ENOENT ? "unknown subscriber" : "the database cannot be read",
			VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty_out(vty, "%s%s", s->row.impi.s, VTY_NEWLINE);
	if (!s->readable) {
		vty_out(vty, " %% %s%s",
			s->test_only ? "its algorithm is for tests: refused without allow-test-algorithms"
				     : "its keys cannot be opened: sealed by another kek, or altered",
			VTY_NEWLINE);
		return CMD_WARNING;
	}
	show_algorithm(vty, &s->row);
	show_sqn(vty, s);
	show_guss(vty, &s->row);
	return CMD_SUCCESS;
}

void hss_vty_show_init(struct hss_cfg *c)
{
	cfg = c;
	install_element_ve(&show_peers_cmd);
	kek_vty_init();
	install_element_ve(&show_subscribers_cmd);
	install_element_ve(&show_subscriber_cmd);
	mar_log_vty_init();
}

void hss_vty_show_recheck(void)
{
	if (hub)
		dia_hub_recheck(hub);
}

void hss_vty_show_hub(struct dia_hub *h)
{
	hub = h;
}

void hss_vty_show_attach(struct subscriber_db *d, struct subscriber_cache *c)
{
	db = d;
	cache = c;
}
