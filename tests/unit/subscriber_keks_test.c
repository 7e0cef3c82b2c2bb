/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The KEKs of the subscriber database: the right one, another one from now on, those of a former release. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hss-sim/subscriber_keks.h"
#include "tests/unit/former_seal.h"
#include "tests/unit/subscriber_world.h"

START_TEST(wrong_kek_changes_nothing)
{
	struct stat before, after;
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",0,,\n"), 0);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_assert_ptr_null(subscriber_db_open(path, &other, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "kek 1 is not the key"), "%s", err.text);
	ck_assert_ptr_null(subscriber_db_open(path, &second, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "kek 1, which is not configured"), "%s", err.text);
	ck_assert_ptr_null(subscriber_db_open(path, &other, 1, SUBSCRIBER_DB_CHECK, &err));
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
	get(ONE, &r);
	subscriber_row_clear(&r);
}
END_TEST

/* \returns 0: through, and proven; what the step that failed says */
static int rotated(struct subscriber_db *db)
{
	static const enum reseal_what passes[] = { RESEAL_SEAL, RESEAL_COUNT, RESEAL_END };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 3; i++) {
		struct reseal_step s = { .what = passes[i] };

		do {
			rc = subscriber_db_begin(db);
			if (rc == 0)
				rc = subscriber_keks_step(db, &s);
			if (rc == 0)
				rc = subscriber_db_commit(db);
			else
				subscriber_db_rollback(db);
			memcpy(s.at, s.came.at, s.came.at_len);
			s.at_len = s.came.at_len;
		} while (rc == 0 && passes[i] != RESEAL_END && !s.came.over);
	}
	return rc;
}

/* A new first KEK seals from its start on; the old one can go when everything is sealed anew, and not before. */
START_TEST(kek_rotation)
{
	struct seal_kek both[2] = { second, kek };
	struct subscriber_db *db;
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",320,,\n"), 0);
	db = subscriber_db_open(path, both, 2, SUBSCRIBER_DB_RUN, &err);
	ck_assert_ptr_nonnull(db);
	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_BESIDE, &err));
	ck_assert_msg(strstr(err.text, "another kek seals"), "%s", err.text);
	subscriber_db_close(db);
	ck_assert_ptr_null(subscriber_db_open(path, &second, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "sealed by kek 1, which is not configured"), "%s", err.text);
	db = subscriber_db_open(path, both, 2, SUBSCRIBER_DB_RUN, &err);
	ck_assert_int_eq(rotated(db), 0);
	subscriber_db_close(db);
	db = subscriber_db_open(path, &second, 1, SUBSCRIBER_DB_RUN, &err);
	ck_assert_msg(db != NULL, "%s", err.text);
	ck_assert_int_eq(subscriber_db_get(db, ONE, &r), 0);
	ck_assert_secret(r.cred.k, KEY);
	ck_assert_uint_eq(r.seq, 10);
	subscriber_row_clear(&r);
	subscriber_db_close(db);
	ck_assert_ptr_null(subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err));
}
END_TEST

/* The page of the table that holds text becomes zeros. */
static void damage_page_with(const char *text)
{
	uint8_t page[8192], zero[8192] = { 0 };
	int fd = open(path, O_RDWR), hits = 0;

	for (off_t at = 0; pread(fd, page, sizeof(page), at) == sizeof(page); at += sizeof(page)) {
		/* 0x0d: a leaf of a table, not of an index */
		if (page[0] != 0x0d || !memmem(page, sizeof(page), text, strlen(text)))
			continue;
		ck_assert_int_eq(pwrite(fd, zero, sizeof(zero), at), sizeof(zero));
		hits++;
	}
	close(fd);
	ck_assert_int_eq(hits, 1);
}

/* A damaged page in the middle: to seal anew does not come through, so the old KEK is not thought to be free. */
START_TEST(kek_rotation_of_a_damaged_one)
{
	struct seal_kek both[2] = { second, kek };
	char text[40000] = HEAD;
	struct subscriber_db *db;
	struct subscriber_row r;

	for (int i = 100; i < 400; i++)
		sprintf(text + strlen(text), "%d@x.org," KEY "," OPC ",0,,\n", i);
	ck_assert_int_eq(import_text(text), 0);
	damage_page_with("250@x.org");
	db = subscriber_db_open(path, both, 2, SUBSCRIBER_DB_RUN, &err);
	ck_assert_ptr_nonnull(db);
	ck_assert_int_eq(rotated(db), -EIO);
	ck_assert_int_eq(subscriber_db_get(db, "399@x.org", &r), 0);
	subscriber_row_clear(&r);
	ck_assert_int_eq(subscriber_db_get(db, "250@x.org", &r), -EIO);
	subscriber_db_close(db);
	ck_assert_ptr_null(subscriber_db_open(path, &second, 1, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "sealed by kek 1, which is not configured"), "%s", err.text);
}
END_TEST

/* Keys as a former release sealed them, and by another KEK of it from now on */
START_TEST(former)
{
	uint8_t keys[32], sealed[32 + SEAL_OVERHEAD_MAX];
	char text[256], hex[2 * sizeof(sealed) + 1];
	const struct seal_kek both[] = { second, kek };
	struct subscriber_db *db;
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",64,,\n"), 0);
	octets_of(keys, 16, KEY);
	octets_of(keys + 16, 16, OPC);
	former_seal(sealed, &kek, 1, 1, span_of(keys, sizeof(keys)), span_str(ONE));
	hex_encode(hex, sizeof(hex), sealed, sizeof(sealed));
	snprintf(text, sizeof(text), "UPDATE subscriber SET keys = x'%s'", hex);
	raw_sql(text);
	for (int i = 0; i < 2; i++) {
		get(ONE, &r);
		ck_assert_secret(r.cred.k, KEY);
		ck_assert_secret(r.cred.opc, OPC);
		subscriber_row_clear(&r);
		db = subscriber_db_open(path, both, 2, SUBSCRIBER_DB_RUN, &err);
		ck_assert_msg(db != NULL, "%s", err.text);
		ck_assert_int_eq(rotated(db), 0);
		subscriber_db_close(db);
		kek = second;
	}
}
END_TEST

SUITE_WITH_FIXTURE("subscriber_keks", subscriber_world_setup, subscriber_world_teardown, wrong_kek_changes_nothing,
		   kek_rotation, kek_rotation_of_a_damaged_one, former)
