/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Statements that stay prepared, and the log of the database, which another thread than the writer's empties; what a new KEK
 * seals anew. */
#include <errno.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include "common/base/clock.h"
#include "common/rt/log_cat.h"
#include "reg/reg_checkpoint.h"
#include "reg/reg_keks.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define PAGE 4096

static int prepared(void)
{
	int n = 0;

	for (sqlite3_stmt *q = sqlite3_next_stmt(world->sql, NULL); q; q = sqlite3_next_stmt(world->sql, q))
		n++;
	return n;
}

START_TEST(statements_stay)
{
	const char *two = "SELECT 1 UNION ALL SELECT 2 WHERE ?1 IS NULL";
	sqlite3_stmt *outer, *inner;
	char text[32];
	int64_t n;
	int before;

	ck_assert_int_eq(reg_db_ask(world, &outer, two, "t", NULL), 1);
	before = prepared();
	ck_assert_int_eq(reg_db_ask(world, &inner, two, "t", "x"), 1); /* while it is read: another one */
	ck_assert_ptr_ne(inner, outer);
	ck_assert_int_eq(prepared(), before + 1);
	ck_assert_int_eq(reg_db_next(inner), 0);
	reg_db_end(inner);
	for (int i = 0; i < 1000; i++) { /* as many as there are: not all of them stay, but the one that is read does */
		snprintf(text, sizeof(text), "SELECT %d", i);
		ck_assert_int_eq(reg_db_int(world, &n, text, ""), 1);
		ck_assert_int_eq(n, i);
	}
	ck_assert_int_lt(prepared(), 200);
	ck_assert_int_eq(reg_db_next(outer), 1);
	ck_assert_int_eq(sqlite3_column_int(outer, 0), 2);
	reg_db_end(outer);
	ck_assert_int_eq(reg_db_ask(world, &inner, two, "t", NULL), 1); /* bound anew, and from its first row */
	ck_assert_int_eq(sqlite3_column_int(inner, 0), 1);
	reg_db_end(inner);
}
END_TEST

static off_t size_of(const char *database, const char *behind)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", database, behind);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void commit_a_thousand_pages(const char *path)
{
	off_t before = size_of(path, "");

	ck_assert_int_eq(sql_exec(world->sql, "INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL"
					      " SELECT n + 1 FROM r WHERE n < 1000) SELECT zeroblob(4000) FROM r"),
			 0);
	for (uint64_t until = clock_mono_ms() + 60000; size_of(path, "") < before + 1000 * PAGE; usleep(1000))
		ck_assert_msg(clock_mono_ms() < until, "nothing comes to the database");
}

/* What is committed comes to the database without the writer, and once all of it has, the log is used from its begin. */
START_TEST(log_is_emptied)
{
	const char *path = sqlite3_db_filename(world->sql, "main");
	struct err err;
	struct reg_checkpoint *c = reg_checkpoint_start(world, path, &err);
	off_t before = -1;

	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert_int_eq(sql_exec(world->sql, "CREATE TABLE t (b BLOB)"), 0);
	for (int n = 0; size_of(path, "-wal") != before; n++) {
		ck_assert_msg(n < 100, "the log grows for ever");
		before = size_of(path, "-wal");
		commit_a_thousand_pages(path);
	}
	reg_db_close(world);
	world = NULL;
	reg_checkpoint_stop(c);
}
END_TEST

/* --- a log that cannot be emptied */

static unsigned errors, notices;
static atomic_uint too_big;

static void capture(struct log_target *target, unsigned int level, const char *line)
{
	errors += level == LOGL_ERROR;
	notices += level == LOGL_NOTICE;
}

static void capture_log(void)
{
	struct log_target *target;

	ck_assert_int_eq(osmo_init_logging2(NULL, &gba_log_info), 0);
	log_del_target(osmo_stderr_target);
	target = log_target_create();
	target->output = capture;
	log_set_all_filter(target, 1);
	log_add_target(target);
	ck_assert_int_eq(log_relay_init(), 0);
}

