/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is remembered of runs: bounded, the oldest goes, two halves are one run, nobody is confused with another. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "bsf/ub/history.h"
#include "common/rt/pseudonym.h"
#include "tests/unit/suite.h"

static struct ub_history *h;

static void setup(void)
{
	h = ub_history_new();
	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(pseudonym_init(NULL), 0);
}

static void teardown(void)
{
	ub_history_free(h);
}

static struct ub_note note(const char *impi, const uint8_t *rand, enum cause cause)
{
	return (struct ub_note){ .at_s = 1000,
				 .rand = rand,
				 .step = "answer",
				 .cause = cause,
				 .variant = GBA_VARIANT_U,
				 .agent = span_str("phone/1.0 3gpp-gba-tmpi"),
				 .hss = "",
				 .impi = impi };
}

static void add(const char *impi, unsigned n, enum cause cause)
{
	uint8_t rand[16] = { (uint8_t)n, (uint8_t)(n >> 8), 1 };
	struct ub_note x = note(impi, rand, cause);

	ub_history_add(h, &x);
}

/* A challenge and its answer are one run; the HSS that was heard stays; the domain's case does not matter */
START_TEST(halves)
{
	struct ub_past p[UB_HISTORY_RUNS];
	uint8_t rand[16] = { 7 };
	struct ub_note n = note("a@b.example", rand, CAUSE_ub_challenged);

	n.hss = "hss.example";
	n.step = "challenge";
	ub_history_add(h, &n);
	ck_assert_uint_eq(ub_history_of(h, "a@B.example", p), 1);
	ck_assert(p[0].cause == CAUSE_ub_challenged && !strcmp(p[0].hss, "hss.example"));
	n = note("a@b.example", rand, CAUSE_ub_response);
	ub_history_add(h, &n);
	n = note("a@b.example", NULL, CAUSE_zh_timeout);
	ub_history_add(h, &n);
	ub_history_add(h, &n);
	ck_assert_uint_eq(ub_history_of(h, "a@b.example", p), 3);
	ck_assert(p[0].cause == CAUSE_zh_timeout && !p[0].has_rand && !strcmp(p[0].hss, "-"));
	ck_assert(p[2].cause == CAUSE_ub_response && p[2].has_rand && !memcmp(p[2].rand, rand, 16));
	ck_assert_str_eq(p[2].step, "answer");
	ck_assert_str_eq(p[2].hss, "hss.example");
	ck_assert_str_eq(p[2].device, "phone/1.0");
	ck_assert_int_eq(p[2].variant, GBA_VARIANT_U);
	ck_assert_int_eq(p[2].at_s, 1000);
	ck_assert_uint_eq(ub_history_of(h, "A@b.example", p), 0); /* the user's case does */
}
END_TEST

/* The last 16, the newest first */
START_TEST(ring)
{
	struct ub_past p[UB_HISTORY_RUNS];

	for (unsigned i = 0; i < 100; i++) {
		add("a@b.example", i, CAUSE_ub_ok);
		ck_assert_uint_eq(ub_history_of(h, "a@b.example", p), i < 15 ? i + 1 : 16);
		ck_assert_uint_eq(p[0].rand[0], i);
	}
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(p[i].rand[0], 99 - i);
}
END_TEST

/* More subscribers than there is room for: what is told of each is his own, and the latest are there */
START_TEST(many)
{
	struct ub_past p[UB_HISTORY_RUNS];
	unsigned there = 0;
	char impi[40];

	for (unsigned i = 0; i < 30000; i++) {
		snprintf(impi, sizeof(impi), "u%u@b.example", i);
		add(impi, i, CAUSE_ub_ok);
	}
	for (unsigned i = 0; i < 30000; i++) {
		size_t n;

		snprintf(impi, sizeof(impi), "u%u@b.example", i);
		n = ub_history_of(h, impi, p);
		ck_assert_uint_le(n, 1);
		ck_assert(!n || (p[0].rand[0] == (i & 255) && p[0].rand[1] == i >> 8));
		ck_assert(n || i < 29000);
		there += n;
	}
	ck_assert_uint_le(there, 8192);
	ck_assert_uint_ge(there, 8000);
}
END_TEST

/* By cause: the last one, with a word for the subscriber; successes are none. What fails before it is known whose it is, too */
START_TEST(causes)
{
	char sub[PSEUDONYM_LEN + 1], want[PSEUDONYM_LEN + 1];
	struct ub_past p;

	add("a@b.example", 1, CAUSE_ub_ok);
	add("a@b.example", 1, CAUSE_ub_challenged);
	ck_assert(!ub_history_cause(h, CAUSE_ub_ok, &p, sub) && !ub_history_cause(h, CAUSE_ub_challenged, &p, sub));
	add("a@b.example", 2, CAUSE_ub_mac_context);
	add("c@b.example", 3, CAUSE_ub_mac_context);
	ck_assert(ub_history_cause(h, CAUSE_ub_mac_context, &p, sub));
	pseudonym(want, "c@b.example");
	ck_assert_str_eq(sub, want);
	ck_assert_uint_eq(p.rand[0], 3);
	add("", 4, CAUSE_ub_syntax);
	ck_assert(ub_history_cause(h, CAUSE_ub_syntax, &p, sub));
	ck_assert_str_eq(sub, "-");
}
END_TEST

