/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Grants by consent: a device may use an application while its ASP and the device's user agree and the operator does not object. Each
 * of the three says its own, and ends it alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_inbox.h"
#include "reg/reg_orders.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define BULK_MAX 1000 /* lines */

enum part { ASP_AGREES, USER_AGREES, OBJECTS, PARTS };

/* Who says what, besides the operator, who may speak for each. */
static const struct {
	const char *name;
	enum reg_role role;
	const char *said, *ended; /* in the audit */
} parts[PARTS] = {
	[ASP_AGREES] = { "asp_agrees", REG_ASP, "asp agrees", "asp ends" },
	[USER_AGREES] = { "user_agrees", REG_USER, "user agrees", "user ends" },
	[OBJECTS] = { "operator_objects", REG_OPERATOR, "operator objects", "operator objects no more" },
};

struct consent {
	int64_t device;
	struct reg_app app;
	bool is[PARTS];
	int64_t rev; /* 0: there is none */
};

/* --- as it is */

static int read_consent(struct reg_db *db, struct consent *c)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    "SELECT rev, asp_agrees, user_agrees, operator_objects FROM granted"
			    " WHERE device = ?1 AND app = ?2",
			    "ii", c->device, c->app.id);

	if (rc <= 0)
		return rc;
	c->rev = sqlite3_column_int64(q, 0);
	for (int i = 0; i < PARTS; i++)
		c->is[i] = sqlite3_column_int(q, i + 1);
	reg_db_end(q);
	return 0;
}

/* \param[out] c for reg_app_clear(&c->app), also on error */
static int consent_named(struct reg_order *o, struct reg_db *db, struct consent *c)
{
	int rc;

	*c = (struct consent){ 0 };
	rc = reg_scope_device(o, db, &c->device);
	if (rc == 0)
		rc = reg_scope_app(o, db, &c->app);
	return rc == 0 ? read_consent(db, c) : rc;
}

static int is_live(struct reg_db *db, const struct consent *c)
{
	int64_t one;

	return reg_db_int(db, &one, "SELECT 1 FROM live WHERE device = ?1 AND app = ?2", "ii", c->device, c->app.id);
}

/* An ASP is shown the pseudonym where others are shown the device. */
#define SHOWN(device, key) \
	"SELECT " device " AS device, " key " AS _key, a.fqdn, p.value AS uid, g.asp_agrees AS 'asp_agrees?'," \
	" g.user_agrees AS 'user_agrees?', g.operator_objects AS 'operator_objects?', EXISTS (SELECT 1 FROM live l" \
	" WHERE l.device = g.device AND l.app = g.app) AS 'live?', g.since, g.rev AS _rev FROM granted g" \
	" JOIN device d ON d.id = g.device JOIN application a ON a.id = g.app JOIN pseudonym p ON p.device = g.device" \
	" AND p.asp = a.asp "

static int answer_consent(struct reg_order *o, struct reg_db *db, const struct consent *c)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    o->caller.role == REG_ASP ? SHOWN("p.value", "a.fqdn") "WHERE g.device = ?1 AND g.app = ?2"
						      : SHOWN("d.name", "a.fqdn") "WHERE g.device = ?1 AND g.app = ?2",
			    "ii", c->device, c->app.id);

	if (rc > 0)
		return reg_answer_row(o, q);
	if (rc == 0)
		o->answer = json_pack("{ssssssbsbsbsb}", "device", reg_in(o, "device"), "fqdn", c->app.fqdn,
				      "asp_agrees", 0, "user_agrees", 0, "operator_objects", 0, "live", 0);
	return rc;
}

/* --- what it is to be */

static int room_for_one(struct reg_order *o, struct reg_db *db, const struct consent *c)
{
	int64_t n = 0;

	if (c->rev)
		return 0;
	if (reg_db_int(db, &n, "SELECT count(*) FROM granted WHERE device = ?1", "i", c->device) < 0)
		return -EIO;
	return n < REG_GRANTS_MAX ? 0
				  : reg_refuse(o, CTL_CONFLICT, "device", "the device has %d grants; allowed: up to %d",
					       (int)n, REG_GRANTS_MAX);
}

/* How well is known who uses it? A device of the operator's own is his word. */
static int known_well(struct reg_order *o, struct reg_db *db, const struct consent *c)
{
	int64_t is;
	int rc = reg_db_int(db, &is,
			    "SELECT u.assurance FROM device d JOIN user u ON u.id = d.custodian WHERE d.id = ?1", "i",
			    c->device);

	if (rc <= 0 || is >= c->app.assurance_min)
		return rc < 0 ? rc : 0;
	return reg_refuse(o, CTL_CONFLICT, "fqdn",
			  "the user's assurance is %d; allowed by the application: %d and more", (int)is,
			  c->app.assurance_min);
}

