/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The audit's chain and what is anchored of it: whatever was altered, taken out or cut off is found. */
#include "reg/reg_anchor.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "reg/reg_bound.h"
#include "reg/reg_cfg.h"
#include "tests/unit/io_log.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

static char anchor[64];

static void begin(void)
{
	reg_world_begin();
	strcpy(anchor, "/tmp/reg_anchor.XXXXXX");
	close(mkstemp(anchor));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(reg_audit_add(world, "operator", "grant", 0, "a.example.com"), 0);
}

static void end(void)
{
	unlink(anchor);
	reg_world_end();
}

static void anchored(void)
{
	struct reg_head head;
	struct err err;

	ck_assert_int_eq(reg_anchor_write(&head, world, anchor, &err), 0);
}

/* \param[in] words NULL: it is right */
static void verified(const char *words)
{
	struct reg_anchored a;
	struct err err = { "" };
	int64_t rows;
	int rc = reg_audit_verify(world, &rows, &err);

	if (rc == 0)
		rc = reg_anchor_verify(&a, world, anchor, NULL, &err);
	ck_assert_msg((rc == 0) == !words && (!words || strstr(err.text, words)), "%d %s", rc, err.text);
}

static void after(const char *sql, const char *words)
{
	ck_assert_int_eq(sql_exec(world->sql, "SAVEPOINT spoilt"), 0);
	ck_assert_int_eq(sql_exec(world->sql, sql), 0);
	verified(words);
	ck_assert_int_eq(sql_exec(world->sql, "ROLLBACK TO spoilt"), 0);
	ck_assert_int_eq(sql_exec(world->sql, "RELEASE spoilt"), 0);
}

START_TEST(what_was_spoilt_is_found)
{
	anchored();
	verified(NULL);
	after("UPDATE audit SET json = replace(json, 'grant', 'grunt') WHERE seq = 2", "row 2 was altered");
	after("UPDATE audit SET hash = zeroblob(32) WHERE seq = 4", "row 4 was altered");
	after("DELETE FROM audit WHERE seq = 2", "row 2 is not there");
	after("DELETE FROM audit WHERE seq = 1", "row 1 is not there");
	after("DELETE FROM audit WHERE seq = 4", "row 4 was the last one");
	after("DELETE FROM audit", "row 4 was the last one");
	verified(NULL);
}
END_TEST

/* Who knows how a hash is made writes a row anew with a right one: the next row was made over the one that was there */
START_TEST(a_row_written_anew_is_found_by_the_next)
{
	static const char json[] = "{\"what\":\"nothing\"}";
	uint8_t text[REG_HASH + sizeof(json) - 1], hash[REG_HASH];
	struct span h = span_of(hash, sizeof(hash));
	sqlite3_stmt *q;

	ck_assert_int_eq(reg_db_ask(world, &q, "SELECT hash FROM audit WHERE seq = 1", ""), 1);
	memcpy(text, sqlite3_column_blob(q, 0), REG_HASH);
	reg_db_end(q);
	memcpy(text + REG_HASH, json, sizeof(json) - 1);
	SHA256(text, sizeof(text), hash);
	ck_assert_int_eq(reg_db_do(world, "UPDATE audit SET json = ?1, hash = ?2 WHERE seq = 2", "tb", json, &h), 0);
	verified("row 3 was altered, or the one before it");
}
END_TEST

