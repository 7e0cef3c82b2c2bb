/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is over is taken away: what that is, what stays of it, and in how small pieces. */
#include "common/base/clock.h"
#include "tests/store/disk.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>
#include "bsf/store/lmdb.h"
#include "tests/unit/suite.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

/* The sweep takes what is over, and what ends later than any right key could */
START_TEST(index_expired)
{
	static const int64_t ends[] = { 999, 1000, 1001, 5000, 5001, 1000000 };
	static const bool over[] = { true, true, false, false, true, true };
	struct lmdb_index *ix = lmdb_index_new();
	struct index_entry out[8];
	size_t budget = 100, n;

	for (unsigned i = 0; i < 6; i++) {
		struct index_entry e = { .head = { .kind = RECORD_SESSION, .expires_at = ends[i] }, .rand = { i + 1 } };

		ck_assert_int_eq(lmdb_index_add(ix, &e), 0);
	}
	n = lmdb_index_expired(ix, 1000, 5000, &budget, out, 8);
	ck_assert_uint_eq(n, 4);
	for (unsigned i = 0; i < n; i++)
		ck_assert(over[out[i].rand[0] - 1]);
	budget = 100;
	ck_assert_uint_eq(lmdb_index_expired(ix, 1000, INT64_MAX, &budget, out, 8), 2);
	lmdb_index_free(ix);
}
END_TEST

/* A TMPI whose Ks was swept is found after a restart too, and is over with the next run */
START_TEST(remnant_restart)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), next = session_make(2, IMPI_1, BSF_B, true);
	uint64_t until = clock_mono_ms() + 20000;
	struct store_figures f;

	a.expires_at = time(NULL) + 1;
	open_store();
	ck_assert_int_eq(put(&h, &a), 0);
	do {
		usleep(20000);
		store_shared_figures(h.sh, &f);
	} while (f.swept < 1 && clock_mono_ms() < until);
	ck_assert_uint_eq(f.swept, 1);
	harness_close(&h);
	open_store();
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), 0);
	ck_assert_str_eq(h.impi, IMPI_1);
	ck_assert_int_eq(put(&h, &next), 0);
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	harness_close(&h);
	open_store();
	ck_assert_int_eq(find_tmpi(&h, a.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, next.tmpi), 0);
	harness_close(&h);
}
END_TEST

static struct gba_session soon_over(unsigned n)
{
	struct gba_session s = nth(n, n % 2);

	s.expires_at = time(NULL) + 2;
	return s;
}

/* Sweep of many that end at once: no commit takes away more than some, since a kernel may write all pages of one in a single
 * go, and a BIR waits for the core meanwhile */
START_TEST(small_pieces)
{
	enum { N = 600, PIECE = 32 };
	struct store_figures before, f;
	unsigned made;

	open_store();
	made = put_many(N, soon_over);
	store_shared_figures(h.sh, &before);
	do {
		usleep(20000);
		store_shared_figures(h.sh, &f);
	} while (f.swept < made); /* the suite's own limit ends it */
	ck_assert_uint_gt(made, N / 2);
	ck_assert_msg(f.commits - before.commits >= (made - before.swept) / PIECE, "%u swept in %u commits",
		      (unsigned)(made - before.swept), (unsigned)(f.commits - before.commits));
	harness_close(&h);
}
END_TEST

SUITE_WITH_FIXTURE("store LMDB, what is over", disk_setup, disk_teardown, index_expired, remnant_restart, small_pieces)
