/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The subscriber database: sealed keys, all-or-nothing import, marks that survive kill -9, one daemon, the right KEK. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/sqn.h"
#include "hss-sim/import.h"
#include "hss-sim/subscriber_cache.h"
#include "hss-sim/subscriber_keys.h"
#include "tests/unit/free_watch.h"
#include "tests/unit/suite.h"

#define KEY  "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC  "cd63cb71954a9f4e48a5994e37a02baf"
#define HEAD "impi,k,opc,sqn,ind,guss\n"
#define ONE  "1@x.org"

static char dir[] = "/tmp/gba-db-XXXXXX", path[64], csv[64], guss[64], guss2[64];
static struct seal_kek kek = { .id = 1 }, other = { .id = 1 }, second = { .id = 2 };
static struct err err;
static struct import_options how; /* of the imports; each test begins with the usual ones */
static struct subscriber_rules rules;

static void setup(void)
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

static void teardown(void)
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
	ck_assert_msg(strstr(err.text, "root element is ussList"), "%s", err.text);
	write_text(guss, "<guss>");
	ck_assert_int_lt(import_text(HEAD "2@x.org," KEY "," OPC ",0,,g.xml\n"), 0);
	ck_assert_msg(strstr(err.text, "s.csv:2:78: guss: ") && strstr(err.text, "g.xml"), "%s", err.text);
}
END_TEST

static void raw_sql(const char *text)
{
	sqlite3 *raw;

	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(raw, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(raw));
	sqlite3_close(raw);
}

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

	write_text(guss, "<guss/>");
	snprintf(text, sizeof(text), "impi,k,op,guss\n" ONE "," KEY ",cdc202d5123e20f62b6d676ac72cb318,%s\n", guss);
	ck_assert_msg(import_text(text) == 0, "%s", err.text);
	get(ONE, &r);
	ck_assert_secret(r.cred.opc, OPC);
	ck_assert_uint_eq(r.guss_len, 7);
	subscriber_row_clear(&r);
}
END_TEST

/* Each its own, also when a file that was read comes again; and the cache counts what they weigh. */
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
	write_text(guss, "<guss/>");
	write_text(guss2, big);
	ck_assert_int_eq(import_text(HEAD "1@x.org," KEY "," OPC ",0,,g.xml\n2@x.org," KEY "," OPC
					  ",0,,g2.xml\n3@x.org," KEY "," OPC ",0,,g.xml\n4@x.org," KEY "," OPC
					  ",0,,g2.xml\n5@x.org," KEY "," OPC ",0,,\n"),
			 0);
	get("1@x.org", &r);
	ck_assert_uint_eq(r.guss_len, 7);
	subscriber_row_clear(&r);
	get("3@x.org", &r);
	ck_assert_uint_eq(r.guss_len, 7);
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

static unsigned long rows_in(void)
{
	struct subscriber_db *db = db_open();
	unsigned long n = (unsigned long)subscriber_db_count(db);

	subscriber_db_close(db);
	return n;
}

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

/* A new first KEK seals everything anew; then the old one can go. */
START_TEST(kek_rotation)
{
	struct seal_kek both[2] = { second, kek };
	struct subscriber_db *db;
	struct subscriber_row r;

	ck_assert_int_eq(import_text(HEAD ONE "," KEY "," OPC ",320,,\n"), 0);
	db = subscriber_db_open(path, both, 2, SUBSCRIBER_DB_RUN, &err);
	ck_assert_ptr_nonnull(db);
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

/* A damaged page in the middle: to seal anew fails in words and as a whole, so the old KEK is not thought to be free. */
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
	ck_assert_ptr_null(subscriber_db_open(path, both, 2, SUBSCRIBER_DB_RUN, &err));
	ck_assert_msg(strstr(err.text, "sealing anew by the first kek failed: a record cannot be read"), "%s",
		      err.text);
	db = db_open(); /* by the old one alone, what is behind the damage too */
	ck_assert_int_eq(subscriber_db_get(db, "399@x.org", &r), 0);
	subscriber_row_clear(&r);
	ck_assert_int_eq(subscriber_db_get(db, "250@x.org", &r), -EIO);
	subscriber_db_close(db);
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

/* A pipe in the place of a file is refused; nobody waits for a writer. */
START_TEST(pipe_for_a_file)
{
	struct subscriber_db *db = db_open();

	alarm(10);
	ck_assert_int_eq(mkfifo(guss, 0600), 0);
	ck_assert_int_lt(import_csv(db, guss, &how, &err), 0);
	ck_assert_msg(strstr(err.text, "g.xml: no regular file"), "%s", err.text);
	write_text(csv, HEAD ONE "," KEY "," OPC ",0,,g.xml\n");
	ck_assert_int_lt(import_csv(db, csv, &how, &err), 0);
	ck_assert_msg(strstr(err.text, "s.csv:2:78: guss: ") && strstr(err.text, "no regular file"), "%s", err.text);
	alarm(0);
	subscriber_db_close(db);
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

SUITE_WITH_FIXTURE("subscriber_db", setup, teardown, kept_and_sealed, bound_to_the_impi, import_all_or_nothing,
		   import_after_a_failed_one, op_and_absolute_path, several_guss, marks_never_back, import_never_back,
		   algorithm_and_profile, ind_of_another_length, goes_on, another_file_between,
		   wrong_kek_changes_nothing, kek_rotation, kek_rotation_of_a_damaged_one, damaged_counter,
		   pipe_for_a_file, domain_in_capitals, version_1, second_daemon, no_database_of_ours, kill_9,
		   cache_is_bounded, wiped)
