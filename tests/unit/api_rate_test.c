/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Buckets: so many at once, so many a second, and who was not seen longest goes. */
#include "reg/api_rate.h"
#include "tests/unit/suite.h"

#define S 1000000

START_TEST(rate)
{
	struct api_rates *r = api_rates_new();
	uint64_t now = 5 * S;

	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(api_rate_take(r, 7, 10, now), 0);
	ck_assert_uint_ge(api_rate_take(r, 7, 10, now), 1);
	ck_assert_uint_eq(api_rate_take(r, 8, 10, now), 0);
	ck_assert_uint_eq(api_rate_take(r, 7, 10, now + S / 10), 0);
	ck_assert_uint_ge(api_rate_take(r, 7, 10, now + S / 10), 1);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(api_rate_take(r, 7, 10, now + 60 * S), 0);
	ck_assert_uint_ge(api_rate_take(r, 7, 10, now + 60 * S), 1);
	api_rates_free(r);
}
END_TEST

/* A hundred lines at ten a second: nothing more for ten seconds. */
START_TEST(lines)
{
	struct api_rates *r = api_rates_new();

	ck_assert_uint_eq(api_rate_take(r, 7, 10, S), 0);
	api_rate_charge(r, 7, 10, 99);
	ck_assert_uint_eq(api_rate_take(r, 7, 10, S), 10);
	ck_assert_uint_ge(api_rate_take(r, 7, 10, 10 * S - S / 10), 1);
	ck_assert_uint_eq(api_rate_take(r, 7, 10, 10 * S + S / 10), 0);
	api_rate_charge(r, 8, 10, 99); /* nobody */
	ck_assert(!api_rate_known(r, 8));
	api_rates_free(r);
}
END_TEST

START_TEST(places)
{
	struct api_rates *r = api_rates_new();

	for (uint64_t i = 0; i < 4; i++)
		api_rate_learn(r, i << 32, S + i);
	api_rate_take(r, 0, 10, 2 * S); /* seen again */
	api_rate_learn(r, UINT64_C(9) << 32, 2 * S);
	ck_assert(api_rate_known(r, 0) && !api_rate_known(r, UINT64_C(1) << 32) &&
		  api_rate_known(r, UINT64_C(9) << 32));
	api_rate_forget(r, 0);
	ck_assert(!api_rate_known(r, 0));
	api_rates_free(r);
}
END_TEST

SUITE("api_rate", rate, lines, places)
