/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A new KEK: what the old one sealed is sealed anew step by step, proven by counting, and the old one may go. On LMDB and on Redis. */
#include "tests/store/disk.h"

#include <errno.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <stdio.h>
#include "bsf/store/backend.h"
#include "common/base/clock.h"
#include "tests/store/redis_server.h"
#include "tests/unit/suite.h"

#define MANY 300 /* several steps */

typedef void open_fn(size_t first, size_t n);

static struct redis_server server;

/* kek_2, kek_1: from the first of these, so many */
static struct seal_kek keks[2];

static void open_lmdb(size_t first, size_t n)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	cfg.keks = &keks[first];
	cfg.n_keks = n;
	harness_open_lmdb(&h, dir, &cfg);
}

static void open_redis(size_t first, size_t n)
{
	struct store_redis_cfg cfg = redis_cfg(&server.addr);

	cfg.keks = &keks[first];
	cfg.n_keks = n;
	harness_open_redis(&h, &cfg);
}

static void setup(void)
{
	keks[0] = kek_2;
	keks[1] = kek_1;
	disk_setup();
}

static struct gba_session with_tmpi(unsigned n)
{
	return nth(n, n % 2);
}

static void put_all(void)
{
	if (!h.st->part) { /* LMDB: all in few commits */
		ck_assert_uint_eq(put_many(MANY, with_tmpi), MANY);
		return;
	}
	for (unsigned n = 0; n < MANY; n++) {
		struct gba_session s = with_tmpi(n);

		ck_assert_int_eq(put(&h, &s), 0);
	}
}

/* One step after the other. \returns what they came to */
static struct reseal_came pass(enum reseal_what what, unsigned *steps)
{
	struct reseal_step s = { .what = what };
	struct reseal_came sum = { .over = false };

	for (*steps = 0; !sum.over; ++*steps) {
		ck_assert_int_eq(reseal(&h, &s), 0);
		sum.sealed += s.came.sealed;
		sum.lost += s.came.lost;
		sum.over = s.came.over;
		for (int id = 0; id < 256; id++)
			sum.under[id] += s.came.under[id];
		memcpy(s.at, s.came.at, s.came.at_len);
		s.at_len = s.came.at_len;
	}
	return sum;
}

static bool begun(struct reseal_step *s)
{
	*s = (struct reseal_step){ .what = RESEAL_LOAD };
	ck_assert_int_eq(reseal(&h, s), 0);
	return s->came.begun;
}

static void all_there(void)
{
	for (unsigned n = 0; n < MANY; n++) {
		struct gba_session s = with_tmpi(n);
		struct btid id = btid_of(&s);

		ck_assert_int_eq(get(&h, &id), n == 7 ? -ENOENT : 0);
		if (n == 7)
			continue;
		ck_assert(secret_equal(&h.session.ks, &s.ks));
		ck_assert_int_eq(s.has_tmpi ? find_tmpi(&h, s.tmpi) : 0, 0);
	}
}

static void rotated(open_fn *open, uint64_t each)
{
	struct reseal_step s = { .what = RESEAL_SEAL };
	struct gba_session gone = with_tmpi(7), again = session_make(MANY, gone.impi.s, BSF_A, false);
	struct btid id = btid_of(&again);
	struct reseal_came came;
	unsigned steps;

	open(1, 1);
	put_all();
	ck_assert_int_eq(revoke_impi(&h, gone.impi.s), 0);
	usleep(2000);
	ck_assert_int_eq(put(&h, &again), 0);
	harness_close(&h);

	open(0, 2);
	all_there();
	ck_assert(!begun(&s));
	came = pass(RESEAL_COUNT, &steps);
	ck_assert_uint_ge(came.under[1], each * MANY);
	/* stopped at any moment it goes on from there */
	s = (struct reseal_step){ .what = RESEAL_SEAL };
	ck_assert_int_eq(reseal(&h, &s), 0);
	ck_assert(!s.came.over);
	harness_close(&h);
	open(0, 2);
	ck_assert(begun(&s));
	ck_assert_uint_gt(s.came.at_len, 0);
	came = pass(RESEAL_SEAL, &steps);
	ck_assert_uint_gt(steps, 2);
	ck_assert_uint_gt(came.sealed, 0);
	ck_assert_uint_eq(came.lost, 0);
	came = pass(RESEAL_COUNT, &steps);
	ck_assert_uint_eq(came.under[1], 0);
	ck_assert_uint_ge(came.under[2], each * MANY);
	all_there();
	s = (struct reseal_step){ .what = RESEAL_END };
	ck_assert_int_eq(reseal(&h, &s), 0);
	ck_assert(!begun(&s));
	harness_close(&h);

	open(0, 1);
	all_there();
	ck_assert_msg(get(&h, &id) == 0, "the mark does not open: it counts as if it were of now");
	harness_close(&h);
}