static void on_too_big(int signal)
{
	too_big++;
}

static void file_size_most(rlim_t most)
{
	struct rlimit l;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = most < l.rlim_max ? most : l.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void commit_in_vain(void)
{
	unsigned before = too_big;

	ck_assert_int_eq(sql_exec(world->sql, "INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL"
					      " SELECT n + 1 FROM r WHERE n < 1000) SELECT zeroblob(4000) FROM r"),
			 0);
	for (uint64_t until = clock_mono_ms() + 60000; too_big == before; usleep(1000))
		ck_assert_msg(clock_mono_ms() < until, "nobody tries to empty the log");
}

/* Said once, however often it is tried, and again when it is well. The database may not grow; its log, which is smaller, may. */
START_TEST(log_that_cannot_be_emptied_is_said_once)
{
	const char *path = sqlite3_db_filename(world->sql, "main");
	struct err err;
	struct reg_checkpoint *c;

	capture_log();
	signal(SIGXFSZ, on_too_big);
	c = reg_checkpoint_start(world, path, &err);
	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert_int_eq(sql_exec(world->sql, "CREATE TABLE t (b BLOB)"), 0);
	while (size_of(path, "") < 4 * size_of(path, "-wal"))
		commit_a_thousand_pages(path);
	file_size_most((rlim_t)size_of(path, ""));
	for (int i = 0; i < 3; i++)
		commit_in_vain();
	file_size_most(RLIM_INFINITY);
	commit_a_thousand_pages(path);
	reg_db_close(world);
	world = NULL;
	reg_checkpoint_stop(c);
	osmo_select_main(1);
	ck_assert_uint_eq(errors, 1);
	ck_assert_uint_eq(notices, 1);
}
END_TEST

/* --- sealed anew */

static char database[256];

static bool opens_with(uint8_t first, uint8_t second, struct err *err)
{
	struct seal_kek keks[] = { { .id = first, .key = { .len = SEAL_KEK_LEN } },
				   { .id = second, .key = { .len = SEAL_KEK_LEN } } };

	for (size_t i = 0; i < 2; i++)
		keks[i].key.b[0] = keks[i].id == 1 ? 0 : keks[i].id; /* 1 is that of the fixture */
	reg_db_close(world);
	world = reg_db_open(database, keks, 2, err);
	return world != NULL;
}

/* \returns how many do not open; -errno of the step that failed */
static int64_t rotated(void)
{
	static const enum reseal_what passes[] = { RESEAL_SEAL, RESEAL_COUNT, RESEAL_END };
	int64_t lost = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 3; i++) {
		struct reseal_step s = { .what = passes[i] };

		do {
			rc = reg_keks_step(world, &s);
			lost += passes[i] == RESEAL_SEAL ? (int64_t)s.came.lost : 0;
			memcpy(s.at, s.came.at, s.came.at_len);
			s.at_len = s.came.at_len;
		} while (rc == 0 && passes[i] != RESEAL_END && !s.came.over);
	}
	return rc < 0 ? rc : lost;
}

/* Sealed by a KEK that is gone: it is in nobody's way for longer than somebody may ask for it. */
START_TEST(kept_answers_are_over_or_sealed_anew)
{
	struct err err = { "" };

	strcpy(database, sqlite3_db_filename(world->sql, "main"));
	ck_assert_int_eq(
		sql_exec(world->sql,
			 "INSERT INTO kept VALUES ('w', 'k', x'00', x'0109' || zeroblob(60), unixepoch() - 86401)"),
		0);
	ck_assert_msg(opens_with(2, 1, &err), "%s", err.text);
	ck_assert_int_eq(rotated(), 0);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM kept"), 0);
	sql_exec(world->sql, "INSERT INTO kept VALUES ('w', 'k', x'00', x'0109' || zeroblob(60), unixepoch())");
	ck_assert_msg(opens_with(3, 2, &err), "%s", err.text);
	ck_assert_int_eq(rotated(), 1);
	ck_assert(!opens_with(2, 1, &err));
	ck_assert_msg(strstr(err.text, "sealed by kek 3, which is not configured"), "%s", err.text);
	ck_assert_msg(opens_with(3, 1, &err), "%s", err.text);
}
END_TEST

