/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Targets of requests: each part decoded once, after it was cut out. */
#include <errno.h>
#include <string.h>
#include "reg/api_target.h"
#include "tests/unit/suite.h"

static struct api_target t;

START_TEST(parts)
{
	ck_assert_int_eq(api_target_parse(&t, "/a/b%2Fc/%41?x=1%262&y=a+b&z&=e"), 0);
	ck_assert_uint_eq(t.n, 3);
	ck_assert_str_eq(t.segment[0], "a");
	ck_assert_str_eq(t.segment[1], "b/c");
	ck_assert_str_eq(t.segment[2], "A");
	ck_assert_uint_eq(t.n_pairs, 4);
	ck_assert_str_eq(t.pair[0].value, "1&2");
	ck_assert_str_eq(t.pair[1].value, "a+b");
	ck_assert_str_eq(t.pair[2].name, "z");
	ck_assert_str_eq(t.pair[2].value, "");
	ck_assert_str_eq(t.pair[3].name, "");
	ck_assert_int_eq(api_target_parse(&t, "/"), 0);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(t.segment[0], "");
	ck_assert_int_eq(api_target_parse(&t, "/%2525"), 0);
	ck_assert_str_eq(t.segment[0], "%25");
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *raw;
		int rc;
	} rows[] = {
		{ "", -EBADMSG },
		{ "a", -EBADMSG },
		{ "*", -EBADMSG },
		{ "https://a/b", -EBADMSG },
		{ "/%", -EBADMSG },
		{ "/%4", -EBADMSG },
		{ "/%4g", -EBADMSG },
		{ "/%00", -EBADMSG },
		{ "/%0a", -EBADMSG },
		{ "/\x7f", -EBADMSG },
		{ "/a?b=%", -EBADMSG },
		{ "/a?%1f=1", -EBADMSG },
		{ "/a#b", -EBADMSG },
		{ "/1/2/3/4/5/6/7/8/9", -E2BIG },
		{ "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17", -E2BIG },
	};
	char longest[API_TARGET_MAX + 2];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(api_target_parse(&t, rows[i].raw) == rows[i].rc, "row %zu: %s", i, rows[i].raw);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[API_TARGET_MAX + 1] = '\0';
	ck_assert_int_eq(api_target_parse(&t, longest), -E2BIG);
	longest[API_TARGET_MAX] = '\0';
	ck_assert_int_eq(api_target_parse(&t, longest), 0);
}
END_TEST

SUITE("api_target", parts, refused)
