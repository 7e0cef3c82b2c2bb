/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Devices, and what they may use. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/base/ascii.h"
#include "common/gba/naf_id.h"
#include "reg/reg_audit.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"
#include "reg/reg_own.h"
#include "reg/reg_rows.h"

/* --- names: an IMPI, or KIND=VALUE */

static int read_name(struct reg_order *o, const char *field, const char *arg, enum reg_kind *kind, const char **value)
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

int reg_device_named(struct reg_order *o, struct reg_db *db, int64_t *device)
{
	enum reg_kind kind;
	const char *value;
	int rc = read_name(o, "device", reg_in(o, "device"), &kind, &value);

	if (rc < 0)
		return rc;
	rc = reg_db_find(db, device, kind, value);
	if (rc == 0)
		return reg_refuse(o, CTL_UNKNOWN, "device", "there is no such device");
	return rc < 0 ? rc : 0;
}

/* --- orders about devices */

int reg_device_changed(struct reg_order *o, struct reg_db *db, int64_t device)
{
	int rc = reg_db_do(db, "UPDATE device SET guss_at = max(guss_at + 1, ?2) WHERE id = ?1", "ii", device,
			   (int64_t)time(NULL));

	if (rc == 0)
		rc = reg_own_right(db, device);
	o->sends = true;
	return rc == 0 ? reg_outbox_device(db, device) : rc;
}

static int insert_device(struct reg_order *o, struct reg_db *db, const char *impi, int64_t *device)
{
	int64_t rev = reg_revision(db);
	char name[REG_NAME + 1];
	int rc = rev < 0 ? (int)rev : reg_name_make(name);

	if (rc == 0)
		rc = reg_db_do(db, "INSERT INTO device (name, guss_at, since, rev) VALUES (?1, 0, ?2, ?3)", "tii", name,
			       (int64_t)time(NULL), rev);
	*device = sqlite3_last_insert_rowid(db->sql);
	if (rc == 0)
		rc = reg_db_name(db, *device, REG_IMPI, impi);
	return rc == 0 ? reg_audit_add(db, o->caller.name, "device add", *device, NULL) : rc;
}

static int give_name(struct reg_order *o, struct reg_db *db, int64_t device, const char *arg)
{
	int64_t has = 0;
	enum reg_kind kind;
	const char *value;
	int rc = read_name(o, "names", arg, &kind, &value);

	if (rc == 0)
		rc = reg_db_find(db, &has, kind, value);
	if (rc > 0 && has == device)
		return 0;
	if (rc > 0)
		return reg_refuse(o, CTL_EXISTS, "names", "another device has that %s", reg_kind_name(kind));
	if (rc == 0)
		rc = reg_db_name(db, device, kind, value);
	return rc == -EEXIST ? reg_refuse(o, CTL_EXISTS, "names", "the device has another %s", reg_kind_name(kind))
			     : rc;
}

int reg_device_add(struct reg_order *o, struct reg_db *db)
{
	const char *impi = reg_in(o, "impi");
	int64_t device;
	json_t *one;
	size_t i;
	int rc;

	if (reg_kind_bad(REG_IMPI, impi))
		return reg_refuse(o, CTL_INVALID, "impi", "that is no IMPI; allowed: user@domain");
	rc = reg_db_find(db, &device, REG_IMPI, impi);
	if (rc == 0)
		rc = insert_device(o, db, impi, &device);
	json_array_foreach(json_object_get(o->in, "names"), i, one)
	{
		if (rc >= 0)
			rc = give_name(o, db, device, json_string_value(one));
	}
	if (rc >= 0)
		o->answer = json_pack("{sI}", "device", (json_int_t)device);
	return rc < 0 ? rc : 0;
}

static int add_grants(struct reg_db *db, int64_t device, json_t *list)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    "SELECT a.fqdn, a.gsid, p.value FROM granted g JOIN application a ON a.id = g.app LEFT JOIN"
			    " pseudonym p ON p.device = g.device AND p.asp = a.asp WHERE g.device = ?1 ORDER BY a.fqdn",
			    "i", device);

	if (rc <= 0)
		return rc;
	do {
		json_array_append_new(list, json_pack("{ssssss}", "app", sqlite3_column_text(q, 0), "gsid",
						      sqlite3_column_text(q, 1), "uid", sqlite3_column_text(q, 2)));
	} while (sqlite3_step(q) == SQLITE_ROW);
	sqlite3_finalize(q);
	return 0;
}

int reg_device_show(struct reg_order *o, struct reg_db *db)
{
	char value[REG_ID_MAX + 1];
	json_t *list = json_array();
	int64_t device;
	int rc = reg_device_named(o, db, &device);

	if (rc == 0)
		o->answer = json_pack("{sI}", "device", (json_int_t)device);
	for (enum reg_kind k = 0; rc >= 0 && k < REG_KINDS; k++) {
		rc = reg_db_name_get(db, value, device, k);
		if (rc > 0)
			json_object_set_new(o->answer, reg_kind_name(k), json_string(value));
	}
	if (rc >= 0)
		rc = add_grants(db, device, list);
	if (rc >= 0)
		json_object_set(o->answer, "grants", list);
	json_decref(list);
	return rc < 0 ? rc : 0;
}

