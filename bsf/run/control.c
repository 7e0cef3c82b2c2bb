/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bsf/run/cfg.h"
#include "bsf/run/naf_explain.h"
#include "bsf/run/naf_load.h"
#include "bsf/run/suspend.h"
#include "bsf/run/usage_ctl.h"
#include "bsf/run/withdrawn.h"
#include "common/rt/ctl_line.h"
#include "common/rt/kek_job.h"
#include "bsf/store/guss_push.h"
#include "bsf/ub/conn.h"
#include "common/gba/guss_copy.h"
#include "common/gba/guss_edit.h"
#include "common/gba/zh_msg.h"

static struct store_shared *sessions;
static struct shard *const *shards;

static void figure(json_t *into, const char *name, uint64_t n)
{
	json_object_set_new(into, name, json_integer((json_int_t)n));
}

void bsf_figures(json_t *into)
{
	struct store_figures f;
	struct store_links l;

	store_shared_figures(sessions, &f);
	/* what is on another machine is not counted here */
	if (store_shared_links(sessions, &l)) {
		figure(into, "store_links", l.of);
		figure(into, "store_links_up", l.up);
		figure(into, "store_memory_full", l.full);
		figure(into, "store_lease_held", l.lease);
		figure(into, "store_grace_left_ms", l.grace_left_ms);
		json_object_set_new(into, "store_clock_ahead_ms", json_integer(l.clock_off_ms));
	}
	figure(into, "sessions", f.sessions);
	figure(into, "challenges", f.challenges);
	figure(into, "tmpis", f.tmpis);
	figure(into, "commits", f.commits);
	figure(into, "committed_records", f.committed_records);
	figure(into, "swept", f.swept);
	figure(into, "unreadable", f.corrupt);
	figure(into, "index_octets", f.index_octets);
	figure(into, "marks", f.marks);
	figure(into, "marks_max", f.marks_max);
	figure(into, "suspended", suspend_count());
	figure(into, "ub_connections", ub_conn_open());
	figure(into, "ub_connections_max", bsf_connections());
}

/* Who has it, of those that use the same store. */
static void spread_put(json_t *o, const struct store_spread *s)
{
	if (!s->bsfs)
		return;
	figure(o, "bsfs", s->bsfs);
	figure(o, "confirmed", s->confirmed);
	json_object_set_new(o, "late", json_string(s->late));
	json_object_set_new(o, "failover_safe", json_boolean(s->have >= s->replicas));
}

/* A session that is not there (any more) is revoked as well as one that was: the order may come twice. */
static void answer_revoked(struct ctl_request *q, int rc, const struct store_spread *spread)
{
	json_t *o;

	if (rc == -ENOENT)
		rc = 0;
	if (rc < 0) {
		ctl_fail(q, rc == -EBUSY ? CTL_BUSY : CTL_FAILED, "%s", store_words(rc));
		return;
	}
	o = json_pack("{si}", "revoked", rc);
	spread_put(o, spread);
	ctl_ok(q, o);
}

static bool impi_given(struct ctl_request *q, struct impi *out)
{
	const char *arg = ctl_arg(q, 0);

	if (impi_parse(out, (const uint8_t *)arg, strlen(arg)) == 0)
		return true;
	ctl_fail(q, CTL_INVALID, "that is no IMPI; allowed: user@domain");
	return false;
}

static void run_revoke_impi(struct ctl_request *q)
{
	struct store_spread spread;
	struct impi impi;
	int rc;

	if (!impi_given(q, &impi))
		return;
	rc = withdrawn_sessions(shards[0], impi.s, &spread);
	answer_revoked(q, rc, &spread);
}

static void run_used(struct ctl_request *q)
{
	struct impi impi;

	if (impi_given(q, &impi))
		ctl_ok(q, withdrawn_from(impi.s));
}

static void answer_suspend(struct ctl_request *q, int rc)
{
	if (rc == -EBUSY)
		ctl_fail(q, CTL_BUSY, "the store has too much to do");
	else if (rc < 0)
		ctl_fail(q, CTL_FAILED, "perhaps not all is revoked, order it again: %s", strerror(-rc));
	else
		ctl_ok(q, json_pack("{si}", "revoked", rc));
}

/* First nobody is let in any more, then what was let in before is revoked: between the two nothing can slip through. */
static void refuse_unkept(struct ctl_request *q, const char *done, int rc)
{
	ctl_fail(q, CTL_FAILED, "%s until this daemon ends, order it again: it cannot be written to %s: %s", done,
		 suspend_kept(), strerror(-rc));
}

