/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/proxy_show.h"

#include <inttypes.h>
#include <strings.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/rt/dia_show.h"

static struct proxy_cfg *cfg;
static const struct relay *relay;
static struct dia_hub *nafs;

struct sought {
	const char *identity;
	struct dia_hub_peer_figures *out;
};

static void take_if_sought(void *owner, const struct dia_hub_peer_figures *f)
{
	const struct sought *s = owner;

	if (strcasecmp(f->identity, s->identity) == 0)
		*s->out = *f;
}

/* \returns what is known of a peer; zeros: nothing */
static struct dia_hub_peer_figures figures_of(struct dia_hub *h, const char *identity)
{
	struct dia_hub_peer_figures f = { 0 };

	if (h)
		dia_hub_figures(h, take_if_sought, &(struct sought){ identity, &f });
	return f;
}

static void show_home(struct vty *vty, const struct proxy_home *h)
{
	for (size_t i = 0; i < h->n_bsfs; i++) {
		struct dia_hub_peer_figures f = figures_of(h->hub, h->bsfs[i].identity);

		vty_out(vty, "home %s: bsf %s %s, %u unanswered%s", h->name, h->bsfs[i].identity, dia_show_state(&f),
			f.pending, VTY_NEWLINE);
		dia_show_history(vty, &f);
	}
}

DEFUN(proxy_show_peers, proxy_show_peers_cmd, "show peers",
      SHOW_STR "BSFs of home operators and NAFs of ours: connected or not, from where, what has happened\n")
{
	const struct proxy_home *h;
	const struct proxy_naf *n;

	llist_for_each_entry(h, &cfg->homes, entry)
	{
		show_home(vty, h);
	}
	llist_for_each_entry(n, &cfg->nafs, entry)
	{
		struct dia_hub_peer_figures f = figures_of(nafs, n->identity);

		vty_out(vty, "naf  %s %s, %u of %u connections%s", n->identity, dia_show_state(&f), f.connections,
			n->connections, VTY_NEWLINE);
		dia_show_history(vty, &f);
	}
	return CMD_SUCCESS;
}

static void reconnect_all(void)
{
	struct proxy_home *h;

	llist_for_each_entry(h, &cfg->homes, entry)
	{
		if (h->hub)
			dia_hub_reconnect_all(h->hub);
	}
	if (nafs)
		dia_hub_reconnect_all(nafs);
}

DEFUN(proxy_reconnect, proxy_reconnect_cmd, "peers reconnect",
      "All Diameter peers that are connected\n"
      "End and take up their connections anew, one peer after the other: with a new certificate\n")
{
	reconnect_all();
	return CMD_SUCCESS;
}

static json_t *json_of_peer(const struct dia_hub_peer_figures *f, const char *identity, const char *home)
{
	json_t *o = json_pack("{sssssisIsIsI}", "identity", identity, "state", dia_show_state(f), "unanswered",
			      (int)f->pending, "requests_in", (json_int_t)f->requests_in, "requests_out",
			      (json_int_t)f->requests_out, "round_trip_us", (json_int_t)f->round_trip_us);

	if (o && home)
		json_object_set_new(o, "home", json_string(home));
	return o;
}

static void run_peers(struct ctl_request *q)
{
	json_t *all = json_array();
	const struct proxy_home *h;
	const struct proxy_naf *n;

	llist_for_each_entry(h, &cfg->homes, entry)
	{
		for (size_t i = 0; i < h->n_bsfs; i++) {
			struct dia_hub_peer_figures f = figures_of(h->hub, h->bsfs[i].identity);

			json_array_append_new(all, json_of_peer(&f, h->bsfs[i].identity, h->name));
		}
	}
	llist_for_each_entry(n, &cfg->nafs, entry)
	{
		struct dia_hub_peer_figures f = figures_of(nafs, n->identity);

		json_array_append_new(all, json_of_peer(&f, n->identity, NULL));
	}
	ctl_ok(q, json_pack("{so}", "peers", all));
}

static void run_reconnect(struct ctl_request *q)
{
	reconnect_all();
	ctl_ok(q, NULL);
}

const struct ctl_command proxy_commands[] = {
	{ .words = "peers",
	  .args = "",
	  .help = "BSFs of homes and NAFs, and how they are connected",
	  .run = run_peers },
	{ .words = "peers reconnect",
	  .args = "",
	  .help = "End and take up all connections anew, one peer after the other: with a new certificate",
	  .changes = true,
	  .run = run_reconnect },
	{ 0 },
};

void proxy_figures(json_t *into)
{
	json_int_t passed = 0, lost = 0, open = 0;
	const struct proxy_home *h;

	llist_for_each_entry(h, &cfg->homes, entry)
	{
		bool is_open = false;

		for (size_t i = 0; h->hub && i < h->n_bsfs && !is_open; i++)
			is_open = dia_hub_is_open(h->hub, h->bsfs[i].identity);
		open += is_open;
		passed += (json_int_t)h->passed;
		lost += (json_int_t)h->lost;
	}
	json_object_set_new(into, "requests_in_work", json_integer(relay->in_work));
	json_object_set_new(into, "homes", json_integer((json_int_t)llist_count(&cfg->homes)));
	json_object_set_new(into, "homes_connected", json_integer(open));
	json_object_set_new(into, "answers_passed", json_integer(passed));
	json_object_set_new(into, "requests_lost", json_integer(lost));
}

void proxy_show_recheck(void)
{
	if (nafs)
		dia_hub_recheck(nafs);
}

void proxy_show_hub(struct dia_hub *h)
{
	nafs = h;
}

void proxy_show_init(struct proxy_cfg *c, const struct relay *r)
{
	cfg = c;
	relay = r;
	install_element_ve(&proxy_show_peers_cmd);
	install_element(ENABLE_NODE, &proxy_reconnect_cmd);
}
