/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What only a store on disk has: restart, KEKs, a second process, damage. */
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

static size_t read_data(uint8_t **out)
{
	char path[300];
	struct stat st;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*out = malloc((size_t)st.st_size);
	n = read(fd, *out, (size_t)st.st_size);
	ck_assert_int_eq(n, st.st_size);
	close(fd);
	return (size_t)n;
}

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

	ck_assert_msg(n <= 200, "%d octets", n);
}
END_TEST

static void expect_refused(const struct store_lmdb_cfg *cfg, const char *word)
{
	struct err err = { "" };

	ck_assert(!harness_try_lmdb(&h, dir, cfg, &err));
	ck_assert_msg(strstr(err.text, word), "\"%s\" does not say \"%s\"", err.text, word);
	ck_assert_msg(strstr(err.text, dir), "\"%s\" does not name the directory", err.text);
}

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

/* All configured KEKs open, the first seals */
START_TEST(kek_rotation)
{
	const struct seal_kek both[] = { kek_2, kek_1 };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session old = nth(1, true), new = nth(2, true);
	struct store_figures f;

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
	harness_open_lmdb(&h, dir, &cfg);
	ck_assert_int_eq(get_nth(2), 0);
	ck_assert_int_eq(get_nth(1), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, old.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, new.tmpi), 0);
	store_shared_figures(h.sh, &f);
	ck_assert_uint_ge(f.corrupt, 1);
	harness_close(&h);
}
END_TEST

/* --check: the same refusals, but nothing is written and no record is read */
START_TEST(only_looked_at)
{
	const struct seal_kek both[] = { kek_2, kek_1 };
	struct store_lmdb_cfg cfg = lmdb_cfg();
	struct gba_session s = nth(1, true);
	uint8_t *before, *after;
	struct store_figures f;
	struct err err;
	size_t len;

	open_store();
	ck_assert_int_eq(put(&h, &s), 0);
	harness_close(&h);
	len = read_data(&before);
	cfg.check = true;
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

/* Change what is in the database with LMDB alone. */
static void tamper(void (*change)(MDB_txn *txn, MDB_dbi dbi))
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	ck_assert_int_eq(mdb_env_create(&env), 0);
	mdb_env_set_mapsize(env, 1 << 30);
	ck_assert_int_eq(mdb_env_open(env, dir, 0, 0600), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	change(txn, dbi);
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

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
	tamper(damage);
	open_store();
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
	tamper(meta_gone);
	expect_refused(&cfg, "KEK");
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
		ck_assert_int_eq(store_put(st, &s, n), 0);
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
	tamper(move_record);
	open_store();
	ck_assert_int_eq(get_nth(0), 0);
	ck_assert_int_eq(get_nth(1), -ENOENT);
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

SUITE_WITH_FIXTURE("store LMDB", disk_setup, disk_teardown, restart, remnant_restart, sealed_at_rest, record_is_small,
		   wrong_kek, kek_rotation, only_looked_at, second_process, no_directory, folder_of_everybody,
		   damaged_records, not_our_database, given_up, no_key_stays, no_tmpi_stays, bound_to_rand,
		   index_is_small, clock_leap, not_swept_at_once, index_expired)
