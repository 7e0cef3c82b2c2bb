/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a server says: WWW-Authenticate, Authentication-Info, product tokens in Server and User-Agent.
 * 220-4.5.2-6, 220-4.5.2-7: unknown product tokens are ignored. */
#include <errno.h>

#include "common/http/auth_info.h"
#include "common/http/auth_param.h"
#include "common/http/challenge_hdr.h"
#include "common/http/product.h"
#include "tests/unit/suite.h"

static const char ub[] =
	"Digest realm=\"bsf.mnc015.mcc234.pub.3gppnetwork.org\", "
	"nonce=\"I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=\", algorithm=AKAv1-MD5, qop=\"auth-int\", "
	"opaque=\"5ccc069c403ebaf9f0171e9517f30e41\"";

static int parse(struct challenge_hdr *out, const char *s)
{
	return challenge_hdr_parse(out, (const uint8_t *)s, strlen(s));
}

static int info_parse(struct auth_info *out, const char *s)
{
	return auth_info_parse(out, (const uint8_t *)s, strlen(s));
}

#define ck_assert_span(got, want) \
	ck_assert_msg(span_eq(got, span_str(want)), "%.*s", (int)(got).len, (const char *)(got).p)

START_TEST(both_ways)
{
	struct challenge_hdr h;
	char text[1024];

	ck_assert_int_eq(parse(&h, ub), 0);
	ck_assert_span(h.realm, "bsf.mnc015.mcc234.pub.3gppnetwork.org");
	ck_assert_span(h.nonce, "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=");
	ck_assert_span(h.algorithm, "AKAv1-MD5");
	ck_assert_span(h.qop, "auth-int");
	ck_assert(!h.stale && !h.domain.p);
	ck_assert_int_eq(challenge_hdr_format(text, sizeof(text), &h), (int)strlen(ub));
	ck_assert_str_eq(text, ub);
	h = (struct challenge_hdr){
		.realm = span_str("r"), .nonce = span_str("n"), .domain = span_str("/a /b"), .stale = true
	};
	ck_assert_int_gt(challenge_hdr_format(text, sizeof(text), &h), 0);
	ck_assert_str_eq(text, "Digest realm=\"r\", domain=\"/a /b\", nonce=\"n\", stale=true");
	ck_assert_int_eq(challenge_hdr_format(text, 10, &h), -ENOSPC);
	h.realm = span_str("r\"");
	ck_assert_int_eq(challenge_hdr_format(text, sizeof(text), &h), -EINVAL);
}
END_TEST

/* an operator's BSF and NAF of 2020 and a published test of a phone */
START_TEST(seen)
{
	struct challenge_hdr h;

	ck_assert_int_eq(parse(&h, "Digest realm=\"bsf.mnc045.mcc123.pub.3gppnetwork.org\" qop=\"auth-int\" "
				   "nonce=\"fve4iTWb1rTb297CzVSrpwx1bsNP9gAAiCivEWFj/Po=\" "
				   "opaque=\"e1809295493786932cb220ec1c6a8630\" algorithm=AKAv1-MD5"),
			 0);
	ck_assert_span(h.nonce, "fve4iTWb1rTb297CzVSrpwx1bsNP9gAAiCivEWFj/Po=");
	ck_assert_span(h.algorithm, "AKAv1-MD5");
	ck_assert_int_eq(
		parse(&h,
		      "Digest realm=\"3GPP-bootstrapping@xcap.ims.mnc045.mcc123.pub.3gppnetwork.org\" qop=\"auth-int\" "
		      "nonce=\"428333b71bea2fdfa74f51de90f9f67d\" opaque=\"f13e397ff5a4e15f19138ab827112c56\" "
		      "algorithm=MD5 domain=\"/\""),
		0);
	ck_assert_span(h.domain, "/");
	ck_assert_int_eq(
		parse(&h, "Digest realm=\"3GPP-bootstrapping-uicc@test.3gpp.com;3GPP-bootstrapping@test.3gpp.com\", "
			  "algorithm=\"MD5-sess\", qop=\"auth-int\", nonce=\"o94M=\", opaque=\"5c\""),
		0);
	ck_assert_span(h.realm, "3GPP-bootstrapping-uicc@test.3gpp.com;3GPP-bootstrapping@test.3gpp.com");
	ck_assert_span(h.algorithm, "MD5-sess");
}
END_TEST

