/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_outbox.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include "reg/reg_cfg.h"

#define SAME    " AND device IS nullif(?3, 0) AND fqdn IS ?4 AND of_state = ?5"
#define SQL_MAX 512

static const char *fqdn_of(const struct reg_row *row)
{
	return row->device ? NULL : row->fqdn;
}

/* \param[in] refused NULL: it is to be told */
static int add(struct reg_db *db, const char *target, const struct reg_row *row, const char *refused)
{
	return reg_db_do(
		db,
		"INSERT INTO outbox (target, device, fqdn, at, refused, of_state) VALUES (?1, nullif(?2, 0), ?3, ?4, ?5, ?6)",
		"tititi", target, row->device, fqdn_of(row), (int64_t)time(NULL), refused, (int64_t)row->of_state);
}

static int add_each(struct reg_db *db, bool hss_too, const struct reg_row *row)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < reg_cfg.n_targets; i++) {
		if (hss_too || !reg_cfg.targets[i].is_hss)
			rc = add(db, reg_cfg.targets[i].name, row, NULL);
	}
	return rc;
}

int reg_outbox_device(struct reg_db *db, int64_t device)
{
	return add_each(db, true, &(struct reg_row){ .device = device });
}

int reg_outbox_bsf_again(struct reg_db *db, int64_t device)
{
	return add_each(db, false, &(struct reg_row){ .device = device });
}

int reg_outbox_state(struct reg_db *db, int64_t device)
{
	return add_each(db, false, &(struct reg_row){ .device = device, .of_state = true });
}

int reg_outbox_app(struct reg_db *db, const char *fqdn)
{
	struct reg_row row = { .device = 0 };

	snprintf(row.fqdn, sizeof(row.fqdn), "%s", fqdn);
	return add_each(db, false, &row);
}

/* \param[in] text ?1 one, ?2 target, ?3 now */
static int add_set(struct reg_db *db, bool hss_too, const char *text, const char *one)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < reg_cfg.n_targets; i++) {
		if (hss_too || !reg_cfg.targets[i].is_hss)
			rc = reg_db_do(db, text, "tti", one, reg_cfg.targets[i].name, (int64_t)time(NULL));
	}
	return rc;
}

int reg_outbox_devices(struct reg_db *db, const char *which, const char *one)
{
	char text[SQL_MAX];

	snprintf(text, sizeof(text),
		 "INSERT INTO outbox (target, device, at) SELECT ?2, id, ?3 FROM device WHERE id IN (%s) ORDER BY id",
		 which);
	return add_set(db, true, text, one);
}

int reg_outbox_apps(struct reg_db *db, const char *asp)
{
	return add_set(
		db, false,
		"INSERT INTO outbox (target, fqdn, at) SELECT ?2, fqdn, ?3 FROM application WHERE asp = ?1 ORDER BY id",
		asp);
}

int reg_outbox_suspended(struct reg_db *db, const char *target)
{
	return reg_db_do(db,
			 "INSERT INTO outbox (target, device, of_state, at) SELECT ?1, id, 1, ?2 FROM device WHERE"
			 " state <> 'active' ORDER BY id",
			 "ti", target, (int64_t)time(NULL));
}

int reg_outbox_all(struct reg_db *db)
{
	static const struct {
		bool hss_too;
		const char *text;
	} all[] = {
		{ false,
		  "INSERT INTO outbox (target, device, of_state, at) SELECT ?2, id, 1, ?3 FROM device"
		  " WHERE (state <> 'active' OR guss_at > 0) AND ?1 IS NULL" }, /* one may be suspended there yet */
		{ false,
		  "INSERT INTO outbox (target, fqdn, at) SELECT ?2, fqdn, ?3 FROM application WHERE ?1 IS NULL ORDER BY id" },
		{ true,
		  "INSERT INTO outbox (target, device, at) SELECT ?2, id, ?3 FROM device WHERE guss_at > 0 AND ?1 IS NULL"
		  " ORDER BY id" },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
		rc = add_set(db, all[i].hss_too, all[i].text, NULL);
	return rc;
}

int reg_outbox_next(struct reg_db *db, const char *target, int64_t behind, struct reg_row *out)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT id, ifnull(device, 0), ifnull(fqdn, ''), of_state FROM outbox WHERE target = ?1 AND id > ?2"
		" AND refused IS NULL ORDER BY id LIMIT 1",
		"ti", target, behind);

	if (rc <= 0)
		return rc;
	out->id = sqlite3_column_int64(q, 0);
	out->device = sqlite3_column_int64(q, 1);
	snprintf(out->fqdn, sizeof(out->fqdn), "%s", (const char *)sqlite3_column_text(q, 2));
	out->of_state = sqlite3_column_int(q, 3);
	reg_db_end(q);
	return 1;
}

