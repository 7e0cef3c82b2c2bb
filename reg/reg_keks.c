/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_keks.h"

#include <errno.h>
#include <stdlib.h>
#include "common/rt/kek_json.h"
#include "reg/api_call.h"
#include "reg/reg_orders.h"

static struct span name_bound(char *text, sqlite3_stmt *row)
{
	int64_t kind = sqlite3_column_int64(row, 1);

	return kind >= 0 && kind < REG_KINDS ? reg_db_bound(text, sqlite3_column_int64(row, 0), (enum reg_kind)kind)
					     : span_of(NULL, 0);
}

static int name_anew(struct reg_db *db, sqlite3_stmt *row, const struct span *anew)
{
	return reg_db_do(db, "UPDATE identifier SET sealed = ?3 WHERE device = ?1 AND kind = ?2", "iib",
			 (int64_t)sqlite3_column_int64(row, 0), (int64_t)sqlite3_column_int64(row, 1), anew);
}

static struct span answer_bound(char *text, sqlite3_stmt *row)
{
	return reg_db_bound_answer(text, (const char *)sqlite3_column_text(row, 0),
				   (const char *)sqlite3_column_text(row, 1));
}

static int answer_anew(struct reg_db *db, sqlite3_stmt *row, const struct span *anew)
{
	return reg_db_do(db, "UPDATE kept SET answer = ?3 WHERE who = ?1 AND key = ?2", "ttb",
			 (const char *)sqlite3_column_text(row, 0), (const char *)sqlite3_column_text(row, 1), anew);
}

/* What is sealed, beside the index key: two columns that name it, and it. */
static const struct sealed {
	const char *count, *all;
	struct span (*bound)(char *text, sqlite3_stmt *row);
	int (*put)(struct reg_db *db, sqlite3_stmt *row, const struct span *anew);
} tables[] = {
	{ "SELECT substr(sealed, 2, 1), count(*) FROM identifier GROUP BY 1",
	  "SELECT device, kind, sealed FROM identifier", name_bound, name_anew },
	{ "SELECT substr(answer, 2, 1), count(*) FROM kept GROUP BY 1", "SELECT who, key, answer FROM kept",
	  answer_bound, answer_anew },
};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

static const char count_index[] = "SELECT substr(value, 2, 1), 1 FROM meta WHERE name = 'index key'";

int reg_keks_index(struct reg_db *db)
{
	uint8_t sealed[SECRET_MAX + SEAL_OVERHEAD];
	struct span s;
	int n = seal_put(db->seal, sealed, sizeof(sealed), span_of(db->index_key.b, db->index_key.len),
			 span_str("index key"));

	if (n < 0)
		return -EIO;
	s = span_of(sealed, (size_t)n);
	return reg_db_do(db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('index key', ?1)", "b", &s);
}

static int row_renew(struct reg_db *db, const struct sealed *t, sqlite3_stmt *row)
{
	struct span was = span_of(sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2));
	size_t cap = was.len + SEAL_OVERHEAD;
	char text[REG_BOUND_MAX];
	struct span bound = t->bound(text, row);
	uint8_t *anew;
	int n = -EBADMSG;

	if (seal_kek_id(was) && !seal_is_due(db->seal, was))
		return 0;
	anew = malloc(cap);
	if (anew && bound.p)
		n = seal_again(db->seal, anew, cap, was, bound);
	if (n < 0)
		db->fault = "a record cannot be opened: sealed by another kek, or altered";
	else
		n = t->put(db, row, &(struct span){ anew, (size_t)n });
	free(anew);
	return n;
}

static int table_renew(struct reg_db *db, const struct sealed *t)
{
	sqlite3_stmt *all = NULL;
	int rc = 0, more = reg_db_ask(db, &all, t->all, "");

	for (; rc == 0 && more > 0; more = reg_db_next(all))
		rc = row_renew(db, t, all);
	reg_db_end(all);
	return rc < 0 ? rc : more; /* else the rows behind a damaged page would stay with the old KEK, untold */
}

int reg_keks_renew(struct reg_db *db)
{
	int rc = sql_exec(db->sql, "BEGIN IMMEDIATE");

	if (rc == 0)
		rc = reg_keks_index(db);
	if (rc == 0)
		rc = api_call_expire(db); /* nobody asks for these, and their kek may be gone */
	for (size_t i = 0; rc == 0 && i < N_TABLES; i++)
		rc = table_renew(db, &tables[i]);
	if (rc == 0)
		rc = sql_exec(db->sql, "COMMIT");
	if (rc < 0 && !db->fault)
		db->fault = sqlite3_errstr(sqlite3_errcode(db->sql)); /* before the next word, which goes well */
	if (rc < 0)
		sql_exec(db->sql, "ROLLBACK");
	return rc;
}

/* --- show kek */

static int keks_counted(uint64_t under[256], struct reg_db *db, const char *text)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, text, "");

	if (rc <= 0)
		return rc;
	for (; rc > 0; rc = reg_db_next(q)) {
		const uint8_t *kek = sqlite3_column_blob(q, 0);

		under[kek ? *kek : 0] += (uint64_t)sqlite3_column_int64(q, 1);
	}
	reg_db_end(q);
	return rc;
}

int reg_kek_show(struct reg_order *o, struct reg_db *db)
{
	uint64_t under[256] = { 0 };
	uint8_t ids[SEAL_KEKS_MAX];
	int rc = keks_counted(under, db, count_index);

	for (size_t i = 0; rc == 0 && i < N_TABLES; i++)
		rc = keks_counted(under, db, tables[i].count);
	if (rc < 0)
		return rc;
	o->answer = json_pack("{so}", "keks", kek_json(ids, seal_keks(db->seal, ids), under, true));
	return 0;
}
