/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the store writes into its file: nothing readable, no key that is over, and what becomes of records that were changed there. */
#include "tests/store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bsf/store/lmdb.h"
#include "common/rt/counters.h"
#include "tests/unit/provoked.h"
#include "tests/unit/suite.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI_2 "001010000000002@ims.mnc001.mcc001.3gppnetwork.org"

/* A stolen disk shows no key and no IMPI; it shows the RAND, so the search does find things */
START_TEST(sealed_at_rest)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	uint8_t *data;
	size_t len;

	s.guss = guss_blob_new(span_str("<guss><uid>sip:alice@example.org</uid></guss>"));
	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	harness_close(&h);
	len = read_data(&data);
	ck_assert_ptr_nonnull(memmem(data, len, s.rand, sizeof(s.rand)));
	ck_assert_ptr_null(memmem(data, len, s.ks.b, 16));
	ck_assert_ptr_null(memmem(data, len, s.ks.b + 16, 16));
	ck_assert_ptr_null(memmem(data, len, "001010000000001", 15));
	ck_assert_ptr_null(memmem(data, len, "alice", 5));
	ck_assert_ptr_null(memmem(data, len, s.tmpi, TMPI_LEN));
	ck_assert_ptr_null(memmem(data, len, kek_1.key.b, 16));
	free(data);
	gba_session_clear(&s);
}
END_TEST

START_TEST(record_is_small)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, false);
	uint8_t buf[GBA_RECORD_MAX];
	int n = gba_session_pack(buf, sizeof(buf), &s) + SEAL_OVERHEAD + RECORD_HEAD_LEN;

	ck_assert_msg(n <= 136, "%d octets", n);
	s = session_make(1, IMPI_1, BSF_A, true);
	n = gba_session_pack(buf, sizeof(buf), &s) + SEAL_OVERHEAD + RECORD_HEAD_LEN;
	ck_assert_msg(n <= 156, "%d octets", n); /* a step of Redis' memory */
}
END_TEST

static void change_nth(MDB_txn *txn, MDB_dbi dbi, unsigned n, size_t at, size_t len)
{
	struct gba_session s = nth(n, true);
	MDB_val k = { AKA_RAND_LEN, s.rand }, v;
	static uint8_t buf[1000];

	ck_assert_int_eq(mdb_get(txn, dbi, &k, &v), 0);
	memcpy(buf, v.mv_data, v.mv_size);
	if (len == 0)
		len = v.mv_size;
	buf[at < len ? at : len - 1] ^= 1;
	v = (MDB_val){ len, buf };
	ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
}

static void damage(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val k = { 3, "abc" }, v = { 3, "abc" };

	change_nth(txn, dbi, 0, 0, 0);                    /* kind */
	change_nth(txn, dbi, 1, 6, 0);                    /* expiry */
	change_nth(txn, dbi, 2, RECORD_HEAD_LEN, 0);      /* version of the sealed part */
	change_nth(txn, dbi, 3, RECORD_HEAD_LEN + 1, 0);  /* its KEK */
	change_nth(txn, dbi, 4, RECORD_HEAD_LEN + 40, 0); /* what is sealed */
	change_nth(txn, dbi, 5, 1000, 0);                 /* tag */
	change_nth(txn, dbi, 6, 1000, 100);               /* cut off */
	change_nth(txn, dbi, 7, 1000, RECORD_HEAD_LEN);
	change_nth(txn, dbi, 8, 1000, 1);
	ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
}

