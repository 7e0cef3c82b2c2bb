/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Fault switches: whom they hit, in which order, how often. */
#include <errno.h>

#include "hss-sim/fault_act.h"
#include "hss-sim/fault_line.h"
#include "tests/unit/suite.h"

static struct faults t;
static uint64_t now = 5000; /* ms */

static int set_for(const char *who, enum fault_kind kind, uint32_t value, unsigned times, uint32_t seconds,
		   int (*put)(struct faults *, const struct fault *, uint64_t))
{
	struct fault f = { .kind = kind, .value = value, .times = times, .seconds = seconds };

	strcpy(f.who, who);
	return put(&t, &f, now);
}

static void set(const char *who, enum fault_kind kind, uint32_t value, unsigned times)
{
	ck_assert_int_eq(set_for(who, kind, value, times, 0, fault_set), 0);
}

static struct fault_effect take(const char *impi)
{
	struct fault_effect e;

	fault_take(&e, &t, impi, now);
	return e;
}

static void expect(const char *impi, uint32_t delay_s, bool no_answer, uint32_t result)
{
	struct fault_effect e = take(impi);
	struct fault_outcome o;
	bool there = fault_outcome(&o, &e);

	ck_assert_uint_eq(fault_delay_ms(&e), delay_s * 1000);
	ck_assert_int_eq(there, no_answer || result);
	ck_assert_uint_eq(o.result.code, result);
}

START_TEST(own_before_all)
{
	set("all", FAULT_RESULT, 3004, 0);
	set("a@b", FAULT_RESULT, 5012, 1);
	expect("a@b", 0, false, 5012);
	expect("a@b", 0, false, 3004); /* its own is used up */
	expect("c@d", 0, false, 3004);
	set("a@b.example", FAULT_RESULT, 5012, 1);
	expect("A@b.example", 0, false, 3004);
	expect("a@B.Example", 0, false, 5012); /* the case of a domain means nothing */
}
END_TEST

START_TEST(counted)
{
	set("all", FAULT_NO_ANSWER, 0, 2);
	expect("a@b", 0, true, 0);
	expect("c@d", 0, true, 0);
	expect("a@b", 0, false, 0);
	ck_assert_uint_eq(t.n, 0); /* gone, so the running configuration does not show it any more */
}
END_TEST

START_TEST(delay_and_outcome_together)
{
	set("a@b", FAULT_DELAY, 3, 1);
	set("a@b", FAULT_RESULT, 5401, 2);
	expect("a@b", 3, false, 5401);
	expect("a@b", 0, false, 5401);
	expect("a@b", 0, false, 0);
}
END_TEST

START_TEST(replaced_and_cleared)
{
	set("a@b", FAULT_DELAY, 3, 0);
	set("a@b", FAULT_DELAY, 4, 0);
	set("a@b", FAULT_RESULT, 5012, 0);
	set("a@b", FAULT_NO_ANSWER, 0, 0); /* one outcome: the later one */
	ck_assert_uint_eq(t.n, 2);
	expect("a@b", 4, true, 0);
	ck_assert_uint_eq(fault_clear(&t, "x@y"), 0);
	ck_assert_uint_eq(fault_clear(&t, "a@b"), 2);
	expect("a@b", 0, false, 0);
}
END_TEST

START_TEST(bounded)
{
	char who[32];

	memset(&t, 0, sizeof(t));
	for (int i = 0; i < FAULTS_MAX; i++) {
		snprintf(who, sizeof(who), "%d@x", i);
		set(who, FAULT_NO_ANSWER, 0, 0);
	}
	set(who, FAULT_NO_ANSWER, 0, 0); /* there already */
	ck_assert_int_eq(set_for("one@more", FAULT_NO_ANSWER, 0, 0, 0, fault_set), -ENOSPC);
	ck_assert_int_eq(set_for("one@more", FAULT_NO_ANSWER, 0, 0, 0, fault_add), -ENOSPC);
	ck_assert_uint_eq(fault_clear(&t, NULL), FAULTS_MAX);
}
END_TEST

START_TEST(experimental_codes)
{
	ck_assert(fault_result_experimental(5401));
	ck_assert(fault_result_experimental(2409));
	ck_assert(!fault_result_experimental(5012));
	ck_assert(!fault_result_experimental(2001));
	ck_assert(!fault_result_experimental(5410));
}
END_TEST

