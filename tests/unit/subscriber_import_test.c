/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Imports into the subscriber database: all or nothing, or on from where they ended; never a counter back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/sqn.h"
#include "tests/unit/subscriber_world.h"

static unsigned long rows_in(void)
{
	struct subscriber_db *db = db_open();
	unsigned long n = (unsigned long)subscriber_db_count(db);

	subscriber_db_close(db);
	return n;
}

START_TEST(import_all_or_nothing)
{
	struct subscriber_row r;
	struct subscriber_db *db;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",64,,\n"), 0);
	ck_assert_int_lt(
		import_text(HEAD ONE "," OPC "," OPC ",96,,\n2@x.org," KEY "," OPC ",0,,\n3@x.org,12," OPC ",0,,\n"),
		0);
	ck_assert_ptr_nonnull(strstr(err.text, "s.csv:4:9: k: 2 characters"));
	get(ONE, &r);
	ck_assert_secret(r.cred.k, KEY);
	ck_assert_uint_eq(r.seq, 2);
	subscriber_row_clear(&r);
	db = db_open();
	ck_assert_int_eq(subscriber_db_count(db), 1);
	subscriber_db_close(db);
	ck_assert_int_lt(import_text(""), 0); /* nothing to map */
	ck_assert_msg(strstr(err.text, "s.csv:1:1: empty file"), "%s", err.text);
	ck_assert_int_lt(import_text(HEAD "2@x.org," KEY "," OPC ",0,,\n2@x.org," KEY "," OPC ",0,,\n"), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "s.csv:3: impi: the same as in line 2"));
	ck_assert_int_lt(import_text(HEAD "2@x.org," KEY "," OPC ",0,,none.xml\n"), 0);
	ck_assert_msg(strstr(err.text, "s.csv:2:78: guss: ") && strstr(err.text, "none.xml"), "%s", err.text);
	write_text(guss, "<ussList/>");
	ck_assert_int_lt(import_text(HEAD "2@x.org," KEY "," OPC ",0,,g.xml\n"), 0);
	ck_assert_msg(strstr(err.text, "s.csv:2:78: guss: ") &&
			      strstr(err.text, "g.xml: line 1: ussList: allowed: a guss document"),
		      "%s", err.text);
	write_text(guss, "<guss>");
	ck_assert_int_lt(import_text(HEAD "2@x.org," KEY "," OPC ",0,,g.xml\n"), 0);
	ck_assert_msg(strstr(err.text, "s.csv:2:78: guss: ") && strstr(err.text, "g.xml"), "%s", err.text);
}
END_TEST

/* After one that failed the same connection imports again; what it had begun is gone. */
START_TEST(import_after_a_failed_one)
{
	struct subscriber_db *db = db_open();
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);

	write_text(csv, HEAD "1@x.org," KEY "," OPC ",0,,\n2@x.org,12," OPC ",0,,\n");
	ck_assert_int_lt(import_csv(db, csv, &how, &err), 0);
	ck_assert_int_eq(subscriber_db_count(db), 0);
	write_text(csv, HEAD "3@x.org," KEY "," OPC ",0,,\n");
	ck_assert_msg(import_csv(db, csv, &how, &err) == 0, "%s", err.text);
	ck_assert_int_eq(subscriber_db_count(db), 1);
	ck_assert_int_lt(import_csv(db, dir, &how, &err), 0);
	ck_assert_msg(strstr(err.text, "no regular file"), "%s", err.text);
	subscriber_db_close(db);
}
END_TEST

/* TS 35.208, test set 1; a path from the root is no path in the folder of the CSV. */
START_TEST(op_and_absolute_path)
{
	struct subscriber_row r;
	char text[300];

	write_text(guss, "<guss><ussList/></guss>");
	snprintf(text, sizeof(text), "impi,k,op,guss\n" ONE "," KEY ",cdc202d5123e20f62b6d676ac72cb318,%s\n", guss);
	ck_assert_msg(import_text(text) == 0, "%s", err.text);
	get(ONE, &r);
	ck_assert_secret(r.cred.opc, OPC);
	ck_assert_uint_eq(r.guss_len, strlen("<guss><ussList/></guss>"));
	subscriber_row_clear(&r);
}
END_TEST

