/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_proof.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "common/rt/log_cat.h"
#include "reg/reg_audit.h"
#include "reg/reg_cfg.h"
#include "reg/reg_inbox.h"
#include "reg/reg_orders.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define AGAIN_PART   24 /* of the interval, after "could not ask" */
#define UNASKED_PART 4  /* lapses, where nobody could be asked */

/* --- what an answer changes */

/* How an application stands, when the answer is there. */
struct standing {
	bool approved, waits, lapsed, by_word; /* waits: for the operator */
	int64_t proven_at, last_at;            /* 0 never; last_at: or since it is asked for */
};

static int standing_of(struct reg_db *db, struct standing *s, int64_t app)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT a.state = 'approved', a.by_operator = 'applied', p.lapsed, p.by_word, p.proven_at, max(p.proven_at, p.since)"
		" FROM application a JOIN proof p ON p.app = a.id WHERE a.id = ?1",
		"i", app);

	if (rc <= 0)
		return rc;
	*s = (struct standing){ sqlite3_column_int(q, 0), sqlite3_column_int(q, 1),   sqlite3_column_int(q, 2),
				sqlite3_column_int(q, 3), sqlite3_column_int64(q, 4), sqlite3_column_int64(q, 5) };
	reg_db_end(q);
	return 1;
}

/* Suspended for want of a proof, or not for that any more: what the operator has said of it stands beside that. */
static int set_lapsed(struct reg_order *o, struct reg_db *db, const struct reg_asked *a, bool lapsed)
{
	int64_t rev = reg_revision(db);
	int rc = rev < 0 ? (int)rev : reg_db_do(db, "UPDATE application SET rev = ?2 WHERE id = ?1", "ii", a->app, rev);

	if (rc == 0)
		rc = reg_inbox_before(db, REG_OF_FQDN, a->fqdn);
	if (rc == 0)
		rc = reg_db_do(db, "UPDATE proof SET lapsed = ?2 WHERE app = ?1", "ii", a->app, (int64_t)lapsed);
	if (rc == 0)
		rc = reg_reach_app(o, db, a->fqdn);
	if (rc == 0)
		rc = reg_inbox_after(db, REG_OF_FQDN, a->fqdn);
	if (rc == 0)
		LOGT(DRT, LOGL_NOTICE, "application %s: %s\n", a->fqdn,
		     lapsed ? "suspended, its name is not shown to be its provider's"
			    : "its name is shown again, it is not suspended for that any more");
	return rc;
}

static int shown(struct reg_order *o, struct reg_db *db, const struct reg_asked *a, const struct standing *s,
		 int64_t now)
{
	int rc = reg_db_do(db, "UPDATE proof SET proven_at = ?2 WHERE app = ?1", "ii", a->app, now);

	if (rc == 0 && (!s->proven_at || s->lapsed))
		rc = reg_audit_add(db, "dns", "proof", 0, a->fqdn);
	return rc == 0 && s->lapsed ? set_lapsed(o, db, a, false) : rc;
}

static int not_shown(struct reg_order *o, struct reg_db *db, const struct reg_asked *a, const struct standing *s,
		     bool too_long)
{
	int rc;

	if (s->lapsed || !too_long || (s->waits && !s->proven_at))
		return 0;
	rc = reg_audit_add(db, "dns", "proof lapsed", 0, a->fqdn);
	return rc == 0 ? set_lapsed(o, db, a, true) : rc;
}

int reg_proof_note(struct reg_order *o, struct reg_db *db, const struct reg_asked *a)
{
	static const char *const said[] = {
		[REG_DNS_THERE] = "there", [REG_DNS_ABSENT] = "absent", [REG_DNS_UNASKED] = "unasked"
	};
	const struct reg_proof_cfg *cfg = &reg_cfg.proof;
	bool unasked = a->is == REG_DNS_UNASKED;
	int64_t now = (int64_t)time(NULL), again_s = unasked ? cfg->interval_s / AGAIN_PART : cfg->interval_s;
	int64_t most_s = (int64_t)cfg->lapse_s * (unasked ? UNASKED_PART : 1);
	struct standing s;
	int rc = standing_of(db, &s, a->app);

	if (rc <= 0 || s.by_word) /* it went, or the word was given, meanwhile */
		return rc;
	rc = reg_db_do(
		db,
		"UPDATE proof SET asked_at = ?2, due_at = iif(wishes = ?6, ?3, ?2), said = ?4, why = ?5 WHERE app = ?1",
		"iiitti", a->app, now, now + (again_s ? again_s : 1), said[a->is], unasked ? a->err.text : NULL,
		a->wishes);
	if (rc < 0)
		return rc;
	return a->is == REG_DNS_THERE ? shown(o, db, a, &s, now) : not_shown(o, db, a, &s, now - s.last_at > most_s);
}

