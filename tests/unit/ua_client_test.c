/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the device decides on Ua. Whole exchanges are in tests/e2e/t_ue.py. */
#include <errno.h>

#include "tests/unit/suite.h"
#include "ue/lib/http_url.h"
#include "ue/tool/ua_client.h"

/* The host named in the realm must be the one the device talks to, else one NAF gets answers for another. */
START_TEST(realms)
{
	static const struct {
		const char *offered, *host;
		int rc;
		const char *taken;
	} cases[] = {
		{ "3GPP-bootstrapping@naf1.example.com", "naf1.example.com", 0, "3GPP-bootstrapping@naf1.example.com" },
		{ "3gpp-Bootstrapping@NAF1.example.com", "naf1.example.com", 0, "3gpp-Bootstrapping@NAF1.example.com" },
		{ "3GPP-bootstrapping-uicc@h;3GPP-bootstrapping@h", "h", 0, "3GPP-bootstrapping@h" },
		{ "3GPP-bootstrapping@h; 3GPP-bootstrapping-uicc@h", "h", 0, "3GPP-bootstrapping@h" },
		{ "3GPP-bootstrapping@a;3GPP-bootstrapping@b", "b", 0, "3GPP-bootstrapping@b" },
		{ "3GPP-bootstrapping@other.example.com", "naf1.example.com", -EPERM, NULL },
		{ "3GPP-bootstrapping@naf1.example.com.evil", "naf1.example.com", -EPERM, NULL },
		{ "3GPP-bootstrapping@naf1.example.co", "naf1.example.com", -EPERM, NULL },
		{ "3GPP-bootstrapping@xnaf1.example.com", "naf1.example.com", -EPERM, NULL },
		{ "3GPP-bootstrapping-uicc@h", "h", -ENOENT, NULL },
		{ "3GPP-bootstrapping-digest@h", "h", -ENOENT, NULL },
		{ "3GPP-bootstrapping@", "h", -ENOENT, NULL },
		{ "private", "h", -ENOENT, NULL },
		{ "", "h", -ENOENT, NULL },
		{ ";;", "h", -ENOENT, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span out = { 0 };

		ck_assert_msg(ua_realm_choose(&out, span_str(cases[i].offered), cases[i].host) == cases[i].rc,
			      "case %zu", i);
		if (cases[i].taken)
			ck_assert_msg(span_eq(out, span_str(cases[i].taken)), "case %zu", i);
		else
			ck_assert_ptr_null(out.p);
	}
}
END_TEST

/* 220-4.4.8-12, 220-4.5.2-3, 220-4.5.3-5: a new key on a renegotiation, once, and not for a stale nonce */
START_TEST(decisions)
{
	static const struct {
		bool answered, stale, fresh;
		enum ua_next want;
	} cases[] = {
		{ false, false, false, UA_ANSWER }, { false, true, false, UA_ANSWER },
		{ true, true, false, UA_ANSWER },   { true, true, true, UA_ANSWER },
		{ true, false, false, UA_RENEW },   { true, false, true, UA_GIVE_UP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(ua_decide(cases[i].answered, cases[i].stale, cases[i].fresh) == cases[i].want, "case %zu",
			      i);
}
END_TEST

START_TEST(urls)
{
	static const struct {
		const char *url;
		int rc;
		const char *host, *target;
	} cases[] = {
		{ "http://NAF1.example.com", 0, "naf1.example.com", "/" },
		{ "http://naf1.example.com:8080/a/b?x=1&y=%20#frag", 0, "naf1.example.com", "/a/b?x=1&y=%20" },
		{ "http://h/?", 0, "h", "/?" },
		{ "http://h/a/../b#f", 0, "h", "/b" },
		{ "http://h/\xc3\xa4", -EINVAL, NULL, NULL },
		{ "http://h/?q=\xc3\xa4", -EINVAL, NULL, NULL },
		{ "http://h/?q=\"", -EINVAL, NULL, NULL },
		{ "http://h/a b", -EINVAL, NULL, NULL },
		{ "http://user:pw@h/", -EINVAL, NULL, NULL },
		{ "http://user@h/", -EINVAL, NULL, NULL },
		{ "https://h/", -EPROTONOSUPPORT, NULL, NULL }, /* Ub; of a page: below */
		{ "file:///etc/passwd", -EPROTONOSUPPORT, NULL, NULL },
		{ "http://", -EINVAL, NULL, NULL },
		{ "h", -EINVAL, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *host = NULL, *target = NULL;
		struct err err = { "" };
		int rc = http_url_split(cases[i].url, &host, &target, &err);

		ck_assert_msg(rc == cases[i].rc, "case %zu: %d %s", i, rc, err.text);
		ck_assert_msg(!strstr(err.text, "pw@"), "%s", err.text);
		if (rc == 0) {
			ck_assert_str_eq(host, cases[i].host);
			ck_assert_str_eq(target, cases[i].target);
		}
		free(host);
		free(target);
	}
}
END_TEST

START_TEST(urls_with_tls)
{
	static const struct {
		const char *url;
		int rc;
		bool https;
	} cases[] = { { "https://H.example:8443/a?b", 0, true },
		      { "http://H.example:8443/a?b", 0, false },
		      { "https://user@H.example/", -EINVAL, false },
		      { "ftp://H.example/", -EPROTONOSUPPORT, false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *host = NULL, *target = NULL;
		struct err err = { "" };
		bool https = false;

		ck_assert_int_eq(http_url_split_tls(cases[i].url, &https, &host, &target, &err), cases[i].rc);
		if (cases[i].rc == 0) {
			ck_assert_int_eq(https, cases[i].https);
			ck_assert_str_eq(host, "h.example");
			ck_assert_str_eq(target, "/a?b");
		}
		free(host);
		free(target);
	}
}
END_TEST

START_TEST(connect_to)
{
	static const char *const good[] = { "h:80:127.0.0.1:8080", "naf1.example.com:80:[::1]:81",
					    ":::", "h::127.0.0.1:", "a-b_c:65535:x.y:1" };
	static const char *const bad[] = { "",
					   "h",
					   "h:80",
					   "h:80:127.0.0.1",
					   "h:80:::1:80",
					   "h:0:a:1",
					   "h:65536:a:1",
					   "h:80:a:1:2",
					   "h:80:a:1 ",
					   " h:80:a:1",
					   "h:x:a:1",
					   "h:80:[::1:80",
					   "http://h:80:a:1",
					   "h:80:a:000001" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(http_url_connect_to(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!http_url_connect_to(bad[i]), "%s", bad[i]);
}
END_TEST

SUITE("ua_client", realms, decisions, urls, urls_with_tls, connect_to)
