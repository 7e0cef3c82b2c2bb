/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A database in SQLite is sealed anew by another KEK, in steps between which it may end; what is needed to open it is told. */
#include "common/rt/sql_keks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/rt/sql.h"
#include "tests/unit/suite.h"

#define ROWS 200 /* in each of the two tables: some steps */

static const struct seal_kek keks[] = {
	{ .id = 1, .key = { 32, { [0 ... 31] = 0x11 } } },
	{ .id = 2, .key = { 32, { [0 ... 31] = 0x22 } } },
	{ .id = 2, .key = { 32, { [0 ... 31] = 0x33 } } }, /* another one of this number */
};
static char path[64];
static sqlite3 *sql;
static struct seal *seal;

static struct span bound(char *text, sqlite3_stmt *row)
{
	snprintf(text, SQL_BOUND_MAX, "%s %s", (const char *)sqlite3_column_text(row, 0),
		 (const char *)sqlite3_column_text(row, 1));
	return span_str(text);
}

static const struct sql_sealed columns[] = {
	{ .table = "numbers",
	  .column = "sealed",
	  .behind = "SELECT a, b, sealed FROM numbers WHERE (a, b) > (?1, ?2) ORDER BY a, b",
	  .put = "UPDATE numbers SET sealed = ?4 WHERE a = ?1 AND b = ?2 AND sealed = ?3",
	  .bound = bound },
	{ .table = "texts",
	  .column = "sealed",
	  .texts = true,
	  .behind = "SELECT a, b, sealed FROM texts WHERE (a, b) > (?1, ?2) ORDER BY a, b",
	  .put = "UPDATE texts SET sealed = ?4 WHERE a = ?1 AND b = ?2 AND sealed = ?3",
	  .bound = bound },
};

static int put(const char *text, const char *a, const char *b, const char *aad)
{
	uint8_t out[64 + SEAL_OVERHEAD];
	sqlite3_stmt *q;
	int n = seal_put(seal, out, sizeof(out), span_str("plain"), span_str(aad)), rc = sql_prepare(sql, text, &q);

	ck_assert_int_eq(rc, 0);
	sqlite3_bind_blob(q, 1, out, n, SQLITE_STATIC);
	if (a) {
		sqlite3_bind_text(q, 2, a, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 3, b, -1, SQLITE_STATIC);
	}
	rc = sql_step_done(q);
	sqlite3_finalize(q);
	return rc;
}

static int prove(void *unused)
{
	return put("INSERT OR REPLACE INTO meta VALUES ('proof', ?1)", NULL, NULL, "proof");
}

static const struct sql_keks *it(void)
{
	static struct sql_keks k;

	k = (struct sql_keks){ .sql = sql, .seal = seal, .columns = columns, .n = 2, .proof = "proof", .prove = prove };
	return &k;
}

/* Anew, as after a start with these. */
static void start(const struct seal_kek *first, const struct seal_kek *second)
{
	const struct seal_kek both[] = { *first, *(second ? second : first) };
	struct err err;

	sqlite3_close(sql);
	seal_free(seal);
	ck_assert_int_eq(sql_open(path, &sql), 0);
	seal = seal_new(both, second ? 2 : 1, &err);
}

static void setup(void)
{
	char a[16], b[16], aad[40];

	strcpy(path, "/tmp/gba-keks-XXXXXX");
	close(mkstemp(path));
	start(&keks[0], NULL);
	ck_assert_int_eq(
		sql_exec(
			sql,
			"PRAGMA synchronous = OFF; CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
			"CREATE TABLE numbers (a INTEGER, b INTEGER, sealed BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;"
			"CREATE TABLE texts (a TEXT, b TEXT, sealed BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID; BEGIN"),
		0);
	ck_assert_int_eq(prove(NULL), 0);
	for (int i = 0; i < ROWS; i++) {
		snprintf(a, sizeof(a), "%d", i / 7 - 3);
		snprintf(b, sizeof(b), "%d", i);
		snprintf(aad, sizeof(aad), "%s %s", a, b);
		ck_assert_int_eq(put("INSERT INTO numbers VALUES (?2, ?3, ?1)", a, b, aad), 0);
		ck_assert_int_eq(put("INSERT INTO texts VALUES (?2, ?3, ?1)", a, b, aad), 0);
	}
	ck_assert_int_eq(sql_exec(sql, "COMMIT"), 0);
}

static void teardown(void)
{
	sqlite3_close(sql);
	seal_free(seal);
	sql = NULL;
	seal = NULL;
	unlink(path);
}

static void stepped(struct reseal_step *s, enum reseal_what what)
{
	s->what = what;
	ck_assert_int_eq(sql_exec(sql, "BEGIN IMMEDIATE"), 0);
	ck_assert_int_eq(sql_keks_step(it(), s), 0);
	ck_assert_int_eq(sql_exec(sql, "COMMIT"), 0);
	memcpy(s->at, s->came.at, s->came.at_len);
	s->at_len = s->came.at_len;
}

