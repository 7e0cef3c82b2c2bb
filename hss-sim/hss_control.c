/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/hss_control.h"

#include <errno.h>
#include "common/crypto/aka_algorithm.h"
#include "common/rt/kek_job.h"
#include "common/rt/log_cat.h"
#include "hss-sim/fault_line.h"
#include "hss-sim/fault_orders.h"
#include "hss-sim/mar_log.h"
#include "hss-sim/subscriber_orders.h"

static struct subscriber_db *database;
static struct zh_server *zh;
static struct provision *changes;
static bool importing;

void hss_figures(json_t *into)
{
	int64_t n = subscriber_db_count(database);

	json_object_set_new(into, "subscribers", n < 0 ? json_null() : json_integer(n));
	json_object_set_new(into, "subscribers_in_memory", json_integer((json_int_t)subscriber_cache_count(zh->cache)));
	json_object_set_new(into, "requests_in_work", json_integer(zh->in_work));
}

/* --- subscribers */

static void order_about(struct ctl_request *q, int (*work)(struct provision_order *o, struct subscriber_db *db),
			const char *whose, const char *impi)
{
	provision_give(
		changes, q,
		&(struct provision_ask){ .work = work, .whose = whose, .impi = impi, .document = ctl_document(q) });
}

static void run_add(struct ctl_request *q)
{
	order_about(q, subscriber_order_add, NULL, NULL);
}

static void run_change(struct ctl_request *q)
{
	order_about(q, subscriber_order_change, NULL, NULL);
}

/* Nobody has a name that is no IMPI; it is told, as it is probably a slip. \returns false: answered */
static bool impi_given(struct ctl_request *q)
{
	const char *arg = ctl_arg(q, 0);
	struct impi impi;

	if (impi_parse(&impi, (const uint8_t *)arg, strlen(arg)) == 0)
		return true;
	ctl_fail(q, CTL_INVALID, "that is no IMPI; allowed: user@domain");
	return false;
}

static void run_delete(struct ctl_request *q)
{
	if (impi_given(q))
		order_about(q, subscriber_order_delete, ctl_arg(q, 0), ctl_arg(q, 0));
}

static void run_list(struct ctl_request *q)
{
	order_about(q, subscriber_order_list, NULL, ctl_arg(q, 0));
}

static void run_export(struct ctl_request *q)
{
	struct provision_ask ask = { .work = subscriber_order_export };
	const char *word;

	for (size_t i = 0; (word = ctl_arg(q, i)); i++) {
		if (strcmp(word, "sealed") == 0)
			ask.how |= SUBSCRIBER_EXPORT_SEALED;
		else if (strcmp(word, "json") == 0)
			ask.how |= SUBSCRIBER_EXPORT_JSON;
		else if (strchr(word, '@'))
			ask.impi = word;
		else {
			ctl_fail(q, CTL_INVALID, "'%.40s'; allowed: json, sealed, and behind whom to begin", word);
			return;
		}
	}
	provision_give(changes, q, &ask);
}

static void run_guss(struct ctl_request *q)
{
	if (impi_given(q))
		order_about(q, guss_order_put, ctl_arg(q, 0), ctl_arg(q, 0));
}

static void run_guss_csv(struct ctl_request *q)
{
	order_about(q, guss_order_csv, NULL, NULL);
}

static void run_guss_show(struct ctl_request *q)
{
	if (impi_given(q))
		order_about(q, guss_order_show, NULL, ctl_arg(q, 0));
}

static json_t *brief_of(const struct subscriber *s)
{
	const struct aka_cred *c = &s->row.cred;
	const struct sqn_scheme *scheme = &s->counter.home.scheme;
	char amf[5];

	snprintf(amf, sizeof(amf), "%02x%02x", c->amf[0], c->amf[1]);
	return json_pack("{sssssssssisIsIsssisisi}", "impi", s->row.impi.s, "imsi", s->row.imsi, "algorithm",
			 aka_algorithm_of(c)->name, "amf", amf, "res_octets", (int)aka_algorithm_res_len(c), "seq",
			 (json_int_t)s->counter.home.seq, "seq_on_disk", (json_int_t)s->counter.mark, "sqn_profile",
			 sqn_profile_name(scheme->profile), "ind_from", (int)scheme->ind_from, "ind_to",
			 (int)scheme->ind_to, "ind_length", (int)scheme->ind_bits);
}

static void run_show(struct ctl_request *q)
{
	struct subscriber *s;
	int rc = impi_given(q) ? subscriber_cache_get(zh->cache, ctl_arg(q, 0), &s) : 1;

	if (rc == 1)
		return;
	if (rc == -ENOENT)
		ctl_fail(q, CTL_UNKNOWN, "there is no such subscriber");
	else if (rc < 0)
		ctl_fail(q, CTL_FAILED, "the database cannot be read");
	else if (!s->readable)
		ctl_fail(q, CTL_FAILED,
			 "its record cannot be used: sealed by another kek, altered, or an algorithm for tests");
	else
		ctl_ok(q, brief_of(s));
}

