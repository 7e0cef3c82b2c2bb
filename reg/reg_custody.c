/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whether a device is to be used, and who has it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_inbox.h"
#include "reg/reg_orders.h"
#include "reg/reg_reach.h"
#include "reg/reg_scope.h"

/* --- states: operator and user each say their own, and take it back; that it is lost the operator ends, whoever has said it */

struct states {
	char is[16], own[16]; /* what comes of both; what who asks has said himself */
};

static int states_of(struct reg_order *o, struct reg_db *db, int64_t device, struct states *out)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT state, CASE WHEN ?2 OR by_user = 'lost' THEN by_user ELSE by_operator END FROM device"
		" WHERE id = ?1",
		"ii", device, reg_scope_user(o));

	if (rc <= 0)
		return -EIO;
	snprintf(out->is, sizeof(out->is), "%s", (const char *)sqlite3_column_text(q, 0));
	snprintf(out->own, sizeof(out->own), "%s", (const char *)sqlite3_column_text(q, 1));
	reg_db_end(q);
	return 0;
}

static int check_state(struct reg_order *o, const struct states *was, const char *state)
{
	const bool user = reg_scope_user(o);

	if (strcmp(state, "active") != 0 && strcmp(state, "suspended") != 0 && strcmp(state, "lost") != 0)
		return reg_refuse(o, CTL_INVALID, "state", "no such state; allowed: active, suspended, lost");
	if (user && strcmp(was->is, "lost") == 0 && strcmp(state, "lost") != 0)
		return reg_refuse(o, CTL_FORBIDDEN, "state", "it is lost; allowed: the operator ends that");
	if (strcmp(state, "active") == 0 && strcmp(was->own, "active") == 0 && strcmp(was->is, "active") != 0)
		return reg_refuse(o, CTL_FORBIDDEN, "state", "%s has suspended it; allowed: who has ends that",
				  user ? "the operator" : "its user");
	return 0;
}

static int say_state(struct reg_order *o, struct reg_db *db, int64_t device, const char *state, int64_t rev)
{
	char what[32];
	int rc = reg_db_do(db,
			   reg_scope_user(o)
				   ? "UPDATE device SET by_user = ?2, rev = ?3 WHERE id = ?1"
				   : "UPDATE device SET by_operator = ?2, by_user = iif(by_user = 'lost', 'active',"
				     " by_user), rev = ?3 WHERE id = ?1",
			   "iti", device, state, rev);

	snprintf(what, sizeof(what), "device %s", state);
	return rc == 0 ? reg_audit_add(db, o->caller.name, what, device, NULL) : rc;
}

/* After something was said: has that changed anything? */
static int reach_state(struct reg_order *o, struct reg_db *db, int64_t device, const struct states *was)
{
	struct states now;
	int rc = states_of(o, db, device, &now);

	if (rc < 0 || strcmp(was->is, now.is) == 0)
		return rc;
	rc = reg_reach_state(o, db, device); /* first: what is lost is refused by the first word */
	if (rc == 0)
		rc = reg_reach_device(o, db, device);
	return rc == 0 ? reg_inbox_tell(db, device, now.is, NULL) : rc;
}

int reg_device_state(struct reg_order *o, struct reg_db *db)
{
	const char *state = reg_in(o, "state");
	struct states was;
	int64_t device, rev;
	int rc = reg_scope_device_change(o, db, &device, &rev);

	if (rc == 0)
		rc = states_of(o, db, device, &was);
	if (rc == 0)
		rc = check_state(o, &was, state);
	if (rc == 0 && strcmp(was.own, state) != 0) {
		rc = say_state(o, db, device, state, rev);
		if (rc == 0)
			rc = reach_state(o, db, device, &was);
	}
	return rc == 0 ? reg_device_answer(o, db, device) : rc;
}

/* --- who has it */

static int user_row(struct reg_order *o, struct reg_db *db, const char *name, int64_t *user)
{
	int rc = 1;

	*user = 0;
	if (name)
		rc = reg_db_int(db, user, "SELECT id FROM user WHERE name = ?1", "t", name);
	return rc == 0 ? reg_refuse(o, CTL_INVALID, "user", "there is no such user") : rc < 0 ? rc : 0;
}

/* What the one before has said of it, and what ASPs know it by, is not of who has it now. */
static int hand_over(struct reg_order *o, struct reg_db *db, int64_t device, int64_t user, int64_t rev)
{
	struct states was;
	int rc = states_of(o, db, device, &was);

	if (rc == 0)
		rc = reg_inbox_tell(db, device, "given_away", NULL);
	if (rc == 0)
		rc = reg_db_do(db,
			       "UPDATE device SET custodian = nullif(?2, 0), custodian_since = ?3, rev = ?4,"
			       " by_user = iif(by_user = 'lost', 'lost', 'active') WHERE id = ?1",
			       "iiii", device, user, (int64_t)time(NULL), rev);
	if (rc == 0)
		rc = reg_db_do(db, "UPDATE granted SET user_agrees = 0, rev = ?2 WHERE device = ?1", "ii", device, rev);
	if (rc == 0)
		rc = reg_pseudonym_renew_all(db, device);
	if (rc == 0)
		rc = reg_reach_device(o, db, device);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "device custodian", device, NULL);
	if (rc == 0)
		rc = reg_inbox_tell(db, device, "received", NULL);
	return rc == 0 ? reach_state(o, db, device, &was) : rc;
}

int reg_device_custodian(struct reg_order *o, struct reg_db *db)
{
	int64_t device, rev, user, is = 0;
	int rc = reg_scope_device_change(o, db, &device, &rev);

	if (rc == 0)
		rc = user_row(o, db, reg_in(o, "user"), &user);
	if (rc == 0)
		rc = reg_db_int(db, &is, "SELECT ifnull(custodian, 0) FROM device WHERE id = ?1", "i", device) > 0
			     ? 0
			     : -EIO;
	if (rc == 0 && is != user)
		rc = hand_over(o, db, device, user, rev);
	return rc == 0 ? reg_device_answer(o, db, device) : rc;
}
