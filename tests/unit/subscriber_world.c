/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/subscriber_world.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>
#include "common/crypto/sqn.h"

char dir[] = "/tmp/gba-db-XXXXXX", path[64], csv[64], guss[64], guss2[64];
struct seal_kek kek = { .id = 1 }, other = { .id = 1 }, second = { .id = 2 };
struct err err;
struct import_options how;
struct subscriber_rules rules;

void subscriber_world_setup(void)
{
	rules = SUBSCRIBER_RULES_USUAL;
	how = (struct import_options){ .ind_to = SQN_IND_MAX };
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.sqlite", dir);
	snprintf(csv, sizeof(csv), "%s/s.csv", dir);
	snprintf(guss, sizeof(guss), "%s/g.xml", dir);
	snprintf(guss2, sizeof(guss2), "%s/g2.xml", dir);
	kek.key = secret_of("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	other.key = secret_of("ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	second.key = other.key;
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr)); /* progress of the imports */
}

void subscriber_world_teardown(void)
{
	static const char *const files[] = { "s.sqlite", "s.sqlite-wal", "s.sqlite-shm", "s.sqlite.lock",
					     "s.csv",    "g.xml",        "g2.xml" };
	char name[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, files[i]);
		unlink(name);
	}
	rmdir(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

void write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

struct subscriber_db *db_open(void)
{
	struct subscriber_db *db = subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err);

	ck_assert_msg(db != NULL, "%s", err.text);
	return db;
}

int import_text(const char *text)
{
	struct subscriber_db *db = db_open();
	int rc;

	write_text(csv, text);
	rc = import_csv(db, csv, &how, &err);
	subscriber_db_close(db);
	return rc;
}

void get(const char *impi, struct subscriber_row *r)
{
	struct subscriber_db *db = db_open();

	ck_assert_int_eq(subscriber_db_get(db, impi, r), 0);
	subscriber_db_close(db);
}

void raw_sql(const char *text)
{
	sqlite3 *raw;

	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(raw, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(raw));
	sqlite3_close(raw);
}