/* 220-4.2.3-3: each its own, also when a file that was read comes again; and the cache counts what they weigh. */
START_TEST(several_guss)
{
	static const char head[] = "<guss><ussList/>", tail[] = "</guss>";
	static char big[20000];
	struct subscriber_cache *cache;
	struct subscriber_db *db;
	struct subscriber_row r;
	struct subscriber *s;

	memset(big, ' ', sizeof(big) - 1);
	memcpy(big, head, strlen(head));
	strcpy(big + sizeof(big) - sizeof(tail), tail);
	write_text(guss, "<guss><ussList/></guss>");
	write_text(guss2, big);
	ck_assert_int_eq(import_text(HEAD "1@x.org," KEY "," OPC ",0,,g.xml\n2@x.org," KEY "," OPC
					  ",0,,g2.xml\n3@x.org," KEY "," OPC ",0,,g.xml\n4@x.org," KEY "," OPC
					  ",0,,g2.xml\n5@x.org," KEY "," OPC ",0,,\n"),
			 0);
	get("1@x.org", &r);
	ck_assert_uint_eq(r.guss_len, strlen("<guss><ussList/></guss>"));
	subscriber_row_clear(&r);
	get("3@x.org", &r);
	ck_assert_uint_eq(r.guss_len, strlen("<guss><ussList/></guss>"));
	subscriber_row_clear(&r);
	get("5@x.org", &r);
	ck_assert_uint_eq(r.guss_len, 0);
	subscriber_row_clear(&r);
	db = db_open();
	cache = subscriber_cache_new(db, &rules, sizeof(big) + 100 + 4 * sizeof(struct subscriber));
	ck_assert_int_eq(subscriber_cache_get(cache, "2@x.org", &s), 0);
	ck_assert_uint_eq(s->row.guss_len, strlen(big));
	ck_assert_int_eq(subscriber_cache_get(cache, "1@x.org", &s), 0);
	ck_assert_uint_eq(subscriber_cache_count(cache), 2);
	ck_assert_int_eq(subscriber_cache_get(cache, "2@x.org", &s), 0); /* asked for again, so it is not the oldest */
	ck_assert_int_eq(subscriber_cache_get(cache, "3@x.org", &s), 0);
	ck_assert_int_eq(subscriber_cache_get(cache, "5@x.org", &s), 0);
	ck_assert_uint_eq(subscriber_cache_count(cache), 4);
	ck_assert_int_eq(subscriber_cache_get(cache, "4@x.org", &s), 0); /* two big ones are too much */
	ck_assert_ptr_nonnull(subscriber_cache_peek(cache, "4@x.org"));
	ck_assert_ptr_null(subscriber_cache_peek(cache, "1@x.org"));
	ck_assert_ptr_null(subscriber_cache_peek(cache, "2@x.org"));
	ck_assert_ptr_nonnull(subscriber_cache_peek(cache, "3@x.org"));
	subscriber_cache_free(cache);
	subscriber_db_close(db);
}
END_TEST

/* 102-6.3.2-1: an import updates a subscriber but never takes the counter back */
START_TEST(import_never_back)
{
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",3200,,\n"), 0);
	ck_assert_int_eq(import_text(HEAD ONE "," OPC "," KEY ",32,5,\n"), 0);
	get(ONE, &r);
	ck_assert_uint_eq(r.seq, 100);
	ck_assert_secret(r.cred.k, OPC);
	ck_assert_int_eq(r.ind_fixed, 5);
	subscriber_row_clear(&r);
	ck_assert_int_eq(import_text(HEAD ONE "," OPC "," KEY ",6400,,\n"), 0);
	get(ONE, &r);
	ck_assert_uint_eq(r.seq, 200);
	ck_assert_int_eq(r.ind_fixed, -1);
	subscriber_row_clear(&r);
}
END_TEST

