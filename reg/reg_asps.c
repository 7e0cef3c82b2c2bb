/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Application service providers: they apply, the operator approves; what becomes of one becomes of all its applications. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "common/base/secret.h"
#include "reg/reg_alias.h"
#include "reg/reg_audit.h"
#include "reg/reg_inbox.h"
#include "reg/reg_orders.h"
#include "reg/reg_own.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"
#include "reg/reg_token.h"

#define WAITING_MAX 100 /* that have applied, so that nobody fills the disk */
#define CONTACT_MAX 256 /* octets */
#define SHOWN       "SELECT name AS asp, name AS _key, contact, public_id, state, since, rev AS _rev FROM asp"

int reg_asp_check_name(struct reg_order *o, const char *asp)
{
	size_t n = strspn(asp, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	if (!asp[n] && n && n <= REG_ASP_MAX)
		return 0;
	return reg_refuse(o, CTL_INVALID, "asp", "that is no name of an ASP; allowed: up to %d letters, digits, . _ -",
			  REG_ASP_MAX);
}

static int insert_asp(struct reg_db *db, const char *asp, const char *contact, const char *state)
{
	int64_t rev = reg_revision(db);
	int rc =
		rev < 0 ? (int)rev
			: reg_db_do(db,
				    "DELETE FROM changes WHERE role = 2 AND owner = (SELECT id FROM asp WHERE name = ?1"
				    " AND state = 'deleted')", /* that it deleted itself is counted */
				    "t", asp);

	if (rc == 0)
		rc = reg_db_do(db, "DELETE FROM asp WHERE name = ?1 AND state = 'deleted'", "t", asp);
	return rc < 0 ? rc
		      : reg_db_do(db, "INSERT INTO asp (name, contact, state, since, rev) VALUES (?1, ?2, ?3, ?4, ?5)",
				  "tttii", asp, contact, state, (int64_t)time(NULL), rev);
}

int reg_asp_need(struct reg_db *db, const char *asp)
{
	int64_t one;
	int rc = reg_db_int(db, &one, "SELECT 1 FROM asp WHERE name = ?1 AND state <> 'deleted'", "t", asp);

	return rc == 0 ? insert_asp(db, asp, "", "approved") : rc < 0 ? rc : 0;
}

static int answer_asp(struct reg_order *o, struct reg_db *db, const char *name)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, SHOWN " WHERE name = ?1", "t", name);

	return rc > 0 ? reg_answer_row(o, q) : rc < 0 ? rc : -EIO;
}

struct asp {
	char state[16];
	int64_t rev;
};

/* The one that member `asp` names. \returns 0; -ENOENT: refused; -EIO */
static int asp_named(struct reg_order *o, struct reg_db *db, struct asp *out)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT state, rev FROM asp WHERE name = ?1 AND (?2 = 0 OR id = ?2)", "ti",
			    reg_in(o, "asp"), reg_scope_asp(o));

	if (rc <= 0)
		return rc < 0 ? rc : reg_refuse(o, CTL_UNKNOWN, "asp", "there is no such ASP");
	snprintf(out->state, sizeof(out->state), "%s", (const char *)sqlite3_column_text(q, 0));
	out->rev = sqlite3_column_int64(q, 1);
	reg_db_end(q);
	return 0;
}

/* --- what it says of itself */

static int check_contact(struct reg_order *o)
{
	const char *contact = reg_in(o, "contact");

	return !contact || strlen(contact) <= CONTACT_MAX
		       ? 0
		       : reg_refuse(o, CTL_INVALID, "contact", "too long; allowed: up to %d octets", CONTACT_MAX);
}

