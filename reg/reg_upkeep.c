/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Orders about the registry itself: what waits, what was done, a copy. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "common/base/hex.h"
#include "reg/reg_anchor.h"
#include "reg/reg_cfg.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"
#include "reg/reg_rows.h"
#include "reg/reg_sender.h"

int reg_outbox_show(struct reg_order *o, struct reg_db *db)
{
	json_t *list = json_array();

	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		json_t *t = reg_outbox_json(db, reg_cfg.targets[i].name);

		if (!t) {
			json_decref(list);
			return -EIO;
		}
		reg_sender_state(reg_senders[i], t);
		json_array_append_new(list, t);
	}
	o->answer = json_pack("{so}", "targets", list);
	return 0;
}

/* --- audit */

int reg_audit_head(struct reg_order *o, struct reg_db *db)
{
	char hash[2 * REG_HASH + 1];
	struct reg_head head;
	int rc = reg_anchor_write(&head, db, reg_cfg.anchor, &o->err);

	if (rc < 0) {
		o->word = CTL_FAILED;
		return rc;
	}
	hex_encode(hash, sizeof(hash), head.hash, REG_HASH);
	o->answer = json_pack("{sIss}", "row", (json_int_t)head.seq, "hash", hash);
	return 0;
}

static int verify(struct reg_order *o, struct reg_db *db, struct reg_anchored *a, int64_t *rows)
{
	const char *file = reg_in(o, "anchor") ? reg_in(o, "anchor") : reg_cfg.anchor, *key = reg_in(o, "key");
	int rc = reg_audit_verify(db, rows, &o->err);

	if (rc == 0 && key && !file)
		return err_set(&o->err, -EINVAL, "no anchor is configured, so nothing is signed");
	return rc == 0 && file ? reg_anchor_verify(a, db, file, key, &o->err) : rc;
}

int reg_audit_check(struct reg_order *o, struct reg_db *db)
{
	struct reg_anchored a = { 0 };
	int64_t rows;
	int rc;

	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "anchor" : "key", *path = reg_in(o, name);

		if (path && *path != '/')
			return reg_refuse(o, CTL_INVALID, name, "allowed: an absolute path");
	}
	rc = verify(o, db, &a, &rows);
	if (rc < 0) {
		o->word = CTL_FAILED;
		return rc;
	}
	o->answer = json_pack("{sIsIsI}", "rows", (json_int_t)rows, "anchored", (json_int_t)a.lines, "signed",
			      (json_int_t)a.is_signed);
	if (a.at[0])
		json_object_set_new(o->answer, "last", json_pack("{sssI}", "at", a.at, "row", (json_int_t)a.row));
	return 0;
}

int reg_audit_list(struct reg_order *o, struct reg_db *db)
{
	const char *behind = reg_in(o, "after");
	int64_t limit = reg_in_int(o, "limit", REG_PAGE);
	json_t *list = json_array(), *row = NULL;
	sqlite3_stmt *q;
	int64_t seq = 0;
	size_t n = 0;
	int rc = reg_db_ask(db, &q, "SELECT seq, json FROM audit WHERE seq > CAST(?1 AS INTEGER) ORDER BY seq LIMIT ?2",
			    "ti", behind ? behind : "0", limit);

	for (; rc > 0; rc = reg_db_next(q), n++) {
		row = json_loads((const char *)sqlite3_column_text(q, 1), 0, NULL);
		seq = sqlite3_column_int64(q, 0);
		json_object_set_new(row, "row", json_integer(seq));
		json_array_append_new(list, row);
	}
	reg_db_end(q);
	o->answer = json_pack("{so}", "audit", list);
	if (n == (size_t)limit)
		json_object_set_new(o->answer, "next", json_sprintf("%lld", (long long)seq));
	return rc;
}

/* --- a copy of the database while it is used */

int reg_backup(struct reg_order *o, struct reg_db *db)
{
	const char *path = reg_in(o, "path");
	struct stat st;
	int rc;

	if (*path != '/' || lstat(path, &st) == 0)
		return reg_refuse(o, CTL_INVALID, "path", "allowed: the absolute path of a file that is not there yet");
	rc = reg_db_do(db, "VACUUM INTO ?1", "t", path);
	if (rc < 0)
		return reg_refuse(o, CTL_FAILED, NULL, "no copy: %s", sqlite3_errmsg(db->sql));
	if (stat(path, &st) < 0)
		return reg_refuse(o, CTL_FAILED, NULL, "no copy: %s", strerror(errno));
	o->answer = json_pack("{sI}", "octets", (json_int_t)st.st_size);
	return 0;
}
