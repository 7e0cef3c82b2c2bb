/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What only a store on disk has: restart, KEKs, a second process, the index, time. */
#include "common/base/clock.h"
#include "tests/store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "bsf/store/lmdb.h"
#include "common/rt/counters.h"
#include "common/rt/deadline.h"
#include "tests/unit/provoked.h"
#include "tests/unit/suite.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI_2 "001010000000002@ims.mnc001.mcc001.3gppnetwork.org"

/* 220-4.4.13-1, 220-4.5.2-29: everything is as it was, and the indexes too */
START_TEST(restart)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_B, false);
	struct gba_session gone = session_make(3, IMPI_2, BSF_A, true), next = session_make(4, IMPI_1, BSF_A, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b), id_gone = btid_of(&gone), id_next = btid_of(&next);
	struct store_figures f;

	b.guss = guss_blob_new(span_str("<guss/>"));
	open_store();
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &gone), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_2), 0);
	for (int round = 0; round < 2; round++) {
		harness_close(&h);
		open_store();
		ck_assert_int_eq(get(&h, &id_a), 0);
		assert_same_session(&h.session, &a);
		ck_assert_int_eq(get(&h, &id_b), 0);
		assert_same_session(&h.session, &b);
		ck_assert_int_eq(get(&h, &id_gone), -ENOENT);
		ck_assert_int_eq(put(&h, &gone), -EEXIST);
		ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
		ck_assert_str_eq(h.impi, IMPI_1);
		ck_assert_int_eq(find_tmpi(&h, gone.tmpi), 0);
		store_shared_figures(h.sh, &f);
		ck_assert_uint_eq(f.sessions, 2);
		ck_assert_uint_eq(f.tmpis, 2);
		ck_assert_uint_eq(f.corrupt, 0);
	}
	ck_assert_int_eq(put(&h, &next), 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	harness_close(&h);
	open_store();
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 2);
	ck_assert_int_eq(get(&h, &id_next), -ENOENT);
	harness_close(&h);
	gba_session_clear(&b);
}
END_TEST

START_TEST(wrong_kek)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct seal_kek other = kek_2;
	uint8_t *before, *after;
	size_t len;

	open_store();
	for (unsigned n = 0; n < 10; n++) {
		struct gba_session s = nth(n, true);

		ck_assert_int_eq(put(&h, &s), 0);
	}
	harness_close(&h);
	len = read_data(&before);
	cfg.keks = &other;
	expect_refused(&cfg, "KEK");
	other.id = 1; /* the right name, the wrong key */
	expect_refused(&cfg, "KEK");
	ck_assert_uint_eq(read_data(&after), len);
	ck_assert_mem_eq(before, after, len);
	open_store();
	ck_assert_int_eq(get_nth(3), 0);
	harness_close(&h);
	free(before);
	free(after);
}
END_TEST

/* All configured KEKs open, the first seals; one whose records are there must not be missing */
START_TEST(kek_rotation)
{
	const struct seal_kek both[] = { kek_2, kek_1 };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session old = nth(1, true), new = nth(2, true);

	open_store();
	ck_assert_int_eq(put(&h, &old), 0);
	harness_close(&h);
	cfg.keks = both;
	cfg.n_keks = 2;
	harness_open_lmdb(&h, dir, &cfg);
	ck_assert_int_eq(get_nth(1), 0);
	ck_assert_int_eq(find_tmpi(&h, old.tmpi), 0);
	ck_assert_int_eq(put(&h, &new), 0);
	harness_close(&h);
	cfg.n_keks = 1;
	expect_refused(&cfg, "1 records");
	expect_refused(&cfg, "KEK 1, which is not configured");
	cfg.check = true;
	expect_refused(&cfg, "KEK 1, which is not configured");
	cfg.check = false;
	cfg.n_keks = 2;
	harness_open_lmdb(&h, dir, &cfg);
	ck_assert_int_eq(get_nth(1), 0);
	ck_assert_int_eq(get_nth(2), 0);
	harness_close(&h);
}
END_TEST

