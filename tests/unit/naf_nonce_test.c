/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Nonces of Ua: recognised without a table, counted without being forgotten. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "naf-lib/naf_nonce.h"
#include "tests/unit/suite.h"

#define LIFE_MS 300000
#define REALM   "3GPP-bootstrapping@naf1.example.com"

static const uint8_t alice[BTID_RAND_LEN] = "alice", bob[BTID_RAND_LEN] = "bob";

static struct naf_nonces *table(unsigned max, uint8_t secret)
{
	struct secret s = { .len = 32 };
	struct naf_nonces *n;

	memset(s.b, secret, 32);
	n = naf_nonces_new(&s, LIFE_MS, max);
	ck_assert_ptr_nonnull(n);
	return n;
}

static void make(struct naf_nonces *n, int64_t now, char out[NAF_NONCE_CHARS + 1])
{
	ck_assert_int_eq(naf_nonce_make(n, span_str(REALM), now, out), 0);
	ck_assert_uint_eq(strlen(out), NAF_NONCE_CHARS);
}

static int check(struct naf_nonces *n, const char *nonce, int64_t now)
{
	return naf_nonce_check(n, span_str(nonce), span_str(REALM), now);
}

static int use(struct naf_nonces *n, const char *nonce, const uint8_t *rand, uint32_t nc, int64_t now)
{
	return naf_nonce_use(n, span_str(nonce), rand, nc, now);
}