/* By device: counted, bounded, and nothing a terminal would obey */
START_TEST(devices)
{
	static const struct {
		const char *agent, *token;
	} rows[] = {
		{ "GBA-service; 0.1; 3gpp-gba-uicc", "GBA-service" },
		{ "Dalvik/2.1.0 (Linux; U)", "Dalvik/2.1.0" },
		{ "", "-" },
		{ " x", "-" },
		{ "a\x1b[2J", "a" },
		{ "\xc3\xa4", "-" },
		{ "0123456789012345678901234567", "01234567890123456789012" },
	};
	struct ub_device d[UB_HISTORY_DEVICES];
	size_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ub_note x = note("", NULL, i % 2 ? CAUSE_ub_response : CAUSE_ub_ok);
		bool found = false;

		x.agent = span_str(rows[i].agent);
		ub_history_add(h, &x);
		n = ub_history_devices(h, d);
		for (size_t k = 0; k < n; k++)
			found |= !strcmp(d[k].device, rows[i].token);
		ck_assert_msg(found, "row %zu", i);
	}
	for (unsigned i = 0; i < 1000; i++) {
		struct ub_note x = note("", NULL, CAUSE_ub_response);
		char agent[20];

		snprintf(agent, sizeof(agent), "flood%u", i);
		x.agent = span_str(agent);
		ub_history_add(h, &x);
		x.agent = span_str("steady");
		ub_history_add(h, &x);
	}
	n = ub_history_devices(h, d);
	ck_assert_uint_eq(n, UB_HISTORY_DEVICES);
	for (size_t k = 0; k < n; k++) {
		if (!strcmp(d[k].device, "steady"))
			ck_assert(d[k].requests == 1000 && d[k].failures == 1000 &&
				  d[k].last.cause == CAUSE_ub_response);
	}
}
END_TEST

/* Names of HSSs beyond what there is room for are not told; the others stay */
START_TEST(names)
{
	struct ub_past p[UB_HISTORY_RUNS];
	uint8_t rand[16] = { 0 };

	for (unsigned i = 0; i < 40; i++) {
		struct ub_note x = note("a@b.example", rand, CAUSE_ub_challenged);
		char name[20];

		rand[0] = (uint8_t)i;
		snprintf(name, sizeof(name), "hss%u.example", i);
		x.hss = name;
		ub_history_add(h, &x);
		ck_assert_uint_ge(ub_history_of(h, "a@b.example", p), 1);
		ck_assert_str_eq(p[0].hss, i < 32 ? name : "-");
	}
}
END_TEST

START_TEST(traces)
{
	char impi[20];

	ck_assert(!ub_history_traced(h, "a@b.example"));
	ck_assert_int_eq(ub_history_trace(h, "a@b.example", 60), 0);
	ck_assert(ub_history_traced(h, "a@B.example") && !ub_history_traced(h, "c@b.example"));
	for (unsigned i = 1; i < UB_HISTORY_TRACES; i++) {
		snprintf(impi, sizeof(impi), "u%u@b.example", i);
		ck_assert_int_eq(ub_history_trace(h, impi, 60), 0);
	}
	ck_assert_int_eq(ub_history_trace(h, "one-more@b.example", 60), -ENOSPC);
	ck_assert_int_eq(ub_history_trace(h, "a@b.example", 60), 0); /* again is no other one */
	ck_assert_int_eq(ub_history_trace(h, "a@b.example", 0), 0);
	ck_assert(!ub_history_traced(h, "a@b.example") && ub_history_traced(h, "u1@b.example"));
	ck_assert_int_eq(ub_history_trace(h, "one-more@b.example", 1), 0);
	while (ub_history_traced(h, "one-more@b.example"))
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}
END_TEST

static void *busy(void *data)
{
	unsigned at = *(unsigned *)data;
	struct ub_past p[UB_HISTORY_RUNS];
	char impi[20];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(impi, sizeof(impi), "u%u@b.example", i % 7);
		add(impi, at + i, i % 3 ? CAUSE_ub_ok : CAUSE_ub_response);
		ck_assert_uint_le(ub_history_of(h, impi, p), UB_HISTORY_RUNS);
	}
	return NULL;
}

START_TEST(threads)
{
	unsigned at[3] = { 0, 10000, 20000 };
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, busy, &at[i]);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}
END_TEST

SUITE_WITH_FIXTURE("ub_history", setup, teardown, halves, ring, many, causes, devices, names, traces, threads)
