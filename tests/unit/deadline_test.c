/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Deadlines fire in order, once, and at their time also when the wall clock is stepped by an hour either way. */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <time.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <talloc.h>
#include "common/base/clock.h"
#include "common/rt/deadline.h"
#include "tests/unit/suite.h"

static long wall_step_s;

/* The wall clock of the whole program, libosmocore included (the program's symbol comes before that of libc). */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec + wall_step_s;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}

static unsigned order[8], fired;

static void on_expired(void *data)
{
	order[fired++] = (unsigned)(uintptr_t)data;
}

START_TEST(in_order)
{
	struct deadline_set *set = deadline_set_new(NULL);
	struct deadline d[4] = { 0 };

	fired = 0;
	deadline_start(set, &d[0], 60, on_expired, (void *)0);
	deadline_start(set, &d[1], 20, on_expired, (void *)1);
	deadline_start(set, &d[2], 40, on_expired, (void *)2);
	deadline_start(set, &d[3], 10, on_expired, (void *)3);
	deadline_stop(&d[2]);
	deadline_stop(&d[2]);
	deadline_start(set, &d[3], 80, on_expired, (void *)3); /* restarted: once, later */
	ck_assert_uint_eq(fired, 0);
	while (fired < 3)
		osmo_select_main(0);
	ck_assert_uint_eq(order[0], 1);
	ck_assert_uint_eq(order[1], 0);
	ck_assert_uint_eq(order[2], 3);
	ck_assert_ptr_null(d[0].set);
	talloc_free(set);
}
END_TEST

static struct deadline again;
static struct deadline_set *again_set;

static void restart(void *data)
{
	if (++fired < 5)
		deadline_start(again_set, &again, 0, restart, NULL);
}

START_TEST(restart_inside)
{
	fired = 0;
	again_set = deadline_set_new(NULL);
	deadline_start(again_set, &again, 0, restart, NULL);
	while (fired < 5)
		osmo_select_main(0);
	talloc_free(again_set);
}
END_TEST

START_TEST(not_early_not_late)
{
	struct deadline_set *set = deadline_set_new(NULL);
	struct deadline d = { 0 }, far = { 0 };
	uint64_t start = clock_mono_ms(), took;
	unsigned turns = 0;

	fired = 0;
	deadline_start(set, &far, 60000, on_expired, NULL); /* what comes earlier is not kept waiting for it */
	deadline_start(set, &d, 150, on_expired, NULL);
	for (; fired < 1; turns++)
		osmo_select_main(0);
	ck_assert_uint_le(turns, 5); /* the loop slept */
	took = clock_mono_ms() - start;
	ck_assert_msg(took >= 150 && took < 20000, "took %llu ms", (unsigned long long)took);
	talloc_free(set);
}
END_TEST

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Not even by a part of a millisecond. */
START_TEST(never_early)
{
	struct deadline_set *set = deadline_set_new(NULL);

	for (unsigned i = 0; i < 40; i++) {
		struct deadline d = { 0 };
		uint64_t start = now_ns();

		fired = 0;
		deadline_start(set, &d, 3, on_expired, NULL);
		while (fired < 1)
			osmo_select_main(0);
		ck_assert_uint_ge(now_ns() - start, 3000000);
	}
	talloc_free(set);
}
END_TEST

static const long steps_s[] = { 3600, -3600 };

/* 9, the clock stepped by an hour either way: _i chooses the direction. */
START_TEST(clock_stepped)
{
	struct deadline_set *set = deadline_set_new(NULL);
	struct deadline d = { 0 };
	uint64_t start = clock_mono_ms(), took;
	struct timeval tv;
	time_t before;

	fired = 0;
	gettimeofday(&tv, NULL);
	before = tv.tv_sec;
	deadline_start(set, &d, 300, on_expired, NULL);
	osmo_select_main(1);
	wall_step_s = steps_s[_i];
	gettimeofday(&tv, NULL);
	ck_assert_int_eq(labs((long)(tv.tv_sec - before - wall_step_s)) <= 2, 1);
	while (fired < 1)
		osmo_select_main(0);
	took = clock_mono_ms() - start;
	ck_assert_msg(took >= 300 && took < 20000, "took %llu ms", (unsigned long long)took);
	wall_step_s = 0;
	talloc_free(set);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("deadline");

	tcase_add_test(t, in_order);
	tcase_add_test(t, restart_inside);
	tcase_add_test(t, not_early_not_late);
	tcase_add_test(t, never_early);
	tcase_add_loop_test(t, clock_stepped, 0, 2);
	return suite_run_cases("deadline", &t, 1);
}