/* --check: the same refusals, but nothing is written and no session is kept */
START_TEST(only_looked_at)
{
	const struct seal_kek both[] = { kek_2, kek_1 };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session s = nth(1, true);
	uint8_t *before, *after;
	struct store_figures f;
	struct err err;
	char path[300];
	size_t len;

	cfg.check = true;
	expect_refused(&cfg, "No such file");
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	ck_assert_msg(access(path, F_OK) < 0, "a look makes a store");
	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	harness_close(&h);
	len = read_data(&before);
	cfg.keks = both; /* a start would seal the store's own key again */
	cfg.n_keks = 2;
	cfg.dir = dir;
	h.sh = store_shared_lmdb_new(&cfg, &err);
	ck_assert_msg(h.sh != NULL, "%s", err.text);
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.sessions, 0);
	store_shared_free(h.sh);
	ck_assert_uint_eq(read_data(&after), len);
	ck_assert_mem_eq(before, after, len);
	cfg.n_keks = 1;
	expect_refused(&cfg, "KEK");
	free(before);
	free(after);
}
END_TEST

START_TEST(second_process)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	int status;
	pid_t pid;

	open_store();
	pid = fork();
	if (pid == 0) {
		struct harness mine;
		struct err err = { "" };

		_exit(harness_try_lmdb(&mine, dir, &cfg, &err) ? 1 : strstr(err.text, "in use") ? 0 : 2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
	harness_close(&h);
	open_store();
	harness_close(&h);
}
END_TEST

START_TEST(no_directory)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	int fd;

	strcat(dir, "/file");
	fd = open(dir, O_CREAT | O_WRONLY, 0600);
	close(fd);
	expect_refused(&cfg, "cannot");
	*strrchr(dir, '/') = '\0';
	strcat(dir, "/no/such");
	expect_refused(&cfg, "cannot");
	*strstr(dir, "/no/such") = '\0';
}
END_TEST

/* Who may write there could put back an older store. */
START_TEST(folder_of_everybody)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	ck_assert_int_eq(chmod(dir, 0777), 0);
	expect_refused(&cfg, "everybody may write");
	if (geteuid() == 0) { /* "links inside a group-writable store folder" */
		ck_assert_int_eq(chmod(dir, 0775), 0);
		ck_assert_int_eq(chown(dir, -1, 65534), 0);
		expect_refused(&cfg, "a group that is not ours may write");
	}
	ck_assert_int_eq(chmod(dir, 0755), 0);
	open_store();
	harness_close(&h);
}
END_TEST

/* A put whose transaction is given up leaves database and index as they were */
START_TEST(given_up)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_A, true);
	struct store_req r = { .op = STORE_PUT, .session = b };
	struct btid id_a = btid_of(&a), id_b = btid_of(&b);
	struct lmdb_write *w;
	struct store_lmdb *l;
	uint8_t buf[1000];
	int rc;

	open_store();
	l = (struct store_lmdb *)h.sh;
	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(record_head_make(&r.head, &l->keys, RECORD_SESSION, &b), 0);
	rc = record_write(buf, sizeof(buf), &l->keys, &r.head, b.rand, &b);
	ck_assert_int_gt(rc, 0);
	r.record = buf;
	r.record_len = (size_t)rc;
	w = lmdb_write_begin(l, &rc);
	ck_assert_ptr_nonnull(w);
	ck_assert_int_eq(lmdb_write_request(w, &r, time(NULL)), 0);
	ck_assert_int_eq(r.rc, 0);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	lmdb_write_abort(w);
	ck_assert_int_eq(get(&h, &id_b), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, b.tmpi), -ENOENT);
	ck_assert_int_eq(get(&h, &id_a), 0);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	harness_close(&h);
}
END_TEST

static void count_down(void *owner, uint64_t txn, const struct store_answer *a)
{
	ck_assert_int_eq(a->rc, 0);
	--*(unsigned *)owner;
}