static void run_suspend(struct ctl_request *q)
{
	struct store_spread spread;
	struct impi impi;
	int rc, kept = 0;

	if (!impi_given(q, &impi))
		return;
	rc = suspend_add(impi.s);
	if (rc == 0)
		rc = naf_cfg_publish(bsf_cfg);
	if (rc == 0) {
		rc = withdrawn_sessions(shards[0], impi.s, &spread);
		kept = suspend_keep(); /* whatever became of the former */
	}
	if (kept < 0)
		refuse_unkept(q, "suspended", kept);
	else
		answer_suspend(q, rc == -ENOENT ? 0 : rc);
}

static void run_resume(struct ctl_request *q)
{
	struct impi impi;
	bool was;
	int rc;

	if (!impi_given(q, &impi))
		return;
	was = suspend_del(impi.s);
	if (naf_cfg_publish(bsf_cfg) < 0) /* also if it was none: perhaps for the one who could not be told before */
		ctl_fail(q, CTL_FAILED, "not resumed, order it again: no memory");
	else if ((rc = suspend_keep()) < 0)
		refuse_unkept(q, "resumed", rc);
	else
		ctl_ok(q, json_pack("{sb}", "was_suspended", was));
}

static void run_revoke_btid(struct ctl_request *q)
{
	const char *arg = ctl_arg(q, 0);
	struct store_spread spread;
	struct btid btid;
	int rc;

	if (btid_parse(&btid, (const uint8_t *)arg, strlen(arg)) < 0) {
		ctl_fail(q, CTL_INVALID, "that is no B-TID; allowed: base64(RAND)@FQDN");
		return;
	}
	rc = withdrawn_session(shards[0], &btid, &spread);
	answer_revoked(q, rc, &spread);
}

static void run_revoke_naf(struct ctl_request *q)
{
	const char *arg = ctl_arg(q, 0);
	struct store_spread spread;
	int rc;

	if (!fqdn_valid(span_str(arg), BTID_MAX)) {
		ctl_fail(q, CTL_INVALID, "that is no name; allowed: FQDN of the application's NAF_Id");
		return;
	}
	rc = withdrawn_from_naf(shards[0], arg, &spread);
	answer_revoked(q, rc, &spread);
}

static void run_revoke_all(struct ctl_request *q)
{
	struct store_spread spread;
	int rc = withdrawn_all(shards[0], &spread);

	answer_revoked(q, rc, &spread);
}

/* A run that carries an older GUSS has it from its MAA, and ends before its challenge does; a resynchronisation asks anew. */
#define ASK_MAX_S (2 * 60 + 10) /* two time-outs of an HSS, the longest that may be configured, and the store's */

static uint64_t runs_end_ms(void)
{
	return (bsf_limit(LIM_NONCE_LIFETIME) + ASK_MAX_S) * 1000ull;
}

static void answer_guss(struct ctl_request *q, int changed, unsigned as_new)
{
	if (changed < 0)
		ctl_fail(q, changed == -EBUSY ? CTL_BUSY : CTL_FAILED, "%s", store_words(changed));
	else
		ctl_ok(q, json_pack("{sisi}", "changed", changed, "as_new", (int)as_new));
}

/* What is kept of the document. \returns NULL: the request has been answered */
static struct guss_blob *guss_given(struct ctl_request *q, const char *impi)
{
	struct span xml = ctl_document(q);
	char remarks[GUSS_REMARKS_MAX];
	struct err err = { "" };
	struct guss_blob *b;
	uint8_t *copy;
	size_t len;

	if (guss_edit_check(xml, impi, remarks, &err) < 0 ||
	    guss_copy_make(&copy, &len, NULL, NULL, xml, GUSS_BAD_USS_FAILS, &err) < 0) {
		ctl_fail(q, CTL_INVALID, "guss: %s", err.text);
		return NULL;
	}
	b = guss_blob_new(span_of(copy, len));
	free(copy);
	if (!b) {
		ctl_fail(q, CTL_FAILED, "no memory");
	} else if (guss_push_when(guss_blob_span(b)) == GUSS_NEVER) {
		ctl_fail(q, CTL_INVALID,
			 "guss: no Extension/timestamp; allowed: one, which says what it is newer than");
		guss_blob_put(b);
		b = NULL;
	}
	return b;
}

static void run_guss(struct ctl_request *q)
{
	struct guss_blob *guss;
	struct impi impi;
	unsigned as_new = 0;
	int changed;

	if (!impi_given(q, &impi))
		return;
	guss = guss_given(q, impi.s);
	if (!guss)
		return;
	changed = shard_guss(shards[0], impi.s, guss, runs_end_ms(), &as_new);
	if (changed > 0)
		withdrawn_rights(impi.s);
	answer_guss(q, changed, as_new);
}

