/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* LMDB says EIO, a page is damaged, the disk takes no more writes: nobody is told success, and nothing is half done. */
#include "tests/store/disk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <lmdb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "common/base/clock.h"
#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

/* These stand before the library's: the store calls them. */
enum call { NONE, BEGIN, PUT, DEL, GET, COMMIT };
static _Atomic enum call fail_call;
static _Atomic int fail_rc = EIO;
static uint8_t fail_key[AKA_RAND_LEN]; /* with PUT: only this key; all zero: any */

static bool fails(enum call call, const MDB_val *key)
{
	static const uint8_t any[AKA_RAND_LEN];

	return fail_call == call &&
	       (!key || !memcmp(fail_key, any, sizeof(any)) ||
		(key->mv_size == sizeof(fail_key) && !memcmp(key->mv_data, fail_key, key->mv_size)));
}

int mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
	REAL_OF(mdb_txn_begin)
	return !(flags & MDB_RDONLY) && fails(BEGIN, NULL) ? fail_rc : real(env, parent, flags, txn);
}

int mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags)
{
	REAL_OF(mdb_put)
	return fails(PUT, key) ? fail_rc : real(txn, dbi, key, data, flags);
}

int mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	REAL_OF(mdb_del)
	return fails(DEL, key) ? fail_rc : real(txn, dbi, key, data);
}

int mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	REAL_OF(mdb_get)
	return fails(GET, key) ? fail_rc : real(txn, dbi, key, data);
}

int mdb_txn_commit(MDB_txn *txn)
{
	REAL_OF(mdb_txn_commit)
	if (!fails(COMMIT, NULL))
		return real(txn);
	mdb_txn_abort(txn);
	return fail_rc;
}

static _Atomic bool disk_is_full;

int fstatvfs(int fd, struct statvfs *out)
{
	REAL_OF(fstatvfs)
	int rc = real(fd, out);

	if (disk_is_full)
		out->f_bavail = 0;
	return rc;
}

static const struct {
	const char *name;
	enum call call;
} calls[] = { { "begin", BEGIN }, { "put", PUT }, { "commit", COMMIT } };

/* Each request that writes, with each call failing: told as failed, nothing has changed, also after a restart; once the
 * disk is well again it works. */
START_TEST(told_as_failed)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_A, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b);
	struct store_figures f;

	open_store();
	ck_assert_int_eq(put(&h, &a), 0);
	fail_call = calls[_i].call;
	for (int round = 0; round < 3; round++)
		ck_assert_msg(put(&h, &b) == -EIO, "%s fails and the put is told as %d", calls[_i].name, h.a.rc);
	ck_assert_msg(revoke_impi(&h, IMPI_1) == -EIO, "%s fails and nobody learns that it is not revoked",
		      calls[_i].name);
	ck_assert_int_eq(revoke_btid(&h, &id_a), -EIO);
	fail_call = NONE;
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(get(&h, &id_a), 0);
		ck_assert_int_eq(get(&h, &id_b), -ENOENT);
		ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
		ck_assert_int_eq(find_tmpi(&h, b.tmpi), -ENOENT);
		store_shared_figures(h.sh, &f);
		ck_assert_uint_eq(f.sessions, 1);
		ck_assert_uint_eq(f.tmpis, 1);
		harness_close(&h);
		open_store();
	}
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(get(&h, &id_b), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	harness_close(&h);
}
END_TEST

/* A page that a full disk took in part is an EIO to LMDB: told as full, since that has another cure; and new sessions are
 * refused before it comes to that. */
START_TEST(eio_of_a_full_disk)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_A, true);
	struct btid id_a = btid_of(&a);

	open_store();
	ck_assert_int_eq(put(&h, &a), 0);
	disk_is_full = true;
	ck_assert_int_eq(put(&h, &b), -ENOSPC);
	fail_call = COMMIT;
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), -ENOSPC);
	disk_is_full = false;
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), -EIO);
	fail_call = NONE;
	ck_assert_int_eq(get(&h, &id_a), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	harness_close(&h);
}
END_TEST