/* The index is rebuilt from the heads; 75 octets a record, as its header says */
START_TEST(index_is_small)
{
	enum { N = 20000 };
	struct store_figures f;
	unsigned under_way = 0;
	struct store *st;

	open_store();
	st = store_new(NULL, h.sh, count_down, &under_way);
	for (unsigned n = 0; n < N; n++) {
		struct gba_session s = nth(n, true);

		while (under_way >= 1000)
			osmo_select_main(0);
		ck_assert_ptr_null(store_put(st, &s, n));
		under_way++;
	}
	talloc_free(st);
	harness_close(&h);
	open_store();
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.sessions, N);
	ck_assert_uint_eq(f.tmpis, N);
	ck_assert_msg(f.index_octets < 100 * N, "%u octets", (unsigned)f.index_octets);
	ck_assert_int_eq(get_nth(N - 1), 0);
	harness_close(&h);
}
END_TEST

/* The wall clock of this program, moved by a test. */
static _Atomic long clock_moved_s;

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += clock_moved_s;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* The clock leaps over the end of a key and back: no key meanwhile, nothing swept, and the key again */
START_TEST(clock_leap)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, false); /* lives for 1,000 s */
	struct btid id = btid_of(&s);
	struct store_figures f;
	uint64_t until;

	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	clock_moved_s = 3600;
	until = clock_mono_ms() + 2500; /* two turns of the committer */
	do
		ck_assert_int_eq(get(&h, &id), -ENOENT);
	while (usleep(20000) == 0 && clock_mono_ms() < until);
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.swept, 0);
	clock_moved_s = 0;
	ck_assert_int_eq(get(&h, &id), 0);
	harness_close(&h);
}
END_TEST

static int64_t an_hour(void)
{
	return 3600;
}

/* What ends too late to be right is over, and not swept in the first hour: a clock that begins in 1970 is put right in it,
 * and then every session ends too late */
START_TEST(not_swept_at_once)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, false);
	struct btid id = btid_of(&s);
	uint64_t until = clock_mono_ms() + 2500; /* two turns of the committer */
	struct store_figures f;

	s.expires_at += 86400;
	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	store_shared_life_max(h.sh, an_hour);
	do
		ck_assert_int_eq(get(&h, &id), -ENOENT);
	while (usleep(20000) == 0 && clock_mono_ms() < until);
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.swept, 0);
	clock_moved_s = 86400;
	ck_assert_int_eq(get(&h, &id), 0);
	clock_moved_s = 0;
	harness_close(&h);
}
END_TEST

static void head_of(struct index_entry *e, unsigned n)
{
	*e = (struct index_entry){ .head = { .kind = RECORD_SESSION, .expires_at = 1000 + n } };
	be32_put(e->rand, n);
	be32_put(e->head.impi_tag, n / 2 * 2654435761u); /* two of each */
	e->head.tmpi_tag = n % 3 ? (uint64_t)n * 0x9e3779b97f4a7c15u : 0;
}

/* An index that was made whole at a start finds what one does that grew, and grows and forgets as that one does */
START_TEST(index_placed)
{
	enum { N = 20000 };
	struct lmdb_index *ix = lmdb_index_new();
	struct index_entry e, of_impi[INDEX_IMPI_MAX], of_tmpi[INDEX_TMPI_MAX];
	struct index_figures f;

	for (unsigned n = 0; n < N; n++) {
		head_of(&e, n);
		ck_assert_int_eq(lmdb_index_place(ix, &e), 0);
	}
	ck_assert_int_eq(lmdb_index_find_placed(ix), 0);
	for (unsigned n = N; n < 2 * N; n++) {
		head_of(&e, n);
		ck_assert_int_eq(lmdb_index_add(ix, &e), 0);
	}
	for (unsigned n = 0; n < 2 * N; n++) {
		head_of(&e, n);
		ck_assert_uint_eq(lmdb_index_by_impi(ix, e.head.impi_tag, of_impi), n % 2 ? 1 : 2);
		if (e.head.tmpi_tag) {
			ck_assert_uint_eq(lmdb_index_by_tmpi(ix, e.head.tmpi_tag, of_tmpi), 1);
			ck_assert_mem_eq(of_tmpi[0].rand, e.rand, AKA_RAND_LEN);
		}
		ck_assert(lmdb_index_remove(ix, &e));
		ck_assert(!lmdb_index_remove(ix, &e));
	}
	lmdb_index_figures(ix, &f);
	ck_assert_uint_eq(f.entries, 0);
	ck_assert_uint_eq(f.sessions, 0);
	ck_assert_uint_eq(f.tmpis, 0);
	lmdb_index_free(ix);
}
END_TEST