/* Only one without grants, of which nobody is still to be told something: who takes it away has withdrawn them before. */
int reg_device_delete(struct reg_order *o, struct reg_db *db)
{
	static const char *const of_device[] = { "DELETE FROM pseudonym WHERE device = ?1",
						 "DELETE FROM outbox WHERE device = ?1",
						 "DELETE FROM identifier WHERE device = ?1",
						 "DELETE FROM device WHERE id = ?1" };
	int64_t device, one;
	int rc = reg_device_named(o, db, &device);

	if (rc < 0)
		return rc;
	rc = reg_db_int(db, &one, "SELECT 1 FROM granted WHERE device = ?1 LIMIT 1", "i", device);
	if (rc > 0)
		return reg_refuse(o, CTL_INVALID, "device", "it has grants; allowed: withdraw them first");
	if (rc == 0)
		rc = reg_outbox_waits(db, device);
	if (rc > 0)
		return reg_refuse(o, CTL_BUSY, "device", "a target is still to be told of a right that was withdrawn");
	for (size_t i = 0; rc == 0 && i < sizeof(of_device) / sizeof(of_device[0]); i++)
		rc = reg_db_do(db, of_device[i], "i", device);
	return rc == 0 ? reg_audit_add(db, o->caller.name, "device delete", device, NULL) : rc;
}

/* --- grants */

/* 128 random bits for a device and an ASP, made once: nobody can make them of an IMPI, or of another ASP's. */
static int need_pseudonym(struct reg_db *db, int64_t device, const char *asp)
{
	char uid[REG_NAME + 1];

	if (reg_name_make(uid) < 0)
		return -EIO;
	return reg_db_do(
		db,
		"INSERT INTO pseudonym (device, asp, value) VALUES (?1, ?2, ?3) ON CONFLICT (device, asp) DO NOTHING",
		"itt", device, asp, uid);
}

static int both_given(struct reg_order *o, struct reg_db *db, int64_t *device, struct reg_app *a)
{
	const char *arg = reg_in(o, "fqdn");
	char fqdn[FQDN_MAX + 1];
	int rc = reg_device_named(o, db, device);

	if (rc < 0)
		return rc;
	if (strlen(arg) > FQDN_MAX)
		return reg_refuse(o, CTL_INVALID, "fqdn", "that is no name of an application");
	ascii_lower_copy((uint8_t *)fqdn, arg, strlen(arg));
	fqdn[strlen(arg)] = '\0';
	rc = reg_app_get(db, fqdn, a);
	return rc == 0 ? reg_refuse(o, CTL_UNKNOWN, "fqdn", "there is no such application") : rc;
}

static int is_granted(struct reg_db *db, int64_t device, int64_t app)
{
	int64_t one;

	return reg_db_int(db, &one, "SELECT 1 FROM granted WHERE device = ?1 AND app = ?2", "ii", device, app);
}

static int room_for_one(struct reg_order *o, struct reg_db *db, int64_t device)
{
	int64_t n = 0;

	if (reg_db_int(db, &n, "SELECT count(*) FROM granted WHERE device = ?1", "i", device) < 0)
		return -EIO;
	return n < REG_GRANTS_MAX ? 0
				  : reg_refuse(o, CTL_INVALID, "device", "the device has %d grants; allowed: up to %d",
					       (int)n, REG_GRANTS_MAX);
}

/* What both have in their end. \param[in] app taken */
static int end_change(struct reg_order *o, struct reg_db *db, int64_t device, struct reg_app *a, const char *what,
		      bool changed, int rc)
{
	if (rc >= 0 && changed)
		rc = reg_device_changed(o, db, device);
	if (rc >= 0 && changed)
		rc = reg_audit_add(db, o->caller.name, what, device, a->fqdn);
	if (rc >= 0)
		o->answer = json_pack("{sb}", "changed", changed);
	reg_app_clear(a);
	return rc < 0 ? rc : 0;
}

int reg_grant(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a = { 0 };
	bool changed = false;
	int64_t device;
	int rc = both_given(o, db, &device, &a);

	if (rc > 0) {
		rc = is_granted(db, device, a.id);
		changed = rc == 0;
	}
	if (changed)
		rc = room_for_one(o, db, device);
	if (changed && rc == 0)
		rc = need_pseudonym(db, device, a.asp);
	if (changed && rc == 0)
		rc = reg_db_do(db, "INSERT INTO granted (device, app, since) VALUES (?1, ?2, ?3)", "iii", device, a.id,
			       (int64_t)time(NULL));
	return end_change(o, db, device, &a, "grant", changed, rc);
}

int reg_withdraw(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a = { 0 };
	bool changed = false;
	int64_t device;
	int rc = both_given(o, db, &device, &a);

	if (rc > 0) {
		rc = is_granted(db, device, a.id);
		changed = rc > 0;
	}
	if (changed)
		rc = reg_db_do(db, "DELETE FROM granted WHERE device = ?1 AND app = ?2", "ii", device, a.id);
	return end_change(o, db, device, &a, "withdraw", changed, rc);
}

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

		r->gsid = strdup((const char *)sqlite3_column_text(q, 0));
		r->asp = strdup((const char *)sqlite3_column_text(q, 1));
		snprintf(r->uid, sizeof(r->uid), "%s", (const char *)sqlite3_column_text(q, 2));
		rc = r->gsid && r->asp ? sqlite3_step(q) : SQLITE_NOMEM;
	} while (n < REG_GRANTS_MAX && rc == SQLITE_ROW);
	sqlite3_finalize(q);
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

int reg_reconcile(struct reg_order *o, struct reg_db *db)
{
	int rc = reg_outbox_all(db);

	o->sends = true;
	return rc == 0 ? reg_audit_add(db, o->caller.name, "reconcile", 0, NULL) : rc;
}