/* A deletion that fails: the former session stays, with its TMPI */
START_TEST(delete_fails)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_A, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b);

	open_store();
	ck_assert_int_eq(put(&h, &a), 0);
	fail_call = DEL;
	ck_assert_int_eq(put(&h, &b), -EIO);
	fail_call = NONE;
	ck_assert_int_eq(get(&h, &id_a), 0);
	ck_assert_int_eq(get(&h, &id_b), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
	harness_close(&h);
}
END_TEST

/* A read that fails is an error, never "no such session"; a damaged page is a lost record */
START_TEST(read_fails)
{
	static const struct {
		int mdb, rc;
	} row[] = { { EIO, -EIO }, { ENOMEM, -EIO }, { MDB_CORRUPTED, -ENOENT }, { MDB_PAGE_NOTFOUND, -ENOENT } };
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true);
	struct btid id_a = btid_of(&a);

	open_store();
	ck_assert_int_eq(put(&h, &a), 0);
	fail_call = GET;
	for (unsigned i = 0; i < 4; i++) {
		struct store_figures f;

		fail_rc = row[i].mdb;
		ck_assert_int_eq(get(&h, &id_a), row[i].rc);
		ck_assert_int_eq(find_tmpi(&h, a.tmpi), row[i].rc);
		store_shared_figures(h.sh, &f);
		ck_assert_uint_eq(f.corrupt, i < 2 ? 0 : 2 * (i - 1));
	}
	fail_call = NONE;
	ck_assert_int_eq(get(&h, &id_a), 0);
	harness_close(&h);
}
END_TEST

static int rcs[64];
static unsigned answers;

static void on_answer(void *owner, uint64_t txn, const struct store_answer *a)
{
	rcs[txn] = a->rc;
	answers++;
}

/* Many under way: an error of the disk is told to each; a damaged page concerns who belongs there */
START_TEST(batch)
{
	struct store *st;
	struct gba_session s = nth(7, true);

	open_store();
	st = store_new(NULL, h.sh, on_answer, NULL);
	fail_rc = _i ? MDB_CORRUPTED : EIO;
	if (_i) /* before the call that reads it */
		memcpy(fail_key, s.rand, sizeof(fail_key));
	fail_call = PUT;
	for (unsigned n = 0; n < 64; n++) {
		s = nth(n, true);
		ck_assert_ptr_null(store_put(st, &s, n));
	}
	while (answers < 64)
		osmo_select_main(0);
	fail_call = NONE;
	for (unsigned n = 0; n < 64; n++) {
		int want = _i == 0 || n == 7 ? -EIO : 0;

		ck_assert_msg(rcs[n] == want, "%u is told %d", n, rcs[n]);
		ck_assert_int_eq(get_nth(n), want ? -ENOENT : 0);
	}
	talloc_free(st);
	harness_close(&h);
}
END_TEST

/* A sweep that cannot write tries again, and neither loses the TMPI nor shows the key */
START_TEST(sweep_fails)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = nth(2, false);
	struct btid id_a = btid_of(&a);
	uint64_t until;
	struct store_figures f;

	for (int64_t life_s = 1;;
	     life_s *= 2) { /* they are over after the disk has begun to fail, on a slow machine too */
		open_store();
		a.expires_at = b.expires_at = time(NULL) + life_s;
		ck_assert_int_eq(put(&h, &a), 0);
		ck_assert_int_eq(put(&h, &b), 0);
		fail_call = COMMIT;
		if (time(NULL) < a.expires_at)
			break;
		fail_call = NONE;
		harness_close(&h);
		disk_teardown();
		disk_setup();
	}
	while (time(NULL) < a.expires_at + 2) {
		usleep(10000);
		ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
	}
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.swept, 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	fail_call = NONE;
	until = clock_mono_ms() + 100000; /* the hand of the sweep comes round in 32 s */
	do {
		usleep(20000);
		store_shared_figures(h.sh, &f);
	} while (f.swept < 2 && clock_mono_ms() < until);
	ck_assert_uint_eq(f.swept, 2);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
	harness_close(&h);
}
END_TEST

