/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* "Forget me": an ASP knows a device by another pseudonym from now on, and by nothing else that was the same before. */
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_orders.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define OF_ASP " WHERE device = ?1 AND app IN (SELECT id FROM application WHERE asp = ?2)"

/* What an ASP is shown beside the pseudonym would tell which was which: since when and at which revision a grant is, and the requests
 * it has begun for the device. One that nobody has answered was for the pseudonym of before. */
static int forget_rows(struct reg_db *db, int64_t device, const char *asp)
{
	int64_t rev = reg_revision(db);
	int rc = rev < 0 ? (int)rev
			 : reg_db_do(db, "UPDATE granted SET since = ?3, rev = ?4" OF_ASP, "itii", device, asp,
				     (int64_t)time(NULL), rev);

	if (rc == 0)
		rc = reg_db_do(db, "DELETE FROM request" OF_ASP " AND result IS NULL", "it", device, asp);
	return rc == 0 ? reg_db_do(db, "UPDATE request SET device = NULL" OF_ASP, "it", device, asp) : rc;
}

static int renew(struct reg_db *db, int64_t device, const char *asp, char uid[REG_NAME + 1])
{
	int rc = reg_name_make(uid);

	if (rc == 0)
		rc = reg_db_do(db, "UPDATE pseudonym SET value = ?3 WHERE device = ?1 AND asp = ?2", "itt", device, asp,
			       uid);
	return rc == 0 ? forget_rows(db, device, asp) : rc;
}

int reg_pseudonym_renew_all(struct reg_db *db, int64_t device)
{
	char uid[REG_NAME + 1];
	sqlite3_stmt *q;
	int more = reg_db_ask(db, &q, "SELECT asp FROM pseudonym WHERE device = ?1 ORDER BY asp", "i", device), rc = 0;

	for (; rc == 0 && more > 0; more = reg_db_next(q))
		rc = renew(db, device, (const char *)sqlite3_column_text(q, 0), uid);
	reg_db_end(q);
	return rc < 0 ? rc : more;
}

int reg_pseudonym_renew(struct reg_order *o, struct reg_db *db)
{
	const char *asp = reg_in(o, "asp");
	char uid[REG_NAME + 1];
	int64_t device, one;
	int rc = reg_scope_device(o, db, &device);

	if (rc < 0)
		return rc;
	rc = reg_db_int(db, &one, "SELECT 1 FROM pseudonym WHERE device = ?1 AND asp = ?2", "it", device, asp);
	if (rc == 0)
		return reg_refuse(o, CTL_UNKNOWN, "asp", "that ASP knows nothing of the device");
	if (rc > 0)
		rc = renew(db, device, asp, uid);
	if (rc == 0)
		rc = reg_reach_device(o, db, device);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "forget me", device, asp);
	if (rc == 0)
		o->answer = json_pack("{ssss}", "asp", asp, "uid", uid);
	return rc;
}