/* wrong vectors and no GUSS: a sort of their own each, and none is used up by a request that gives no vector */
START_TEST(spoilt_vectors)
{
	char names[FAULT_NAMES_MAX];
	struct fault_effect e;

	memset(&t, 0, sizeof(t));
	set("1@x.org", FAULT_WRONG_MAC, 0, 1);
	set("1@x.org", FAULT_XRES_LENGTH, 3, 2); /* in its place */
	set("all", FAULT_NO_GUSS, 0, 0);
	set("1@x.org", FAULT_BUSY, 0, 1);
	e = take("1@x.org");
	ck_assert_str_eq(fault_effect_names(&e, names), "busy");
	for (int i = 0; i < 2; i++) {
		e = take("1@x.org");
		ck_assert(fault_is(&e, FAULT_XRES_LENGTH) && e.of[FAULT_SORT_VECTOR].value == 3);
		ck_assert_str_eq(fault_effect_names(&e, names), "xres-length+no-guss");
	}
	e = take("1@x.org");
	ck_assert_str_eq(fault_effect_names(&e, names), "no-guss");
	ck_assert_uint_eq(fault_clear(&t, "all"), 1);
	e = take("1@x.org");
	ck_assert_ptr_null(fault_effect_names(&e, names));
	ck_assert_uint_eq(t.done[FAULT_XRES_LENGTH], 2);
	ck_assert_uint_eq(t.done[FAULT_WRONG_MAC], 0);
}
END_TEST

