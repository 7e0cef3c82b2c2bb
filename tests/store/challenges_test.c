/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The table of challenges: its limit, what is counted, and that nobody has to answer for it to empty. */
#include "bsf/store/challenges.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/store/harness.h"
#include "tests/unit/suite.h"

enum { MAX = 1000 };

static struct challenges *t;

static void setup(void)
{
	t = challenges_new(MAX);
	ck_assert_ptr_nonnull(t);
}

static void teardown(void)
{
	challenges_free(t);
}

static int put_one(unsigned n, uint64_t life_ms)
{
	struct gba_challenge c = challenge_make(n, life_ms);

	return challenges_put(t, &c);
}

static int take_one(unsigned n)
{
	struct gba_challenge c = challenge_make(n, 0), out = { 0 };
	int rc = challenges_take(t, gba_challenge_key(&c), clock_mono_ms(), &out);

	gba_challenge_clear(&out);
	return rc;
}

static void wait_ms(uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() <= until)
		usleep(1000);
}

/* The limit is reached, what is refused is not counted, and one that is taken makes room for one */
START_TEST(limit)
{
	for (unsigned n = 0; n < MAX; n++)
		ck_assert_int_eq(put_one(n, 60000), 0);
	ck_assert_uint_eq(challenges_count(t), MAX);
	for (unsigned n = 0; n < 50; n++) {
		ck_assert_int_eq(put_one(MAX + n, 60000), -ENOSPC);
		ck_assert_uint_eq(challenges_count(t), MAX);
	}
	ck_assert_int_eq(take_one(MAX), -ENOENT);
	ck_assert_int_eq(take_one(0), 0);
	ck_assert_int_eq(put_one(MAX, 60000), 0);
	ck_assert_int_eq(put_one(MAX + 1, 60000), -ENOSPC);
	ck_assert_int_eq(take_one(0), -EALREADY);
	ck_assert_int_eq(take_one(MAX), 0);
}
END_TEST

/* One whose nonce is there is refused, is not counted and does not replace it */
START_TEST(same_nonce)
{
	ck_assert_int_eq(put_one(1, 60000), 0);
	for (unsigned n = 0; n < 10; n++)
		ck_assert_int_eq(put_one(1, 60000), -EEXIST);
	ck_assert_uint_eq(challenges_count(t), 1);
	ck_assert_int_eq(take_one(1), 0);
	ck_assert_uint_eq(challenges_count(t), 0);
	ck_assert_int_eq(put_one(1, 60000), -EEXIST);
	ck_assert_uint_eq(challenges_count(t), 0);
	ck_assert_int_eq(take_one(1), -EALREADY);
}
END_TEST

/* `store memory`: challenges that nobody answers go, though nothing else is asked of the store */
START_TEST(nobody_answers)
{
	enum { LIFE_MS = 100 };
	unsigned n = 0;

	while (n < MAX)
		ck_assert_int_eq(put_one(n++, LIFE_MS), 0);
	wait_ms(LIFE_MS);
	for (unsigned i = 0; i < 5 * MAX; i++) { /* for ever */
		int rc = put_one(n++, LIFE_MS);

		ck_assert(rc == 0 || rc == -ENOSPC);
		if (i % MAX == MAX - 1)
			wait_ms(LIFE_MS);
	}
	ck_assert_int_eq(put_one(n++, LIFE_MS), 0);
	for (unsigned i = 0; i < CHALLENGES_STRIPES; i++)
		put_one(n++, LIFE_MS);
	ck_assert_uint_le(challenges_count(t), 2 * CHALLENGES_STRIPES);
}
END_TEST

/* All that is over goes, markers too, and nothing else */
START_TEST(sweep)
{
	for (unsigned n = 0; n < 100; n++)
		ck_assert_int_eq(put_one(n, 50), 0);
	for (unsigned n = 100; n < 200; n++)
		ck_assert_int_eq(put_one(n, 60000), 0);
	for (unsigned n = 0; n < 200; n += 4)
		take_one(n);
	wait_ms(50);
	challenges_sweep(t, clock_mono_ms(), CHALLENGES_STRIPES);
	ck_assert_uint_eq(challenges_count(t), 75);
	for (unsigned n = 0; n < 200; n++)
		ck_assert_int_eq(take_one(n), n < 100 ? -ENOENT : n % 4 ? 0 : -EALREADY);
	ck_assert_uint_eq(challenges_count(t), 0);
	for (unsigned n = 0; n < 100; n++)
		ck_assert_int_eq(put_one(n, 60000), 0); /* no marker is left */
}
END_TEST

/* Threads that begin at once: each challenge to exactly one, and the count is right in the end */
enum { THREADS = 4, EACH = 200 };
static pthread_barrier_t start;
static atomic_uint taken, refused;

static void *worker(void *arg)
{
	pthread_barrier_wait(&start);
	for (unsigned n = 0; n < EACH; n++) {
		int rc = put_one(n, 60000);

		ck_assert(rc == 0 || rc == -EEXIST);
		rc = take_one(n);
		ck_assert(rc == 0 || rc == -EALREADY);
		atomic_fetch_add(rc == 0 ? &taken : &refused, 1);
		challenges_sweep(t, clock_mono_ms(), 3);
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t th[THREADS];

	pthread_barrier_init(&start, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&th[i], NULL, worker, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(th[i], NULL);
	ck_assert_uint_eq(taken, EACH);
	ck_assert_uint_eq(refused, (THREADS - 1) * EACH);
	ck_assert_uint_eq(challenges_count(t), 0);
}
END_TEST

/* Until the ms before it ends */
START_TEST(over)
{
	struct gba_challenge c = challenge_make(1, 60000), out;

	ck_assert_int_eq(challenges_put(t, &c), 0);
	ck_assert_int_eq(challenges_take(t, gba_challenge_key(&c), c.expires_mono_ms, &out), -ENOENT);
	ck_assert_int_eq(challenges_take(t, gba_challenge_key(&c), c.expires_mono_ms - 1, &out), 0);
	gba_challenge_clear(&out);
	gba_challenge_clear(&c);
}
END_TEST

SUITE_WITH_FIXTURE("challenges", setup, teardown, limit, same_nonce, nobody_answers, over, sweep, threads)