/* 128 random bits for a device and an ASP, made once: nobody can make them of an IMPI, or of another ASP's. */
static int need_pseudonym(struct reg_db *db, const struct consent *c)
{
	char uid[REG_NAME + 1];

	if (reg_name_make(uid) < 0)
		return -EIO;
	return reg_db_do(
		db,
		"INSERT INTO pseudonym (device, asp, value) VALUES (?1, ?2, ?3) ON CONFLICT (device, asp) DO NOTHING",
		"itt", c->device, c->app.asp, uid);
}

static int check_agreed(struct reg_order *o, struct reg_db *db, const struct consent *c)
{
	char asp[REG_ASP_MAX + 1];
	int rc = reg_scope_asp(o) ? reg_scope_asp_name(o, db, asp) : 0;

	if (rc == 0)
		rc = room_for_one(o, db, c);
	if (rc == 0)
		rc = known_well(o, db, c);
	return rc == 0 ? need_pseudonym(db, c) : rc;
}

static int write_consent(struct reg_db *db, const struct consent *c, const bool want[PARTS], int64_t rev)
{
	if (!want[ASP_AGREES] && !want[USER_AGREES] && !want[OBJECTS])
		return reg_db_do(db, "DELETE FROM granted WHERE device = ?1 AND app = ?2", "ii", c->device, c->app.id);
	return reg_db_do(db,
			 "INSERT INTO granted (device, app, since, asp_agrees, user_agrees, operator_objects, rev)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (device, app) DO UPDATE SET asp_agrees = ?4,"
			 " user_agrees = ?5, operator_objects = ?6, rev = ?7",
			 "iiiiiii", c->device, c->app.id, (int64_t)time(NULL), (int64_t)want[ASP_AGREES],
			 (int64_t)want[USER_AGREES], (int64_t)want[OBJECTS], rev);
}

/* \param[in] what in the audit; NULL: a row for each that is said */
static int audit_consent(struct reg_order *o, struct reg_db *db, const struct consent *c, const bool want[PARTS],
			 const char *what)
{
	int rc = what ? reg_audit_add(db, o->caller.name, what, c->device, c->app.fqdn) : 0;

	for (int i = 0; !what && rc == 0 && i < PARTS; i++) {
		if (want[i] != c->is[i])
			rc = reg_audit_add(db, o->caller.name, want[i] ? parts[i].said : parts[i].ended, c->device,
					   c->app.fqdn);
	}
	return rc;
}

/* \returns 1 something changed; 0; refused; -EIO */
static int change(struct reg_order *o, struct reg_db *db, const struct consent *c, const bool want[PARTS],
		  const char *what)
{
	const bool gone = !want[ASP_AGREES] && !want[USER_AGREES] && !want[OBJECTS];
	int was = is_live(db, c), is, rc = 0;
	int64_t rev;

	if (memcmp(want, c->is, sizeof(c->is)) == 0)
		return 0;
	if ((want[ASP_AGREES] && !c->is[ASP_AGREES]) || (want[USER_AGREES] && !c->is[USER_AGREES]))
		rc = check_agreed(o, db, c);
	else if (want[OBJECTS] && !c->rev) /* shown with its pseudonym like any other */
		rc = need_pseudonym(db, c);
	rev = rc == 0 ? reg_revision(db) : rc;
	rc = rev < 0 ? (int)rev : write_consent(db, c, want, rev);
	is = rc == 0 ? is_live(db, c) : rc;
	if (was < 0 || is < 0)
		return was < 0 ? was : is;
	if (was != is || gone) /* the last one takes the registry's own with it */
		rc = reg_reach_device(o, db, c->device);
	if (was != is && rc == 0)
		rc = reg_inbox_tell(db, c->device, is ? "granted" : "ended", c->app.fqdn);
	if (rc == 0)
		rc = audit_consent(o, db, c, want, what);
	return rc < 0 ? rc : 1;
}

/* --- orders */

/* gbactl: the operator says all of it; what he withdraws he may object to all the same. */
static int change_all(struct reg_order *o, struct reg_db *db, bool agree, const char *what)
{
	bool want[PARTS] = { [ASP_AGREES] = agree, [USER_AGREES] = agree };
	struct consent c;
	int rc = consent_named(o, db, &c);

	want[OBJECTS] = !agree && c.is[OBJECTS];
	if (rc == 0)
		rc = change(o, db, &c, want, what);
	if (rc >= 0)
		o->answer = json_pack("{sb}", "changed", rc);
	reg_app_clear(&c.app);
	return rc < 0 ? rc : 0;
}