/* a good challenge was lost with an escape that nobody needed */
START_TEST(escapes)
{
	static const char *const rows[][2] = {
		{ "Digest realm=\"a\\@b\", nonce=\"x\\/y\", opaque=\"\\o\"",
		  "Digest realm=\"a@b\", nonce=\"x/y\", opaque=\"o\"" },
		{ "Digest realm=\"a\\\"b\\\\\", nonce=\"\\n\"", "Digest realm=\"a\\\"b\\\\\", nonce=\"n\"" },
		{ "a\\b=\"c\"\\d", "a\\b=\"c\"\\d" }, /* not in quotes */
		{ "a=\"cut\nb=\"\\c\"", "a=\"cut\nb=\"c\"" },
		{ "a=\"\\\nb=\"\\c\"", "a=\"\\\nb=\"c\"" },
		{ "a=\"\\", "a=\"\\" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[100];

		strcpy(text, rows[i][0]);
		auth_unescape(text);
		ck_assert_str_eq(text, rows[i][1]);
	}
	auth_unescape(NULL);
}
END_TEST

START_TEST(among_others)
{
	static const char *const good[] = {
		"Digest realm=\"r\", nonce=\"n\", Basic realm=\"other\"",
		"Basic realm=\"Digest realm=x, nonce=y\", Digest realm=\"r\", nonce=\"n\"",
		"Basic realm=\"a\\\"b\", realm=c, Digest realm=\"r\", nonce=\"n\"",
		"Negotiate, Digest realm=\"r\", nonce=\"n\"",
		"Negotiate ab/cd+ef==, Digest realm=\"r\",nonce=n",
		"NTLM TlRMTVNTUAAB, Digest nonce=\"n\", realm=\"r\", NTLM",
		"Bearer, , Basic realm=\"z\", charset=\"UTF-8\", DIGEST realm = \"r\" , nonce = n",
		"Digest realm=\"r\", nonce=\"n\", Digest realm=\"second\", nonce=\"m\"",
	};
	struct challenge_hdr h;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(parse(&h, good[i]) == 0, "%s", good[i]);
		ck_assert_span(h.realm, "r");
		ck_assert_span(h.nonce, "n");
		challenge_hdr_assert_inside(&h, (const uint8_t *)good[i], strlen(good[i]));
	}
	ck_assert_int_eq(parse(&h, "Digest stale=TRUE"), 0);
	ck_assert(h.stale);
	ck_assert_int_eq(parse(&h, "Digest stale=\"true\", nonce=x"), 0);
	ck_assert(h.stale);
	ck_assert_int_eq(parse(&h, "Digest stale=false"), 0);
	ck_assert(!h.stale);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *text;
		int rc;
	} bad[] = {
		{ "", -ENOTSUP },
		{ " , ", -ENOTSUP },
		{ "Basic realm=\"x\"", -ENOTSUP },
		{ "Negotiate", -ENOTSUP },
		{ "Digest realm=\"x", -EBADMSG },
		{ "Digest realm=\"x\", realm=\"x\"", -EBADMSG },
		{ "Digest realm=\"x\\\"y\"", -EBADMSG },
		{ "Basic realm=\"x, Digest realm=y", -EBADMSG },
		{ "\"", -EBADMSG },
		{ "Digest nonce=\"a\"b", -EBADMSG },
	};
	static char big[CHALLENGE_HDR_MAX + 2];
	struct challenge_hdr h, before;

	memset(&h, 0x55, sizeof(h));
	before = h;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&h, bad[i].text) == bad[i].rc, "%s: %d", bad[i].text, parse(&h, bad[i].text));
	memset(big, ' ', sizeof(big) - 1);
	ck_assert_int_eq(parse(&h, big), -E2BIG);
	ck_assert_mem_eq(&h, &before, sizeof(h));
}
END_TEST

START_TEST(qop_offered)
{
	ck_assert(challenge_offers_qop(span_str("auth-int"), "auth-int"));
	ck_assert(challenge_offers_qop(span_str("auth,auth-int"), "auth-int"));
	ck_assert(challenge_offers_qop(span_str(" Auth-Int ,\tauth"), "auth"));
	ck_assert(!challenge_offers_qop(span_str("auth-int"), "auth"));
	ck_assert(!challenge_offers_qop(span_str("xauth"), "auth"));
	ck_assert(!challenge_offers_qop(span_of(NULL, 0), "auth"));
}
END_TEST

