/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Devices and their names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"
#include "reg/reg_own.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define SHOWN \
	"SELECT d.name AS device, d.name AS _key, d.state, trim(iif(d.by_operator <> 'active', 'operator', '') ||" \
	" iif(d.by_user <> 'active', ' user', '')) AS 'suspended_by*', u.name AS user, d.since, d.rev AS _rev FROM device d" \
	" LEFT JOIN user u ON u.id = d.custodian"

/* --- what is answered */

int reg_device_answer(struct reg_order *o, struct reg_db *db, int64_t device)
{
	char value[REG_ID_MAX + 1];
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, SHOWN " WHERE d.id = ?1", "i", device);

	rc = rc > 0 ? reg_answer_row(o, q) : -EIO;
	for (enum reg_kind k = 0; rc >= 0 && k < REG_KINDS; k++) {
		rc = reg_db_name_get(db, value, device, k);
		if (rc > 0)
			json_object_set_new(o->answer, reg_kind_name(k), json_string(value));
	}
	return rc < 0 ? rc : 0;
}

int reg_device_get(struct reg_order *o, struct reg_db *db)
{
	int64_t device;
	int rc = reg_scope_device(o, db, &device);

	return rc < 0 ? rc : reg_device_answer(o, db, device);
}

static int add_grants(struct reg_db *db, int64_t device, json_t *list)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    "SELECT a.fqdn, a.gsid, p.value FROM granted g JOIN application a ON a.id = g.app LEFT JOIN"
			    " pseudonym p ON p.device = g.device AND p.asp = a.asp WHERE g.device = ?1 ORDER BY a.fqdn",
			    "i", device);

	for (; rc > 0; rc = reg_db_next(q))
		json_array_append_new(list, json_pack("{ssssss}", "app", sqlite3_column_text(q, 0), "gsid",
						      sqlite3_column_text(q, 1), "uid", sqlite3_column_text(q, 2)));
	reg_db_end(q);
	return rc;
}

int reg_device_show(struct reg_order *o, struct reg_db *db)
{
	json_t *list = json_array();
	int64_t device;
	int rc = reg_scope_device(o, db, &device);

	if (rc == 0)
		rc = reg_device_answer(o, db, device);
	if (rc == 0)
		rc = add_grants(db, device, list);
	if (rc == 0)
		json_object_set(o->answer, "grants", list);
	json_decref(list);
	return rc;
}

/* By one of its names: the one there is, or none. */
static int list_found(struct reg_order *o, struct reg_db *db, const char *kind, const char *value)
{
	char arg[REG_ID_MAX + 16];
	int rc;

	snprintf(arg, sizeof(arg), "%s=%s", kind, value);
	json_object_set_new(o->in, "device", json_string(arg));
	rc = reg_device_get(o, db);
	if (rc < 0 && rc != -ENOENT) {
		o->field = o->field ? kind : NULL;
		return rc;
	}
	o->err.text[0] = '\0';
	o->answer = rc == 0 ? json_pack("{s[o]}", "devices", o->answer) : json_pack("{s[]}", "devices");
	o->revision = 0;
	return 0;
}

int reg_device_list(struct reg_order *o, struct reg_db *db)
{
	for (enum reg_kind k = 0; k < REG_KINDS; k++) {
		const char *value = reg_in(o, reg_kind_name(k));

		if (value && reg_scope_user(o))
			return reg_refuse(o, CTL_FORBIDDEN, reg_kind_name(k),
					  "a look-up is the operator's; allowed: none of its names");
		if (value)
			return list_found(o, db, reg_kind_name(k), value);
	}
	if (reg_scope_user(o))
		return reg_answer_page(o, db, "devices",
				       SHOWN " WHERE d.custodian = ?3 AND d.name > ?1 ORDER BY d.name LIMIT ?2",
				       reg_scope_user(o));
	return reg_answer_page(o, db, "devices", SHOWN " WHERE d.name > ?1 ORDER BY d.name LIMIT ?2", 0);
}

/* --- names */

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

static int give_name(struct reg_order *o, struct reg_db *db, int64_t device, enum reg_kind kind, const char *value,
		     const char *field)
{
	int64_t has = 0;
	int rc = reg_db_find(db, &has, kind, value);

	if (rc > 0 && has == device)
		return 0;
	if (rc > 0)
		return reg_refuse(o, CTL_EXISTS, field, "another device has that %s", reg_kind_name(kind));
	if (rc == 0)
		rc = reg_db_name(db, device, kind, value);
	return rc == -EEXIST ? reg_refuse(o, CTL_EXISTS, field, "the device has another %s", reg_kind_name(kind)) : rc;
}