/* \returns what came of a whole pass. \param[out] steps of it */
static struct reseal_came passed(enum reseal_what what, unsigned *steps)
{
	struct reseal_step s = { .what = what };
	struct reseal_came sum = { .over = false };

	for (*steps = 0; !sum.over; ++*steps) {
		ck_assert_uint_lt(*steps, 100);
		stepped(&s, what);
		sum.over = s.came.over;
		sum.sealed += s.came.sealed;
		sum.lost += s.came.lost;
		for (int i = 0; i < 256; i++)
			sum.under[i] += s.came.under[i];
	}
	return sum;
}

static void needs(int rc, const char *words)
{
	struct err err = { "" };

	ck_assert_int_eq(sql_keks_check(it(), "x.sqlite", &err), rc);
	ck_assert_msg(strstr(err.text, words), "%s", err.text);
}

/* Wherever it ends it goes on there, and nothing is sealed twice; then the former KEK may go */
START_TEST(goes_on)
{
	struct reseal_step s = { .what = RESEAL_LOAD };
	uint64_t sealed = 0;
	unsigned steps;

	start(&keks[1], &keks[0]);
	stepped(&s, RESEAL_LOAD);
	ck_assert(!s.came.begun);
	ck_assert_int_eq(sql_keks_note(it()), 0);
	for (s.came.over = false, steps = 0; !s.came.over; steps++) {
		start(&keks[1], &keks[0]);
		needs(0, "");
		ck_assert_int_eq(sql_keks_note(it()), 0); /* as at each start */
		stepped(&s, RESEAL_LOAD);
		ck_assert(s.came.begun && (s.at_len > 0) == (steps > 0));
		stepped(&s, RESEAL_SEAL);
		ck_assert_uint_gt(s.came.sealed, 0);
		sealed += s.came.sealed;
	}
	ck_assert_uint_gt(steps, 4);
	ck_assert_uint_eq(sealed, 2 * ROWS);
	ck_assert_uint_eq(passed(RESEAL_COUNT, &steps).under[2], 2 * ROWS);
	ck_assert_uint_eq(passed(RESEAL_SEAL, &steps).sealed, 0);
	stepped(&s, RESEAL_END);
	start(&keks[1], NULL);
	needs(0, "");
	ck_assert_int_eq(sql_keks_sealer(it()), 2);
	stepped(&s, RESEAL_LOAD);
	ck_assert(!s.came.begun);
}
END_TEST

/* What is needed in the middle: both, the right ones */
START_TEST(needed)
{
	struct reseal_step s = { .what = RESEAL_SEAL };
	unsigned steps;

	start(&keks[1], &keks[0]);
	ck_assert_int_eq(sql_keks_note(it()), 0);
	start(&keks[0], NULL);
	needs(0, ""); /* nothing is sealed by the new one yet */
	start(&keks[1], &keks[0]);
	stepped(&s, RESEAL_SEAL);
	start(&keks[0], NULL);
	needs(-ENOKEY, "x.sqlite: 64 records are sealed by kek 2, which is not configured");
	start(&keks[0], &keks[2]);
	needs(-EKEYREJECTED, "x.sqlite: kek 2 is not the key");
	start(&keks[0], &keks[1]); /* back: a pass the other way */
	needs(0, "");
	ck_assert_int_eq(sql_keks_sealer(it()), 2);
	ck_assert_int_eq(sql_keks_note(it()), 0);
	ck_assert_int_eq(sql_keks_sealer(it()), 1);
	stepped(&s, RESEAL_LOAD);
	ck_assert(s.came.begun && s.at_len == 0);
	ck_assert_uint_eq(passed(RESEAL_SEAL, &steps).sealed, 64);
}
END_TEST

/* What does not open needs no KEK, is told, and stays as it is; a step that cannot be written changes nothing */
START_TEST(lost)
{
	struct reseal_step s = { .what = RESEAL_SEAL };
	struct reseal_came came;
	unsigned steps;

	ck_assert_int_eq(
		sql_exec(sql,
			 "UPDATE numbers SET sealed = substr(sealed, 1, 30) || x'ff' || substr(sealed, 32) WHERE b < 3;"
			 "UPDATE texts SET sealed = x'' WHERE b = '9'; UPDATE texts SET b = 'moved' WHERE b = '8'"),
		0);
	start(&keks[1], &keks[0]);
	ck_assert_int_eq(sql_keks_note(it()), 0);
	ck_assert_int_eq(sql_exec(sql, "PRAGMA query_only = ON"), 0);
	ck_assert_int_lt(sql_keks_step(it(), &s), 0);
	ck_assert_int_eq(sql_exec(sql, "PRAGMA query_only = OFF"), 0);
	came = passed(RESEAL_SEAL, &steps);
	ck_assert_uint_eq(came.lost, 5);
	ck_assert_uint_eq(came.sealed, 2 * ROWS - 5);
	came = passed(RESEAL_COUNT, &steps);
	ck_assert_uint_eq(came.under[1], 0);
	ck_assert_uint_eq(came.under[2], 2 * ROWS - 5);
}
END_TEST

SUITE_WITH_FIXTURE("sql keks", setup, teardown, goes_on, needed, lost)