/* what the algorithm and the profile of a row are, comes back; a row whose algorithm was altered does not open */
START_TEST(algorithm_and_profile)
{
	struct subscriber_cache *cache;
	struct subscriber_row r;
	struct subscriber_db *db;
	struct subscriber *s;

	how.csv.allow_test = true;
	ck_assert_msg(import_text("impi,k,opc,algorithm,res-length,rounds,sqn-profile,ind-length,sqn\n" ONE "," KEY KEY
				  "," OPC OPC ",tuak,128,3,part-time,3,0x1001\n2@x.org," KEY ",,xor,,,,,\n"
				  "3@x.org," KEY "," OPC ",,,,,,\n") == 0,
		      "%s", err.text);
	get(ONE, &r);
	ck_assert_int_eq(r.cred.kind, AKA_TUAK);
	ck_assert_secret(r.cred.k, KEY KEY);
	ck_assert_secret(r.cred.opc, OPC OPC);
	ck_assert_uint_eq(r.cred.res_len, 16);
	ck_assert_uint_eq(r.cred.rounds, 3);
	ck_assert_int_eq(r.profile, SQN_PART_TIME);
	ck_assert_uint_eq(r.ind_bits, 3);
	ck_assert_uint_eq(r.seq, 0x1001 >> 3);
	subscriber_row_clear(&r);
	db = db_open();
	rules.profile = SQN_TIME;
	rules.ind_from = 4;
	rules.ind_to = 6;
	cache = subscriber_cache_new(db, &rules, 1 << 20);
	ck_assert_int_eq(subscriber_cache_get(cache, ONE, &s), 0);
	ck_assert_int_eq(s->counter.home.scheme.profile, SQN_PART_TIME);
	ck_assert_uint_eq(s->counter.home.scheme.ind_from, 4);
	ck_assert_int_eq(subscriber_cache_get(cache, "3@x.org", &s), 0);
	ck_assert_int_eq(s->counter.home.scheme.profile, SQN_TIME); /* that of this AuC */
	ck_assert_int_eq(subscriber_cache_get(cache, "2@x.org", &s), 0);
	ck_assert(!s->readable && s->test_only); /* XOR, without leave */
	ck_assert_uint_eq(s->row.cred.k.len, 0);
	subscriber_cache_free(cache);
	subscriber_db_close(db);
	raw_sql("UPDATE subscriber SET algorithm = 'milenage'");
	db = db_open();
	ck_assert_int_eq(subscriber_db_get(db, ONE, &r), -EBADMSG);
	ck_assert_int_eq(subscriber_db_get(db, "2@x.org", &r), -EBADMSG);
	ck_assert_int_eq(subscriber_db_get(db, "3@x.org", &r), 0);
	subscriber_row_clear(&r);
	subscriber_db_close(db);
}
END_TEST

/* 102-6.3.2-1: IND of another length: the next SQN is still above all that were given */
START_TEST(ind_of_another_length)
{
	static const char *const lengths[] = { "5", "8", "0", "3", "5" };
	struct subscriber_row r;
	uint64_t highest = 0;
	char text[200];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		snprintf(text, sizeof(text), "impi,k,opc,ind-length,sqn\n" ONE "," KEY "," OPC ",%s,%s\n", lengths[i],
			 i ? "" : "0x12345");
		ck_assert_msg(import_text(text) == 0, "%s", err.text);
		get(ONE, &r);
		ck_assert_msg((r.seq + 1) << r.ind_bits > highest, "step %zu", i);
		highest = ((r.seq + 1) << r.ind_bits) - 1;
		subscriber_row_clear(&r);
	}
	ck_assert_uint_lt(highest, 0x12345 + 1000); /* and not far above */
}
END_TEST