static void in_one_part(struct index_entry *e, unsigned n)
{
	head_of(e, n);
	e->head.impi_tag[0] = 7;
	e->head.tmpi_tag = UINT64_C(9) << 56 | (n + 1);
}

/* Whatever comes and goes, the room is used again, each place once, and what went is not swept */
START_TEST(index_forgets)
{
	struct lmdb_index *ix = lmdb_index_new();
	struct index_entry e, found[INDEX_TMPI_MAX], over[8];
	struct index_figures first, last;
	size_t budget = 1000;

	for (unsigned n = 0; n < 20000; n++) {
		in_one_part(&e, n);
		ck_assert_int_eq(lmdb_index_add(ix, &e), 0);
		ck_assert(lmdb_index_remove(ix, &e));
		if (n == 0)
			lmdb_index_figures(ix, &first);
	}
	lmdb_index_figures(ix, &last);
	ck_assert_uint_eq(last.octets, first.octets);
	ck_assert_uint_eq(lmdb_index_expired(ix, INT64_MAX / 2, INT64_MAX, &budget, over, 8), 0);
	for (unsigned n = 0; n < 8; n++) {
		in_one_part(&e, n);
		ck_assert_int_eq(lmdb_index_add(ix, &e), 0);
	}
	for (unsigned n = 0; n < 4; n++) {
		in_one_part(&e, n);
		ck_assert(lmdb_index_remove(ix, &e));
	}
	for (unsigned n = 8; n < 14; n++) {
		in_one_part(&e, n);
		ck_assert_int_eq(lmdb_index_add(ix, &e), 0);
	}
	for (unsigned n = 4; n < 14; n++) {
		in_one_part(&e, n);
		ck_assert_uint_eq(lmdb_index_by_tmpi(ix, e.head.tmpi_tag, found), 1);
		ck_assert_mem_eq(found[0].rand, e.rand, AKA_RAND_LEN);
	}
	lmdb_index_free(ix);
}
END_TEST

/* All revocations under way at once, each of a subscriber of its own */
static void revoke_many(unsigned n)
{
	unsigned under_way = 0;
	struct store *st = store_new(NULL, h.sh, count_down, &under_way);
	char impi[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(impi, sizeof(impi), "u%u@example.org", i);
		ck_assert_ptr_null(store_revoke_impi(st, impi, i));
		under_way++;
	}
	while (under_way)
		osmo_select_main(0);
	talloc_free(st);
}

/* Marks that are over leave the file and the memory, also where they are more than one transaction takes away; one whose name is revoked
 * again in the transaction that sweeps stays */
START_TEST(marks_go)
{
	const int64_t over_ms = store_clock_here_ms() + 2 * MARK_LIFE_S * 1000;
	struct store_figures f;

	open_store();
	revoke_many(2500);
	for (unsigned i = 0; i < 3; i++) {
		store_clock_at_least(over_ms + i * 61000);
		ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	}
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.marks, 1);
	store_clock_at_least(2 * over_ms);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	harness_close(&h);
	open_store();
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.marks, 1);
	harness_close(&h);
}
END_TEST

SUITE_WITH_FIXTURE("store LMDB", disk_setup, disk_teardown, restart, wrong_kek, kek_rotation, only_looked_at,
		   second_process, no_directory, folder_of_everybody, given_up, index_is_small, clock_leap,
		   not_swept_at_once, index_placed, index_forgets, marks_go)
