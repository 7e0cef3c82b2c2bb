/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* data.mdb damaged, cut, zeroed, emptied: a line that says file and cure, or what can be read goes on; never a signal. */
#include "tests/store/spoil.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bsf/store/lmdb.h"
#include "bsf/store/lmdb_new.h"
#include "bsf/store/lmdb_pages.h"
#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"

static unsigned more; /* sessions that nobody counts */

static void setup(void)
{
	disk_setup();
	snprintf(data, sizeof(data), "%s/data.mdb", dir);
}

/* Sessions, every tenth with a GUSS on pages of its own; some revoked, so that there are free pages. */
static struct gba_session filled(unsigned n)
{
	struct gba_session s = nth(n, n % 2);

	if (n % 10 == 0)
		s.guss = guss_noise(9000);
	return s;
}

static struct gba_session fresh_run(unsigned n)
{
	struct gba_session s = nth(n, true);

	return session_make(1000 + n, s.impi.s, BSF_A, true);
}

static struct gba_session newcomer(unsigned n)
{
	return nth(2000 + n, true);
}

/* With the root there all would be lost; where it is depends on how commits were grouped. */
static bool last_is_branch(void)
{
	int fd = data_open();
	uint8_t p[PAGE];

	page_read(fd, pages_of(fd) - 1, p);
	close(fd);
	return p[10] == 1;
}

static void fill(void)
{
	open_store();
	ck_assert_uint_eq(put_many(N, filled), N);
	for (unsigned n = 0; n < N; n += 50) {
		struct gba_session s = nth(n, true);

		ck_assert_int_eq(revoke_impi(&h, s.impi.s), 0);
	}
	harness_close(&h);
	for (more = 0; last_is_branch(); more++) {
		struct gba_session s = nth(5000 + more, false);

		open_store();
		ck_assert_int_eq(put(&h, &s), 0);
		harness_close(&h);
	}
}

static bool is_revoked(unsigned n)
{
	return n % 50 == 0;
}
/* How many sessions are there; each that is answers with its own key, and no revoked one is. */
static unsigned count_sessions(void)
{
	unsigned there = 0;

	for (unsigned n = 0; n < N; n++) {
		struct gba_session s = nth(n, true);
		int rc = get_nth(n);

		ck_assert(rc == 0 || rc == -ENOENT);
		ck_assert_msg(rc < 0 || !is_revoked(n), "%u is back", n);
		if (rc == 0) {
			ck_assert(secret_equal(&h.session.ks, &s.ks));
			there++;
		}
	}
	return there;
}

static void works(const char *name, unsigned lost)
{
	unsigned whole = N - (N + 49) / 50, there;

	open_store();
	there = count_sessions();
	ck_assert_msg(there + lost >= whole, "%s: %u of %u are there", name, there, whole);
	ck_assert_msg(put_many(N, fresh_run) == N, "%s: not everybody can bootstrap again", name);
	harness_close(&h);
	open_store();
	ck_assert_uint_eq(count_sessions(), 0);
	for (unsigned n = 0; n < N; n++)
		ck_assert_int_eq(get_nth(1000 + n), 0);
	harness_close(&h);
}

static void refused_in_words(const char *name, const char *word, bool check)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct err err = { "" };

	cfg.check = check;
	ck_assert_msg(!harness_try_lmdb(&h, dir, &cfg, &err), "%s is taken", name);
	ck_assert_msg(!word || strstr(err.text, word), "%s: \"%s\" does not say \"%s\"", name, err.text, word);
	ck_assert_msg(strstr(err.text, data), "%s: \"%s\" does not name the file", name, err.text);
	ck_assert_msg(strstr(err.text, "put back a copy, or remove"), "%s: no cure in \"%s\"", name, err.text);
}

static bool is_kept(void)
{
	char path[320];

	snprintf(path, sizeof(path), "%s.damaged", data);
	return access(path, F_OK) == 0;
}

static bool opens_for_check(void)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct store_shared *sh;
	struct err err;

	cfg.check = true;
	cfg.dir = dir;
	sh = store_shared_lmdb_new(&cfg, &err);
	store_shared_free(sh);
	return sh;
}

/* Issue: a damaged, cut or zeroed data.mdb is told in words, also by --check; one bad page costs its records */
START_TEST(damaged)
{
	const struct damage *d = &damages[_i];

	fill();
	data_spoil(d->spoil);
	if (d->lost == -1) {
		refused_in_words(d->name, d->word, true);
		refused_in_words(d->name, d->word, false);
		refused_in_words(d->name, d->word, false);
		return;
	}
	ck_assert_msg(opens_for_check(), "%s: the next start can save", d->name);
	ck_assert_msg(!is_kept(), "a check changes nothing");
	works(d->name, (unsigned)d->lost);
	ck_assert_msg(is_kept(), "%s: the damaged file is kept", d->name);
}
END_TEST

