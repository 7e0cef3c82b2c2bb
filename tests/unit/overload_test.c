/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Buckets, caps and marks; also from many threads and with more keys than there is room for. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include "bsf/policy/overload.h"
#include "common/base/clock.h"
#include "common/rt/deadline.h"
#include "tests/unit/suite.h"

#define T0 (clock_mono_ms() + 1000)

static struct span key(const char *s)
{
	return span_str(s);
}

START_TEST(bucket)
{
	struct overload *o = overload_new();
	uint64_t t = T0;

	for (int i = 0; i < 6; i++)
		ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t));
	ck_assert(!overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t));
	/* other keys and other tables know nothing of it */
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("b"), 6, 60, t));
	ck_assert(overload_take(o, RATE_RESYNCS_IMPI, key("a"), 6, 60, t));
	/* one comes back each 10 s */
	ck_assert(!overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t + 9900));
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t + 10001));
	ck_assert(!overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t + 10002));
	/* and after a minute all of them, not more */
	for (int i = 0; i < 6; i++)
		ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t + 200000));
	ck_assert(!overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 6, 60, t + 200000));
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 0, 60, t + 200000)); /* off */
	overload_free(o);
}
END_TEST

/* What was taken in vain is there again, and nothing more. */
START_TEST(given_back)
{
	struct overload *o = overload_new();
	uint64_t t = T0;

	overload_give(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t); /* never seen */
	for (int i = 0; i < 3; i++)
		overload_give(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t);
	ck_assert(overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(!overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 0, 60, t)); /* off */
	overload_give(o, RATE_CHALLENGES_IMPI, key("b"), 2, 60, t);
	ck_assert(!overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(!overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t + 29000));
	ck_assert(overload_has(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t + 30001));
	for (int i = 0; i < 5; i++)
		overload_give(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t);
	for (int i = 0; i < 2; i++)
		ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	overload_give(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t);
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	ck_assert(!overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t));
	overload_free(o);
}
END_TEST

/* An entry of years ago does not shut anybody out. */
START_TEST(long_uptime)
{
	struct overload *o = overload_new();
	uint64_t t = T0, year = UINT64_C(365) * 86400 * 1000;

	for (int i = 0; i < 3; i++)
		overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t);
	for (uint64_t i = 1; i < 40; i++)
		ck_assert_msg(overload_take(o, RATE_CHALLENGES_IMPI, key("a"), 2, 60, t + i * year / 4), "quarter %llu",
			      (unsigned long long)i);
	/* seen by nobody for two years, when the instants begin to look like the future */
	for (int i = 0; i < 3; i++)
		overload_take(o, RATE_CHALLENGES_IMPI, key("b"), 2, 60, t);
	ck_assert(overload_take(o, RATE_CHALLENGES_IMPI, key("b"), 2, 60, t + 2 * year));
	overload_mark(o, MARK_RESYNCED, key("b"), 600, t);
	ck_assert(!overload_marked(o, MARK_RESYNCED, key("b"), t + 2 * year));
	overload_free(o);
}
END_TEST

/* More keys than slots: whoever is there last is still limited, and nobody new is refused. */
START_TEST(full_table)
{
	struct overload *o = overload_new();
	uint64_t t = T0;
	unsigned refused = 0;
	char name[32];

	for (int i = 0; i < 600000; i++) {
		snprintf(name, sizeof(name), "user%d@example", i);
		refused += !overload_take(o, RATE_CHALLENGES_IMPI, key(name), 1, 60, t + i / 100);
	}
	ck_assert_uint_le(refused, 5); /* two names that look alike in 24 bits of their hash: one in two million */
	ck_assert(!overload_take(o, RATE_CHALLENGES_IMPI, key(name), 1, 60, t + 6000));
	overload_free(o);
}
END_TEST

START_TEST(in_flight)
{
	struct overload *o = overload_new();
	size_t a, b, c;

	ck_assert(overload_enter(o, key("a"), 2, &a));
	ck_assert(overload_enter(o, key("a"), 2, &b));
	ck_assert(!overload_enter(o, key("a"), 2, &c));
	ck_assert(overload_enter(o, key("b"), 2, &c));
	overload_leave(o, c);
	overload_leave(o, a);
	ck_assert(overload_enter(o, key("a"), 2, &a));
	ck_assert(!overload_enter(o, key("a"), 2, &c));
	overload_leave(o, a);
	overload_leave(o, b);
	for (int i = 0; i < 100; i++) { /* nothing is left behind */
		ck_assert(overload_enter(o, key("a"), 1, &a));
		overload_leave(o, a);
	}
	overload_free(o);
}
END_TEST

/* A slot of an IMPI that has nothing in flight any more is free for another one: far more of them than there are slots,
 * in both orders of coming and going. */
