/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_outbox.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include "reg/reg_cfg.h"

#define SAME " AND device IS nullif(?3, 0) AND fqdn IS ?4"

static const char *fqdn_of(const struct reg_row *row)
{
	return row->device ? NULL : row->fqdn;
}

/* \param[in] refused NULL: it is to be told */
static int add(struct reg_db *db, const char *target, int64_t device, const char *fqdn, const char *refused)
{
	return reg_db_do(
		db, "INSERT INTO outbox (target, device, fqdn, at, refused) VALUES (?1, nullif(?2, 0), ?3, ?4, ?5)",
		"titit", target, device, fqdn, (int64_t)time(NULL), refused);
}

static int add_each(struct reg_db *db, bool hss_too, int64_t device, const char *fqdn)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < reg_cfg.n_targets; i++) {
		if (hss_too || !reg_cfg.targets[i].is_hss)
			rc = add(db, reg_cfg.targets[i].name, device, fqdn, NULL);
	}
	return rc;
}

int reg_outbox_device(struct reg_db *db, int64_t device)
{
	return add_each(db, true, device, NULL);
}

int reg_outbox_bsf_again(struct reg_db *db, int64_t device)
{
	return add_each(db, false, device, NULL);
}

int reg_outbox_app(struct reg_db *db, const char *fqdn)
{
	return add_each(db, false, 0, fqdn);
}

int reg_outbox_all(struct reg_db *db)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < reg_cfg.n_targets; i++) {
		const struct reg_target *t = &reg_cfg.targets[i];

		if (!t->is_hss)
			rc = reg_db_do(
				db,
				"INSERT INTO outbox (target, fqdn, at) SELECT ?1, fqdn, ?2 FROM application ORDER BY id",
				"ti", t->name, (int64_t)time(NULL));
		if (rc == 0)
			rc = reg_db_do(
				db,
				"INSERT INTO outbox (target, device, at) SELECT ?1, id, ?2 FROM device WHERE guss_at > 0 ORDER BY id",
				"ti", t->name, (int64_t)time(NULL));
	}
	return rc;
}

int reg_outbox_next(struct reg_db *db, const char *target, int64_t behind, struct reg_row *out)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    "SELECT id, ifnull(device, 0), ifnull(fqdn, '') FROM outbox WHERE target = ?1 AND id > ?2"
			    " AND refused IS NULL ORDER BY id LIMIT 1",
			    "ti", target, behind);

	if (rc <= 0)
		return rc;
	out->id = sqlite3_column_int64(q, 0);
	out->device = sqlite3_column_int64(q, 1);
	snprintf(out->fqdn, sizeof(out->fqdn), "%s", (const char *)sqlite3_column_text(q, 2));
	sqlite3_finalize(q);
	return 1;
}

int reg_outbox_newest(struct reg_db *db, const char *target, const struct reg_row *row, int64_t *id)
{
	int rc = reg_db_int(db, id, "SELECT max(id) FROM outbox WHERE target = ?1 AND id >= ?2" SAME, "tiit", target,
			    row->id, row->device, fqdn_of(row));

	return rc > 0 ? 0 : -EIO;
}

int reg_outbox_done(struct reg_db *db, const char *target, const struct reg_row *row, int64_t upto, const char *refused)
{
	/* what it refused before is older, too, although its row is new where both were told at once */
	int rc = reg_db_do(db, "DELETE FROM outbox WHERE target = ?1 AND (id <= ?2 OR refused IS NOT NULL)" SAME,
			   "tiit", target, upto, row->device, fqdn_of(row));

	return rc < 0 || !refused ? rc : add(db, target, row->device, fqdn_of(row), refused);
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
		"SELECT device, fqdn, refused FROM outbox WHERE target = ?1 AND refused IS NOT NULL ORDER BY id"
		" DESC LIMIT 20",
		"t", target);

	if (rc <= 0)
		return rc;
	do {
		json_t *o = json_pack("{ss}", "target", target);

		if (sqlite3_column_type(q, 0) == SQLITE_INTEGER)
			json_object_set_new(o, "device", json_integer(sqlite3_column_int64(q, 0)));
		else
			json_object_set_new(o, "app", json_string((const char *)sqlite3_column_text(q, 1)));
		json_object_set_new(o, "refused", json_string((const char *)sqlite3_column_text(q, 2)));
		json_array_append_new(list, o);
	} while (sqlite3_step(q) == SQLITE_ROW);
	sqlite3_finalize(q);
	return 0;
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
	sqlite3_finalize(q);
	return o;
}
