/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Authorization, 24.109 annex A, RFC 3310, RFC 7616 3.4: read generously, written strictly. */
#include <errno.h>

#include "common/http/auth_hdr.h"
#include "tests/unit/suite.h"

#define IMPI  "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
#define REALM "bsf.mnc015.mcc234.pub.3gppnetwork.org"
#define NONCE "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M="

static const char first[] = "Digest username=\"" IMPI "\", realm=\"" REALM "\", nonce=\"\", uri=\"/\", response=\"\"";
static const char full[] =
	"Digest username=\"" IMPI "\", realm=\"" REALM "\", nonce=\"" NONCE "\", uri=\"/\", qop=auth-int, nc=00000001, "
	"cnonce=\"6629fae49393a05397450978507c4ef1\", response=\"3f50dfd8bc19b14a59fc97a9f674d9ab\", "
	"opaque=\"5ccc069c403ebaf9f0171e9517f30e41\", algorithm=AKAv1-MD5, auts=\"uoU/PBIbHULnlDBfgb0=\"";

static int parse(struct auth_hdr *out, const char *s)
{
	return auth_hdr_parse(out, (const uint8_t *)s, strlen(s));
}

#define ck_assert_span(got, want) \
	ck_assert_msg(span_eq(got, span_str(want)), "%.*s", (int)(got).len, (const char *)(got).p)

static void ck_assert_full(const struct auth_hdr *h)
{
	ck_assert_span(h->username, IMPI);
	ck_assert_span(h->realm, REALM);
	ck_assert_span(h->nonce, NONCE);
	ck_assert_span(h->uri, "/");
	ck_assert_span(h->qop, "auth-int");
	ck_assert_span(h->nc, "00000001");
	ck_assert_span(h->cnonce, "6629fae49393a05397450978507c4ef1");
	ck_assert_span(h->response, "3f50dfd8bc19b14a59fc97a9f674d9ab");
	ck_assert_span(h->opaque, "5ccc069c403ebaf9f0171e9517f30e41");
	ck_assert_span(h->algorithm, "AKAv1-MD5");
	ck_assert_span(h->auts, "uoU/PBIbHULnlDBfgb0=");
}

START_TEST(both_ways)
{
	char text[1024];
	struct auth_hdr h;

	ck_assert_int_eq(parse(&h, full), 0);
	ck_assert_full(&h);
	auth_hdr_assert_inside(&h, (const uint8_t *)full, strlen(full));
	ck_assert_int_eq(auth_hdr_format(text, sizeof(text), &h), (int)strlen(full));
	ck_assert_str_eq(text, full);
	ck_assert_int_eq(auth_hdr_format(text, strlen(full) + 1, &h), (int)strlen(full));
	ck_assert_int_eq(auth_hdr_format(text, strlen(full), &h), -ENOSPC);
}
END_TEST

/* empty is not absent */
START_TEST(first_request)
{
	char text[1024];
	struct auth_hdr h;

	ck_assert_int_eq(parse(&h, first), 0);
	ck_assert(h.nonce.p && h.nonce.len == 0 && h.response.p && h.response.len == 0);
	ck_assert(!h.qop.p && !h.nc.p && !h.cnonce.p && !h.opaque.p && !h.algorithm.p && !h.auts.p);
	ck_assert_int_eq(auth_hdr_format(text, sizeof(text), &h), (int)strlen(first));
	ck_assert_str_eq(text, first);
}
END_TEST

/* shapes that were seen: a laboratory card, folded examples of the specification, tools that quote or unquote at will
 */