START_TEST(in_flight_given_back)
{
	struct overload *o = overload_new();
	char name[32];
	size_t a, b;

	for (int i = 0; i < 600000; i++) {
		snprintf(name, sizeof(name), "user%d@example", i);
		ck_assert_msg(overload_enter(o, key(name), 2, &a) && overload_enter(o, key(name), 2, &b), "%s is busy",
			      name);
		overload_leave(o, i % 2 ? a : b);
		overload_leave(o, i % 2 ? b : a);
	}
	overload_free(o);
}
END_TEST

START_TEST(marks)
{
	struct overload *o = overload_new();
	uint64_t t = T0;

	ck_assert(!overload_marked(o, MARK_RESYNCED, key("a"), t));
	overload_mark(o, MARK_RESYNCED, key("a"), 600, t);
	ck_assert(overload_marked(o, MARK_RESYNCED, key("a"), t + 1000));
	ck_assert(!overload_marked(o, MARK_RESYNCED, key("b"), t + 1000));
	ck_assert(!overload_marked(o, MARK_RESYNCED, key("a"), t + 600001));
	overload_mark(o, MARK_RESYNCED, key("a"), 600, t);
	overload_unmark(o, MARK_RESYNCED, key("a"));
	ck_assert(!overload_marked(o, MARK_RESYNCED, key("a"), t + 1000));
	overload_unmark(o, MARK_RESYNCED, key("a"));
	overload_mark(o, MARK_PROVEN, key("a"), 600, t); /* the kinds know nothing of each other */
	ck_assert(overload_marked(o, MARK_PROVEN, key("a"), t) && !overload_marked(o, MARK_RESYNCED, key("a"), t));
	overload_free(o);
}
END_TEST

static struct overload *shared;
static atomic_uint granted, inside, too_many;

static pthread_barrier_t start_line; /* they begin at once */

static void *hammer(void *t)
{
	pthread_barrier_wait(&start_line);
	for (int i = 0; i < 20000; i++) {
		size_t ticket;

		if (overload_take(shared, RATE_CHALLENGES_SOURCE, key("one"), 1000, 86400, (uint64_t)(uintptr_t)t))
			granted++;
		if (!overload_enter(shared, key("one"), 3, &ticket)) /* the third is in already */
			continue;
		if (++inside > 2)
			too_many++;
		inside--;
		overload_leave(shared, ticket);
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t th[4];
	size_t ticket;

	shared = overload_new();
	/* the slots exist, so that no two threads make one at once: then the cap may be passed, as long as both are held */
	ck_assert(overload_take(shared, RATE_CHALLENGES_SOURCE, key("one"), 1000, 86400, T0));
	ck_assert(overload_enter(shared, key("one"), 3, &ticket));
	pthread_barrier_init(&start_line, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, hammer, (void *)(uintptr_t)T0);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	/* the clock moved by far less than one token's time */
	ck_assert_uint_ge(granted, 999 - 1);
	ck_assert_uint_le(granted, 999 + 1);
	ck_assert_uint_eq(too_many, 0);
	overload_leave(shared, ticket);
	overload_free(shared);
}
END_TEST

static bool private_addr(const char *text)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return overload_source_private((struct sockaddr *)&four);
	ck_assert_int_eq(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return overload_source_private((struct sockaddr *)&six);
}

START_TEST(sources)
{
	static const char *const priv[] = { "127.0.0.1",   "10.1.2.3",    "172.16.0.1",     "172.31.255.255",
					    "192.168.1.1", "169.254.1.1", "100.64.0.1",     "::1",
					    "fe80::1",     "fd00::1",     "::ffff:10.0.0.1" };
	static const char *const pub[] = { "8.8.8.8",  "172.32.0.1",  "172.15.0.1",     "192.169.0.1", "100.128.0.1",
					   "11.0.0.1", "2001:db8::1", "::ffff:8.8.8.8", "::2" };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 }, b = a;
	uint8_t ka[16], kb[16];

	for (size_t i = 0; i < sizeof(priv) / sizeof(priv[0]); i++)
		ck_assert_msg(private_addr(priv[i]), "%s", priv[i]);
	for (size_t i = 0; i < sizeof(pub) / sizeof(pub[0]); i++)
		ck_assert_msg(!private_addr(pub[i]), "%s", pub[i]);
	inet_pton(AF_INET6, "2001:db8:0:1::1", &a.sin6_addr);
	inet_pton(AF_INET6, "2001:db8:0:1:ffff::2", &b.sin6_addr);
	ck_assert_uint_eq(overload_source_key(ka, (struct sockaddr *)&a), 8);
	ck_assert_uint_eq(overload_source_key(kb, (struct sockaddr *)&b), 8);
	ck_assert_mem_eq(ka, kb, 8);
}
END_TEST

SUITE("overload", bucket, given_back, long_uptime, full_table, in_flight, in_flight_given_back, marks, threads, sources)
