/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-store on stores made for it: what it counts, with what status it ends, what it saves where the index key is lost. */
#include "tests/store/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include "bsf/store/lmdb.h"
#include "tests/unit/suite.h"

static const struct seal_kek *const kek_of[] = { &kek_1, &kek_2 };
static char said[8192]; /* by the last gba-store */

static void kek_write(unsigned id)
{
	char path[320], hex[2 * SEAL_KEK_LEN + 2];
	int fd;

	snprintf(path, sizeof(path), "%s/%u.kek", dir, id);
	hex_encode(hex, sizeof(hex), kek_of[id - 1]->key.b, SEAL_KEK_LEN);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(dprintf(fd, "%s\n", hex), 2 * SEAL_KEK_LEN + 1);
	close(fd);
}

static void setup(void)
{
	disk_setup();
	kek_write(1);
	kek_write(2);
}

/* \param[in] args for a shell in the folder that holds the store and its KEKs. \returns its exit status */
static int gba_store(const char *args)
{
	const char *build = getenv("GBA_BUILD");
	char here[256], line[1024];
	size_t n;
	FILE *f;

	ck_assert_ptr_nonnull(build ? strncpy(here, build, sizeof(here) - 1) : getcwd(here, sizeof(here)));
	here[sizeof(here) - 1] = '\0';
	snprintf(line, sizeof(line), "cd %s && { %s/bsf/gba-store %s; } 2>&1", dir, here, args);
	f = popen(line, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	return WEXITSTATUS(pclose(f));
}

/* A line of this name and this number. */
static bool counted(const char *name, unsigned number)
{
	const char *at = strstr(said, name);
	unsigned is;

	return at && (at == said || at[-1] == '\n') && sscanf(at + strlen(name), "%u", &is) == 1 && is == number;
}

/* So many sessions, from the first on. */
static void put_some(const struct store_lmdb_cfg *cfg, unsigned first, unsigned n, int64_t life_s)
{
	harness_open_lmdb(&h, dir, cfg);
	for (unsigned i = first; i < first + n; i++) {
		struct gba_session s = nth(i, false);

		s.expires_at = time(NULL) + life_s;
		ck_assert_int_eq(put(&h, &s), 0);
	}
	harness_close(&h);
}

static void put_one(unsigned n)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	put_some(&cfg, n, 1, 1000);
}

/* Three live ones and one that was revoked under KEK 1, two that are over under KEK 2 */
START_TEST(what_is_there)
{
	const struct seal_kek both[] = { kek_2, kek_1 };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session revoked = nth(0, false);

	put_some(&cfg, 0, 4, 1000);
	open_store();
	ck_assert_int_eq(revoke_impi(&h, revoked.impi.s), 0);
	harness_close(&h);
	cfg.keks = both;
	cfg.n_keks = 2;
	put_some(&cfg, 4, 0, 0); /* the index key is sealed anew, nothing else is */
	ck_assert_int_eq(gba_store("check . --kek 1=1.kek"), 1);
	ck_assert_msg(counted("records opened", 4) && strstr(said, "the index key does not open"), "%s", said);
	put_some(&cfg, 4, 2, 1);
	for (time_t end = time(NULL) + 1; time(NULL) <= end; usleep(20000))
		;
	ck_assert_int_eq(gba_store("count ."), 0);
	ck_assert_msg(counted("sessions", 5) && counted("tombstones", 1) && counted("revocation marks", 1), "%s", said);
	ck_assert_msg(counted("records past their time", 2), "%s", said);
	ck_assert_msg(counted("sealed under KEK 1", 4) && counted("sealed under KEK 2", 2), "%s", said);
	ck_assert_msg(!strstr(said, "opened") && !strstr(said, "KEK 0"), "%s", said);
	ck_assert_int_eq(gba_store("check . --kek 1=1.kek --kek 2=2.kek"), 0);
	ck_assert_msg(counted("records opened", 6) && !strstr(said, "not"), "%s", said);
	ck_assert_int_eq(gba_store("check . --kek 1=1.kek"), 1);
	ck_assert_msg(counted("records opened", 4) && counted("sealed under a KEK not given", 2), "%s", said);
	ck_assert_msg(strstr(said, "the index key does not open") && !strstr(said, "damaged: they"), "%s", said);
	ck_assert_int_eq(gba_store("check . --kek 2=2.kek"), 1);
	ck_assert_msg(counted("sealed under a KEK not given", 4) && !strstr(said, "index key"), "%s", said);
	ck_assert_int_eq(gba_store("check . --kek 1=2.kek --kek 2=2.kek"), 1);
	ck_assert_msg(counted("damaged: they do not open", 4) && counted("records opened", 2), "%s", said);
	/* the index key opens, but a wrong former KEK is no reason to throw its records away */
	ck_assert_int_eq(gba_store("salvage . no --kek 1=2.kek --kek 2=2.kek"), 1);
	ck_assert_msg(strstr(said, "no record that KEK 1 sealed opens: it is another one"), "%s", said);
	ck_assert_int_eq(gba_store("count no"), 1);
	ck_assert_int_eq(gba_store("salvage . unopened --kek 2=2.kek"), 0);
	ck_assert_msg(counted("records saved", 7) && counted("records in quarantine.gba", 0), "%s", said);
	ck_assert_int_eq(gba_store("salvage . opened --kek 1=1.kek --kek 2=2.kek"), 0);
	ck_assert_msg(counted("records saved", 7) && counted("records in quarantine.gba", 0), "%s", said);
}
END_TEST

