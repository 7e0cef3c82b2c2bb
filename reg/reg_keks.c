/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_keks.h"

#include <errno.h>
#include <stdlib.h>
#include "common/rt/kek_cfg.h"
#include "common/rt/kek_job.h"
#include "common/rt/sql_keks.h"
#include "reg/api_call.h"

static struct span name_bound(char *text, sqlite3_stmt *row)
{
	int64_t kind = sqlite3_column_int64(row, 1);

	return kind >= 0 && kind < REG_KINDS ? reg_db_bound(text, sqlite3_column_int64(row, 0), (enum reg_kind)kind)
					     : span_of(NULL, 0);
}

static struct span answer_bound(char *text, sqlite3_stmt *row)
{
	return reg_db_bound_answer(text, (const char *)sqlite3_column_text(row, 0),
				   (const char *)sqlite3_column_text(row, 1));
}

/* Beside the index key. */
static const struct sql_sealed sealed[] = {
	{ .table = "identifier",
	  .column = "sealed",
	  .behind = "SELECT device, kind, sealed FROM identifier WHERE (device, kind) > (?1, ?2) ORDER BY device, kind",
	  .put = "UPDATE identifier SET sealed = ?4 WHERE device = ?1 AND kind = ?2 AND sealed = ?3",
	  .bound = name_bound },
	{ .table = "kept",
	  .column = "answer",
	  .texts = true,
	  .behind = "SELECT who, key, answer FROM kept WHERE (who, key) > (?1, ?2) ORDER BY who, key",
	  .put = "UPDATE kept SET answer = ?4 WHERE who = ?1 AND key = ?2 AND answer = ?3",
	  .bound = answer_bound },
};
_Static_assert(SQL_BOUND_MAX >= REG_BOUND_MAX, "what a value is bound to");

static int index_anew(void *db)
{
	return reg_keks_index(db);
}

/* Nobody asks for these, and their kek may be gone. */
static int kept_expire(void *db)
{
	return api_call_expire(db);
}

static struct sql_keks keks_of(struct reg_db *db)
{
	return (struct sql_keks){
		.sql = db->sql,
		.seal = db->seal,
		.columns = sealed,
		.n = sizeof(sealed) / sizeof(sealed[0]),
		.proof = "index key",
		.prove = index_anew,
		.begins = kept_expire,
		.db = db,
	};
}

int reg_keks_index(struct reg_db *db)
{
	uint8_t out[SECRET_MAX + SEAL_OVERHEAD];
	struct span s;
	int n = seal_put(db->seal, out, sizeof(out), span_of(db->index_key.b, db->index_key.len),
			 span_str("index key"));

	if (n < 0)
		return -EIO;
	s = span_of(out, (size_t)n);
	return reg_db_do(db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('index key', ?1)", "b", &s);
}

int reg_keks_check(struct reg_db *db, const char *path, struct err *err)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_check(&k, path, err);
}

int reg_keks_note(struct reg_db *db)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_note(&k);
}

int reg_keks_step(struct reg_db *db, struct reseal_step *step)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_step(&k, step);
}

/* --- the rotation */

static struct reg_work *writer;
static struct inbox *back;

static int step_work(struct reg_order *o, struct reg_db *db)
{
	return reg_keks_step(db, o->data);
}

/* On the main thread again. */
static void step_answer(void *unused, struct inbox_item *item, bool stopping)
{
	struct reg_order *o = (struct reg_order *)item;

	if (!stopping)
		kek_job_answer(o->rc < 0 ? o->rc : 0);
	reg_order_free(o);
}

static void step_ended(struct reg_order *o)
{
	o->item.run = step_answer;
	inbox_post_always(back, &o->item);
}

static void step_ask(struct reseal_step *step)
{
	int rc = reg_work_tell(writer, step_work, step, step_ended);

	if (rc < 0)
		kek_job_answer(rc);
}

static const struct kek_job_keeper in_registry = {
	.ask = step_ask,
	.words = sql_keks_words,
	.others = "they came meanwhile",
};

void reg_keks_init(struct reg_work *w, struct inbox *in)
{
	uint8_t ids[SEAL_KEKS_MAX];

	writer = w;
	back = in;
	kek_job_init(&in_registry, ids, kek_cfg_ids(ids));
}
