/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Fault switches: whom they hit, in which order, how often. */
#include <errno.h>

#include "hss-sim/fault.h"
#include "tests/unit/suite.h"

static struct faults t;

static void set(const char *who, enum fault_kind kind, uint32_t value, unsigned times)
{
	struct fault f = { .kind = kind, .value = value, .times = times };

	strcpy(f.who, who);
	ck_assert_int_eq(fault_set(&t, &f), 0);
}

static void expect(const char *impi, uint32_t delay_s, bool no_answer, uint32_t result)
{
	struct fault_effect e = fault_take(&t, impi);

	ck_assert_uint_eq(e.delay_s, delay_s);
	ck_assert_int_eq(e.no_answer, no_answer);
	ck_assert_uint_eq(e.result, result);
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
	struct fault f = { .kind = FAULT_NO_ANSWER };

	for (int i = 0; i < FAULTS_MAX; i++) {
		snprintf(f.who, sizeof(f.who), "%d@x", i);
		ck_assert_int_eq(fault_set(&t, &f), 0);
	}
	ck_assert_int_eq(fault_set(&t, &f), 0); /* there already */
	strcpy(f.who, "one@more");
	ck_assert_int_eq(fault_set(&t, &f), -ENOSPC);
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
	struct fault_effect e;

	memset(&t, 0, sizeof(t));
	ck_assert_int_eq(fault_set(&t, &(struct fault){ "1@x.org", FAULT_WRONG_MAC, 0, 1 }), 0);
	ck_assert_int_eq(fault_set(&t, &(struct fault){ "1@x.org", FAULT_XRES_LENGTH, 3, 2 }), 0); /* in its place */
	ck_assert_int_eq(fault_set(&t, &(struct fault){ "all", FAULT_NO_GUSS, 0, 0 }), 0);
	ck_assert_int_eq(fault_set(&t, &(struct fault){ "1@x.org", FAULT_RESULT, 3004, 1 }), 0);
	e = fault_take(&t, "1@x.org");
	ck_assert(e.result == 3004 && !e.vector && !e.no_guss);
	for (int i = 0; i < 2; i++) {
		e = fault_take(&t, "1@x.org");
		ck_assert(e.vector == FAULT_XRES_LENGTH && e.xres_len == 3 && e.no_guss);
		ck_assert_str_eq(fault_effect_name(&e), "xres-length");
	}
	e = fault_take(&t, "1@x.org");
	ck_assert(!e.vector && e.no_guss);
	ck_assert_str_eq(fault_effect_name(&e), "no-guss");
	ck_assert_uint_eq(fault_clear(&t, "all"), 1);
	e = fault_take(&t, "1@x.org");
	ck_assert_ptr_null(fault_effect_name(&e));
}
END_TEST

SUITE("fault", spoilt_vectors, own_before_all, counted, delay_and_outcome_together, replaced_and_cleared, bounded,
      experimental_codes)