/* \returns the exit status of "gba-store salvage", which goes into the folder new beside the store's files */
static int salvage(void)
{
	const char *build = getenv("GBA_BUILD");
	char line[1024];

	snprintf(line, sizeof(line), "%s/bsf/gba-store salvage %s %s/new >/dev/null 2>&1", build ? build : ".", dir,
		 dir);
	return WEXITSTATUS(system(line));
}

/* "gba-store salvages into a new file ... each damage of the table loses no more than it must"; the damaged one stays as it is, and without a
 * header page nothing is made: the older one would bring back what was revoked since */
START_TEST(salvaged)
{
	const struct damage *d = &damages[_i];
	const unsigned whole = N - (N + 49) / 50;
	char *end = dir + strlen(dir);

	fill();
	data_spoil(d->spoil);
	if (d->lost == -1) {
		ck_assert_msg(salvage() == 1, "%s", d->name);
		strcat(dir, "/new");
		ck_assert_msg(access(dir, F_OK) < 0, "%s: something was made", d->name);
		*end = '\0';
		return;
	}
	ck_assert_msg(salvage() == 0, "%s", d->name);
	ck_assert_msg(!is_kept(), "%s: the damaged one was changed", d->name);
	strcat(dir, "/new");
	open_store();
	ck_assert_msg(count_sessions() + (unsigned)d->lost >= whole, "%s: too much is lost", d->name);
	harness_close(&h);
	*end = '\0';
}
END_TEST

/* An undamaged one is not touched, and the walk finds what LMDB does */
START_TEST(whole)
{
	struct lmdb_pages seen;
	int fd;

	fill();
	fd = data_open();
	ck_assert_int_eq(lmdb_pages_walk(fd, NULL, NULL, &seen), 0);
	ck_assert_msg(!seen.damaged, "%s", seen.what);
	ck_assert_uint_eq(seen.entries,
			  N + 2 + (N + 49) / 50 +
				  more); /* the index key, who has sealed, and a mark for each that is revoked */
	ck_assert_uint_eq(seen.promised, seen.entries);
	close(fd);
	ck_assert(opens_for_check());
	open_store();
	ck_assert_uint_eq(count_sessions(), N - (N + 49) / 50);
	harness_close(&h);
	ck_assert(!is_kept());
}
END_TEST

/* The index key is lost with a page: it is kept beside, too, and with that all goes on; without either nothing takes the place of what is
 * there */
START_TEST(index_key_lost)
{
	char path[320];

	fill();
	disk_change(index_key_gone);
	data_spoil(leaf_zero);
	if (_i == 0) {
		works("the index key is beside", 60);
		return;
	}
	snprintf(path, sizeof(path), "%s/store.made", dir);
	ck_assert_int_eq(truncate(path, 0), 0);
	refused_in_words("no index key", "its index key lost", false);
	ck_assert_msg(!is_kept(), "it is where it was");
}
END_TEST

static void put_alike(MDB_txn *txn, MDB_dbi dbi)
{
	static const char *const keys[] = { "a", "ab", "abc", "b" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		MDB_val k = { strlen(keys[i]), (void *)keys[i] }, v = { 1, "x" };

		ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
	}
}

/* One key may be the beginning of another: they are in order as LMDB has them */
START_TEST(keys_alike)
{
	struct lmdb_pages seen;
	int fd;

	open_store();
	harness_close(&h);
	disk_change(put_alike);
	fd = data_open();
	ck_assert_int_eq(lmdb_pages_walk(fd, NULL, NULL, &seen), 0);
	ck_assert_msg(!seen.damaged, "%s", seen.what);
	close(fd);
}
END_TEST

/* What was saved has its name on the disk before anything goes on with it, and the damaged file its own */
START_TEST(saved_in_order)
{
	struct store_figures f;
	const char *log;

	fill();
	data_spoil(leaf_zero);
	io_log_start();
	open_store();
	log = io_log_end();
	ck_assert_msg(strstr(log, "sync:data.mdb") && strstr(log, " rename:data.mdb>data.mdb sync:folder/"), "%s", log);
	store_shared_figures(h.sh, &f);
	ck_assert_msg(f.marks == (N + 49) / 50, "%u marks are saved", (unsigned)f.marks);
	harness_close(&h);
}
END_TEST

/* Where a damaged tree gives an entry twice, the first one counts, once */
START_TEST(twice)
{
	const struct span key = span_str("\1\1sixteen octets.."), value = span_str("value");
	struct lmdb_new n;

	ck_assert_uint_eq(key.len, LMDB_MARK_KEY_LEN);
	ck_assert_int_eq(lmdb_new_begin(&n, dir), 0);
	ck_assert_int_eq(lmdb_new_put(&n, key, value), 0);
	ck_assert_int_eq(lmdb_new_put(&n, key, span_str("other")), 0);
	ck_assert_uint_eq(n.records, 1);
	ck_assert_int_eq(lmdb_new_end(&n, 0), 0);
}
END_TEST