static void run_mar(struct ctl_request *q)
{
	ctl_ok(q, json_pack("{soso}", "mars", mar_log_json(ctl_arg(q, 0)), "done", fault_orders_done()));
}

/* --- an import beside us */

/* Whoever imports may have ended in any way: what it put in counts. */
static void import_over(void *data)
{
	importing = false;
	subscriber_cache_forget(zh->cache, NULL);
	LOGP(DSTORE, LOGL_NOTICE, "an import from beside has ended\n");
}

static void run_import_begin(struct ctl_request *q)
{
	if (importing)
		ctl_fail(q, CTL_BUSY, "another import is at work");
	else if (!ctl_hold(q, import_over, zh))
		ctl_fail(q, CTL_BUSY, "this connection holds something already");
	else {
		importing = true;
		ctl_ok(q, NULL);
	}
}

static void run_import_end(struct ctl_request *q)
{
	if (!ctl_release(q, import_over, zh)) {
		ctl_fail(q, CTL_INVALID, "this connection has begun no import");
		return;
	}
	import_over(zh);
	ctl_ok(q, NULL);
}

#define IMPI_ONLY .args = "IMPI", .args_min = 1, .args_max = 1

const struct ctl_command hss_commands[] = {
	{ .words = "subscriber add",
	  .args = "",
	  .help = "Put subscribers in who are not there: a CSV as for an import, without GUSS, or JSON",
	  .changes = true,
	  .document_max = SUBSCRIBER_CSV_MAX,
	  .run = run_add },
	{ .words = "subscriber change",
	  .args = "",
	  .help = "Other keys or another counter for subscribers who are there: a CSV, or JSON; a GUSS that is not said stays",
	  .changes = true,
	  .document_max = SUBSCRIBER_CSV_MAX,
	  .run = run_change },
	{ .words = "subscriber delete",
	  IMPI_ONLY,
	  .help = "Take one out, GUSS and counter, too",
	  .changes = true,
	  .run = run_delete },
	{ .words = "subscriber show", IMPI_ONLY, .help = "One, without keys", .run = run_show },
	{ .words = "subscriber list",
	  .args = "[BEHIND-IMPI]",
	  .help = "All, in pages; next is what the next page begins behind",
	  .args_max = 1,
	  .run = run_list },
	{ .words = "subscriber export",
	  .args = "[json] [sealed] [BEHIND-IMPI]",
	  .help = "All as CSV, or in JSON with their GUSS, in pages; without keys, or with keys that are sealed",
	  .args_max = 3,
	  .run = run_export },
	{ .words = "guss csv", /* before "guss", which takes any word */
	  .args = "",
	  .help = "Other GUSSs for many, a table: impi,uicc-type,life-time,gsid,type,naf-group,uids,flags,key-choice",
	  .changes = true,
	  .document_max = SUBSCRIBER_CSV_MAX,
	  .run = run_guss_csv },
	{ .words = "guss",
	  IMPI_ONLY,
	  .help = "Another GUSS, XML of TS 29.109 annex A or JSON of TS 29.562; an empty document takes it away",
	  .changes = true,
	  .document_max = SUBSCRIBER_GUSS_MAX,
	  .run = run_guss },
	{ .words = "guss?", IMPI_ONLY, .help = "The GUSS there is", .run = run_guss_show },
	{ .words = "mar",
	  .args = "[IMPI]",
	  .help = "The requests that came last, and how each ended",
	  .args_max = 1,
	  .run = run_mar },
	{ .words = "fault set",
	  .args = "all|IMPI BEHAVIOUR [VALUE] [times N] [seconds S]",
	  .help = "What goes wrong on purpose; in the place of what this one has of its sort",
	  .args_min = 2,
	  .args_max = 1 + FAULT_WORDS_MAX,
	  .changes = true,
	  .run = fault_order_set },
	{ .words = "fault clear",
	  .args = "[all|IMPI]",
	  .help = "No more of it: what was said of all, of this one, or everything",
	  .args_max = 1,
	  .changes = true,
	  .run = fault_order_clear },
	{ .words = "faults",
	  .args = "",
	  .help = "What goes wrong on purpose, and how often each was done",
	  .run = fault_order_list },
	{ .words = "scenario load",
	  .args = "",
	  .help = "A text of lines, subscriber all|IMPI: BEHAVIOUR..., in the place of all faults there are",
	  .changes = true,
	  .document_max = FAULT_SCENARIO_MAX,
	  .run = fault_order_scenario },
	KEK_CTL_COMMANDS,
	{ .words = "import begin",
	  .args = "",
	  .help = "For gba-hss-simd --import, which writes into the database beside us",
	  .changes = true,
	  .run = run_import_begin },
	{ .words = "import end",
	  .args = "",
	  .help = "The import of this connection has ended: what is in memory is read anew",
	  .changes = true,
	  .run = run_import_end },
	{ 0 },
};

void hss_control_init(struct subscriber_db *db, struct zh_server *server, struct provision *p)
{
	database = db;
	zh = server;
	changes = p;
}