/* Damaged records are counted and are not there; the others are, and new runs are made */
START_TEST(damaged_records)
{
	struct store_figures f;

	open_store();
	for (unsigned n = 0; n < 12; n++) {
		struct gba_session s = nth(n, true);

		ck_assert_int_eq(put(&h, &s), 0);
	}
	harness_close(&h);
	disk_change(damage);
	open_store();
	store_shared_figures(h.sh, &f);
	ck_assert_msg(f.corrupt > 0, "a start does not tell of them");
	for (unsigned n = 0; n < 12; n++) {
		struct gba_session s = nth(n, true);

		ck_assert_int_eq(get_nth(n), n < 9 ? -ENOENT : 0);
		ck_assert_int_eq(find_tmpi(&h, s.tmpi), n < 9 ? -ENOENT : 0);
	}
	store_shared_figures(h.sh, &f);
	ck_assert_uint_ge(f.corrupt, 9);
	ck_assert_uint_ge(counter_get(CAUSE_store_unreadable), 9);
	provoked("store_unreadable");
	for (unsigned n = 0; n < 12; n++) {
		struct gba_session s = nth(n, true), fresh = session_make(100 + n, s.impi.s, BSF_A, true);

		ck_assert_int_eq(revoke_impi(&h, s.impi.s), 0);
		ck_assert_int_eq(put(&h, &fresh), 0);
		ck_assert_int_eq(get_nth(n), -ENOENT);
		ck_assert_int_eq(find_tmpi(&h, fresh.tmpi), 0);
	}
	harness_close(&h);
	open_store();
	harness_close(&h);
}
END_TEST

static void meta_gone(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val k = { 4, "meta" };

	ck_assert_int_eq(mdb_del(txn, dbi, &k, NULL), 0);
}

START_TEST(not_our_database)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session s = nth(0, true);

	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	harness_close(&h);
	disk_change(meta_gone);
	expect_refused(&cfg, "KEK");
}
END_TEST

/* What lies under this RAND, opened. */
static struct gba_session opened(const uint8_t rand[AKA_RAND_LEN], enum record_kind *kind)
{
	struct store_lmdb *l = (struct store_lmdb *)h.sh;
	MDB_val k = { AKA_RAND_LEN, (void *)rand }, v;
	struct record_head head;
	struct gba_session s;
	MDB_txn *txn;

	ck_assert_int_eq(mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn), 0);
	ck_assert_int_eq(mdb_get(txn, l->dbi, &k, &v), 0);
	ck_assert_int_eq(record_head_read(&head, lmdb_span(&v)), 0);
	ck_assert_int_eq(record_read(&s, &l->keys, rand, lmdb_span(&v)), 0);
	mdb_txn_abort(txn);
	*kind = head.kind;
	return s;
}

/* No Ks and no GUSS stays in what is left of a session on disk: revoked, over, or replaced under another BSF name */
START_TEST(no_key_stays)
{
	struct gba_session revoked = session_make(1, IMPI_1, BSF_A, true), over = session_make(2, IMPI_2, BSF_A, true),
			   s;
	enum record_kind kind;
	struct store_figures f;

	revoked.guss = guss_blob_new(span_str("<guss/>"));
	over.guss = guss_blob_get(revoked.guss);
	over.expires_at = time(NULL) + 1;
	open_store();
	ck_assert_int_eq(put(&h, &revoked), 0);
	ck_assert_int_eq(put(&h, &over), 0);
	s = opened(revoked.rand, &kind);
	ck_assert(secret_equal(&s.ks, &revoked.ks) && s.guss && kind == RECORD_SESSION);
	gba_session_clear(&s);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	do {
		usleep(20000);
		store_shared_figures(h.sh, &f);
	} while (f.swept < 1);
	s = opened(revoked.rand, &kind);
	ck_assert_msg(kind == RECORD_TOMBSTONE && s.ks.len == 0 && !s.guss && s.has_tmpi, "a tombstone with a key");
	gba_session_clear(&s);
	s = opened(over.rand, &kind);
	ck_assert_msg(kind == RECORD_REMNANT && s.ks.len == 0 && !s.guss && s.has_tmpi, "a remnant with a key");
	gba_session_clear(&s);
	harness_close(&h);
	gba_session_clear(&revoked);
	gba_session_clear(&over);
}
END_TEST

/* Nor does a TMPI that is over: that of a session under another BSF name, which lives on */
START_TEST(no_tmpi_stays)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_B, true), s;
	enum record_kind kind;

	open_store();
	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	s = opened(a.rand, &kind);
	ck_assert(kind == RECORD_SESSION && secret_equal(&s.ks, &a.ks) && !s.has_tmpi);
	gba_session_clear(&s);
	harness_close(&h);
}
END_TEST

