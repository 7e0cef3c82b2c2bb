/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "reg/reg_names.h"
#include "reg/reg_orders.h"
#include "reg/reg_rows.h"

int64_t reg_scope_asp(const struct reg_order *o)
{
	return o->caller.role == REG_ASP ? o->caller.id : 0;
}

int64_t reg_scope_user(const struct reg_order *o)
{
	return o->caller.role == REG_USER ? o->caller.id : 0;
}

int reg_scope_asp_name(struct reg_order *o, struct reg_db *db, char out[REG_ASP_MAX + 1])
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT name, state FROM asp WHERE id = ?1", "i", reg_scope_asp(o));

	if (rc <= 0)
		return rc < 0 ? rc : reg_refuse(o, CTL_FORBIDDEN, NULL, "there is no such ASP");
	snprintf(out, REG_ASP_MAX + 1, "%s", (const char *)sqlite3_column_text(q, 0));
	rc = strcmp((const char *)sqlite3_column_text(q, 1), "approved") == 0
		     ? 0
		     : reg_refuse(o, CTL_FORBIDDEN, NULL, "the ASP is %s; allowed: to an approved one",
				  sqlite3_column_text(q, 1));
	reg_db_end(q);
	return rc;
}

int reg_scope_not_applied(struct reg_order *o, struct reg_db *db)
{
	int64_t one;
	int rc = !reg_scope_asp(o) ? 0
				   : reg_db_int(db, &one, "SELECT 1 FROM asp WHERE id = ?1 AND state = 'applied'", "i",
						reg_scope_asp(o));

	return rc > 0 ? reg_refuse(o, CTL_FORBIDDEN, NULL,
				   "the ASP has applied, and waits; allowed: to an approved one")
		      : rc;
}

/* --- applications */

static int is_asps(const struct reg_order *o, struct reg_db *db, const char *asp)
{
	int64_t one;

	return !reg_scope_asp(o) ? 1
				 : reg_db_int(db, &one, "SELECT 1 FROM asp WHERE id = ?1 AND name = ?2", "it",
					      reg_scope_asp(o), asp);
}

/* One that is usable; and one for whose grant he may have agreed, since he ends that alone, whatever became of it. */
static int is_users(const struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	int64_t one;

	return a->usable ? 1
			 : reg_db_int(db, &one,
				      "SELECT 1 FROM granted WHERE app = ?1 AND device IN (SELECT id FROM device WHERE"
				      " custodian = ?2) LIMIT 1",
				      "ii", a->id, reg_scope_user(o));
}

int reg_scope_app(struct reg_order *o, struct reg_db *db, struct reg_app *a)
{
	char fqdn[FQDN_MAX + 1];
	const char *bad = reg_names_parse(fqdn, reg_in(o, "fqdn"));
	int rc;

	*a = (struct reg_app){ 0 };
	if (bad)
		return reg_refuse(o, CTL_INVALID, "fqdn", "%s", bad);
	rc = reg_app_get(db, fqdn, a);
	if (rc > 0)
		rc = is_asps(o, db, a->asp);
	if (rc > 0 && reg_scope_user(o))
		rc = is_users(o, db, a);
	return rc == 0 ? reg_refuse(o, CTL_UNKNOWN, "fqdn", "there is no such application") : rc < 0 ? rc : 0;
}

int reg_scope_app_change(struct reg_order *o, struct reg_db *db, struct reg_app *a)
{
	char asp[REG_ASP_MAX + 1];
	int rc = reg_scope_app(o, db, a);

	if (rc == 0 && reg_scope_asp(o))
		rc = reg_scope_asp_name(o, db, asp);
	return rc == 0 ? reg_match(o, a->rev) : rc;
}

/* --- devices */

int reg_scope_kind(struct reg_order *o, const char *field, const char *arg, enum reg_kind *kind, const char **value)
{
	const char *equals = strchr(arg, '='), *allowed;
	size_t k = REG_IMPI;

	if (equals && !memchr(arg, '@', (size_t)(equals - arg))) {
		for (k = 0; k < REG_KINDS; k++) {
			if (strlen(reg_kind_name(k)) == (size_t)(equals - arg) &&
			    strncmp(reg_kind_name(k), arg, (size_t)(equals - arg)) == 0)
				break;
		}
		if (k == REG_KINDS)
			return reg_refuse(o, CTL_INVALID, field,
					  "a device has no such name; allowed: impi=, msisdn=, iccid=, eid=, imei=");
		arg = equals + 1;
	}
	allowed = reg_kind_bad(k, arg);
	if (allowed)
		return reg_refuse(o, CTL_INVALID, field, "that is no %s; allowed: %s", reg_kind_name(k), allowed);
	*kind = k;
	*value = arg;
	return 0;
}

static bool is_name(const char *arg)
{
	return strlen(arg) == REG_UID && strspn(arg, "0123456789abcdef") == REG_UID;
}

static int named_by_operator(struct reg_order *o, struct reg_db *db, const char *arg, int64_t *device)
{
	enum reg_kind kind;
	const char *value;
	int rc;

	if (is_name(arg))
		return reg_db_int(db, device, "SELECT id FROM device WHERE name = ?1", "t", arg);
	rc = reg_scope_kind(o, "device", arg, &kind, &value);
	return rc < 0 ? rc : reg_db_find(db, device, kind, value);
}

int reg_scope_device(struct reg_order *o, struct reg_db *db, int64_t *device)
{
	const char *arg = reg_in(o, "device");
	int rc = 0;

	if (o->caller.role == REG_OPERATOR)
		rc = named_by_operator(o, db, arg, device);
	else if (o->caller.role == REG_USER)
		rc = reg_db_int(db, device, "SELECT id FROM device WHERE name = ?1 AND custodian = ?2", "ti", arg,
				o->caller.id);
	else if (o->caller.role == REG_ASP)
		rc = reg_db_int(
			db, device,
			"SELECT p.device FROM pseudonym p JOIN asp s ON s.name = p.asp WHERE p.value = ?1 AND s.id = ?2",
			"ti", arg, o->caller.id);
	return rc == 0 ? reg_refuse(o, CTL_UNKNOWN, "device", "there is no such device") : rc < 0 ? rc : 0;
}

int reg_scope_device_change(struct reg_order *o, struct reg_db *db, int64_t *device, int64_t *rev)
{
	int rc = reg_scope_device(o, db, device);

	if (rc == 0)
		rc = reg_db_int(db, rev, "SELECT rev FROM device WHERE id = ?1", "i", *device) > 0 ? 0 : -EIO;
	if (rc == 0)
		rc = reg_match(o, *rev);
	if (rc == 0)
		*rev = reg_revision(db);
	return rc == 0 && *rev < 0 ? (int)*rev : rc;
}