/* Any octets changed anywhere: it opens or says why not, and whatever is found is true */
START_TEST(mutated)
{
	enum { ROUNDS = 60 };
	static uint8_t image[4 << 20];
	ssize_t len;
	int fd;

	srand(4711);
	fill();
	fd = data_open();
	len = pread(fd, image, sizeof(image), 0);
	ck_assert_int_gt(len, 10 * PAGE);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct store_lmdb_cfg cfg = lmdb_cfg();
		struct err err = { "" };

		close(fd);
		unlink(data);
		fd = open(data, O_RDWR | O_CREAT, 0600);
		ck_assert_int_eq(pwrite(fd, image, (size_t)len, 0), len);
		for (int i = rand() % 4; i >= 0; i--) {
			uint8_t junk[64];
			off_t at = rand() % (len - (off_t)sizeof(junk));
			size_t n = 1 + (size_t)rand() % sizeof(junk);

			if (rand() % 2) /* where the structure is, not what is sealed */
				at = at / PAGE * PAGE + rand() % 32;
			for (size_t k = 0; k < n; k++)
				junk[k] = rand() % 3 ? (uint8_t)rand() : 0;
			ck_assert_int_eq(pwrite(fd, junk, n, at), (ssize_t)n);
		}
		opens_for_check();
		if (!harness_try_lmdb(&h, dir, &cfg, &err)) {
			ck_assert_msg(strstr(err.text, "put back a copy") || strstr(err.text, "another KEK"), "%s",
				      err.text);
			continue;
		}
		count_sessions();
		ck_assert_uint_eq(put_many(40, newcomer), 40);
		harness_close(&h);
	}
	close(fd);
}
END_TEST

/* \returns what a child said that had the store open while spoil() was done to the file; NULL if it went on; never a signal */
static const char *child_says(void (*spoil)(int fd))
{
	static char said[1000];
	int out[2], status, fd;
	ssize_t n, all = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		open_store();
		fd = data_open();
		spoil(fd);
		for (unsigned n2 = 0; n2 < N; n2++)
			get_nth(n2);
		put_many(N, newcomer);
		_exit(0);
	}
	close(out[1]);
	while ((n = read(out[0], said + all, sizeof(said) - 1 - (size_t)all)) > 0)
		all += n;
	close(out[0]);
	said[all] = '\0';
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 1, "status %x: %s", status, said);
	return WEXITSTATUS(status) == 1 ? said : NULL;
}

/* SIGBUS and LMDB's assertions end the process with a line that names the file, and the next start works */
START_TEST(damaged_while_open)
{
	static void (*const spoils[])(int fd) = { cut_half, leaf_zero, leaf_ones, leaf_random, body_zero };
	const char *said;

	fill();
	said = child_says(spoils[_i]);
	ck_assert_msg(said || _i > 0, "a cut file is not noticed");
	ck_assert_msg(!said || (strstr(said, data) && strstr(said, "next start saves")), "%s", said);
	works("after the end", N);
}
END_TEST

static void astray(int fd)
{
	lmdb_writing = true;
	raise(SIGSEGV);
}

/* LMDB may touch what is not there while it moves entries of a damaged page: told as damage, too */
START_TEST(gone_astray)
{
	const char *said;

	open_store();
	harness_close(&h);
	said = child_says(astray);
	ck_assert_msg(said && strstr(said, data) && strstr(said, "next start saves"), "%s", said ? said : "went on");
}
END_TEST

/* The lock is on the data file: another process may have moved or removed whatever else is in the folder */
START_TEST(lock_is_on_the_data)
{
	static const char *const names[] = { "lock", "lock.mdb", "store.made" };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct harness other;
	struct err err = { "" };
	char path[300];

	open_store();
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	ck_assert(!harness_try_lmdb(&other, dir, &cfg, &err));
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_msg(strstr(err.text, "in use"), "%s", err.text);
	harness_close(&h);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("damage");

	tcase_add_checked_fixture(tc, setup, disk_teardown);
	tcase_add_test(tc, whole);
	tcase_add_test(tc, keys_alike);
	tcase_add_test(tc, saved_in_order);
	tcase_add_test(tc, twice);
	tcase_add_loop_test(tc, index_key_lost, 0, 2);
	tcase_add_loop_test(tc, damaged, 0, DAMAGES);
	tcase_add_loop_test(tc, salvaged, 0, DAMAGES);
	tcase_add_test(tc, mutated);
	tcase_add_loop_test(tc, damaged_while_open, 0, 5);
	tcase_add_test(tc, gone_astray);
	tcase_add_test(tc, lock_is_on_the_data);
	return suite_run_cases("store damage", &tc, 1);
}