START_TEST(generous)
{
	static const char *const same[] = {
		"dIGEST USERNAME=\"" IMPI "\",Realm=\"" REALM "\",NONCE=\"" NONCE
		"\",uri=\"/\",qop=\"auth-int\",nc=\"00000001\","
		"cnonce=\"6629fae49393a05397450978507c4ef1\",response=\"3f50dfd8bc19b14a59fc97a9f674d9ab\","
		"opaque=\"5ccc069c403ebaf9f0171e9517f30e41\",algorithm=\"AKAv1-MD5\",auts=\"uoU/PBIbHULnlDBfgb0=\"",
		"  Digest\r\n auts=uoU/PBIbHULnlDBfgb0=,\r\n\talgorithm=AKAv1-MD5 ,opaque = "
		"5ccc069c403ebaf9f0171e9517f30e41,, ,"
		"response=3f50dfd8bc19b14a59fc97a9f674d9ab\n "
		",cnonce\t=\t\"6629fae49393a05397450978507c4ef1\",nc=00000001,"
		"qop=auth-int,uri=/,nonce=" NONCE ",realm=" REALM ",username=" IMPI ",",
		"Digest username=\"" IMPI "\" realm=\"" REALM "\" nonce=\"" NONCE
		"\" uri=\"/\" qop=auth-int nc=00000001 "
		"cnonce=\"6629fae49393a05397450978507c4ef1\" response=\"3f50dfd8bc19b14a59fc97a9f674d9ab\" "
		"opaque=\"5ccc069c403ebaf9f0171e9517f30e41\" algorithm=AKAv1-MD5 auts=\"uoU/PBIbHULnlDBfgb0=\"",
		"Digest username=\"" IMPI "\"; realm=\"" REALM "\"; nonce=\"" NONCE
		"\";uri=/;qop=auth-int;nc=00000001; "
		"cnonce=\"6629fae49393a05397450978507c4ef1\"; response=\"3f50dfd8bc19b14a59fc97a9f674d9ab\"; "
		"opaque=\"5ccc069c403ebaf9f0171e9517f30e41\";;algorithm=AKAv1-MD5; auts=\"uoU/PBIbHULnlDBfgb0=\";",
	};
	char more[1024];
	struct auth_hdr h;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		ck_assert_msg(parse(&h, same[i]) == 0, "case %zu", i);
		ck_assert_full(&h);
	}
	snprintf(more, sizeof(more), "%s, x-vendor=\"a \\\"quoted\\\" thing, uri=no\", userhash=false, x-vendor=2",
		 full);
	ck_assert_int_eq(parse(&h, more), 0);
	ck_assert_full(&h);
}
END_TEST

START_TEST(lab_uicc)
{
	struct auth_hdr h;

	ck_assert_int_eq(
		parse(&h, "Digest username=\"001019990000000@ims.mnc001.mcc001.3gppnetwork.org\", "
			  "realm=\"ims.mnc001.mcc001.pub.3gppnetwork.org\", nonce=\"\", opaque=\"dynamic_opaque\", "
			  "uri=\"http://10.7.3.130:9443/\", response=\"\""),
		0);
	ck_assert_span(h.uri, "http://10.7.3.130:9443/");
	ck_assert_span(h.opaque, "dynamic_opaque");
	ck_assert(h.response.p && !h.response.len);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *text;
		int rc;
	} bad[] = {
		{ "", -EBADMSG },
		{ " ", -EBADMSG },
		{ "Digest", -EBADMSG },
		{ "Digest ", -EBADMSG },
		{ "Digest ,,", -EBADMSG },
		{ "=", -EBADMSG },
		{ "\"Digest\" a=b", -EBADMSG },
		{ "Digest username", -EBADMSG },
		{ "Digest username=\"a", -EBADMSG },
		{ "Digest username=\"a\\\"", -EBADMSG },
		{ "Digest =a", -EBADMSG },
		{ "Digest username=\"a\"realm=\"b\"", -EBADMSG },
		{ "Digest username=a\"b\"", -EBADMSG },
		{ "Digest username=a\x7f", -EBADMSG },
		{ "Digest username,=a", -EBADMSG },
		{ "Digest username=\"a\", username=\"a\"", -EBADMSG },
		{ "Digest nonce=\"\", NONCE=\"\"", -EBADMSG },
		{ "Digest username=\"a\\b\"", -EBADMSG },
		{ "Digest uri=\"/\\\"\"", -EBADMSG },
		{ "Digest username=\"a\nb\"", -EBADMSG },
		{ "Digest username=\"a\x7f\"", -EBADMSG },
		{ "Digest username=\"a\",\nrealm=b", -EBADMSG }, /* a line end that nothing folds */
		{ "Digest username=\"a\" Basic eHg=", -EBADMSG },
		{ "Digest username=\"a\";; realm=\"b\"x", -EBADMSG },
		{ "Digest username=a;b", -EBADMSG },
		{ "Basic eHg6eQ==", -ENOTSUP },
		{ "Digested username=\"a\"", -ENOTSUP },
		{ "Bearer x", -ENOTSUP },
		{ "Digest:username=\"a\"", -EBADMSG },
	};
	struct auth_hdr h, before;

	memset(&h, 0x55, sizeof(h));
	before = h;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&h, bad[i].text) == bad[i].rc, "%s", bad[i].text);
	ck_assert_int_eq(auth_hdr_parse(&h, (const uint8_t *)"Digest username=\"a\0b\"", 21), -EBADMSG);
	ck_assert_mem_eq(&h, &before, sizeof(h));
}
END_TEST

