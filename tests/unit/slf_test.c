/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whom the simulator names as SLF: the closest entry there is (220-4.2.5-2). */
#include <errno.h>
#include <stdio.h>
#include "hss-sim/slf.h"
#include "tests/unit/suite.h"

static struct slf s;

static void open_one(void)
{
	memset(&s, 0, sizeof(s));
}

static const char *named(const char *impi)
{
	static struct zh_redirect r;

	return slf_find(&r, &s, impi) ? r.hosts[0] : "-";
}

START_TEST(closest)
{
	ck_assert_str_eq(named("001010000000001@x"), "-");
	ck_assert_int_eq(slf_add(&s, SLF_ALL, "all.example"), 0);
	ck_assert_int_eq(slf_add(&s, "001010000000001-001010000000009", "range.example"), 0);
	ck_assert_int_eq(slf_add(&s, "001010000000005-001010000000019", "other.example"), 0);
	ck_assert_int_eq(slf_add(&s, "001010000000003@x", "own.example"), 0);
	ck_assert_str_eq(named("001010000000003@X"), "own.example");
	ck_assert_str_eq(named("001010000000001@x"), "range.example");
	ck_assert_str_eq(named("001010000000009@y"), "range.example"); /* the first one that has it */
	ck_assert_str_eq(named("001010000000010@y"), "other.example");
	ck_assert_str_eq(named("001010000000020@y"), "all.example");
	ck_assert_str_eq(named("00101000000001@y"), "all.example"); /* other lengths are other numbers */
	ck_assert_str_eq(named("a@x"), "all.example");
	ck_assert_uint_eq(slf_del(&s, SLF_ALL), 1);
	ck_assert_str_eq(named("a@x"), "-");
	ck_assert_uint_eq(slf_del(&s, SLF_ALL), 0);
}
END_TEST

START_TEST(several_hosts)
{
	struct zh_redirect r;
	char host[16];

	for (int i = 0; i < ZH_REDIRECT_HOSTS; i++) {
		snprintf(host, sizeof(host), "h%d.example", i);
		ck_assert_int_eq(slf_add(&s, "a@x", host), 0);
	}
	ck_assert_int_eq(slf_add(&s, "a@X", "H0.example"), -EEXIST);
	ck_assert_int_eq(slf_add(&s, "a@x", "h9.example"), -E2BIG);
	s.usage = ZH_REDIRECT_USER;
	s.cache_s = 9;
	ck_assert(slf_find(&r, &s, "a@x"));
	ck_assert_uint_eq(r.n, ZH_REDIRECT_HOSTS);
	ck_assert_str_eq(r.hosts[3], "h3.example");
	ck_assert(r.usage == ZH_REDIRECT_USER && r.cache_s == 9);
	ck_assert_uint_eq(slf_del(&s, "A@x"), 0);
	ck_assert_uint_eq(slf_del(&s, "a@X"), ZH_REDIRECT_HOSTS);
}
END_TEST

START_TEST(full)
{
	char who[32];

	for (int i = 0; i < SLF_MAX; i++) {
		snprintf(who, sizeof(who), "%d@x", i);
		ck_assert_int_eq(slf_add(&s, who, "h.example"), 0);
	}
	ck_assert_int_eq(slf_add(&s, "more@x", "h.example"), -ENOSPC);
}
END_TEST

START_TEST(who)
{
	static const char *const good[] = { "all", "a@x", "1-2", "001-001", "001010000000001-001010000000009" };
	static const char *const bad[] = {
		"", "a", "1", "1-", "-1", "2-1", "1-22", "1-2-3", "1234567890123456-1234567890123457", "1-a"
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(slf_who_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!slf_who_valid(bad[i]), "%s", bad[i]);
	for (uint32_t u = 0; slf_usage_name(u); u++)
		ck_assert_int_eq(slf_usage_find(slf_usage_name(u)), (int)u);
	ck_assert_int_eq(slf_usage_find("x"), -ENOENT);
}
END_TEST

SUITE_WITH_FIXTURE("slf", open_one, NULL, closest, several_hosts, full, who)