/* The number that others gave the company: SCHEME:VALUE. */
static int put_public_id(struct reg_order *o, struct reg_db *db, const char *asp)
{
	const char *id = reg_in(o, "public_id"), *colon = id ? strchr(id, ':') : NULL, *allowed;
	const struct reg_alias_scheme *s = NULL;
	char scheme[16] = "", value[REG_ALIAS_MAX + 1], kept[REG_ALIAS_MAX + 20];
	int rc;

	if (!id)
		return 0;
	if (colon && (size_t)(colon - id) < sizeof(scheme)) {
		snprintf(scheme, sizeof(scheme), "%.*s", (int)(colon - id), id);
		s = reg_alias_scheme(scheme, REG_OF_ASP);
	}
	if (!s)
		return reg_refuse(o, CTL_INVALID, "public_id", "no such scheme; allowed: lei:, cin:, vat:, duns:");
	allowed = reg_alias_parse(value, s, colon + 1);
	if (allowed)
		return reg_refuse(o, CTL_INVALID, "public_id", "that is no %s; allowed: %s", scheme, allowed);
	snprintf(kept, sizeof(kept), "%s:%s", scheme, value);
	rc = reg_db_do(db, "UPDATE asp SET public_id = ?2 WHERE name = ?1", "tt", asp, kept);
	return rc == -EEXIST ? reg_refuse(o, CTL_EXISTS, "public_id", "another ASP has that number") : rc;
}

static int room_to_apply(struct reg_order *o, struct reg_db *db)
{
	int64_t n = 0;

	if (o->caller.role == REG_OPERATOR)
		return 0;
	if (reg_db_int(db, &n, "SELECT count(*) FROM asp WHERE state = 'applied'", "") < 0)
		return -EIO;
	return n < WAITING_MAX ? 0 : reg_refuse(o, CTL_BUSY, NULL, "%d have applied and wait for the operator", (int)n);
}

/* By which who has applied asks from now on. */
static int add_token(struct reg_order *o, struct reg_db *db, const char *asp)
{
	char token[REG_TOKEN_TEXT + 1];
	int64_t id = 0;
	int rc = reg_db_int(db, &id, "SELECT id FROM asp WHERE name = ?1", "t", asp) > 0 ? 0 : -EIO;

	if (rc == 0)
		rc = reg_token_make(db, REG_ASP, id, NULL, token);
	if (rc == 0)
		json_object_set_new(o->answer, "token", json_string(token));
	OPENSSL_cleanse(token, sizeof(token));
	return rc;
}

int reg_asp_add(struct reg_order *o, struct reg_db *db)
{
	const char *asp = reg_in(o, "asp"), *contact = reg_in(o, "contact");
	const char *state = o->caller.role == REG_OPERATOR ? "approved" : "applied";
	int rc = reg_asp_check_name(o, asp);

	if (rc == 0)
		rc = check_contact(o);
	if (rc == 0)
		rc = room_to_apply(o, db);
	if (rc == 0)
		rc = insert_asp(db, asp, contact ? contact : "", state);
	if (rc == -EEXIST && !o->err.text[0])
		return reg_refuse(o, CTL_EXISTS, "asp", "there is an ASP of that name; allowed: another one");
	if (rc == 0)
		rc = put_public_id(o, db, asp);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, o->caller.role == REG_OPERATOR ? "asp add" : "asp applies", 0,
				   asp);
	if (rc == 0)
		rc = answer_asp(o, db, asp);
	return rc == 0 && o->caller.role == REG_ANYONE ? add_token(o, db, asp) : rc;
}

int reg_asp_get(struct reg_order *o, struct reg_db *db)
{
	struct asp a;
	int rc = asp_named(o, db, &a);

	return rc == 0 ? answer_asp(o, db, reg_in(o, "asp")) : rc;
}

int reg_asp_list(struct reg_order *o, struct reg_db *db)
{
	return reg_answer_page(o, db, "asps", SHOWN " WHERE name > ?1 ORDER BY name LIMIT ?2", 0);
}

/* --- states */