int reg_outbox_newest(struct reg_db *db, const char *target, const struct reg_row *row, int64_t *id)
{
	int rc = reg_db_int(db, id, "SELECT max(id) FROM outbox WHERE target = ?1 AND id >= ?2" SAME, "tiiti", target,
			    row->id, row->device, fqdn_of(row), (int64_t)row->of_state);

	return rc > 0 ? 0 : -EIO;
}

int reg_outbox_done(struct reg_db *db, const char *target, const struct reg_row *row, int64_t upto, const char *refused)
{
	/* what it refused before is older, too, although its row is new where both were told at once */
	int rc = reg_db_do(db, "DELETE FROM outbox WHERE target = ?1 AND (id <= ?2 OR refused IS NOT NULL)" SAME,
			   "tiiti", target, upto, row->device, fqdn_of(row), (int64_t)row->of_state);

	return rc < 0 || !refused ? rc : add(db, target, row, refused);
}

int reg_outbox_waits(struct reg_db *db, int64_t device)
{
	int64_t one;

	return reg_db_int(db, &one, "SELECT 1 FROM outbox WHERE device = ?1 AND refused IS NULL LIMIT 1", "i", device);
}

static int refused_json(struct reg_db *db, const char *target, json_t *list)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT d.name, o.fqdn, o.refused FROM outbox o LEFT JOIN device d ON d.id = o.device WHERE o.target = ?1"
		" AND o.refused IS NOT NULL ORDER BY o.id DESC LIMIT 20",
		"t", target);

	for (; rc > 0; rc = reg_db_next(q)) {
		json_t *o = json_pack("{ss}", "target", target);

		if (sqlite3_column_type(q, 0) == SQLITE_TEXT)
			json_object_set_new(o, "device", json_string((const char *)sqlite3_column_text(q, 0)));
		else if (sqlite3_column_type(q, 1) == SQLITE_TEXT)
			json_object_set_new(o, "app", json_string((const char *)sqlite3_column_text(q, 1)));
		json_object_set_new(o, "refused", json_string((const char *)sqlite3_column_text(q, 2)));
		json_array_append_new(list, o);
	}
	reg_db_end(q);
	return rc;
}

json_t *reg_outbox_json(struct reg_db *db, const char *target)
{
	json_t *list = json_array();
	sqlite3_stmt *q;
	int64_t oldest;
	json_t *o = NULL;

	if (refused_json(db, target, list) < 0 ||
	    reg_db_ask(db, &q,
		       "SELECT count(*) FILTER (WHERE refused IS NULL), min(at) FILTER (WHERE refused IS NULL),"
		       " count(refused) FROM outbox WHERE target = ?1",
		       "t", target) <= 0) {
		json_decref(list);
		return NULL;
	}
	oldest = sqlite3_column_type(q, 1) == SQLITE_INTEGER ? (int64_t)time(NULL) - sqlite3_column_int64(q, 1) : 0;
	o = json_pack("{sssIsIsIso}", "target", target, "waiting", (json_int_t)sqlite3_column_int64(q, 0), "oldest_s",
		      (json_int_t)oldest, "refused", (json_int_t)sqlite3_column_int64(q, 2), "what", list);
	reg_db_end(q);
	return o;
}
