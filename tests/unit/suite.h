/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file suite.h
 *  What the tests share: octets written as hex, and the frame of a test program. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/base/secret.h"

/*! Octets of a hex text of known length. */
static inline void octets_of(uint8_t *out, size_t len, const char *hex)
{
	ck_assert_int_eq(hex_decode(out, len, hex, strlen(hex)), (int)len);
}

static inline struct secret secret_of(const char *hex)
{
	struct secret s = { 0 };
	uint8_t b[SECRET_MAX];
	int n = hex_decode(b, sizeof(b), hex, strlen(hex));

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(secret_set(&s, b, (size_t)n), 0);
	return s;
}

#define ck_assert_octets(got, hex) \
	do { \
		uint8_t want_[64]; \
		octets_of(want_, strlen(hex) / 2, hex); \
		ck_assert_mem_eq(got, want_, strlen(hex) / 2); \
	} while (0)

#define ck_assert_secret(got, hex) \
	do { \
		struct secret want_ = secret_of(hex); \
		ck_assert(secret_equal(&(got), &want_)); \
	} while (0)

#define SUITE_TIMEOUT_S 120 /* what takes longer hangs */

/*! Run the tests of one or more cases; takes them. \returns the exit status of the program */
static inline int suite_run_cases(const char *name, TCase *const *cases, size_t n)
{
	Suite *s = suite_create(name);
	SRunner *r = srunner_create(s);
	int failed;

	for (size_t i = 0; i < n; i++) {
		tcase_set_timeout(cases[i], SUITE_TIMEOUT_S);
		suite_add_tcase(s, cases[i]);
	}
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

/*! The same for tests that run once, each between setup and teardown (NULL: none). */
static inline int suite_run(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests,
			    size_t n)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(t, tests[i]);
	return suite_run_cases(name, &t, 1);
}

#define SUITE_WITH_FIXTURE(name, setup, teardown, ...) \
	int main(void) \
	{ \
		const TTest *const tests[] = { __VA_ARGS__ }; \
\
		return suite_run(name, setup, teardown, tests, sizeof(tests) / sizeof(tests[0])); \
	}

#define SUITE(name, ...) SUITE_WITH_FIXTURE(name, NULL, NULL, __VA_ARGS__)