/* Nothing is left of it but its name, until somebody else applies with that: he finds nothing, also no answer that was kept. */
static int take_all(struct reg_db *db, const char *asp)
{
	static const char *const of_asp[] = {
		"DELETE FROM granted WHERE app IN (SELECT id FROM application WHERE asp = ?1)",
		"DELETE FROM return_address WHERE app IN (SELECT id FROM application WHERE asp = ?1)",
		"DELETE FROM request WHERE app IN (SELECT id FROM application WHERE asp = ?1)",
		"DELETE FROM token WHERE role = 2 AND owner = (SELECT id FROM asp WHERE name = ?1)",
		"DELETE FROM changes WHERE role = 2 AND owner = (SELECT id FROM asp WHERE name = ?1)",
		"DELETE FROM kept WHERE who = 'asp ' || ?1",
		"DELETE FROM pseudonym WHERE asp = ?1",
		"DELETE FROM application WHERE asp = ?1",
		"UPDATE asp SET contact = '', public_id = NULL WHERE name = ?1"
	};
	int rc = reg_own_leave(db, "SELECT id FROM application WHERE asp = ?1", asp);

	for (size_t i = 0; rc == 0 && i < sizeof(of_asp) / sizeof(of_asp[0]); i++)
		rc = reg_db_do(db, of_asp[i], "t", asp);
	return rc;
}

static int set_state(struct reg_order *o, struct reg_db *db, const char *asp, const struct asp *is, const char *state)
{
	char what[32];
	int rc;

	if (strcmp(is->state, state) == 0)
		return 0;
	if (strcmp(is->state, "deleted") == 0)
		return reg_refuse(o, CTL_CONFLICT, "state", "it was deleted, and stays so");
	snprintf(what, sizeof(what), "asp %s", state);
	rc = reg_inbox_before(db, REG_OF_ASP_NAME, asp);
	if (rc == 0)
		rc = reg_db_do(db, "UPDATE asp SET state = ?2 WHERE name = ?1", "tt", asp, state);
	if (rc == 0)
		rc = reg_reach_asp(o, db, asp);
	if (rc == 0 && strcmp(state, "deleted") == 0)
		rc = take_all(db, asp);
	if (rc == 0)
		rc = reg_inbox_after(db, REG_OF_ASP_NAME, asp);
	return rc == 0 ? reg_audit_add(db, o->caller.name, what, 0, asp) : rc;
}

/* Of one that waits nothing is kept but what it says now: else anybody could fill the audit. */
static int audit_said(struct reg_order *o, struct reg_db *db, const char *asp, const struct asp *is)
{
	if ((!reg_in(o, "contact") && !reg_in(o, "public_id")) || strcmp(is->state, "applied") == 0)
		return 0;
	return reg_audit_add(db, o->caller.name, "asp change", 0, asp);
}

/* \param[in] state NULL: as it is */
static int change_asp(struct reg_order *o, struct reg_db *db, const char *state)
{
	const char *asp = reg_in(o, "asp");
	struct asp is;
	int64_t rev;
	int rc = asp_named(o, db, &is);

	if (rc == 0)
		rc = reg_match(o, is.rev);
	if (rc == 0)
		rc = check_contact(o);
	if (rc == 0)
		rc = put_public_id(o, db, asp);
	rev = rc == 0 ? reg_revision(db) : rc;
	rc = rev < 0 ? (int)rev
		     : reg_db_do(db, "UPDATE asp SET contact = ifnull(?2, contact), rev = ?3 WHERE name = ?1", "tti",
				 asp, reg_in(o, "contact"), rev);
	if (rc == 0)
		rc = audit_said(o, db, asp, &is);
	return rc == 0 && state ? set_state(o, db, asp, &is, state) : rc;
}

int reg_asp_put(struct reg_order *o, struct reg_db *db)
{
	const char *state = reg_in(o, "state");
	int rc = 0;

	if (state && o->caller.role != REG_OPERATOR)
		return reg_refuse(o, CTL_FORBIDDEN, "state",
				  "that is for the operator to say; allowed: contact, public_id");
	if (state && strcmp(state, "approved") != 0 && strcmp(state, "suspended") != 0 && strcmp(state, "deleted") != 0)
		return reg_refuse(o, CTL_INVALID, "state", "no such state; allowed: approved, suspended, deleted");
	rc = change_asp(o, db, state);
	return rc == 0 ? answer_asp(o, db, reg_in(o, "asp")) : rc;
}

/* Of who has applied the operator does it: else names and rows of the audit without end would cost nobody anything. */
int reg_asp_delete(struct reg_order *o, struct reg_db *db)
{
	int rc = reg_scope_not_applied(o, db);

	return rc == 0 ? change_asp(o, db, "deleted") : rc;
}
