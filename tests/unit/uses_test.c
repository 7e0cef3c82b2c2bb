/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Uses of a session, where an application's are bounded: each has a number of its own, whoever counts at the same time; none that counts is forgotten. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "bsf/store/uses.h"
#include "tests/unit/suite.h"

#define NOW     1000000
#define BEGAN   (NOW * 1000ll)
#define THREADS 4
#define EACH    5000

static struct gba_session made(uint8_t n)
{
	struct gba_session s = { .rand = { n }, .expires_at = NOW + 100, .made_ms = BEGAN };

	return s;
}

static struct uses *at_once;
static _Atomic uint8_t seen[THREADS * EACH + 1];

static void *count(void *unused)
{
	const struct gba_session s = made(1);

	for (int i = 0; i < EACH; i++)
		seen[uses_count(at_once, &s, i % 2 ? "a.example" : "A.Example", BEGAN, NOW)]++;
	return NULL;
}

START_TEST(each_has_its_number)
{
	pthread_t of[THREADS];

	at_once = uses_new(BEGAN);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&of[i], NULL, count, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(of[i], NULL);
	ck_assert_uint_eq(seen[0], 0);
	for (int n = 1; n <= THREADS * EACH; n++)
		ck_assert_msg(seen[n] == 1, "%d was given %d times", n, seen[n]);
	uses_free(at_once);
}
END_TEST

/* Beyond the end of a session it stays for an hour: a clock that is put back makes none of its uses undone. */
START_TEST(forgotten_when_it_is_over)
{
	struct uses *u = uses_new(BEGAN);
	const struct gba_session s = made(1);

	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, NOW), 1);
	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, s.expires_at + 3599), 2);
	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, NOW), 3);
	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, s.expires_at + 3600), 1);
	uses_free(u);
}
END_TEST

/* Of what was made before this process, or by a clock that went ahead, nobody knows how often it was used. */
START_TEST(made_before)
{
	struct uses *u = uses_new(BEGAN);
	struct gba_session s = made(1);

	s.made_ms = BEGAN - 1;
	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, NOW), USES_UNKNOWN);
	s.made_ms = BEGAN + 2;
	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN + 1, NOW), USES_UNKNOWN);
	ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN + 2, NOW), 1);
	uses_free(u);
}
END_TEST

/* Many at once in a place, of many sessions or of many applications: each is found, and those that are over go. */
START_TEST(many)
{
	struct uses *u = uses_new(BEGAN);
	struct gba_session s = made(1);
	char naf[16];

	for (int n = 0; n < 100000; n++) {
		snprintf(naf, sizeof(naf), "%d.example", n);
		ck_assert_uint_eq(uses_count(u, &s, naf, BEGAN, NOW), 1);
	}

	for (int turn = 1; turn <= 2; turn++) {
		for (uint32_t n = 0; n < 200000; n++) {
			memcpy(s.rand, &n, sizeof(n));
			ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, NOW), (uint32_t)turn);
		}
	}
	uses_free(u);
}
END_TEST

/* Looking is not counting: it says the number that comes next, also where there is none yet, and where nobody knows it. */
START_TEST(looked_at)
{
	struct uses *u = uses_new(BEGAN);
	struct gba_session s = made(1);

	for (uint32_t n = 1; n <= 3; n++) {
		ck_assert_uint_eq(uses_look(u, &s, "a", BEGAN, NOW), n);
		ck_assert_uint_eq(uses_look(u, &s, "A", BEGAN, NOW), n);
		ck_assert_uint_eq(uses_count(u, &s, "a", BEGAN, NOW), n);
	}
	s.made_ms = BEGAN - 1;
	ck_assert_uint_eq(uses_look(u, &s, "a", BEGAN, NOW), USES_UNKNOWN);
	uses_free(u);
}
END_TEST

SUITE("uses", looked_at, each_has_its_number, forgotten_when_it_is_over, made_before, many)
