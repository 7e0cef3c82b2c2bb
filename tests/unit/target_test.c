/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Digest's uri names the same resource in any percent-coding, and another resource in none. */
#include "common/http/target.h"
#include "tests/unit/suite.h"

enum same { NO, YES, SLASH }; /* SLASH: only where one at the end may be missing */

static const struct {
	const char *a, *b;
	enum same same;
} rows[] = {
	{ "/", "/", YES },
	{ "/page?x=%20", "/page?x=%20", YES },
	/* the same coding, written otherwise */
	{ "/a%2fb", "/a%2Fb", YES },
	{ "/%c3%a9", "/%C3%A9", YES },
	{ "/%7Ealice", "/~alice", YES },
	{ "/%41%2D%5f%2e", "/A-_.", YES },
	{ "/a%20b?c=%22", "/a b?c=\"", YES }, /* a client that signs the decoded form */
	{ "/%C3%A9", "/\xc3\xa9", YES },
	{ "/%00", "/%00", YES },
	/* absolute or not */
	{ "http://h/a%20b", "/a b", YES },
	{ "HTTPS://h/", "/", YES },
	{ "http://h", "/", YES },
	{ "http://h?x", "/?x", YES },
	{ "http://h?x", "http://other:80/?x", YES }, /* whose it is, is another question */
	/* coded delimiters are data */
	{ "/a%2Fb", "/a/b", NO },
	{ "/a%3Fb", "/a?b", NO },
	{ "/a%23b", "/a#b", NO },
	{ "/?a%26b", "/?a&b", NO },
	{ "/?a%3Db", "/?a=b", NO },
	{ "/?a%2Bb", "/?a+b", NO },
	{ "/?a%20b", "/?a+b", NO },
	{ "/a%25", "/a%", NO },
	{ "/%2541", "/%41", NO },
	{ "/%2541", "/A", NO },
	/* no coding at all: the octets stand for themselves */
	{ "/%4", "/%4", YES },
	{ "/%zz", "/%zz", YES },
	{ "/%zz", "/%ZZ", NO },
	{ "/%", "/", NO },
	{ "/%4", "/4", NO },
	/* other resources */
	{ "/a", "/A", NO },
	{ "/a", "/b", NO },
	{ "/a", "/ab", NO },
	{ "/a?", "/a", NO },
	{ "/a?b", "/a?c", NO },
	{ "//a", "/a", NO },
	{ "/a/../b", "/b", NO },
	{ "?x", "/?x", NO },
	{ "", "/", NO },
	{ "ftp://h/", "/", NO },
	{ "http:/h/", "/", NO },
	{ "*", "/", NO },
	/* one slash */
	{ "/page/", "/page", SLASH },
	{ "/page/?x=/", "/page?x=/", SLASH },
	{ "http://h/page/", "/page", SLASH },
	{ "/page//", "/page/", NO },
	{ "/page//", "/page", NO },
	{ "/page%2F", "/page", NO },
	{ "/page?x/", "/page?x", NO },
	{ "//", "/", SLASH },
	{ "http://h/", "http://h", YES },
};

static struct target of(const char *text)
{
	return target_split(span_str(text));
}

START_TEST(same)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct target a = of(rows[i].a), b = of(rows[i].b);

		for (int slash = 0; slash <= 1; slash++) {
			bool want = rows[i].same == YES || (slash && rows[i].same == SLASH);

			ck_assert_msg(target_same(&a, &b, slash) == want, "%s %s %d", rows[i].a, rows[i].b, slash);
			ck_assert_msg(target_same(&b, &a, slash) == want, "%s %s %d", rows[i].b, rows[i].a, slash);
			ck_assert(target_same(&a, &a, slash) && target_same(&b, &b, slash));
		}
	}
}
END_TEST

START_TEST(hosts)
{
	static const struct {
		const char *text, *authority, *path; /* authority NULL: none */
	} forms[] = {
		{ "/a", NULL, "/a" },
		{ "", NULL, "" },
		{ "http:/a", NULL, "http:/a" },
		{ "ftp://h/a", NULL, "ftp://h/a" },
		{ "http://h:8080/a?b", "h:8080", "/a?b" },
		{ "hTTps://user@h", "user@h", "" },
		{ "http://", "", "" },
		{ "http://?a/b", "", "?a/b" },
		{ "http://h\\x/a", "h\\x", "/a" },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct target t = of(forms[i].text);

		ck_assert_msg(span_eq(t.path, span_str(forms[i].path)), "row %zu", i);
		ck_assert_msg(!t.authority.p == !forms[i].authority, "row %zu", i);
		ck_assert(!t.authority.p || span_eq(t.authority, span_str(forms[i].authority)));
	}
}
END_TEST

SUITE("target", same, hosts)
