/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The subscriber database: sealed keys, marks that survive kill -9, one daemon, damage. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/sqn.h"
#include "hss-sim/subscriber_keys.h"
#include "tests/unit/free_watch.h"
#include "tests/unit/subscriber_world.h"

START_TEST(kept_and_sealed)
{
	struct secret k = secret_of(KEY), opc = secret_of(OPC);
	struct subscriber_row r;
	static char buf[200000];
	size_t n;
	FILE *f;

	write_text(guss, "<guss><Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension><ussList/></guss>");
	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0x1001,7,g.xml\n"), 0);
	get(ONE, &r);
	ck_assert_secret(r.cred.k, KEY);
	ck_assert_secret(r.cred.opc, OPC);
	ck_assert_uint_eq(r.seq, 0x1001 >> 5);
	ck_assert_int_eq(r.ind_fixed, 7);
	ck_assert(r.has_guss_timestamp);
	ck_assert_int_eq(r.guss_timestamp, 1767323045);
	ck_assert_uint_gt(r.guss_len, 50);
	subscriber_row_clear(&r);
	/* neither key is in the file */
	f = fopen(path, "r");
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	ck_assert_uint_gt(n, 8192);
	for (size_t i = 0; i + 16 <= n; i++)
		ck_assert(memcmp(buf + i, k.b, 16) != 0 && memcmp(buf + i, opc.b, 16) != 0);
}
END_TEST

/* A row moved to another subscriber does not open: the keys are bound to their IMPI. */
START_TEST(bound_to_the_impi)
{
	struct subscriber_row r;
	struct subscriber_db *db;
	sqlite3 *raw;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0,,\n"), 0);
	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(raw, "UPDATE subscriber SET impi = '2@x.org'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
	db = db_open();
	ck_assert_int_eq(subscriber_db_get(db, "2@x.org", &r), -EBADMSG);
	ck_assert_int_eq(subscriber_db_get(db, ONE, &r), -ENOENT);
	subscriber_db_close(db);
}
END_TEST

static int rows_of(const char *table)
{
	char text[64];
	sqlite3_stmt *q;
	sqlite3 *raw;
	int n;

	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(raw, text, -1, &q, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(raw);
	return n;
}

/* With its number, and in whatever case its domain is written; of nobody nothing is kept */
START_TEST(deleted)
{
	const struct guss_kept g = { .xml = span_str("<guss/>"), .timestamp = 1, .changed_ms = 1000 };
	struct subscriber_db *db;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0,,\n2@x.org," KEY "," OPC ",0,,\n"), 0);
	ck_assert_int_eq(rows_of("counter"), 2);
	db = db_open();
	ck_assert_int_eq(subscriber_db_guss_put(db, "1@X.ORG", &g), 0);
	ck_assert_int_eq(subscriber_db_delete(db, "1@X.ORG"), 1);
	ck_assert_int_eq(subscriber_db_guss_put(db, ONE, &g), -ENOENT);
	ck_assert_int_eq(subscriber_db_delete(db, ONE), 0);
	subscriber_db_close(db);
	ck_assert_int_eq(rows_of("counter"), 1);
	ck_assert_int_eq(rows_of("subscriber"), 1);
}
END_TEST

/* A mark that comes late, or again, takes none back; one that cannot be written takes back those beside it. */
START_TEST(marks_never_back)
{
	struct subscriber_marks *marks;
	struct subscriber_mark m[2] = { { .seq = 100 }, { .seq = 200 } };
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0,,\n2@x.org," KEY "," OPC ",0,,\n"), 0);
	get(ONE, &r);
	m[0].id = r.id;
	subscriber_row_clear(&r);
	get("2@x.org", &r);
	m[1].id = r.id;
	subscriber_row_clear(&r);
	marks = subscriber_marks_open(path, &err);
	ck_assert_ptr_nonnull(marks);
	ck_assert_int_eq(subscriber_marks_write(marks, m, 1), 0);
	m[0].seq = 50;
	ck_assert_int_eq(subscriber_marks_write(marks, m, 1), 0);
	get(ONE, &r);
	ck_assert_uint_eq(r.seq, 100);
	subscriber_row_clear(&r);
	raw_sql("CREATE TRIGGER full BEFORE UPDATE ON counter WHEN new.seq = 200 BEGIN SELECT RAISE(ABORT, 'full'); END");
	m[0].seq = 300;
	ck_assert_int_eq(subscriber_marks_write(marks, m, 2), -EIO);
	raw_sql("DROP TRIGGER full");
	get(ONE, &r);
	ck_assert_uint_eq(r.seq, 100);
	subscriber_row_clear(&r);
	ck_assert_int_eq(subscriber_marks_write(marks, m, 2), 0);
	subscriber_marks_close(marks);
	get("2@x.org", &r);
	ck_assert_uint_eq(r.seq, 200);
	subscriber_row_clear(&r);
}
END_TEST

/* A counter that is no number any more would be read as 0, and no mark above it could ever be written. */
START_TEST(damaged_counter)
{
	static const char *const damage[] = { "'x'", "x'00'", "-1", "8796093022208", "1.5" };
	struct subscriber_row r;
	struct subscriber_db *db;
	char text[100];

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",64,,\n"), 0);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		snprintf(text, sizeof(text), "UPDATE counter SET seq = %s", damage[i]);
		raw_sql(text);
		db = db_open();
		ck_assert_msg(subscriber_db_get(db, ONE, &r) == -EBADMSG, "%s", damage[i]);
		subscriber_db_close(db);
	}
}
END_TEST