/* Put the record of session 0 under the RAND of session 1. */
static void move_record(MDB_txn *txn, MDB_dbi dbi)
{
	struct gba_session from = nth(0, true), to = nth(1, true);
	MDB_val k = { AKA_RAND_LEN, from.rand }, k2 = { AKA_RAND_LEN, to.rand }, v;
	static uint8_t buf[1000];

	ck_assert_int_eq(mdb_get(txn, dbi, &k, &v), 0);
	memcpy(buf, v.mv_data, v.mv_size);
	v.mv_data = buf;
	ck_assert_int_eq(mdb_put(txn, dbi, &k2, &v, 0), 0);
}

/* The RAND is bound into the sealed record: who writes on the disk cannot give one subscriber another's key */
START_TEST(bound_to_rand)
{
	open_store();
	for (unsigned n = 0; n < 2; n++) {
		struct gba_session s = nth(n, true);

		ck_assert_int_eq(put(&h, &s), 0);
	}
	harness_close(&h);
	disk_change(move_record);
	open_store();
	ck_assert_int_eq(get_nth(0), 0);
	ck_assert_int_eq(get_nth(1), -ENOENT);
	harness_close(&h);
}
END_TEST

/* The last octet of each entry whose key is so long. */
static void spoil(MDB_txn *txn, MDB_dbi dbi, size_t key_len)
{
	static uint8_t buf[1000];
	MDB_cursor *c;
	MDB_val k, v;

	ck_assert_int_eq(mdb_cursor_open(txn, dbi, &c), 0);
	while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
		if (k.mv_size != key_len)
			continue;
		memcpy(buf, v.mv_data, v.mv_size);
		buf[v.mv_size - 1] ^= 1;
		v.mv_data = buf;
		ck_assert_int_eq(mdb_cursor_put(c, &k, &v, MDB_CURRENT), 0);
	}
	mdb_cursor_close(c);
}

static void spoil_marks(MDB_txn *txn, MDB_dbi dbi)
{
	spoil(txn, dbi, LMDB_MARK_KEY_LEN);
}

static void spoil_records(MDB_txn *txn, MDB_dbi dbi)
{
	spoil(txn, dbi, AKA_RAND_LEN);
}

/* Of a mark that does not open nobody knows when it was: it counts as if it were of now, for whom it is */
START_TEST(damaged_mark)
{
	struct gba_session s = session_make(2, IMPI_1, BSF_A, false), other = session_make(3, IMPI_2, BSF_A, false);
	struct btid id = btid_of(&s), id_other = btid_of(&other);

	open_store();
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	usleep(2000);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &other), 0);
	harness_close(&h);
	disk_change(spoil_marks);
	open_store();
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_eq(get(&h, &id_other), 0);
	usleep(2000);
	s = session_make(4, IMPI_1, BSF_A, false);
	id = btid_of(&s);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	harness_close(&h);
}
END_TEST

/* A record that opens with no KEK keeps none from going */
START_TEST(damaged_keeps_no_kek)
{
	const struct seal_kek keks[] = { kek_2, kek_1 };
	struct reseal_step step = { .what = RESEAL_SEAL };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session s = nth(0, true);

	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	harness_close(&h);
	disk_change(spoil_records);
	cfg.keks = keks;
	cfg.n_keks = 2;
	harness_open_lmdb(&h, dir, &cfg);
	ck_assert_int_eq(reseal(&h, &step), 0);
	ck_assert_uint_eq(step.came.lost, 1);
	ck_assert_uint_eq(step.came.sealed, 0);
	step = (struct reseal_step){ .what = RESEAL_COUNT };
	ck_assert_int_eq(reseal(&h, &step), 0);
	ck_assert(step.came.over && step.came.under[1] == 0);
	harness_close(&h);
}
END_TEST

SUITE_WITH_FIXTURE("store LMDB records", disk_setup, disk_teardown, sealed_at_rest, record_is_small, damaged_records,
		   not_our_database, no_key_stays, no_tmpi_stays, bound_to_rand, damaged_mark, damaged_keeps_no_kek)