/* an import in batches: what ended it does not matter, the same file goes on, another one begins anew */
START_TEST(goes_on)
{
	static char text[2500000];
	size_t used = (size_t)sprintf(text, HEAD);

	for (int i = 0; i < 25000; i++)
		used += (size_t)sprintf(text + used, "%d@x.org," KEY "," OPC ",0,,\n", 100000 + i * 7919 % 25000);
	ck_assert_int_eq(import_text(HEAD), 0); /* makes the database */
	raw_sql("CREATE TRIGGER full BEFORE INSERT ON subscriber WHEN new.impi >= '112500@' BEGIN SELECT RAISE(ABORT, "
		"'full'); END");
	ck_assert_int_eq(import_text(text), -EIO);
	ck_assert_msg(strstr(err.text, "10000 of 25000 subscribers are in, the same command goes on there"), "%s",
		      err.text);
	ck_assert_uint_eq(rows_in(), 10000);
	raw_sql("DROP TRIGGER full; CREATE TRIGGER again BEFORE UPDATE ON subscriber BEGIN SELECT RAISE(ABORT, 'again'); "
		"END");
	ck_assert_msg(import_text(text) == 0, "%s", err.text); /* no row is written a second time */
	ck_assert_uint_eq(rows_in(), 25000);
	ck_assert_int_lt(import_text(text), 0); /* ended: it begins anew */
	raw_sql("DROP TRIGGER again; DELETE FROM subscriber; DELETE FROM counter");
	how.atomic = true;
	raw_sql("CREATE TRIGGER full BEFORE INSERT ON subscriber WHEN new.impi >= '112500@' BEGIN SELECT RAISE(ABORT, "
		"'full'); END");
	ck_assert_int_eq(import_text(text), -EIO);
	ck_assert_msg(strstr(err.text, "nothing was changed"), "%s", err.text);
	ck_assert_uint_eq(rows_in(), 0);
}
END_TEST

/* between two halves of one file another file came: the first begins anew, else rows of the other would stay in its place */
START_TEST(another_file_between)
{
	static char text[1500000];
	size_t used = (size_t)sprintf(text, HEAD);
	struct subscriber_row r;

	for (int i = 0; i < 12000; i++)
		used += (size_t)sprintf(text + used, "%d@x.org," KEY "," OPC ",0,,\n", 100000 + i);
	ck_assert_int_eq(import_text(HEAD), 0);
	raw_sql("CREATE TRIGGER full BEFORE INSERT ON subscriber WHEN new.impi >= '111000@' BEGIN SELECT RAISE(ABORT, "
		"'full'); END");
	ck_assert_int_eq(import_text(text), -EIO);
	raw_sql("DROP TRIGGER full");
	ck_assert_int_eq(import_text(HEAD "100000@x.org," OPC "," OPC ",0,,\n"), 0);
	ck_assert_int_eq(import_text(text), 0);
	get("100000@x.org", &r);
	ck_assert_secret(r.cred.k, KEY);
	subscriber_row_clear(&r);
}
END_TEST

/* A pipe in the place of a file is refused; nobody waits for a writer. */
START_TEST(pipe_for_a_file)
{
	struct subscriber_db *db = db_open();

	alarm(10);
	ck_assert_int_eq(mkfifo(guss, 0600), 0);
	ck_assert_int_lt(import_csv(db, guss, &how, &err), 0);
	ck_assert_msg(strstr(err.text, "g.xml: is no regular file"), "%s", err.text);
	write_text(csv, HEAD ONE "," KEY "," OPC ",0,,g.xml\n");
	ck_assert_int_lt(import_csv(db, csv, &how, &err), 0);
	ck_assert_msg(strstr(err.text, "s.csv:2:78: guss: ") && strstr(err.text, "no regular file"), "%s", err.text);
	alarm(0);
	subscriber_db_close(db);
}
END_TEST

SUITE_WITH_FIXTURE("subscriber_import", subscriber_world_setup, subscriber_world_teardown, import_all_or_nothing,
		   import_after_a_failed_one, op_and_absolute_path, several_guss, import_never_back,
		   algorithm_and_profile, ind_of_another_length, goes_on, another_file_between, pipe_for_a_file)