/* Whatever is not well is in its exit status */
START_TEST(ends_with)
{
	static const struct {
		const char *args;
		int status;
		const char *word;
	} rows[] = {
		{ "count .", 0, "sessions" },
		{ "-V", 0, "gba-store " },
		{ "-h", 0, "usage:" },
		{ "count . >/dev/full", 1, "" },
		{ "-h count nowhere", 0, "usage:" },
		{ "count nowhere", 1, "no store there" },
		{ "check .", 1, "allowed: --kek" },
		{ "export . 1.kek", 1, "allowed: a file that is not there" },
		{ "", 2, "usage:" },
		{ "count", 2, "usage:" },
		{ "count . .", 2, "usage:" },
		{ "import .", 2, "usage:" },
		{ "look .", 2, "usage:" },
		{ "--nothing", 2, "--help" },
		{ "count . --kek 1=nowhere", 2, "kek 1" },
		{ "check . --kek 256=1.kek", 2, "ID of 1 to 255" },
		{ "check . --kek 0=1.kek", 2, "ID of 1 to 255" },
		{ "check . --kek 1=x,y --kek 2=2.kek", 2, "kek 1" },
		{ "check . $(for i in 1 2 3 4 5 6 7 8 9; do echo --kek=$i=1.kek; done)", 2, "more than 8 KEKs" },
	};

	put_one(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = gba_store(rows[i].args);

		ck_assert_msg(status == rows[i].status, "%s: %d: %s", rows[i].args, status, said);
		ck_assert_msg(strstr(said, rows[i].word), "%s: %s", rows[i].args, said);
	}
}
END_TEST

static void strange_entry(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val k = { 3, "abc" }, v = { 3, "abc" };

	ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
}

/* What is no record is not well, and is not carried on */
START_TEST(no_records)
{
	put_one(1);
	disk_change(strange_entry);
	ck_assert_int_eq(gba_store("count ."), 1);
	ck_assert_msg(counted("sessions", 1) && counted("entries that are no records", 1), "%s", said);
	ck_assert_int_eq(gba_store("check . --kek 1=1.kek"), 1);
	ck_assert_int_eq(gba_store("salvage . new"), 0);
	ck_assert_msg(counted("records saved", 1), "%s", said);
	ck_assert_int_eq(gba_store("count new"), 0);
}
END_TEST

/* The index key is kept beside the store, too; without either nothing of it can be found, so nothing is made */
START_TEST(index_key_lost)
{
	char path[320];

	put_one(1);
	disk_change(index_key_gone);
	ck_assert_int_eq(gba_store("count ."), 1);
	ck_assert_msg(strstr(said, "the index key is missing"), "%s", said);
	ck_assert_int_eq(gba_store("check . --kek 1=1.kek"), 1);
	ck_assert_int_eq(gba_store("salvage . saved"), 0);
	ck_assert_int_eq(gba_store("check saved --kek 1=1.kek"), 0);
	ck_assert_msg(counted("records opened", 1), "%s", said);
	snprintf(path, sizeof(path), "%s/store.made", dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(gba_store("salvage . none --kek 1=1.kek"), 1);
	ck_assert_msg(strstr(said, "the index key is lost"), "%s", said);
	snprintf(path, sizeof(path), "%s/none", dir);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("gba-store");

	tcase_add_checked_fixture(tc, setup, disk_teardown);
	tcase_add_test(tc, what_is_there);
	tcase_add_test(tc, ends_with);
	tcase_add_test(tc, no_records);
	tcase_add_test(tc, index_key_lost);
	return suite_run_cases("gba-store", &tc, 1);
}
