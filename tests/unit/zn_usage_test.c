/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which application got a key: once a session and stretch of time, in order, each once, and what could not be kept is counted. */
#include <stdio.h>
#include "bsf/zn/given.h"
#include "bsf/zn/usage.h"
#include "tests/unit/suite.h"

static void begin(void)
{
	ck_assert_int_eq(zn_usage_init(), 0);
	ck_assert_int_eq(zn_given_init(), 0);
}

static void end(void)
{
	zn_usage_free();
	zn_given_free();
}

START_TEST(each_is_read_once_and_in_order)
{
	struct zn_use use[4];
	uint64_t behind = 0, lost;

	ck_assert_uint_eq(strlen(zn_usage_boot()), ZN_USAGE_BOOT);
	ck_assert_uint_eq(zn_usage_read(use, 4, &behind, &lost), 0);
	for (int i = 0; i < 6; i++) {
		char naf[32];

		snprintf(naf, sizeof(naf), "n%d.example.com", i);
		zn_usage_note("a@example.com", naf, 1000, 2000 + i);
	}
	ck_assert_uint_eq(zn_usage_read(use, 4, &behind, &lost), 4);
	ck_assert_uint_eq(behind, 4);
	ck_assert_str_eq(use[3].naf, "n3.example.com");
	ck_assert_str_eq(use[3].impi, "a@example.com");
	ck_assert_int_eq(use[3].bootstrapped_s, 1000);
	ck_assert_int_eq(use[3].at_s, 2003);
	ck_assert_uint_eq(zn_usage_read(use, 4, &behind, &lost), 2);
	ck_assert_str_eq(use[0].naf, "n4.example.com");
	ck_assert_uint_eq(zn_usage_read(use, 4, &behind, &lost), 0);
	ck_assert_uint_eq(behind, 6);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(what_is_overwritten_is_counted)
{
	struct zn_use use[1];
	uint64_t behind = 0, lost;

	for (int i = 0; i < ZN_USAGE_MAX + 10; i++)
		zn_usage_note("a@example.com", "n.example.com", 1, i < 10 ? 5 : 6);
	ck_assert_uint_eq(zn_usage_read(use, 1, &behind, &lost), 1);
	ck_assert_uint_eq(lost, 10);
	ck_assert_int_eq(use[0].at_s, 6);
	ck_assert_uint_eq(behind, 11);
	ck_assert_uint_eq(zn_usage_read(use, 1, &behind, &lost), 1);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(nothing_stays_longer_than_a_day)
{
	struct zn_use use[4];
	uint64_t behind = 0, lost;

	zn_usage_note("a@example.com", "n.example.com", 1, 10);
	zn_usage_note("a@example.com", "n.example.com", 1, 11 + ZN_USAGE_KEPT_S);
	ck_assert_uint_eq(zn_usage_read(use, 4, &behind, &lost), 1);
	ck_assert_uint_eq(lost, 1);
	ck_assert_uint_eq(behind, 2);
}
END_TEST

START_TEST(a_key_fetched_again_soon_is_no_other_use)
{
	struct btid one = { .rand = { 1 }, .domain = "bsf.example.com" },
		    two = { .rand = { 2 }, .domain = "bsf.example.com" };
	int64_t at = 10 * ZN_GIVEN_SLOT_S;

	ck_assert(zn_given_note(zn_given_who("a@example.com"), &one, "n.example.com", at));
	ck_assert(!zn_given_note(zn_given_who("a@example.com"), &one, "n.example.com", at + ZN_GIVEN_SLOT_S - 1));
	ck_assert(zn_given_note(zn_given_who("a@example.com"), &one, "m.example.com", at));
	ck_assert(zn_given_note(zn_given_who("a@example.com"), &one, "n.example.com", at + ZN_GIVEN_SLOT_S));
	ck_assert(zn_given_note(zn_given_who("a@example.com"), &two, "n.example.com", at + ZN_GIVEN_SLOT_S));
}
END_TEST

SUITE_WITH_FIXTURE("zn_usage", begin, end, each_is_read_once_and_in_order, what_is_overwritten_is_counted,
		   nothing_stays_longer_than_a_day, a_key_fetched_again_soon_is_no_other_use)
