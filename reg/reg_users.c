/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Users: somebody whom the operator knows, by a reference to where and how well. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_inbox.h"
#include "reg/reg_orders.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define ASSURANCE_MAX 4
#define KYC_MAX       128 /* octets of a reference */
#define SHOWN         "SELECT u.name AS user, u.name AS _key, u.kyc_ref, u.assurance, u.since, u.rev AS _rev FROM user u"

static int answer_user(struct reg_order *o, struct reg_db *db, const char *name)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, SHOWN " WHERE u.name = ?1", "t", name);

	return rc > 0 ? reg_answer_row(o, q) : rc < 0 ? rc : -EIO;
}

/* The one that member `user` names. \returns 0 and its revision; -ENOENT: refused; -EIO */
static int user_named(struct reg_order *o, struct reg_db *db, int64_t *rev)
{
	int rc = reg_db_int(db, rev, "SELECT rev FROM user WHERE name = ?1 AND (?2 = 0 OR id = ?2)", "ti",
			    reg_in(o, "user"), reg_scope_user(o));

	return rc == 0 ? reg_refuse(o, CTL_UNKNOWN, "user", "there is no such user") : rc < 0 ? rc : 0;
}

static int check_user(struct reg_order *o)
{
	const char *kyc = reg_in(o, "kyc_ref");
	int64_t assurance = reg_in_int(o, "assurance", 0);

	if (kyc && (!*kyc || strlen(kyc) > KYC_MAX))
		return reg_refuse(o, CTL_INVALID, "kyc_ref", "that is no reference; allowed: 1 to %d octets", KYC_MAX);
	if (assurance < 0 || assurance > ASSURANCE_MAX)
		return reg_refuse(o, CTL_INVALID, "assurance", "no such assurance; allowed: 0 to %d", ASSURANCE_MAX);
	return 0;
}

int reg_user_add(struct reg_order *o, struct reg_db *db)
{
	char name[REG_NAME + 1];
	int64_t rev;
	int rc = check_user(o);

	if (rc == 0)
		rc = reg_name_make(name);
	rev = rc == 0 ? reg_revision(db) : rc;
	rc = rev < 0 ? (int)rev
		     : reg_db_do(db,
				 "INSERT INTO user (name, kyc_ref, assurance, since, rev) VALUES (?1, ?2, ?3, ?4, ?5)",
				 "ttiii", name, reg_in(o, "kyc_ref"), reg_in_int(o, "assurance", 0),
				 (int64_t)time(NULL), rev);
	if (rc == -EEXIST && !o->err.text[0])
		return reg_refuse(o, CTL_EXISTS, "kyc_ref", "another user has that reference");
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "user add", 0, name);
	return rc == 0 ? answer_user(o, db, name) : rc;
}

int reg_user_get(struct reg_order *o, struct reg_db *db)
{
	int64_t rev;
	int rc = user_named(o, db, &rev);

	return rc == 0 ? answer_user(o, db, reg_in(o, "user")) : rc;
}

int reg_user_list(struct reg_order *o, struct reg_db *db)
{
	return reg_answer_page(o, db, "users", SHOWN " WHERE u.name > ?1 ORDER BY u.name LIMIT ?2", 0);
}

/* A better or worse assurance is one of all his devices at once. */
int reg_user_put(struct reg_order *o, struct reg_db *db)
{
	const char *name = reg_in(o, "user");
	int64_t rev;
	int rc = user_named(o, db, &rev);

	if (rc == 0)
		rc = reg_match(o, rev);
	if (rc == 0)
		rc = check_user(o);
	if (rc == 0)
		rc = reg_inbox_before(db, REG_OF_USER, name);
	rev = rc == 0 ? reg_revision(db) : rc;
	rc = rev < 0 ? (int)rev
		     : reg_db_do(
			       db,
			       "UPDATE user SET kyc_ref = ifnull(?2, kyc_ref), assurance = CASE WHEN ?3 < 0 THEN assurance"
			       " ELSE ?3 END, rev = ?4 WHERE name = ?1",
			       "ttii", name, reg_in(o, "kyc_ref"), reg_in_int(o, "assurance", -1), rev);
	if (rc == -EEXIST)
		return reg_refuse(o, CTL_EXISTS, "kyc_ref", "another user has that reference");
	if (rc == 0)
		rc = reg_reach_devices(
			o, db,
			"SELECT DISTINCT d.id FROM user u JOIN device d ON d.custodian = u.id JOIN granted g"
			" ON g.device = d.id WHERE u.name = ?1",
			name);
	if (rc == 0)
		rc = reg_inbox_after(db, REG_OF_USER, name);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "user change", 0, name);
	return rc == 0 ? answer_user(o, db, name) : rc;
}

int reg_user_delete(struct reg_order *o, struct reg_db *db)
{
	static const char *const of_user[] = {
		"DELETE FROM token WHERE role = 3 AND owner = (SELECT id FROM user WHERE name = ?1)",
		"DELETE FROM changes WHERE role = 3 AND owner = (SELECT id FROM user WHERE name = ?1)",
		"DELETE FROM inbox WHERE user = (SELECT id FROM user WHERE name = ?1)",
		"DELETE FROM user WHERE name = ?1"
	};
	const char *name = reg_in(o, "user");
	int64_t rev, one;
	int rc = user_named(o, db, &rev);

	if (rc == 0)
		rc = reg_match(o, rev);
	if (rc == 0)
		rc = reg_db_int(db, &one,
				"SELECT 1 FROM user u JOIN device d ON d.custodian = u.id WHERE u.name = ?1 LIMIT 1",
				"t", name);
	if (rc > 0)
		return reg_refuse(o, CTL_CONFLICT, "user",
				  "there are devices of that user; allowed: give them to another first");
	for (size_t i = 0; rc == 0 && i < sizeof(of_user) / sizeof(of_user[0]); i++)
		rc = reg_db_do(db, of_user[i], "t", name);
	return rc == 0 ? reg_audit_add(db, o->caller.name, "user delete", 0, name) : rc;
}
