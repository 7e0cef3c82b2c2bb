/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How an import puts its rows: in groups, and in chunks that are made ready meanwhile. What rows say is subscriber_db_test's. */
#include <unistd.h>
#include "tests/unit/subscriber_world.h"

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

SUITE_WITH_FIXTURE("import", subscriber_world_setup, subscriber_world_teardown, old_and_new_in_one_group, large_guss)