int reg_proof_decided(struct reg_order *o, struct reg_db *db, const struct reg_app *a, const char *state)
{
	struct standing s;
	int rc = standing_of(db, &s, a->id);

	if (rc > 0 && strcmp(state, "approved") == 0 && !s.approved && !s.by_word && (!s.proven_at || s.lapsed))
		return reg_refuse(
			o, CTL_CONFLICT, "state",
			"its name is not shown to be its provider's; allowed: app prove, by dns or by your word");
	return rc < 0 ? rc : 0;
}

/* --- orders */

/* \returns 1; 0 it has none; -EIO */
static int answer_proof(struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT ?2 AS fqdn, ?3 || '.' || ?2 AS name, token AS text, NOT by_word AND proven_at > 0 AS 'proven?',"
		" by_word AS 'by_word?', lapsed AS 'lapsed?', nullif(proven_at, 0) AS proven_at,"
		" nullif(asked_at, 0) AS asked_at, said, iif(?4, why, NULL) AS why FROM proof WHERE app = ?1",
		"itti", a->id, a->fqdn, REG_PROOF_LABEL, (int64_t)(o->caller.role == REG_OPERATOR));

	return rc > 0 ? reg_answer_row(o, q) : rc;
}

int reg_proof_show(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a;
	int rc = reg_scope_app(o, db, &a);

	if (rc == 0)
		rc = answer_proof(o, db, &a);
	reg_app_clear(&a);
	return rc;
}

/* The operator answers for it: nothing is asked any more, and what was suspended for that is back. */
static int by_word(struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	struct reg_asked back = { .app = a->id };
	struct standing s;
	int rc = standing_of(db, &s, a->id);

	snprintf(back.fqdn, sizeof(back.fqdn), "%s", a->fqdn);
	if (rc > 0)
		rc = reg_db_do(db, "UPDATE proof SET by_word = 1 WHERE app = ?1", "i", a->id);
	if (rc == 0 && !s.by_word)
		rc = reg_audit_add(db, o->caller.name, "proof by word", 0, a->fqdn);
	return rc == 0 && s.lapsed ? set_lapsed(o, db, &back, false) : rc;
}

/* Due now; and no word holds any more, so that the time until it lapses begins. */
static int by_dns(struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	int64_t now = (int64_t)time(NULL), was_word = 0;
	int rc = reg_db_int(db, &was_word, "SELECT by_word FROM proof WHERE app = ?1", "i", a->id);

	if (rc > 0)
		rc = reg_db_do(
			db,
			"UPDATE proof SET due_at = min(due_at, ?2), wishes = wishes + 1, since = iif(by_word, ?2, since), by_word = 0 WHERE app = ?1",
			"ii", a->id, now);
	if (rc == 0 && was_word)
		rc = reg_audit_add(db, o->caller.name, "proof by dns", 0, a->fqdn);
	o->sends = true; /* wakes who asks */
	return rc;
}

int reg_proof_order(struct reg_order *o, struct reg_db *db)
{
	const char *by = reg_in(o, "by");
	bool word = by && strcmp(by, "word") == 0;
	struct reg_app a = { 0 };
	int rc = 0;

	if (by && !word && strcmp(by, "dns") != 0)
		rc = reg_refuse(o, CTL_INVALID, "by", "that is no way to show it; allowed: dns, word");
	else if (word && o->caller.role != REG_OPERATOR)
		rc = reg_refuse(o, CTL_FORBIDDEN, "by", "only an operator gives his word; allowed: dns");
	if (rc == 0)
		rc = reg_scope_app(o, db, &a);
	if (rc == 0)
		rc = word ? by_word(o, db, &a) : by_dns(o, db, &a);
	if (rc == 0)
		rc = answer_proof(o, db, &a);
	reg_app_clear(&a);
	return rc;
}