/* The case of an IMPI's domain means nothing: one record, found by whatever a device writes. */
START_TEST(domain_in_capitals)
{
	struct subscriber_cache *cache;
	struct subscriber *s, *again;
	struct subscriber_row r;
	struct subscriber_db *db;

	ck_assert_int_eq(import_text(HEAD "1@X.Org," KEY "," OPC ",320,,\n"), 0);
	get("1@x.oRG", &r);
	ck_assert_secret(r.cred.k, KEY);
	ck_assert_str_eq(r.impi.s, ONE);
	subscriber_row_clear(&r);
	ck_assert_int_lt(import_text(HEAD ONE "," OPC "," OPC ",0,,\n1@x.ORG," KEY "," OPC ",0,,\n"), 0);
	ck_assert_msg(strstr(err.text, "s.csv:3: impi: the same as in line 2"), "%s", err.text);
	ck_assert_int_eq(import_text(HEAD "1@x.ORG," OPC "," OPC ",0,,\n"), 0);
	db = db_open();
	ck_assert_int_eq(subscriber_db_count(db), 1);
	cache = subscriber_cache_new(db, &rules, 1 << 20);
	ck_assert_int_eq(subscriber_cache_get(cache, "1@X.ORG", &s), 0);
	ck_assert_int_eq(subscriber_cache_get(cache, ONE, &again), 0);
	ck_assert_ptr_eq(s, again); /* two counters for one subscriber would give numbers twice */
	ck_assert_ptr_eq(s, subscriber_cache_peek(cache, "1@x.Org"));
	ck_assert_uint_eq(s->counter.mark, 10);
	ck_assert_secret(s->row.cred.k, OPC);
	subscriber_cache_free(cache);
	subscriber_db_close(db);
}
END_TEST

/* As version 1 wrote it: the record under the IMPI as it came. */
static void version_1_row(const char *impi, const char *id)
{
	struct seal *seal = seal_new(&kek, 1, &err);
	struct aka_cred cred = { .k = secret_of(KEY), .opc = secret_of(OPC) };
	uint8_t sealed[SUBSCRIBER_SEALED_MAX];
	char hex[2 * sizeof(sealed) + 1], text[1000];
	int n = subscriber_keys_seal(seal, sealed, &cred, impi);

	ck_assert_int_eq(n, 32 + SEAL_OVERHEAD);
	seal_free(seal);
	hex_encode(hex, sizeof(hex), sealed, (size_t)n);
	snprintf(
		text, sizeof(text),
		"INSERT INTO subscriber (id, impi, keys, amf, algorithm) VALUES (%s, '%s', x'%s', x'0000', 'milenage');"
		"INSERT INTO counter (id, seq) VALUES (%s, 77); PRAGMA user_version = 1",
		id, impi, hex, id);
	raw_sql(text);
}

START_TEST(version_1)
{
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD "2@x.org," KEY "," OPC ",64,,\n"), 0);
	raw_sql("ALTER TABLE subscriber DROP COLUMN res_len; ALTER TABLE subscriber DROP COLUMN rounds;"
		"ALTER TABLE subscriber DROP COLUMN sqn; ALTER TABLE subscriber DROP COLUMN ind_length;"
		"ALTER TABLE subscriber DROP COLUMN sqn_dif; DROP TABLE import");
	version_1_row("One@X.Org", "7");
	get("One@x.org", &r);
	ck_assert_secret(r.cred.k, KEY);
	ck_assert_str_eq(r.impi.s, "One@x.org"); /* the user part keeps its case */
	ck_assert_uint_eq(r.seq, 77);
	subscriber_row_clear(&r);
	get("2@x.org", &r);
	subscriber_row_clear(&r);
	version_1_row("2@X.ORG", "8");
	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "row 8 of table subscriber is a second record"), "%s", err.text);
	raw_sql("DELETE FROM subscriber WHERE id = 8"); /* the cure that the message names */
	get("2@x.org", &r);
	ck_assert_uint_eq(r.seq, 2);
	subscriber_row_clear(&r);
}
END_TEST

START_TEST(second_daemon)
{
	struct subscriber_db *db = db_open();

	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "in use by another daemon"));
	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_CHECK, &err));
	subscriber_db_close(db);
	db = db_open();
	subscriber_db_close(db);
}
END_TEST

