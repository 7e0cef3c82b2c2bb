/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_inbox.h"

#include <time.h>
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

int reg_inbox_tell(struct reg_db *db, int64_t device, const char *event, const char *fqdn)
{
	int64_t user;
	int rc = reg_db_int(db, &user, "SELECT custodian FROM device WHERE id = ?1 AND custodian IS NOT NULL", "i",
			    device);

	if (rc <= 0)
		return rc;
	rc = reg_db_do(
		db,
		"INSERT INTO inbox (user, at, event, device, fqdn) SELECT ?1, ?2, ?3, name, ?5 FROM device WHERE id = ?4",
		"iitit", user, (int64_t)time(NULL), event, device, fqdn);
	return rc < 0 ? rc
		      : reg_db_do(db,
				  "DELETE FROM inbox WHERE user = ?1 AND id <= (SELECT id FROM inbox WHERE user = ?1"
				  " ORDER BY id DESC LIMIT 1 OFFSET ?2)",
				  "ii", user, (int64_t)REG_INBOX_MAX);
}

/* What an application is called now; of one that was deleted there is the name alone. */
static const char events[] =
	"SELECT i.id AS _key, i.at, i.event, i.device, i.fqdn, a.asp, nullif(a.title, '') AS title, a.gsid, s.public_id,"
	" (SELECT group_concat(l.scheme || ':' || l.value, ' ') FROM alias l WHERE l.app = a.id) AS 'aliases*'"
	" FROM inbox i LEFT JOIN application a ON a.fqdn = i.fqdn LEFT JOIN asp s ON s.name = a.asp"
	" WHERE i.user = ?3 AND i.id > CAST(?1 AS INTEGER) ORDER BY i.id LIMIT ?2";

int reg_inbox_list(struct reg_order *o, struct reg_db *db)
{
	return reg_answer_page(o, db, "events", events, reg_scope_user(o));
}
