/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which KEKs have sealed the subscribers, and all of them anew by the first one. */
#include "hss-sim/subscriber_keks.h"

#include "common/rt/sql_keks.h"
#include "hss-sim/subscriber_db_in.h"

/* As it was sealed: a name of an earlier version may have a domain in another case. */
static struct span impi_bound(char *text, sqlite3_stmt *row)
{
	return span_of(sqlite3_column_text(row, 3), (size_t)sqlite3_column_bytes(row, 3));
}

static const struct sql_sealed keys = {
	.table = "subscriber",
	.column = "keys",
	.behind = "SELECT id, 0, keys, impi FROM subscriber WHERE id > ?1 AND ?2 NOTNULL ORDER BY id",
	.put = "UPDATE subscriber SET keys = ?4 WHERE id = ?1 AND ?2 NOTNULL AND keys = ?3",
	.bound = impi_bound,
};

static int check_anew(void *db)
{
	return subscriber_db_check_put(db);
}

static struct sql_keks keks_of(struct subscriber_db *db)
{
	return (struct sql_keks){
		.sql = db->sql,
		.seal = db->seal,
		.columns = &keys,
		.n = 1,
		.proof = "check",
		.prove = check_anew,
		.db = db,
	};
}

int subscriber_keks_check(struct subscriber_db *db, const char *path, struct err *err)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_check(&k, path, err);
}

int subscriber_keks_note(struct subscriber_db *db)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_note(&k);
}

bool subscriber_keks_ours(struct subscriber_db *db)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_sealer(&k) == seal_first(db->seal);
}

int subscriber_keks_step(struct subscriber_db *db, struct reseal_step *step)
{
	const struct sql_keks k = keks_of(db);

	return sql_keks_step(&k, step);
}