int reg_grant(struct reg_order *o, struct reg_db *db)
{
	return change_all(o, db, true, "grant");
}

int reg_withdraw(struct reg_order *o, struct reg_db *db)
{
	return change_all(o, db, false, "withdraw");
}

int reg_grant_get(struct reg_order *o, struct reg_db *db)
{
	struct consent c;
	int rc = consent_named(o, db, &c);

	if (rc == 0 && !c.rev)
		rc = reg_refuse(o, CTL_UNKNOWN, NULL, "there is no such grant");
	if (rc == 0)
		rc = answer_consent(o, db, &c);
	reg_app_clear(&c.app);
	return rc;
}

/* What `in` says of each part, by who may say it. */
static int wanted(struct reg_order *o, const struct consent *c, bool want[PARTS])
{
	memcpy(want, c->is, sizeof(c->is));
	for (int i = 0; i < PARTS; i++) {
		const json_t *v = json_object_get(o->in, parts[i].name);

		if (!v)
			continue;
		if (o->caller.role != REG_OPERATOR && o->caller.role != parts[i].role)
			return reg_refuse(o, CTL_FORBIDDEN, parts[i].name, "that is for another to say; allowed: %s",
					  o->caller.role == REG_ASP ? "asp_agrees" : "user_agrees");
		want[i] = json_is_true(v);
	}
	return 0;
}

/* \returns 1 changed; 0; refused */
static int put_one(struct reg_order *o, struct reg_db *db, struct consent *c)
{
	bool want[PARTS];
	int rc = consent_named(o, db, c);

	if (rc == 0)
		rc = reg_match(o, c->rev);
	if (rc == 0)
		rc = wanted(o, c, want);
	return rc == 0 ? change(o, db, c, want, NULL) : rc;
}

int reg_grant_put(struct reg_order *o, struct reg_db *db)
{
	struct consent c;
	int rc = put_one(o, db, &c);

	if (rc >= 0)
		rc = answer_consent(o, db, &c);
	reg_app_clear(&c.app);
	return rc;
}

/* Who deletes it takes back what is his: the operator all of it. */
int reg_grant_delete(struct reg_order *o, struct reg_db *db)
{
	bool want[PARTS];
	struct consent c;
	int rc = consent_named(o, db, &c);

	if (rc == 0 && !c.rev)
		rc = reg_refuse(o, CTL_UNKNOWN, NULL, "there is no such grant");
	if (rc == 0)
		rc = reg_match(o, c.rev);
	for (int i = 0; i < PARTS; i++)
		want[i] = c.is[i] && o->caller.role != REG_OPERATOR && o->caller.role != parts[i].role;
	if (rc == 0)
		rc = change(o, db, &c, want, NULL);
	reg_app_clear(&c.app);
	return rc < 0 ? rc : 0;
}

/* --- many */

int reg_grant_list(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a = { 0 };
	int64_t device = 0;
	char text[2048];
	int rc;

	if (!reg_in(o, "fqdn") && !(reg_in(o, "device") && o->caller.role != REG_ASP))
		return reg_refuse(o, CTL_INVALID, "fqdn", "of what; allowed: fqdn%s",
				  o->caller.role == REG_ASP ? "" : ", device");
	rc = reg_in(o, "fqdn") ? reg_scope_app(o, db, &a) : 0;
	if (rc == 0 && reg_in(o, "device"))
		rc = reg_scope_device(o, db, &device);
	if (rc == 0 && o->caller.role == REG_ASP)
		rc = reg_answer_page(
			o, db, "grants",
			SHOWN("p.value", "g.uid") "WHERE g.app = ?3 AND g.uid > ?1 ORDER BY g.uid LIMIT ?2", a.id);
	else if (rc == 0 && device)
		rc = reg_answer_page(o, db, "grants",
				     SHOWN("d.name", "a.fqdn") "WHERE g.device = ?3 AND a.fqdn > ?1 ORDER BY a.fqdn"
							       " LIMIT ?2",
				     device);
	else if (rc == 0 && reg_scope_user(o)) {
		snprintf(text, sizeof(text),
			 SHOWN("d.name", "d.name") "WHERE g.app = ?3 AND d.custodian = %lld AND d.name > ?1"
						   " ORDER BY d.name LIMIT ?2",
			 (long long)reg_scope_user(o));
		rc = reg_answer_page(o, db, "grants", text, a.id);
	} else if (rc == 0)
		rc = reg_answer_page(o, db, "grants",
				     SHOWN("d.name", "g.device") "WHERE g.app = ?3 AND g.device > CAST(?1 AS INTEGER)"
								 " ORDER BY g.device LIMIT ?2",
				     a.id);
	reg_app_clear(&a);
	return rc;
}