START_TEST(limits)
{
	static char text[AUTH_HDR_MAX + 2] = "Digest username=\"";
	char many[2048] = "Digest a=1";
	struct auth_hdr h;

	memset(text + strlen(text), 'a', AUTH_HDR_MAX - strlen(text));
	text[AUTH_HDR_MAX - 1] = '"';
	ck_assert_int_eq(parse(&h, text), 0);
	strcat(text, " ");
	ck_assert_int_eq(parse(&h, text), -E2BIG);
	for (int i = 1; i < 64; i++)
		strcat(many, ",a=1");
	ck_assert_int_eq(parse(&h, many), 0);
	strcat(many, ",a=1");
	ck_assert_int_eq(parse(&h, many), -E2BIG);
}
END_TEST

/* no value may add a parameter or a header of its own */
START_TEST(unwritable)
{
	static const char *const bad[] = { "a\"b", "a\\b", "a\r\nX: y", "a\x01", "a\x7f" };
	static const char *const no_token[] = { "", "a b", "a,b", "a\"", "a=b", "\xc3\xa4", "a\n" };
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct auth_hdr h = { .username = span_str(bad[i]) };

		ck_assert_msg(auth_hdr_format(text, sizeof(text), &h) == -EINVAL, "%s", bad[i]);
	}
	for (size_t i = 0; i < sizeof(no_token) / sizeof(no_token[0]); i++) {
		struct auth_hdr h = { .nc = span_str(no_token[i]) };

		ck_assert_msg(auth_hdr_format(text, sizeof(text), &h) == -EINVAL, "%s", no_token[i]);
	}
}
END_TEST

START_TEST(algorithms)
{
	static const struct {
		const char *name;
		struct digest_alg alg;
	} rows[] = {
		{ "MD5", { DIGEST_MD5, 0 } },       { "SHA-256", { DIGEST_SHA256, 0 } },
		{ "AKAv1-MD5", { DIGEST_MD5, 1 } }, { "AKAv1-SHA-256", { DIGEST_SHA256, 1 } },
		{ "AKAv2-MD5", { DIGEST_MD5, 2 } }, { "AKAv2-SHA-256", { DIGEST_SHA256, 2 } },
	};
	static const char *const bad[] = {
		"", "MD5-sess", "AKAv1", "AKAv3-MD5", "SHA-512-256", "AKAv1-MD5-sess", "MD5 "
	};
	struct digest_alg a;
	enum digest_qop q;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(digest_alg_parse(&a, span_str(rows[i].name)), 0);
		ck_assert(a.hash == rows[i].alg.hash && a.aka_version == rows[i].alg.aka_version);
		ck_assert_str_eq(digest_alg_name(a), rows[i].name);
	}
	ck_assert_int_eq(digest_alg_parse(&a, span_str("akaV1-md5")), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(digest_alg_parse(&a, span_str(bad[i])), -ENOTSUP);
	ck_assert_str_eq(digest_alg_name((struct digest_alg){ DIGEST_MD5, 3 }), "?");
	ck_assert_int_eq(digest_qop_parse(&q, span_str("AUTH-int")), 0);
	ck_assert_str_eq(digest_qop_name(q), "auth-int");
	ck_assert_int_eq(digest_qop_parse(&q, span_str("auth")), 0);
	ck_assert_str_eq(digest_qop_name(q), "auth");
	ck_assert_int_eq(digest_qop_parse(&q, span_str("auth,auth-int")), -ENOTSUP);
	ck_assert_int_eq(digest_qop_parse(&q, span_of(NULL, 0)), -ENOTSUP);
	ck_assert_str_eq(digest_qop_name(DIGEST_QOP_NONE), "");
}
END_TEST

SUITE("auth_hdr", both_ways, first_request, generous, lab_uicc, refused, limits, unwritable, algorithms)
