/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How an import puts its rows: in groups, and in chunks that are made ready meanwhile. What rows say is subscriber_db_test's. */
#include "hss-sim/import.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/unit/suite.h"

#define KEY  "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC  "cd63cb71954a9f4e48a5994e37a02baf"
#define HEAD "impi,k,opc,sqn,ind,guss\n"

static char dir[] = "/tmp/gba-import-XXXXXX", path[64], csv[64], guss[64];
static struct seal_kek kek = { .id = 1 };
static struct err err;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.sqlite", dir);
	snprintf(csv, sizeof(csv), "%s/s.csv", dir);
	snprintf(guss, sizeof(guss), "%s/g.xml", dir);
	kek.key.len = SEAL_KEK_LEN;
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static void write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct subscriber_db *db_open(void)
{
	struct subscriber_db *db = subscriber_db_open(path, &kek, 1, SUBSCRIBER_DB_RUN, &err);

	ck_assert_msg(db != NULL, "%s", err.text);
	return db;
}

static int import_text(const char *text)
{
	const struct import_options how = { .ind_to = 31 };
	struct subscriber_db *db = db_open();
	int rc;

	write_text(csv, text);
	rc = import_csv(db, csv, &how, &err);
	subscriber_db_close(db);
	return rc;
}

static void get(const char *impi, struct subscriber_row *r)
{
	struct subscriber_db *db = db_open();

	ck_assert_int_eq(subscriber_db_get(db, impi, r), 0);
	subscriber_db_close(db);
}

static void check_seq(struct subscriber_db *db, int i, uint64_t seq)
{
	struct subscriber_row r;
	char impi[20];

	snprintf(impi, sizeof(impi), "%04d@x.org", i);
	ck_assert_msg(subscriber_db_get(db, impi, &r) == 0, "%s", impi);
	ck_assert_uint_eq(r.seq, seq);
	ck_assert_secret(r.cred.k, KEY);
	subscriber_row_clear(&r);
}

/* Rows go in by the group; those of a group that were there already keep their counters, the new ones get theirs. */
START_TEST(old_and_new_in_one_group)
{
	static char text[300 * 100];
	struct subscriber_db *db;

	strcpy(text, HEAD);
	for (int i = 0; i < 200; i += 7)
		sprintf(text + strlen(text), "%04d@x.org," KEY "," OPC ",%d,,\n", i, 32 * (1000 + i));
	ck_assert_int_eq(import_text(text), 0);
	strcpy(text, HEAD);
	for (int i = 0; i < 200; i++)
		sprintf(text + strlen(text), "%04d@x.org," KEY "," OPC ",%d,,\n", i, 32 * i);
	ck_assert_int_eq(import_text(text), 0);
	db = db_open();
	ck_assert_int_eq(subscriber_db_count(db), 200);
	for (int i = 0; i < 200; i++)
		check_seq(db, i, (uint64_t)(i % 7 ? i : 1000 + i));
	subscriber_db_close(db);
}
END_TEST

/* Many documents, more than are made ready at once, each with its own subscriber. */
START_TEST(large_guss)
{
	enum { DOCS = 80, DOC = 60000 };
	static char text[400 * DOCS], doc[DOC + 100];
	struct subscriber_row r;
	char name[sizeof(guss) + 8];

	strcpy(text, HEAD);
	for (int i = 0; i < DOCS; i++) {
		snprintf(name, sizeof(name), "%s.%d", guss, i);
		snprintf(doc, sizeof(doc), "<guss><ussList/><!--%0*d--></guss>", DOC, i);
		write_text(name, doc);
		sprintf(text + strlen(text), "%04d@x.org," KEY "," OPC ",0,,%s\n", i, name);
		sprintf(text + strlen(text), "%04d@y.org," KEY "," OPC ",0,,%s\n", i, name);
	}
	ck_assert_int_eq(import_text(text), 0);
	for (int i = 0; i < 2 * DOCS; i++) {
		snprintf(name, sizeof(name), "%04d@%c.org", i / 2, i % 2 ? 'y' : 'x');
		get(name, &r);
		ck_assert_msg(r.guss && r.guss_len > DOC && atoi((char *)r.guss + r.guss_len - 16) == i / 2, "%s",
			      name);
		subscriber_row_clear(&r);
	}
	for (int i = 0; i < DOCS; i++) {
		snprintf(name, sizeof(name), "%s.%d", guss, i);
		unlink(name);
	}
}
END_TEST

SUITE_WITH_FIXTURE("import", setup, teardown, old_and_new_in_one_group, large_guss)