static int bulk_one(struct reg_order *o, struct reg_db *db)
{
	struct consent c;
	int rc = put_one(o, db, &c);

	reg_app_clear(&c.app);
	return rc;
}

/* A line for a group is one for each of its devices. \returns how many changed; refused */
static int bulk_group(struct reg_order *o, struct reg_db *db, const char *group)
{
	sqlite3_stmt *q = NULL;
	int n = 0, rc = 0, more = 0;

	if (o->caller.role == REG_OPERATOR)
		more = reg_db_ask(
			db, &q,
			"SELECT d.name FROM crowd c JOIN member m ON m.crowd = c.id JOIN device d ON d.id = m.device"
			" WHERE c.name = ?1 ORDER BY d.id",
			"t", group);
	if (more <= 0)
		return more < 0 ? more : reg_refuse(o, CTL_UNKNOWN, "group", "there is no such group, or nobody in it");
	for (; rc >= 0 && more > 0; more = reg_db_next(q)) {
		json_object_set_new(o->in, "device", json_string((const char *)sqlite3_column_text(q, 0)));
		rc = bulk_one(o, db);
		n += rc > 0;
	}
	reg_db_end(q);
	return rc < 0 ? rc : more < 0 ? more : n;
}

/* All lines or none: one that is refused takes the others with it, and is named. */
int reg_grant_bulk(struct reg_order *o, struct reg_db *db)
{
	json_t *all = o->in, *lines = json_object_get(all, "lines"), *line;
	size_t i;
	int n = 0, rc = 0;

	if (json_array_size(lines) > BULK_MAX)
		return reg_refuse(o, CTL_INVALID, "lines", "%zu lines; allowed: up to %d", json_array_size(lines),
				  BULK_MAX);
	json_array_foreach(lines, i, line)
	{
		const char *group = json_string_value(json_object_get(line, "group"));

		o->in = line;
		if (!group == !json_object_get(line, "device"))
			rc = reg_refuse(o, CTL_INVALID, "lines", "allowed: either device or group");
		else
			rc = group ? bulk_group(o, db, group) : bulk_one(o, db);
		o->in = all;
		if (rc < 0)
			break;
		n += rc;
	}
	if (rc < 0) {
		char why[ERR_MAX];

		memcpy(why, o->err.text, sizeof(why));
		if (*why)
			snprintf(o->err.text, sizeof(o->err.text), "line %zu: %.*s", i + 1, ERR_MAX - 32, why);
		return rc;
	}
	o->answer = json_pack("{si}", "changed", n);
	return 0;
}

static int change_group(struct reg_order *o, struct reg_db *db, bool agree)
{
	json_t *line = json_pack("{sssssbsb}", "group", reg_in(o, "group"), "fqdn", reg_in(o, "fqdn"), "asp_agrees",
				 agree, "user_agrees", agree);

	if (agree)
		json_object_set_new(line, "operator_objects", json_false());
	json_object_set_new(o->in, "lines", json_pack("[o]", line));
	return reg_grant_bulk(o, db);
}

int reg_group_grant(struct reg_order *o, struct reg_db *db)
{
	return change_group(o, db, true);
}

int reg_group_withdraw(struct reg_order *o, struct reg_db *db)
{
	return change_group(o, db, false);
}

/* --- rights, for the targets */

int reg_rights(struct reg_db *db, int64_t device, struct reg_right *rights)
{
	sqlite3_stmt *q;
	int n = 0,
	    rc = reg_db_ask(
		    db, &q,
		    "SELECT l.gsid, l.asp, p.value FROM live l JOIN pseudonym p ON p.device = l.device AND p.asp = l.asp"
		    " WHERE l.device = ?1 ORDER BY l.app",
		    "i", device);

	if (rc <= 0)
		return rc;
	do {
		struct reg_right *r = &rights[n++];

		r->gsid = reg_db_text(q, 0);
		r->asp = reg_db_text(q, 1);
		snprintf(r->uid, sizeof(r->uid), "%s", (const char *)sqlite3_column_text(q, 2));
		rc = r->gsid && r->asp ? sqlite3_step(q) : SQLITE_NOMEM;
	} while (n < REG_GRANTS_MAX && rc == SQLITE_ROW);
	reg_db_end(q);
	if (rc == SQLITE_DONE)
		return n;
	reg_rights_clear(rights, n); /* half of the rights would take the others away */
	return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

void reg_rights_clear(struct reg_right *rights, int n)
{
	for (int i = 0; i < n; i++) {
		free(rights[i].gsid);
		free(rights[i].asp);
	}
}
