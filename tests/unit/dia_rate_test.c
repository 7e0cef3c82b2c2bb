/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Handshakes of an address in a second: one count for all loops, places in a queue, who is forgotten. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "common/base/sockaddr.h"
#include "common/dia/dia_rate.h"
#include "tests/unit/suite.h"

#define NOW 5000

/* Each address has its own, however many there are; the one that floods keeps nobody else waiting. */
START_TEST(test_addresses_apart)
{
	static struct dia_rate rate;
	struct sockaddr_storage flood, from;
	char host[32];

	ck_assert_int_eq(dia_rate_init(&rate, DIA_RATE_A_SECOND), 0);
	sockaddr_parse(&flood, "127.0.0.1", "1");
	for (unsigned i = 0; i < DIA_RATE_A_SECOND; i++)
		ck_assert_int_eq(dia_rate_wait(&rate, &flood, NOW), 0);
	for (unsigned i = 0; i < 400; i++) {
		snprintf(host, sizeof(host), i % 2 ? "10.0.%u.%u" : "2001:db8:%x:%x::1", i / 100, i % 100);
		ck_assert_int_eq(sockaddr_parse(&from, host, "1"), 0);
		ck_assert_int_eq(dia_rate_wait(&rate, &from, NOW), 0);
	}
	ck_assert_int_gt(dia_rate_wait(&rate, &flood, NOW), 0);
	sockaddr_parse(&from, "2001:db8:7::1", "1");
	for (unsigned i = 0; i < DIA_RATE_A_SECOND; i++)
		ck_assert_int_eq(dia_rate_wait(&rate, &from, NOW), 0);
	sockaddr_parse(&from, "2001:db8:7::2", "1"); /* its neighbour is the same user */
	ck_assert_int_gt(dia_rate_wait(&rate, &from, NOW), 0);
}
END_TEST

/* The instants are cut: long idle is not far ahead. */
START_TEST(test_forgotten_for_weeks)
{
	static struct dia_rate rate;
	struct sockaddr_storage from;
	uint64_t now = 1000;

	ck_assert_int_eq(dia_rate_init(&rate, DIA_RATE_A_SECOND), 0);
	sockaddr_parse(&from, "192.0.2.1", "1");
	for (unsigned days = 0; days < 60; days++, now += 86400000u) {
		for (unsigned i = 0; i < DIA_RATE_A_SECOND; i++)
			ck_assert_int_eq(dia_rate_wait(&rate, &from, now), 0);
		ck_assert_int_gt(dia_rate_wait(&rate, &from, now), 0);
		ck_assert_int_le(dia_rate_wait(&rate, &from, now), 1000);
	}
	now += (1ull << 32) -
	       500; /* to the millisecond it might be taken for one that is still ahead, and no more than a second */
	ck_assert_int_le(dia_rate_wait(&rate, &from, now), 1000);
}
END_TEST

/* Whoever has a place need not ask again; beyond the queue there is none. */
START_TEST(test_places)
{
	static struct dia_rate rate;
	struct sockaddr_storage from;
	unsigned n = 0;
	int wait, last = 0;

	ck_assert_int_eq(dia_rate_init(&rate, 4), 0);
	sockaddr_parse(&from, "192.0.2.1", "1");
	while ((wait = dia_rate_wait(&rate, &from, NOW)) >= 0) {
		ck_assert_int_eq(wait, ++n <= 4 ? 0 : last + 250);
		last = wait;
	}
	ck_assert_int_eq(wait, -EBUSY);
	ck_assert_uint_eq(n, 4 + DIA_RATE_QUEUE_S * 4);
	ck_assert_int_eq(dia_rate_wait(&rate, &from, NOW + 250), last); /* a place has become free */
	ck_assert_int_eq(dia_rate_wait(&rate, &from, NOW + 20000), 0);
}
END_TEST

#define THREADS 8
static struct dia_rate shared;
static struct sockaddr_storage one_address;

static void *ask_all_the_time(void *let_in)
{
	for (unsigned i = 0; i < 1000; i++)
		*(unsigned *)let_in += dia_rate_wait(&shared, &one_address, NOW) == 0;
	return NULL;
}

START_TEST(test_all_loops_together)
{
	unsigned let_in[THREADS] = { 0 }, all = 0;
	pthread_t t[THREADS];

	ck_assert_int_eq(dia_rate_init(&shared, 100), 0);
	sockaddr_parse(&one_address, "192.0.2.1", "1");
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, ask_all_the_time, &let_in[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		all += let_in[i];
	}
	ck_assert_uint_eq(all, 100);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rate");

	tcase_add_loop_test(tc, test_addresses_apart, 0, 20);
	tcase_add_test(tc, test_forgotten_for_weeks);
	tcase_add_test(tc, test_places);
	tcase_add_test(tc, test_all_loops_together);
	return suite_run_cases("dia_rate", &tc, 1);
}