/* What changes an answer goes with one that an outcome makes, too; a closed connection needs none of it. */
START_TEST(sorts_meet)
{
	struct fault_effect e;

	memset(&t, 0, sizeof(t));
	set("all", FAULT_BUSY, 0, 1);
	set("all", FAULT_DUPLICATE, 2, 2);
	set("all", FAULT_MALFORMED, 0, 1);
	e = take("a@b");
	ck_assert(fault_is(&e, FAULT_BUSY) && fault_is(&e, FAULT_DUPLICATE) && !fault_is(&e, FAULT_MALFORMED));
	set("all", FAULT_DISCONNECT_BEFORE, 0, 1);
	e = take("a@b");
	ck_assert(fault_cuts(&e) && !fault_is(&e, FAULT_DUPLICATE));
	e = take("a@b");
	ck_assert(!fault_cuts(&e) && fault_is(&e, FAULT_DUPLICATE) && fault_is(&e, FAULT_MALFORMED));
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

START_TEST(for_a_time)
{
	struct fault_effect e;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(set_for("all", FAULT_BUSY, 0, 0, 2, fault_set), 0);
	now += 1999;
	ck_assert_uint_eq(fault_seconds_left(&t.f[0], now), 1);
	expect("a@b", 0, false, 3004);
	now += 1;
	e = take("a@b");
	ck_assert(!e.of[FAULT_SORT_OUTCOME].there);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

/* The time of one begins when that before it is over, also when nobody asked meanwhile. */
START_TEST(take_turns)
{
	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(set_for("a@b", FAULT_BUSY, 0, 2, 0, fault_add), 0);
	ck_assert_int_eq(set_for("a@b", FAULT_RESULT, 5012, 0, 3, fault_add), 0);
	ck_assert_int_eq(set_for("a@b", FAULT_RESULT, 5401, 0, 2, fault_add), 0);
	ck_assert_int_eq(set_for("a@b", FAULT_NO_ANSWER, 0, 0, 0, fault_add), 0);
	ck_assert_int_eq(set_for("a@b", FAULT_BUSY, 0, 0, 0, fault_add), -ELOOP);
	now += 60000;
	expect("a@b", 0, false, 3004);
	expect("a@b", 0, false, 3004);
	expect("a@b", 0, false, 5012);
	now += 3000;
	expect("a@b", 0, false, 5401);
	now += 2000;
	expect("a@b", 0, true, 0);
	ck_assert_int_eq(set_for("a@b", FAULT_BUSY, 0, 1, 0, fault_set), 0); /* in the place of all that wait */
	ck_assert_uint_eq(t.n, 1);
}
END_TEST

static int only_a(void *owner, const char *impi)
{
	return strcmp(impi, "a@b.example") == 0 ? 0 : -ENOENT;
}

static const struct {
	const char *text, *said; /* NULL: it is good */
} scenarios[] = {
	{ "", NULL },
	{ "# nothing\n\n  ! either\r\n", NULL },
	{ "subscriber all: wrong-mac\nsubscriber a@b.example: delay 3, times 2, seconds 10\r\n", NULL },
	{ "subscriber all: redirect a.example,b.example times 1", NULL },
	{ "  # a comment may have as many words as it likes, and more than a line: a b c d e f", NULL },
	{ " , ,\n", "line 1: not understood" },
	{ "subscriber all: malformed no-ck", NULL },
	{ "subscriber all: busy times 1\nsubscriber all: no-answer", NULL },
	{ "\nsubscriber all: busy\nsubscriber all: no-answer", "line 3: no-answer: its turn never comes" },
	{ "subscriber all wrong-mac", "line 1: not understood; allowed: subscriber all|IMPI: BEHAVIOUR" },
	{ "subscribers all: wrong-mac", "line 1: not understood" },
	{ "subscriber all:", "line 1: no behaviour" },
	{ "subscriber all: wrongmac", "line 1: unknown behaviour 'wrongmac'; allowed: delay, no-answer, " },
	{ "subscriber all: delay", "line 1: delay lacks its value: Seconds" },
	{ "subscriber all: delay 0", "line 1: delay '0'; allowed: 1 to 3600" },
	{ "subscriber all: delay 3s", "line 1: delay '3s'; allowed" },
	{ "subscriber all: wrong-mac 3", "line 1: '3' behind wrong-mac; allowed: times N, seconds S" },
	{ "subscriber all: wrong-mac times", "line 1: times ''; allowed: 1 to 1000000" },
	{ "subscriber all: wrong-mac times 0", "line 1: times '0'" },
	{ "subscriber all: wrong-mac times 1 times 2", "line 1: times stands there twice" },
	{ "subscriber all: wrong-mac seconds 9999999999", "line 1: seconds '9999999999'" },
	{ "subscriber all: xres-length 65", "line 1: xres-length '65'; allowed: 0 to 64" },
	{ "subscriber all: malformed", "line 1: malformed lacks its value" },
	{ "subscriber all: malformed ck", "line 1: malformed 'ck'; allowed: no-session, other-session, " },
	{ "subscriber all: origin-host a.example,b.example",
	  "line 1: origin-host 'a.example,b.example'; allowed: a DNS name" },
	{ "subscriber all: redirect a,b,c,d,e", "line 1: redirect 'a,b,c,d,e'; allowed: up to four" },
	{ "subscriber all: redirect a..b", "allowed: up to four DNS names" },
	{ "subscriber x: busy", "line 1: 'x' is no private identity; allowed: all, or user@domain" },
	{ "\n\nsubscriber c@d.example: busy",
	  "line 3: there is no subscriber c@d.example; allowed: all, or one who is there" },
	{ "subscriber all: busy times 1 seconds 2 times 3 seconds 4", "line 1: not understood" },
};

START_TEST(scenario)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const char *said = scenarios[i].said;
		struct err why = { "" };
		int rc = fault_scenario_read(&t, span_str(scenarios[i].text), now, only_a, NULL, &why);

		if (rc != (said ? -EINVAL : 0) || (said && !strstr(why.text, said)))
			ck_abort_msg("%s: %d %s", scenarios[i].text, rc, why.text);
	}
}
END_TEST

/* What is written can be read again: each row of the table by its own words. */
START_TEST(every_row)
{
	static const char *const values[] = { [FAULT_VALUE_NUMBER] = "1000",
					      [FAULT_VALUE_HOST] = "a.example",
					      [FAULT_VALUE_HOSTS] = "a.example,b.example" };

	for (int k = 0; k < FAULT_KINDS; k++) {
		const struct fault_about *a = fault_about((enum fault_kind)k);
		const char *value = a->value == FAULT_VALUE_WORD ? a->words[2] : values[a->value];
		const char *words[2] = { a->name, value };
		struct fault f;
		char buf[16];

		if (a->value == FAULT_VALUE_NUMBER && a->max < 1000)
			words[1] = value = "7";
		ck_assert_int_eq(fault_find_kind(a->name), k);
		ck_assert_int_eq(fault_words_read(&f, "all", words, value ? 2 : 1, NULL), 0);
		ck_assert_str_eq(fault_value_text(&f, buf), value ? value : "");
	}
}
END_TEST

SUITE("fault", spoilt_vectors, own_before_all, counted, delay_and_outcome_together, replaced_and_cleared, bounded,
      experimental_codes, sorts_meet, for_a_time, take_turns, scenario, every_row)