START_TEST(no_database_of_ours)
{
	write_text(path,
		   "This is a text, and a long one, so that it could be a header of a database file, but it is not.");
	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "not a database"), "%s", err.text);
	unlink(path);
	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_CHECK, &err));
	ck_assert_int_eq(access(path, F_OK), -1); /* a check creates nothing */
	ck_assert_ptr_null(subscriber_db_open("/nonexistent/x", &kek, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/x"));
}
END_TEST

/* A process that gives numbers and tells each one over the pipe until it is killed. */
static void give_numbers(int out)
{
	struct subscriber_db *db = db_open();
	struct subscriber_marks *marks = subscriber_marks_open(path, &err);
	struct subscriber_cache *cache = subscriber_cache_new(db, &rules, 1 << 20);
	struct subscriber *s;
	uint64_t sqn;

	for (;;) {
		struct subscriber_mark m;

		if (subscriber_cache_get(cache, ONE, &s) < 0)
			_exit(1);
		m.id = s->row.id;
		if (auc_counter_ask(&s->counter, 0, &m.seq))
			auc_counter_moved(&s->counter, m.seq, subscriber_marks_write(marks, &m, 1) == 0);
		if (auc_counter_next(&s->counter, 0, &sqn) < 0 || write(out, &sqn, sizeof(sqn)) != sizeof(sqn))
			_exit(1);
	}
}

/* 102-6.3.2-1, 220-4.4.5-8: no number twice and none lower, although the process is killed at any moment */
START_TEST(kill_9)
{
	uint64_t sqn, last = 0;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0,,\n"), 0);
	for (unsigned round = 0; round < 20; round++) {
		unsigned want = 1 + round * 37 % 150;
		int p[2], st;
		pid_t pid;

		ck_assert_int_eq(pipe(p), 0);
		pid = fork();
		if (pid == 0) {
			close(p[0]);
			give_numbers(p[1]);
		}
		close(p[1]);
		for (unsigned n = 0; read(p[0], &sqn, sizeof(sqn)) == sizeof(sqn); n++) {
			ck_assert_msg(sqn_seq(sqn) > sqn_seq(last), "SEQ %llu after %llu",
				      (unsigned long long)sqn_seq(sqn), (unsigned long long)sqn_seq(last));
			last = sqn;
			if (n == want)
				kill(pid, SIGKILL); /* what is in the pipe by then was given too, and is read on */
		}
		close(p[0]);
		ck_assert_int_eq(waitpid(pid, &st, 0), pid);
		ck_assert(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
	}
}
END_TEST

START_TEST(cache_is_bounded)
{
	struct subscriber_cache *cache;
	struct subscriber_db *db;
	struct subscriber *s;
	char text[20000] = HEAD, impi[32];
	struct llist_head waiter;

	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "%d@x.org," KEY "," OPC ",%d,,\n", i, i * 32);
	ck_assert_int_eq(import_text(text), 0);
	db = db_open();
	cache = subscriber_cache_new(db, &rules, 10 * sizeof(struct subscriber));
	ck_assert_int_eq(subscriber_cache_get(cache, "0@x.org", &s), 0);
	llist_add(&waiter, &s->waiting); /* who is waited for stays */
	for (int i = 1; i < 100; i++) {
		snprintf(impi, sizeof(impi), "%d@x.org", i);
		ck_assert_int_eq(subscriber_cache_get(cache, impi, &s), 0);
		ck_assert_uint_eq(s->counter.mark, (uint64_t)i);
		ck_assert_uint_le(subscriber_cache_count(cache), 10);
	}
	ck_assert_ptr_nonnull(subscriber_cache_peek(cache, "0@x.org"));
	ck_assert_ptr_null(subscriber_cache_peek(cache, "1@x.org"));
	ck_assert_ptr_nonnull(subscriber_cache_peek(cache, "99@x.org"));
	ck_assert_int_eq(subscriber_cache_get(cache, "none@x.org", &s), -ENOENT);
	subscriber_cache_free(cache);
	subscriber_db_close(db);
}
END_TEST

/* K and OPc are wiped before their memory is given back, as octets and as the text they were imported from */
START_TEST(wiped)
{
	static uint8_t k[16], opc[16];
	struct subscriber_row r;
	struct subscriber_cache *c;
	struct subscriber *sub;
	struct subscriber_db *db;

	octets_of(k, sizeof(k), KEY);
	octets_of(opc, sizeof(opc), OPC);
	free_watch(k);
	free_watch(opc);
	free_watch(KEY);
	free_watch(OPC);
	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0,,\n"), 0);
	ck_assert_msg(!free_watch_hits(), "import");
	get(ONE, &r);
	subscriber_row_clear(&r);
	ck_assert_msg(!free_watch_hits(), "get");
	db = db_open();
	c = subscriber_cache_new(db, &rules, 1 << 20);
	ck_assert_int_eq(subscriber_cache_get(c, ONE, &sub), 0);
	subscriber_cache_free(c);
	subscriber_db_close(db);
	ck_assert_msg(!free_watch_hits(), "cache");
}
END_TEST

SUITE_WITH_FIXTURE("subscriber_db", subscriber_world_setup, subscriber_world_teardown, kept_and_sealed,
		   bound_to_the_impi, deleted, marks_never_back, damaged_counter, domain_in_capitals, version_1,
		   second_daemon, no_database_of_ours, kill_9, cache_is_bounded, wiped)
