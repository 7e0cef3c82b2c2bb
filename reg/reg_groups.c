/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Groups of devices: a fleet that is granted something in one line. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_orders.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define SHOWN \
	"SELECT c.name AS 'group', c.name AS _key, (SELECT count(*) FROM member m WHERE m.crowd = c.id) AS devices," \
	" c.since, c.rev AS _rev FROM crowd c"

struct group {
	int64_t id, rev; /* 0: it is not there */
};

static int group_find(struct reg_order *o, struct reg_db *db, struct group *g)
{
	const char *name = reg_in(o, "group");
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	sqlite3_stmt *q;
	int rc;

	*g = (struct group){ 0 };
	if (name[n] || !n || n > REG_ASP_MAX)
		return reg_refuse(o, CTL_INVALID, "group",
				  "that is no name of a group; allowed: 1 to %d letters, digits, . _ -", REG_ASP_MAX);
	rc = reg_db_ask(db, &q, "SELECT id, rev FROM crowd WHERE name = ?1", "t", name);
	if (rc <= 0)
		return rc;
	*g = (struct group){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1) };
	reg_db_end(q);
	return 0;
}

static int group_named(struct reg_order *o, struct reg_db *db, struct group *g)
{
	int rc = group_find(o, db, g);

	return rc == 0 && !g->id ? reg_refuse(o, CTL_UNKNOWN, "group", "there is no such group") : rc;
}

static int answer_group(struct reg_order *o, struct reg_db *db)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, SHOWN " WHERE c.name = ?1", "t", reg_in(o, "group"));

	return rc > 0 ? reg_answer_row(o, q) : rc < 0 ? rc : -EIO;
}

int reg_group_list(struct reg_order *o, struct reg_db *db)
{
	return reg_answer_page(o, db, "groups", SHOWN " WHERE c.name > ?1 ORDER BY c.name LIMIT ?2", 0);
}

int reg_group_get(struct reg_order *o, struct reg_db *db)
{
	struct group g;
	int rc = group_named(o, db, &g);

	return rc == 0 ? answer_group(o, db) : rc;
}

/* There from now on. */
int reg_group_put(struct reg_order *o, struct reg_db *db)
{
	struct group g;
	int64_t rev;
	int rc = group_find(o, db, &g);

	if (rc == 0)
		rc = reg_match(o, g.rev);
	if (rc == 0 && !g.id) {
		rev = reg_revision(db);
		rc = rev < 0 ? (int)rev
			     : reg_db_do(db, "INSERT INTO crowd (name, since, rev) VALUES (?1, ?2, ?3)", "tii",
					 reg_in(o, "group"), (int64_t)time(NULL), rev);
		if (rc == 0)
			rc = reg_audit_add(db, o->caller.name, "group add", 0, reg_in(o, "group"));
	}
	return rc == 0 ? answer_group(o, db) : rc;
}

int reg_group_delete(struct reg_order *o, struct reg_db *db)
{
	struct group g;
	int rc = group_named(o, db, &g);

	if (rc == 0)
		rc = reg_match(o, g.rev);
	if (rc == 0)
		rc = reg_db_do(db, "DELETE FROM member WHERE crowd = ?1", "i", g.id);
	if (rc == 0)
		rc = reg_db_do(db, "DELETE FROM crowd WHERE id = ?1", "i", g.id);
	return rc == 0 ? reg_audit_add(db, o->caller.name, "group delete", 0, reg_in(o, "group")) : rc;
}

int reg_member_list(struct reg_order *o, struct reg_db *db)
{
	struct group g;
	int rc = group_named(o, db, &g);

	return rc < 0 ? rc
		      : reg_answer_page(o, db, "devices",
					"SELECT d.name AS device, d.state, m.device AS _key FROM member m JOIN device d"
					" ON d.id = m.device WHERE m.crowd = ?3 AND m.device > CAST(?1 AS INTEGER)"
					" ORDER BY m.device LIMIT ?2",
					g.id);
}

/* \returns 1 changed; 0 it was so; -EIO; -ENOSPC */
static int change_member(struct reg_order *o, struct reg_db *db, const struct group *g, const char *text,
			 const char *what)
{
	int64_t device, rev;
	int rc = reg_scope_device(o, db, &device);

	if (rc == 0)
		rc = reg_db_do(db, text, "ii", g->id, device);
	if (rc < 0 || !sqlite3_changes(db->sql))
		return rc;
	rev = reg_revision(db);
	rc = rev < 0 ? (int)rev : reg_db_do(db, "UPDATE crowd SET rev = ?2 WHERE id = ?1", "ii", g->id, rev);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, what, device, reg_in(o, "group"));
	return rc < 0 ? rc : 1;
}

static int put_member(struct reg_order *o, struct reg_db *db, const struct group *g)
{
	return change_member(o, db, g, "INSERT OR IGNORE INTO member (crowd, device) VALUES (?1, ?2)", "group in");
}

int reg_member_put(struct reg_order *o, struct reg_db *db)
{
	struct group g;
	int rc = group_named(o, db, &g);

	if (rc == 0)
		rc = put_member(o, db, &g);
	return rc < 0 ? rc : answer_group(o, db);
}

int reg_member_add(struct reg_order *o, struct reg_db *db)
{
	json_t *one;
	struct group g;
	size_t i;
	int rc = group_named(o, db, &g);

	json_array_foreach(json_object_get(o->in, "devices"), i, one)
	{
		if (rc >= 0)
			rc = json_object_set(o->in, "device", one);
		if (rc == 0)
			rc = put_member(o, db, &g);
	}
	if (rc < 0 && o->field)
		o->field = "devices";
	return rc < 0 ? rc : answer_group(o, db);
}

int reg_member_delete(struct reg_order *o, struct reg_db *db)
{
	struct group g;
	int rc = group_named(o, db, &g);

	if (rc == 0)
		rc = reg_match(o, g.rev);
	if (rc == 0)
		rc = change_member(o, db, &g, "DELETE FROM member WHERE crowd = ?1 AND device = ?2", "group out");
	return rc < 0 ? rc : answer_group(o, db);
}