START_TEST(ours)
{
	struct naf_nonces *n = table(10, 1), *other = table(10, 2), *worker = table(10, 1);
	char a[NAF_NONCE_CHARS + 1], b[NAF_NONCE_CHARS + 1];

	make(n, 1000, a);
	make(n, 1000, b);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(check(n, a, 1000), 0);
	ck_assert_int_eq(check(worker, a, 1000), 0); /* same secret */
	ck_assert_int_eq(check(other, a, 1000), -ESTALE);
	ck_assert_int_eq(check(n, a, 1000 + LIFE_MS - 1), 0);
	ck_assert_int_eq(check(n, a, 1000 + LIFE_MS), -ESTALE);
	ck_assert_int_eq(check(n, a, 999), -ESTALE); /* from the future */
	ck_assert_int_eq(naf_nonce_check(n, span_str(a), span_str("3GPP-bootstrapping@naf2.example.com"), 1000),
			 -ESTALE);
	for (size_t i = 0; i < NAF_NONCE_CHARS; i++) {
		char spoiled[NAF_NONCE_CHARS + 1];

		memcpy(spoiled, a, sizeof(a));
		spoiled[i] = spoiled[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(check(n, spoiled, 1000), -ESTALE);
	}
	ck_assert_int_eq(check(n, "", 1000), -ESTALE);
	ck_assert_int_eq(naf_nonce_check(n, span_of(a, NAF_NONCE_CHARS - 1), span_str(REALM), 1000), -ESTALE);
	ck_assert_uint_eq(naf_nonces_held(n), 0); /* making and checking remembers nothing */
	naf_nonces_free(n);
	naf_nonces_free(other);
	naf_nonces_free(worker);
}
END_TEST

START_TEST(window)
{
	static const struct {
		uint32_t nc;
		int rc;
	} rows[] = {
		{ 1, 0 },           { 1, -EALREADY },
		{ 3, 0 },           { 2, 0 },
		{ 2, -EALREADY },   { 100, 0 },
		{ 36, -EALREADY },  { 37, 0 },
		{ 37, -EALREADY },  { 99, 0 },
		{ 0, -EALREADY },   { 163, 0 },
		{ 100, -EALREADY }, { 101, 0 },
		{ 164, 0 },         { 100, -EALREADY },
		{ 0xffffffff, 0 },  { 0xffffffff, -EALREADY },
		{ 0xffffffc0, 0 },  { 0xffffffbf, -EALREADY },
	};
	struct naf_nonces *n = table(10, 1);
	char a[NAF_NONCE_CHARS + 1];

	make(n, 1000, a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(use(n, a, alice, rows[i].nc, 2000) == rows[i].rc, "row %zu", i);
	ck_assert_int_eq(use(n, a, bob, 1, 2000), 0); /* counts of one user do not use up another's */
	ck_assert_int_eq(use(n, a, alice, 0xfffffffe, 1000 + LIFE_MS), -ESTALE);
	naf_nonces_free(n);
}
END_TEST

/* The table is full: the oldest goes, and nothing that was counted in it can be repeated */
START_TEST(bounded)
{
	struct naf_nonces *n = table(3, 1);
	char nonce[6][NAF_NONCE_CHARS + 1], unused[NAF_NONCE_CHARS + 1];

	make(n, 1000, unused);
	for (int i = 0; i < 6; i++) {
		make(n, 1000 + i, nonce[i]);
		ck_assert_int_eq(use(n, nonce[i], alice, 1, 2000), 0);
		ck_assert_uint_le(naf_nonces_held(n), 3);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(use(n, nonce[i], alice, 1, 2000), -ESTALE);
	for (int i = 3; i < 6; i++)
		ck_assert_int_eq(use(n, nonce[i], alice, 1, 2000), -EALREADY);
	ck_assert_int_eq(use(n, unused, alice, 1, 2000), -ESTALE); /* as old as what was forgotten */
	ck_assert_int_eq(use(n, nonce[3], alice, 2, 2000), 0);
	naf_nonces_free(n);
}
END_TEST

/* The room is made by what is younger: then the older one is over, too */
START_TEST(older_comes_late)
{
	struct naf_nonces *n = table(1, 1);
	char older[NAF_NONCE_CHARS + 1], younger[NAF_NONCE_CHARS + 1];

	make(n, 1000, older);
	make(n, 1001, younger);
	ck_assert_int_eq(use(n, younger, alice, 1, 2000), 0);
	ck_assert_int_eq(use(n, older, alice, 1, 2000), -ESTALE);
	ck_assert_int_eq(use(n, younger, alice, 2, 2000), -ESTALE);
	naf_nonces_free(n);
}
END_TEST

/* What is over makes room by itself */
START_TEST(expires)
{
	struct naf_nonces *n = table(100, 1);
	char a[NAF_NONCE_CHARS + 1];

	for (int i = 0; i < 50; i++) {
		make(n, 1000 + i, a);
		ck_assert_int_eq(use(n, a, alice, 1, 2000), 0);
	}
	ck_assert_uint_eq(naf_nonces_held(n), 50);
	make(n, 1000 + LIFE_MS + 100, a);
	ck_assert_int_eq(use(n, a, alice, 1, 1000 + LIFE_MS + 100), 0);
	ck_assert_uint_eq(naf_nonces_held(n), 1);
	naf_nonces_free(n);
}
END_TEST

#define COUNTS 2000
static struct race {
	struct naf_nonces *n;
	char nonce[NAF_NONCE_CHARS + 1];
	atomic_uchar won[COUNTS + 1];
	pthread_barrier_t start_line;
} race;

static void *racer(void *arg)
{
	pthread_barrier_wait(&race.start_line);
	for (uint32_t nc = 1; nc <= COUNTS; nc++) {
		if (use(race.n, race.nonce, alice, nc, 2000) == 0)
			atomic_fetch_add(&race.won[nc], 1);
	}
	return NULL;
}

/* Each count is good for one of the threads at most; for the thread sanitizer too */
START_TEST(threads)
{
	pthread_t t[4];

	race.n = table(10, 1);
	pthread_barrier_init(&race.start_line, NULL, 4);
	make(race.n, 1000, race.nonce);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, racer, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (uint32_t nc = 1; nc <= COUNTS; nc++)
		ck_assert_msg(race.won[nc] <= 1, "count %u was good %u times", nc, race.won[nc]);
	ck_assert_uint_eq(race.won[COUNTS], 1); /* the highest is new to whoever comes first */
	naf_nonces_free(race.n);
}
END_TEST

SUITE("naf_nonce", ours, window, bounded, older_comes_late, expires, threads)