/* As a disk does it: the page in which the name of this device is sealed is none any more. */
static void damage_page_of(int64_t device)
{
	uint8_t page[PAGE], sealed[400];
	sqlite3_stmt *q;
	FILE *f;
	int len;

	ck_assert_int_eq(reg_db_ask(world, &q, "SELECT sealed FROM identifier WHERE device = ?1", "i", device), 1);
	len = sqlite3_column_bytes(q, 0);
	ck_assert_int_le(len, (int)sizeof(sealed));
	memcpy(sealed, sqlite3_column_blob(q, 0), (size_t)len);
	reg_db_end(q);
	ck_assert_int_eq(sql_exec(world->sql, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
	reg_db_close(world);
	world = NULL;
	f = fopen(database, "r+");
	do
		ck_assert_uint_eq(fread(page, sizeof(page), 1, f), 1);
	while (!memmem(page, sizeof(page), sealed, (size_t)len));
	memset(page, 0, 8); /* what says which kind of page it is, and how much there is in it */
	fseek(f, -PAGE, SEEK_CUR);
	ck_assert_uint_eq(fwrite(page, sizeof(page), 1, f), 1);
	fclose(f);
}

static void name_devices(int64_t n)
{
	char impi[100];

	for (int64_t i = 1; i <= n; i++) {
		snprintf(impi, sizeof(impi), "u%lld@ims.example.com", (long long)i);
		ck_assert_int_eq(reg_db_name(world, i, REG_IMPI, impi), 0);
	}
}

/* Else the rows behind the page would stay with the old KEK, which is taken away then, and nobody were told */
START_TEST(damaged_page)
{
	struct err err = { "" };
	sqlite3_stmt *q;
	int rc;

	strcpy(database, sqlite3_db_filename(world->sql, "main"));
	name_devices(500);
	damage_page_of(250);
	ck_assert_msg(opens_with(2, 1, &err), "%s", err.text);
	ck_assert_int_eq(rotated(), -EIO);
	for (rc = reg_db_ask(world, &q, "SELECT sealed FROM identifier", ""); rc > 0; rc = reg_db_next(q))
		;
	ck_assert_int_eq(rc, -EIO); /* which is no end of a list */
	reg_db_end(q);
	ck_assert(!opens_with(2, 3, &err));
	ck_assert_msg(strstr(err.text, "sealed by kek 1, which is not configured"), "%s", err.text);
}
END_TEST

/* A name is sealed for its row: in another one it is nobody's */
START_TEST(name_of_another_row)
{
	char name[REG_ID_MAX + 1];
	int64_t device = 0;

	name_devices(2);
	ck_assert_int_eq(reg_db_find(world, &device, REG_IMPI, "u2@IMS.Example.com"), 1); /* a domain has no case */
	ck_assert_int_eq(device, 2);
	ck_assert_int_eq(reg_db_name_get(world, name, 2, REG_IMPI), 1);
	ck_assert_str_eq(name, "u2@ims.example.com");
	ck_assert_int_eq(sql_exec(world->sql,
				  "UPDATE identifier SET sealed = (SELECT sealed FROM identifier WHERE device = 1)"
				  " WHERE device = 2"),
			 0);
	ck_assert_int_eq(reg_db_name_get(world, name, 2, REG_IMPI), -EIO);
	ck_assert_ptr_nonnull(strstr(world->fault, "cannot be opened"));
	ck_assert_int_eq(reg_db_name_get(world, name, 1, REG_IMPI), 1);
}
END_TEST

SUITE_WITH_FIXTURE("reg_db", reg_world_begin, reg_world_end, statements_stay, log_is_emptied,
		   log_that_cannot_be_emptied_is_said_once, kept_answers_are_over_or_sealed_anew, damaged_page,
		   name_of_another_row)
