/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an SLF said is kept for whom and as long as it said, and for no more users than there is room. */
#include <stdio.h>
#include "bsf/vectors/redirects.h"
#include "tests/unit/suite.h"

#define SLF   7u
#define OTHER 8u

static struct redirects *r;

static void open_one(void)
{
	r = redirects_new();
	ck_assert(r);
}

static void close_one(void)
{
	redirects_free(r);
}

static void said(uint32_t from, const char *impi, const char *host, uint32_t usage, uint32_t s, uint64_t now)
{
	struct zh_redirect z = { .n = 1, .usage = usage, .cache_s = s };

	snprintf(z.hosts[0], sizeof(z.hosts[0]), "%s", host);
	redirects_put(r, from, impi, &z, now);
}

static const char *kept(uint32_t from, const char *impi, uint64_t now)
{
	const struct zh_redirect *z = redirects_get(r, from, impi, now);

	return z ? z->hosts[0] : "-";
}

START_TEST(of_one_user)
{
	said(SLF, "a@x", "hss1", ZH_REDIRECT_USER, 10, 1000);
	ck_assert_str_eq(kept(SLF, "a@x", 10999), "hss1");
	ck_assert_str_eq(kept(SLF, "A@X", 10999), "hss1");
	ck_assert_str_eq(kept(SLF, "b@x", 1000), "-");
	ck_assert_str_eq(kept(OTHER, "a@x", 1000), "-");
	ck_assert_str_eq(kept(SLF, "a@x", 11000), "-");
	ck_assert_str_eq(kept(SLF, "a@x", 1000), "-"); /* gone */
}
END_TEST

START_TEST(of_all)
{
	for (uint32_t usage = ZH_REDIRECT_REALM; usage <= ZH_REDIRECT_HOST; usage++) {
		said(SLF, "a@x", "hss1", usage, 10, 1000 * usage);
		ck_assert_str_eq(kept(SLF, "b@x", 1000 * usage + 9999), "hss1");
		ck_assert_str_eq(kept(OTHER, "b@x", 1000 * usage), "-");
		redirects_forget(r, SLF, "c@x");
		ck_assert_str_eq(kept(SLF, "b@x", 1000 * usage), "-");
	}
	said(SLF, "a@x", "hss1", ZH_REDIRECT_REALM, 10, 0);
	said(SLF, "a@x", "hss2", ZH_REDIRECT_USER, 10, 0);
	ck_assert_str_eq(kept(SLF, "a@x", 1), "hss2"); /* its own goes before */
	ck_assert_str_eq(kept(SLF, "b@x", 1), "hss1");
	redirects_forget(r, SLF, "a@x");
	ck_assert_str_eq(kept(SLF, "a@x", 1), "hss1");
}
END_TEST

START_TEST(of_nobody)
{
	said(SLF, "a@x", "hss1", ZH_REDIRECT_ONCE, 10, 0);
	said(SLF, "a@x", "hss1", ZH_REDIRECT_SESSION, 10, 0);
	said(SLF, "a@x", "hss1", 7, 10, 0);
	said(SLF, "a@x", "hss1", ZH_REDIRECT_USER, 0, 0);
	ck_assert_str_eq(kept(SLF, "a@x", 0), "-");
	redirects_forget(r, SLF, "a@x");
	redirects_forget(NULL, SLF, "a@x");
}
END_TEST

START_TEST(at_most_an_hour)
{
	said(SLF, "a@x", "hss1", ZH_REDIRECT_USER, UINT32_MAX, 0);
	ck_assert_str_eq(kept(SLF, "a@x", 3599999), "hss1");
	ck_assert_str_eq(kept(SLF, "a@x", 3600000), "-");
}
END_TEST

START_TEST(bounded)
{
	char impi[64], host[64];
	unsigned there = 0;

	for (unsigned i = 0; i < 20 * REDIRECTS_USERS; i++) {
		snprintf(impi, sizeof(impi), "%u@x", i);
		said(SLF, impi, i % 2 ? "hss1" : "hss2", ZH_REDIRECT_USER, 60, i);
		ck_assert_str_eq(kept(SLF, impi, i), i % 2 ? "hss1" : "hss2");
	}
	for (unsigned i = 0; i < 20 * REDIRECTS_USERS; i++) {
		snprintf(impi, sizeof(impi), "%u@x", i);
		there += strcmp(kept(SLF, impi, 20 * REDIRECTS_USERS), "-") != 0;
	}
	ck_assert_uint_le(there, REDIRECTS_USERS);
	ck_assert_uint_ge(there, REDIRECTS_USERS / 2);
	/* more names than there is room for: what finds none is not kept, and nothing else goes wrong */
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(impi, sizeof(impi), "%u@y", i);
		snprintf(host, sizeof(host), "hss%u", i);
		said(OTHER, impi, host, ZH_REDIRECT_USER, 60, 90000);
		ck_assert(strcmp(kept(OTHER, impi, 90000), host) == 0 || strcmp(kept(OTHER, impi, 90000), "-") == 0);
	}
}
END_TEST

SUITE_WITH_FIXTURE("redirects", open_one, close_one, of_one_user, of_all, of_nobody, at_most_an_hour, bounded)