/* Whoever may ask the daemon may name any file that it can read. */
START_TEST(what_is_no_anchor_is_not_shown)
{
	struct reg_anchored a;
	struct err err = { "" };
	FILE *f = fopen(anchor, "w");

	fprintf(f, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	fclose(f);
	ck_assert_int_lt(reg_anchor_verify(&a, world, anchor, NULL, &err), 0);
	ck_assert_str_eq(err.text, "line 1 of the anchor is none");
}
END_TEST

/* A FIFO or a device as anchor file: nobody waits for its other side. */
START_TEST(what_is_no_file_is_no_anchor)
{
	struct reg_anchored a;
	struct reg_head head;
	struct err err = { "" };

	alarm(10);
	unlink(anchor);
	ck_assert_int_eq(mkfifo(anchor, 0600), 0);
	ck_assert_int_lt(reg_anchor_write(&head, world, anchor, &err), 0);
	ck_assert_msg(strstr(err.text, "is no regular file"), "%s", err.text);
	ck_assert_int_lt(reg_anchor_verify(&a, world, anchor, NULL, &err), 0);
	ck_assert_msg(strstr(err.text, "is no regular file"), "%s", err.text);
	ck_assert_int_lt(reg_anchor_open(anchor, &err), 0);
	ck_assert_msg(strstr(err.text, "is no regular file"), "%s", err.text);
	ck_assert_int_lt(reg_anchor_verify(&a, world, "/dev/zero", NULL, &err), 0);
	alarm(0);
}
END_TEST

START_TEST(an_anchor_is_on_the_disk_before_it_is_told)
{
	char want[128];

	io_log_start();
	anchored();
	snprintf(want, sizeof(want), "write:%s sync:%s", strrchr(anchor, '/') + 1, strrchr(anchor, '/') + 1);
	ck_assert_str_eq(io_log_end(), want);
}
END_TEST

/* --- how much of it an ASP may write */

static int bounded_put(struct reg_order *o, struct reg_db *db)
{
	int rc = reg_bound_work(o, db, reg_app_put);

	return rc == -EDQUOT ? reg_refuse(o, CTL_BUSY, NULL, "bound") : rc;
}

#define CHANGE "{\"fqdn\": \"%s\", \"published\": true}"

static void changed_until_the_bound(const char *asp, const char *fqdn)
{
	for (int i = 0; i < 3; i++)
		MUST(reg_asp(asp), bounded_put, "", CHANGE, fqdn);
	ck_assert_int_eq(reg_refused(reg_asp(asp), bounded_put, "bound", CHANGE, fqdn), CTL_BUSY);
}

/* An approved ASP writes rows without bound: so many a day, of each for himself, and of the operator as many as he likes. */
START_TEST(an_asp_writes_so_much_a_day)
{
	MUST(reg_operator, reg_app_add, "",
	     "{\"asp\": \"acme\", \"fqdn\": \"a.example.com\", \"addresses\": [\"127.0.0.1/32\"]}");
	MUST(reg_operator, reg_app_add, "",
	     "{\"asp\": \"rival\", \"fqdn\": \"b.example.org\", \"addresses\": [\"127.0.0.1/32\"]}");
	reg_cfg.daily_changes = 3;
	changed_until_the_bound("acme", "a.example.com");
	changed_until_the_bound("rival", "b.example.org");
	for (int i = 0; i < 5; i++)
		MUST(reg_operator, bounded_put, "", CHANGE, "a.example.com");
	sql_exec(world->sql, "UPDATE changes SET day = day - 1");
	changed_until_the_bound("acme", "a.example.com");
}
END_TEST

static int64_t changes_of(int64_t role)
{
	int64_t n = -1;

	ck_assert_int_eq(reg_db_int(world, &n, "SELECT count(*) FROM changes WHERE role = ?1", "i", role), 1);
	return n;
}

#define ACME "{\"asp\": \"acme\", \"fqdn\": \"a.example.com\", \"addresses\": [\"127.0.0.1/32\"]}"

/* What an ASP or a user has changed today goes with them; one that deletes itself is counted until its name is another's */
START_TEST(what_is_counted_goes_with_its_owner)
{
	char user[64], insert[160];

	strcpy(user, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 1\", \"assurance\": 4}"));
	snprintf(insert, sizeof(insert), "INSERT INTO changes SELECT 3, id, 1, 1 FROM user WHERE name = '%s'", user);
	ck_assert_int_eq(sql_exec(world->sql, insert), 0);
	MUST(reg_operator, reg_app_add, "", ACME);
	for (int self = 0; self < 2; self++) {
		ck_assert_int_eq(
			sql_exec(world->sql, "INSERT INTO changes SELECT 2, id, 1, 1 FROM asp WHERE name = 'acme'"), 0);
		MUST(reg_operator, reg_asp_delete, "", "{\"asp\": \"acme\"}");
		ck_assert_int_eq(changes_of(2), 0);
		if (self) /* what is counted after its deletion */
			ck_assert_int_eq(
				sql_exec(world->sql,
					 "INSERT INTO changes SELECT 2, id, 1, 1 FROM asp WHERE name = 'acme'"),
				0);
		MUST(reg_operator, reg_app_add, "", ACME);
		ck_assert_int_eq(changes_of(2), 0);
	}
	ck_assert_int_eq(changes_of(3), 1);
	MUST(reg_operator, reg_user_delete, "", "{\"user\": \"%s\"}", user);
	ck_assert_int_eq(changes_of(3), 0);
}
END_TEST

SUITE_WITH_FIXTURE("reg_audit", begin, end, what_was_spoilt_is_found, a_row_written_anew_is_found_by_the_next,
		   what_is_no_anchor_is_not_shown, what_is_no_file_is_no_anchor,
		   an_anchor_is_on_the_disk_before_it_is_told, an_asp_writes_so_much_a_day,
		   what_is_counted_goes_with_its_owner)