static void run_policy_show(struct ctl_request *q)
{
	ctl_ok(q, naf_load_json(true));
}

static void run_show_naf(struct ctl_request *q)
{
	struct err err;
	json_t *o;

	if (ctl_arg(q, 1) && strcmp(ctl_arg(q, 1), "effective") != 0) {
		ctl_fail(q, CTL_INVALID, "not so; allowed: show naf NAME effective");
		return;
	}
	o = naf_explain(ctl_arg(q, 0), &err);
	if (o)
		ctl_ok(q, o);
	else
		ctl_fail(q, CTL_UNKNOWN, "%s", err.text);
}

static void run_show_claims(struct ctl_request *q)
{
	ctl_ok(q, naf_explain_claims(ctl_arg(q, 0)));
}

static void run_test_naf(struct ctl_request *q)
{
	const char *words[CTL_WORDS_MAX];
	struct err err;
	size_t n = 0;
	json_t *o;

	while (n < CTL_WORDS_MAX && ctl_arg(q, n + 1)) {
		words[n] = ctl_arg(q, n + 1);
		n++;
	}
	o = naf_explain_test(shards[0], ctl_arg(q, 0), words, n, &err);
	if (o)
		ctl_ok(q, o);
	else
		ctl_fail(q, CTL_INVALID, "%s", err.text);
}

const struct ctl_command bsf_commands[] = {
	{ .words = "show naf",
	  .args = "NAME [effective]",
	  .help = "What holds for a NAF, and where each of it is written",
	  .args_min = 1,
	  .args_max = 2,
	  .run = run_show_naf },
	{ .words = "show claims",
	  .args = "FQDN",
	  .help = "Which NAFs speak for a host name, by itself or by a wildcard",
	  .args_min = 1,
	  .args_max = 1,
	  .run = run_show_claims },
	{ .words = "test naf",
	  .args = "NAME btid BTID [gsid GSID] [fqdn FQDN] [ua ID] [gba-u]",
	  .help = "What it would be answered, and by which rule; nothing is counted",
	  .args_min = 3,
	  .args_max = CTL_WORDS_MAX - 2,
	  .run = run_test_naf },
	KEK_CTL_COMMANDS,
	{ .words = "policy reload",
	  .args = "",
	  .help = "Read what has changed in the policy directory; answered when it counts",
	  .changes = true,
	  .run = naf_load_for },
	{ .words = "policy show",
	  .args = "",
	  .help = "The policy directory: what was read, and what cannot be used and why",
	  .run = run_policy_show },
	{ .words = "guss",
	  .args = "IMPI",
	  .help = "A newer GUSS for the sessions of a subscriber: the next BIR is answered by it",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .document_max = ZH_GUSS_CARRIED,
	  .run = run_guss },
	{ .words = "suspend impi",
	  .args = "IMPI",
	  .help = "A subscriber gets nothing until it is resumed, over a restart, too, where show store says it is kept",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_suspend },
	{ .words = "resume impi",
	  .args = "IMPI",
	  .help = "It may bootstrap again",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_resume },
	{ .words = "revoke impi",
	  .args = "IMPI",
	  .help = "Make the keys of a subscriber invalid at once; the device must bootstrap again",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_revoke_impi },
	{ .words = "used",
	  .args = "IMPI",
	  .help = "Which applications got a key of a subscriber's session, and when",
	  .args_min = 1,
	  .args_max = 1,
	  .run = run_used },
	{ .words = "usage",
	  .args = "[CURSOR]",
	  .help = "Which application got a key of which subscriber, all of a day; behind the cursor of the answer before",
	  .args_max = 1,
	  .run = usage_ctl_run },
	{ .words = "watch",
	  .args = "",
	  .help = "A line for each session that is revoked, each GUSS that changes, each NAF that is admitted no more",
	  .run = ctl_watch },
	{ .words = "revoke btid",
	  .args = "BTID",
	  .help = "The same of one session",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_revoke_btid },
	{ .words = "revoke naf",
	  .args = "FQDN",
	  .help = "An application gets no more keys of sessions that are there; its devices must bootstrap again",
	  .args_min = 1,
	  .args_max = 1,
	  .changes = true,
	  .run = run_revoke_naf },
	{ .words = "revoke all",
	  .args = "",
	  .help = "Make all keys invalid at once; every device must bootstrap again",
	  .changes = true,
	  .run = run_revoke_all },
	{ 0 },
};

void bsf_control_init(struct store_shared *store, struct shard *const *sh)
{
	sessions = store;
	shards = sh;
}