/* As gbactl has them: a list of KIND=VALUE. */
static int give_listed(struct reg_order *o, struct reg_db *db, int64_t device)
{
	enum reg_kind kind;
	const char *value;
	json_t *one;
	size_t i;
	int rc = 0;

	json_array_foreach(json_object_get(o->in, "names"), i, one)
	{
		if (rc == 0)
			rc = reg_scope_kind(o, "names", json_string_value(one), &kind, &value);
		if (rc == 0)
			rc = give_name(o, db, device, kind, value, "names");
	}
	return rc;
}

/* Each as a member of its own. */
static int give_named(struct reg_order *o, struct reg_db *db, int64_t device)
{
	int rc = 0;

	for (enum reg_kind k = REG_MSISDN; rc == 0 && k < REG_KINDS; k++) {
		const char *name = reg_kind_name(k), *value = reg_in(o, name), *allowed;

		allowed = value ? reg_kind_bad(k, value) : NULL;
		if (allowed)
			rc = reg_refuse(o, CTL_INVALID, name, "that is no %s; allowed: %s", name, allowed);
		else if (value)
			rc = give_name(o, db, device, k, value, name);
	}
	return rc;
}

int reg_device_add(struct reg_order *o, struct reg_db *db)
{
	const char *impi = reg_in(o, "impi");
	int64_t device;
	int rc;

	if (reg_kind_bad(REG_IMPI, impi))
		return reg_refuse(o, CTL_INVALID, "impi", "that is no IMPI; allowed: user@domain");
	rc = reg_db_find(db, &device, REG_IMPI, impi);
	if (rc == 0)
		rc = insert_device(o, db, impi, &device);
	if (rc >= 0)
		rc = give_listed(o, db, device);
	if (rc == 0)
		rc = give_named(o, db, device);
	return rc == 0 ? reg_device_answer(o, db, device) : rc;
}

/* --- what changes */

int reg_device_put(struct reg_order *o, struct reg_db *db)
{
	int64_t device, rev;
	int rc = reg_scope_device_change(o, db, &device, &rev);

	for (enum reg_kind k = REG_MSISDN; rc == 0 && k < REG_KINDS; k++) {
		if (reg_in(o, reg_kind_name(k)))
			rc = reg_db_do(db, "DELETE FROM identifier WHERE device = ?1 AND kind = ?2", "ii", device,
				       (int64_t)k);
	}
	if (rc == 0)
		rc = give_named(o, db, device);
	if (rc == 0)
		rc = reg_db_do(db, "UPDATE device SET rev = ?2 WHERE id = ?1", "ii", device, rev);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "device names", device, NULL);
	return rc == 0 ? reg_device_answer(o, db, device) : rc;
}

/* What BSFs were told of one that is not active they would keep, and refuse it also when it is registered again. */
static int check_active(struct reg_order *o, struct reg_db *db, int64_t device)
{
	int64_t one;
	int rc = reg_db_int(db, &one, "SELECT 1 FROM device WHERE id = ?1 AND state <> 'active'", "i", device);

	return rc > 0 ? reg_refuse(o, CTL_CONFLICT, "device", "it is suspended or lost; allowed: active first") : rc;
}

/* Only one without grants, of which nobody is still to be told something: who takes it away has withdrawn them before. */
int reg_device_delete(struct reg_order *o, struct reg_db *db)
{
	static const char *const of_device[] = {
		"DELETE FROM granted WHERE device = ?1",    "DELETE FROM pseudonym WHERE device = ?1",
		"DELETE FROM outbox WHERE device = ?1",     "DELETE FROM member WHERE device = ?1",
		"DELETE FROM identifier WHERE device = ?1", "DELETE FROM device WHERE id = ?1"
	};
	int64_t device, rev;
	int rc = reg_scope_device_change(o, db, &device, &rev);

	if (rc == 0)
		rc = check_active(o, db, device);
	if (rc < 0)
		return rc;
	rc = reg_own_only(db, device);
	if (rc == 0)
		return reg_refuse(o, CTL_CONFLICT, "device", "it has grants; allowed: withdraw them first");
	if (rc > 0)
		rc = reg_outbox_waits(db, device);
	if (rc > 0)
		return reg_refuse(o, CTL_BUSY, "device", "a target is still to be told of a right that was withdrawn");
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "device delete", device, NULL);
	for (size_t i = 0; rc == 0 && i < sizeof(of_device) / sizeof(of_device[0]); i++)
		rc = reg_db_do(db, of_device[i], "i", device);
	return rc;
}

/* --- everything again */

int reg_reconcile(struct reg_order *o, struct reg_db *db)
{
	int rc = reg_outbox_all(db);

	o->sends = true;
	return rc == 0 ? reg_audit_add(db, o->caller.name, "reconcile", 0, NULL) : rc;
}
