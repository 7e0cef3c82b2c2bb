/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_inbox.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

/* The newest stay. */
static int trim_inbox(struct reg_db *db, int64_t user)
{
	return reg_db_do(
		db,
		"DELETE FROM inbox WHERE user = ?1 AND id <= (SELECT id FROM inbox WHERE user = ?1 ORDER BY id DESC"
		" LIMIT 1 OFFSET ?2)",
		"ii", user, (int64_t)REG_INBOX_MAX);
}

/* An ASP that says yes and no in turns pushes out nothing else. */
static int trim_of_app(struct reg_db *db, int64_t user, int64_t device, const char *fqdn)
{
	return reg_db_do(
		db,
		"DELETE FROM inbox WHERE id IN (SELECT i.id FROM inbox i JOIN device d ON d.id = ?2 AND d.name = i.device"
		" WHERE i.user = ?1 AND i.fqdn = ?3 AND i.at > ?4 ORDER BY i.id DESC LIMIT -1 OFFSET ?5)",
		"iitii", user, device, fqdn, (int64_t)time(NULL) - REG_INBOX_DAY_S, (int64_t)REG_INBOX_OF_APP);
}

int reg_inbox_tell(struct reg_db *db, int64_t device, const char *event, const char *fqdn)
{
	int64_t user;
	int rc = reg_db_int(db, &user, "SELECT custodian FROM device WHERE id = ?1 AND custodian IS NOT NULL", "i",
			    device);

	if (rc <= 0)
		return rc;
	rc = reg_db_do(db,
		       "INSERT INTO inbox (user, at, event, device, fqdn, app) SELECT ?1, ?2, ?3, name, ?5,"
		       " (SELECT id FROM application WHERE fqdn = ?5) FROM device WHERE id = ?4",
		       "iitit", user, (int64_t)time(NULL), event, device, fqdn);
	if (rc == 0 && fqdn)
		rc = trim_of_app(db, user, device, fqdn);
	return rc < 0 ? rc : trim_inbox(db, user);
}

int reg_inbox_expire(struct reg_order *o, struct reg_db *db)
{
	return reg_db_do(db, "DELETE FROM app_was WHERE NOT EXISTS (SELECT 1 FROM inbox i WHERE i.app = app_was.app)",
			 "");
}

/* --- many at once */

#define SQL_MAX 768

static const char *const which_live[] = {
	[REG_OF_FQDN] = "fqdn = ?1",
	[REG_OF_ASP_NAME] = "asp = ?1",
	[REG_OF_USER] = "device IN (SELECT d.id FROM device d JOIN user u ON u.id = d.custodian WHERE u.name = ?1)",
};

int reg_inbox_before(struct reg_db *db, enum reg_of of, const char *name)
{
	char text[SQL_MAX];
	int rc = sql_exec(db->sql, "CREATE TEMP TABLE IF NOT EXISTS was_live (device INTEGER, app INTEGER, fqdn TEXT,"
				   " PRIMARY KEY (device, app)) WITHOUT ROWID; DELETE FROM was_live");

	snprintf(text, sizeof(text), "INSERT INTO was_live SELECT device, app, fqdn FROM live WHERE %s",
		 which_live[of]);
	return rc == 0 ? reg_db_do(db, text, "t", name) : rc;
}

/* \param[in] from, but rows of device, app, fqdn: those of the first that are not among the others */
static int tell_rows(struct reg_db *db, const char *from, const char *but, const char *event, const char *name)
{
	char text[2 * SQL_MAX];

	snprintf(
		text, sizeof(text),
		"INSERT INTO inbox (user, at, event, device, fqdn, app) SELECT d.custodian, ?2, ?3, d.name, x.fqdn, x.app FROM (%s) x"
		" JOIN device d ON d.id = x.device WHERE d.custodian IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s y"
		" WHERE y.device = x.device AND y.app = x.app) AND ?1 IS NOT NULL ORDER BY x.device, x.app",
		from, but);
	return reg_db_do(db, text, "tit", name, (int64_t)time(NULL), event);
}

static int trim_since(struct reg_db *db, int64_t behind)
{
	sqlite3_stmt *q;
	int more = reg_db_ask(db, &q,
			      "SELECT DISTINCT i.user, d.id, i.fqdn FROM inbox i JOIN device d ON d.name = i.device"
			      " WHERE i.id > ?1",
			      "i", behind),
	    rc = 0;

	for (; rc == 0 && more > 0; more = reg_db_next(q)) {
		int64_t user = sqlite3_column_int64(q, 0);

		rc = trim_of_app(db, user, sqlite3_column_int64(q, 1), (const char *)sqlite3_column_text(q, 2));
		if (rc == 0)
			rc = trim_inbox(db, user);
	}
	reg_db_end(q);
	return rc < 0 ? rc : more;
}

int reg_inbox_after(struct reg_db *db, enum reg_of of, const char *name)
{
	char now[SQL_MAX];
	int64_t behind = 0;
	int rc = reg_db_int(db, &behind, "SELECT ifnull(max(id), 0) FROM inbox", "") > 0 ? 0 : -EIO;

	snprintf(now, sizeof(now), "SELECT device, app, fqdn FROM live WHERE %s", which_live[of]);
	if (rc == 0)
		rc = tell_rows(db, "SELECT * FROM was_live", "live", "ended", name);
	if (rc == 0)
		rc = tell_rows(db, now, "was_live", "granted", name);
	return rc == 0 ? trim_since(db, behind) : rc;
}

/* What an application is called now, or was when it was deleted; never what another one of its name is. */
static const char events[] =
	"SELECT i.id AS _key, i.at, i.event, i.device, i.fqdn, ifnull(a.asp, w.asp) AS asp,"
	" nullif(ifnull(a.title, w.title), '') AS title, ifnull(a.gsid, w.gsid) AS gsid,"
	" ifnull(s.public_id, w.public_id) AS public_id,"
	" ifnull((SELECT group_concat(l.scheme || ':' || l.value, ' ') FROM alias l WHERE l.app = a.id), w.aliases) AS 'aliases*'"
	" FROM inbox i LEFT JOIN application a ON a.id = i.app LEFT JOIN asp s ON s.name = a.asp LEFT JOIN app_was w ON w.app = i.app"
	" WHERE i.user = ?3 AND i.id > CAST(?1 AS INTEGER) ORDER BY i.id LIMIT ?2";

int reg_inbox_list(struct reg_order *o, struct reg_db *db)
{
	return reg_answer_page(o, db, "events", events, reg_scope_user(o));
}