/* 220-I.5.2-8: form of Authentication-Info */
START_TEST(authentication_info)
{
	static const char want[] = "qop=auth-int, rspauth=\"03ecbd85c2396a7d4fe5c615e0901d48\", "
				   "cnonce=\"6629fae49393a05397450978507c4ef1\", nc=00000001";
	struct auth_info h;
	char text[256];

	ck_assert_int_eq(info_parse(&h, want), 0);
	ck_assert_span(h.qop, "auth-int");
	ck_assert_span(h.rspauth, "03ecbd85c2396a7d4fe5c615e0901d48");
	ck_assert_span(h.nc, "00000001");
	ck_assert(!h.nextnonce.p);
	ck_assert_int_eq(auth_info_format(text, sizeof(text), &h), (int)strlen(want));
	ck_assert_str_eq(text, want);
	ck_assert_int_eq(auth_info_format(text, strlen(want), &h), -ENOSPC);
	h.nc = span_str("1, nextnonce=x");
	ck_assert_int_eq(auth_info_format(text, sizeof(text), &h), -EINVAL);
	h = (struct auth_info){ .nextnonce = span_str("n"), .qop = span_str("auth") };
	ck_assert_int_gt(auth_info_format(text, sizeof(text), &h), 0);
	ck_assert_str_eq(text, "qop=auth, nextnonce=\"n\"");
	ck_assert_int_eq(
		info_parse(&h,
			   "qop=auth-int rspauth=\"b8d0\" cnonce=\"468f\" nc=00000001 opaque=\"e180\" nonce=\"fve4=\""),
		0);
	ck_assert_span(h.cnonce, "468f");
	ck_assert_int_eq(info_parse(&h, "NEXTNONCE=x,qop=\"auth\""), 0);
	ck_assert_span(h.nextnonce, "x");
	ck_assert_int_eq(info_parse(&h, ""), -EBADMSG);
	ck_assert_int_eq(info_parse(&h, "rspauth"), -EBADMSG);
	ck_assert_int_eq(info_parse(&h, "nc=1,nc=1"), -EBADMSG);
	ck_assert_int_eq(info_parse(&h, "nc=1, Digest"), -EBADMSG);
	ck_assert_int_eq(info_parse(&h, "rspauth=\"a"), -EBADMSG);
}
END_TEST

START_TEST(products)
{
	static const struct {
		const char *header, *token;
		bool has;
	} rows[] = {
		{ "gba-client/1.0 3gpp-gba-tmpi", PRODUCT_TMPI, true },
		{ "Bootstrapping Client Agent; Release-6; 3gpp-gba-tmpi", PRODUCT_TMPI, true },
		{ "NAF1 Application Agent; Release-6 3gpp-gba", PRODUCT_GBA, true },
		{ "3GPP-GBA-TMPI", PRODUCT_TMPI, true },
		{ "Agent;3gpp-gba-tmpi;x", PRODUCT_TMPI, true },
		{ "x/3gpp-gba-tmpi,y", PRODUCT_TMPI, true },
		{ "GBA-service; 0.1; 3gpp-gba-uicc", PRODUCT_UICC, true },
		{ "GBA-service; 0.1; 3gpp-gba-uicc", PRODUCT_GBA, false },
		{ "GBA-service; 0.1; 3gpp-gba-uicc", PRODUCT_TMPI, false },
		{ "3gpp-gba-tmpi-2", PRODUCT_TMPI, false },
		{ "x3gpp-gba-tmpi", PRODUCT_TMPI, false },
		{ "curl/7.88.1 foo/2 (bar; baz)", PRODUCT_TMPI, false },
		{ "", PRODUCT_TMPI, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(product_has(span_str(rows[i].header), rows[i].token) == rows[i].has, "%s in %s",
			      rows[i].token, rows[i].header);
	ck_assert(!product_has(span_of(NULL, 0), PRODUCT_GBA));
}
END_TEST

SUITE("challenge_hdr", escapes, both_ways, seen, among_others, refused, qop_offered, authentication_info, products)