START_TEST(on_lmdb)
{
	rotated(open_lmdb, 1);
}
END_TEST

START_TEST(on_redis)
{
	redis_server_start(&server, NULL);
	rotated(open_redis, 1);
	redis_server_stop(&server);
}
END_TEST

/* Another KEK is made the first before all was done: it begins anew */
static void begun_for_another(open_fn *open)
{
	struct reseal_step s = { .what = RESEAL_SEAL };

	open(0, 2);
	put_all();
	harness_close(&h);
	keks[0] = kek_1;
	keks[1] = kek_2;
	open(0, 2);
	ck_assert_int_eq(reseal(&h, &s), 0);
	ck_assert_uint_gt(s.came.at_len, 0);
	harness_close(&h);
	keks[0] = kek_2;
	keks[1] = kek_1;
	open(0, 2);
	ck_assert(begun(&s));
	ck_assert_uint_eq(s.came.at_len, 0);
	harness_close(&h);
}

START_TEST(another_on_lmdb)
{
	begun_for_another(open_lmdb);
}
END_TEST

START_TEST(another_on_redis)
{
	redis_server_start(&server, NULL);
	begun_for_another(open_redis);
	redis_server_stop(&server);
}
END_TEST

/* Who has only this KEK is told so. */
static void refused_with(const struct seal_kek *kek, const char *words)
{
	struct store_redis_cfg cfg = redis_cfg(&server.addr);
	struct store_links l;
	struct err err;

	cfg.keks = kek;
	h.sh = store_shared_redis_new(&cfg, &err);
	h.st = store_new(NULL, h.sh, NULL, NULL);
	do {
		osmo_select_main(0);
		ck_assert(store_shared_links(h.sh, &l));
	} while (!l.why[0]);
	ck_assert_msg(strstr(l.why, words), "%s", l.why);
	harness_close(&h);
}

/* In Redis it is refused in words by who lacks a KEK of what is there, also where the index key is under another one by now */
START_TEST(kek_missing_on_redis)
{
	unsigned steps;

	redis_server_start(&server, NULL);
	open_redis(1, 1);
	harness_close(&h);
	open_redis(0, 2);
	harness_close(&h);
	for (int i = 0; i < 2; i++)
		refused_with(&keks[i], "KEK");
	open_redis(0, 2);
	pass(RESEAL_SEAL, &steps);
	harness_close(&h);
	refused_with(&keks[0], "KEK 1");
	redis_server_stop(&server);
}
END_TEST

/* Another link goes on while the index key is sealed anew: it is the same key */
START_TEST(others_go_on)
{
	struct harness other;
	struct store_links l;
	unsigned steps;

	redis_server_start(&server, NULL);
	open_redis(1, 1);
	harness_close(&h);
	open_redis(0, 2);
	other = h;
	open_redis(0, 2);
	pass(RESEAL_SEAL, &steps);
	harness_close(&h);
	h = other;
	for (uint64_t end = clock_mono_ms() + 1500; clock_mono_ms() < end;) {
		osmo_select_main(1);
		usleep(1000);
		ck_assert(store_shared_links(h.sh, &l));
		ck_assert_msg(l.up == 1 && !l.why[0], "%s", l.why);
	}
	harness_close(&h);
	redis_server_stop(&server);
}
END_TEST

START_TEST(nothing_sealed)
{
	struct reseal_step s = { .what = RESEAL_SEAL };

	harness_open_mem(&h);
	ck_assert_int_eq(reseal(&h, &s), -ENOTSUP);
	harness_close(&h);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { on_lmdb,          another_on_lmdb,      nothing_sealed, on_redis,
				       another_on_redis, kek_missing_on_redis, others_go_on };
	size_t n = sizeof(tests) / sizeof(tests[0]);

	if (!redis_server_is_there()) {
		puts("skipped on Redis: there is no redis-server (Debian: redis-server)");
		n -= 4;
	}
	return suite_run("sealing anew", setup, disk_teardown, tests, n);
}