/* A child puts sessions and tells what it was told. \returns its exit status; marks what was told as done */
static int child_puts(unsigned nth_io, uint8_t told[64])
{
	int fds[2], status;
	uint8_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		open_store();
		io_log_fail("data.mdb", nth_io);
		for (n = 0; n < 8; n++) {
			struct gba_session s = nth(n, true);
			int rc = put(&h, &s);

			if (rc == 0 && write(fds[1], &n, 1) != 1)
				_exit(9);
			if (rc != 0 && rc != -EIO)
				_exit(8);
		}
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &n, 1) == 1)
		told[n] = 1;
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) < 8, "status %x", status);
	return WEXITSTATUS(status);
}

/* The disk fails at its nth write or sync and from then on: what was told as done is there, whatever n; when the page
 * that names the last commit cannot be written the process ends, since LMDB answers nothing any more */
START_TEST(disk_fails)
{
	bool ended = false;

	for (unsigned n = 1; n <= 12; n++) {
		uint8_t told[64] = { 0 };
		unsigned done = 0;
		char data[300];

		ended |= child_puts(n, told) != 0;
		open_store();
		for (unsigned i = 0; i < 8; i++) {
			ck_assert_msg(!told[i] || get_nth(i) == 0, "write %u fails: %u was told as done and is gone", n,
				      i);
			done += told[i];
		}
		ck_assert_uint_lt(done, 8);
		harness_close(&h);
		snprintf(data, sizeof(data), "%s/data.mdb", dir);
		unlink(data);
		snprintf(data, sizeof(data), "%s/store.made", dir);
		unlink(data);
	}
	ck_assert(ended);
}
END_TEST

static void note_answer(void *owner, uint64_t txn, const struct store_answer *a)
{
	ck_assert_int_eq(a->rc, 0);
	io_log_note("told");
	answers++;
}

static const char *io_of(const struct store_answer *(*call)(struct store *st))
{
	struct store *st = store_new(NULL, h.sh, note_answer, NULL);

	answers = 0;
	io_log_start();
	ck_assert_ptr_null(call(st));
	while (!answers)
		osmo_select_main(0);
	talloc_free(st);
	return io_log_end();
}

static const struct store_answer *call_put(struct store *st)
{
	struct gba_session s = nth(1, true);

	return store_put(st, &s, 1);
}

static const struct store_answer *call_revoke(struct store *st)
{
	return store_revoke_impi(st, nth(1, true).impi.s, 1);
}

/* The order of write, sync and answer: data, sync, the page that names the commit (durable by its descriptor), answer */
START_TEST(order)
{
	static const char want[] = "write:data.mdb sync:data.mdb dsync:data.mdb told";

	io_log_start();
	open_store();
	ck_assert_str_eq(strstr(io_log_end(), "write:store.made.new"),
			 "write:store.made.new sync:store.made.new rename:store.made.new>store.made sync:folder/");
	ck_assert_str_eq(io_of(call_put), want);
	ck_assert_str_eq(io_of(call_revoke), want);
	harness_close(&h);
}
END_TEST

/* The folder is made durable in the one above it, before anything is told */
START_TEST(order_of_a_new_folder)
{
	const char *log;

	strcat(dir, "/new");
	io_log_start();
	open_store();
	log = io_log_end();
	ck_assert_msg(!strncmp(log, "sync:folder/ ", 13), "%s", log);
	harness_close(&h);
	temp_dir_remove(dir);
	*strrchr(dir, '/') = '\0';
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("errors");

	tcase_add_checked_fixture(tc, disk_setup, disk_teardown);
	tcase_add_loop_test(tc, told_as_failed, 0, sizeof(calls) / sizeof(calls[0]));
	tcase_add_test(tc, eio_of_a_full_disk);
	tcase_add_test(tc, delete_fails);
	tcase_add_test(tc, read_fails);
	tcase_add_loop_test(tc, batch, 0, 2);
	tcase_add_test(tc, sweep_fails);
	tcase_add_test(tc, disk_fails);
	tcase_add_test(tc, order);
	tcase_add_test(tc, order_of_a_new_folder);
	return suite_run_cases("store LMDB errors", &tc, 1);
}
