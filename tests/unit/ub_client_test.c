/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the device decides on Ub. Whole runs, also against networks that lie, are in tests/e2e/t_ue.py. */
#include <errno.h>

#include "common/base/b64.h"
#include "tests/unit/suite.h"
#include "ue/lib/http_challenges.h"
#include "ue/lib/trace.h"
#include "ue/lib/ub_check.h"
#include "ue/lib/ue_cause.h"

START_TEST(nonce)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=", 0 },
		{ "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7Perb7vABEiM0RVZnc=", 0 }, /* server data behind it */
		{ "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfrw==", -EBADMSG },          /* 31 octets */
		{ "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M", -EBADMSG },
		{ "I1U8vpY3qJ0hiuZNrke_NVXzKLQ1d7m5Sp_6w1Tfr7M=", -EBADMSG },
		{ "", -EBADMSG },
	};
	uint8_t rand[16], autn[16];
	char big[1500];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(rand, 0, sizeof(rand));
		ck_assert_msg(ub_check_nonce(rand, autn, span_str(cases[i].text)) == cases[i].rc, "case %zu", i);
		if (cases[i].rc < 0)
			continue;
		ck_assert_octets(rand, "23553cbe9637a89d218ae64dae47bf35");
		ck_assert_octets(autn, "55f328b43577b9b94a9ffac354dfafb3");
	}
	memset(big, 'A', sizeof(big));
	ck_assert_int_eq(ub_check_nonce(rand, autn, span_of(big, sizeof(big))), -EBADMSG);
}
END_TEST

/* 220-4.2.4-1 */
START_TEST(challenge)
{
	static const struct {
		const char *algorithm, *qop;
		int rc;
	} cases[] = {
		{ "AKAv1-MD5", "auth-int", 0 },     { "akav1-md5", "auth,auth-int", 0 },
		{ "AKAv1-MD5", "auth", -ENOTSUP },  { "AKAv2-MD5", "auth-int", 0 },
		{ "MD5", "auth-int", -ENOTSUP },    { "AKAv1-MD5", NULL, -ENOTSUP },
		{ NULL, "auth-int", -ENOTSUP },     { "AKAv1-SHA-256", "auth-int", 0 },
		{ "AKAv2-SHA-256", "auth-int", 0 }, { "SHA-256", "auth-int", -ENOTSUP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct challenge_hdr h = { 0 };
		struct digest_alg alg = { 0 };
		struct err err = { "" };
		int rc;

		if (cases[i].algorithm)
			h.algorithm = span_str(cases[i].algorithm);
		if (cases[i].qop)
			h.qop = span_str(cases[i].qop);
		ck_assert_msg(ub_check_challenge(&alg, &h, true, &err) == cases[i].rc, "case %zu: %s", i, err.text);
		/* with GBA_U CK and IK stay in the card */
		rc = cases[i].rc == 0 && alg.aka_version == 2 ? -ENOTSUP : cases[i].rc;
		ck_assert_msg(ub_check_challenge(&alg, &h, false, &err) == rc, "case %zu: %s", i, err.text);
	}
}
END_TEST

/* 220-I.5.2-9: the network's proof; expected value is that of the first worked example */
#define RSPAUTH                   "03ecbd85c2396a7d4fe5c615e0901d48"
#define CNONCE                    "6629fae49393a05397450978507c4ef1"
#define INFO(rspauth, cnonce, nc) "qop=auth-int, rspauth=\"" rspauth "\", cnonce=\"" cnonce "\", nc=" nc

START_TEST(rspauth)
{
	static const char body[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
				   "<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\r\n"
				   "  <btid>I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc015.mcc234.pub.3gppnetwork.org</btid>\r\n"
				   "  <lifetime>2030-01-01T12:00:00Z</lifetime>\r\n</BootstrappingInfo>\r\n";
	static const struct {
		const char *info;
		int rc;
	} cases[] = {
		{ INFO(RSPAUTH, CNONCE, "00000001"), 0 },
		{ INFO("13ecbd85c2396a7d4fe5c615e0901d48", CNONCE, "00000001"), -EBADMSG },
		{ INFO(RSPAUTH, "7629fae49393a05397450978507c4ef1", "00000001"), -EBADMSG },
		{ INFO(RSPAUTH, CNONCE, "00000002"), -EBADMSG },
		{ "rspauth=\"" RSPAUTH "\"", -EBADMSG },
		{ "qop=auth-int, cnonce=\"" CNONCE "\", nc=00000001", -EBADMSG },
		{ INFO("", CNONCE, "00000001"), -EBADMSG },
		{ "\"", -EBADMSG },
		{ "", -EBADMSG },
		{ NULL, -EBADMSG },
	};
	struct digest_input in = {
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH_INT,
		.uri = span_str("/"),
		.nc = span_str("00000001"),
		.nonce = span_str("I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M="),
		.cnonce = span_str(CNONCE),
		.body = span_str(body),
	};
	struct secret res = secret_of("a54211d5e3ba50bf"), ha1 = { 0 };

	ck_assert_int_eq(digest_ha1(&ha1, DIGEST_MD5, span_str("234150999999999@ims.mnc015.mcc234.3gppnetwork.org"),
				    span_str("bsf.mnc015.mcc234.pub.3gppnetwork.org"), span_of(res.b, res.len)),
			 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(ub_check_rspauth(cases[i].info, &in, &ha1) == cases[i].rc, "case %zu", i);
	in.body.len--; /* a body changed on its way */
	ck_assert_int_eq(ub_check_rspauth(cases[0].info, &in, &ha1), -EBADMSG);
}
END_TEST

/* RFC 7235 4.1: a header may hold several challenges, an answer several headers */
START_TEST(challenges)
{
	static const struct {
		const char *lines, *realms;
	} rows[] = {
		{ NULL, "" },
		{ "", "" },
		{ "Basic realm=\"x\"\nDigest realm=\"y\"", "y" },
		{ "Digest realm=a, nonce=n, Digest realm=b,nonce=m\nDigest realm=c", "abc" },
		{ "Digest realm=a qop=\"auth,auth-int\", Basic realm=\"x, Digest realm=y\", Digest realm=b", "ab" },
		{ "Negotiate, Bearer abc==, Digest realm=a, Negotiate YII=, Digest realm=b", "ab" },
		{ ", ,Digest realm=a,,Digest realm=b, ", "ab" },
		{ "Digest realm=x, realm=x, Digest realm=b", "b" }, /* one that is wrong is stepped over */
		{ "Digest realm=\"x\\\"\", nonce=\"n\", Digest realm=b",
		  "b" }, /* so is one that we would hash otherwise */
		{ "Digest realm=a, Digest realm=\"cut, Digest realm=b\nDigest realm=c", "ac" },
		{ "=\nDigest realm=c", "c" },
		{ "a;b, Digest realm=x\nDigest realm=c", "c" }, /* what is no list of challenges is left whole */
	};
	static char many[4 * CHALLENGE_HDR_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_challenges all = { .lines = rows[i].lines };
		struct challenge_hdr h;
		char realms[10] = "";

		while (http_challenge_next(&h, &all))
			strncat(realms, (const char *)h.realm.p, h.realm.len);
		ck_assert_msg(strcmp(realms, rows[i].realms) == 0, "row %zu: %s", i, realms);
	}
	/* a line that is too long is left, the next one is read */
	memset(many, ',', CHALLENGE_HDR_MAX + 1);
	strcpy(many + CHALLENGE_HDR_MAX + 1, "\nDigest realm=c");
	for (int n = 0; n < 2; n++) {
		struct http_challenges all = { .lines = many };
		struct challenge_hdr h;

		ck_assert(http_challenge_next(&h, &all) && span_eq(h.realm, span_str("c")));
		ck_assert(!http_challenge_next(&h, &all));
	}
}
END_TEST

/* The lifetime is of the server's clock: by its own time beside it, else by its Date, else the clocks agree. */
START_TEST(expiry)
{
	static const struct {
		time_t expires, now_there;
		const char *date;
		time_t want; /* 0: refused */
	} rows[] = {
		{ 5000, -1, NULL, 5000 },
		{ 1001, -1, NULL, 1001 },
		{ 1000, -1, NULL, 0 },
		{ 1, -1, NULL, 0 },
		{ 90000, 89000, NULL, 2000 }, /* their clock is ahead */
		{ 500, 100, NULL, 1400 },     /* and behind */
		{ 90000, 90000, NULL, 0 },
		{ 90000, 90001, NULL, 0 },
		{ 90000, -1, "Fri, 02 Jan 1970 00:43:20 GMT", 2000 }, /* 89000 */
		{ 784113777, -1, "Sunday, 06-Nov-94 08:49:37 GMT", 3000 },
		{ 90000, -1, "Fri Jan  2 00:43:20 1970", 2000 },
		{ 90000, -1, "Fri, 02 Jan 1970 01:00:00 GMT", 0 },
		{ 5000, -1, "soon", 5000 },
		{ 90000, 89500, "Fri, 02 Jan 1970 00:43:20 GMT", 1500 }, /* the body is proved, the header is not */
		{ 253402300800, -1, NULL, 253402300799 },                /* beyond what can be written down */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bsf_info info = { .expires_at = rows[i].expires,
					 .has_now = rows[i].now_there >= 0,
					 .now = rows[i].now_there };
		time_t at = 0;

		ck_assert_msg(ub_check_expiry(&at, &info, rows[i].date, 1000) == (rows[i].want ? 0 : -ETIME), "row %zu",
			      i);
		ck_assert_msg(at == rows[i].want, "row %zu: %lld", i, (long long)at);
	}
}
END_TEST

START_TEST(btid_of_this_run)
{
	const uint8_t rand[AKA_RAND_LEN] = "0123456789abcdef", other[AKA_RAND_LEN] = "0123456789abcdeg";
	struct btid id = { .domain = "BSF.example.com" };

	memcpy(id.rand, rand, sizeof(rand));
	ck_assert_int_eq(ub_check_btid(&id, rand, "bsf.example.com", "bsf.mnc001.mcc001.pub.3gppnetwork.org"), 0);
	ck_assert_int_eq(ub_check_btid(&id, rand, "127.0.0.1", "bsf.example.com"), 0);
	ck_assert_int_eq(ub_check_btid(&id, rand, "bsf.example.org", "bsf.example.co"), -EPERM);
	ck_assert_int_eq(ub_check_btid(&id, other, "bsf.example.com", "bsf.example.com"), -EBADMSG);
}
END_TEST

/* each has a word and an exit code, and each word is there once */
START_TEST(causes)
{
	static const struct {
		long status;
		enum ue_cause want;
	} rows[] = {
		{ 503, UE_CAUSE_busy },         { 429, UE_CAUSE_busy },    { 500, UE_CAUSE_server_error },
		{ 504, UE_CAUSE_server_error }, { 403, UE_CAUSE_refused }, { 302, UE_CAUSE_refused },
	};

	for (int i = 0; i < UE_CAUSE_COUNT; i++) {
		ck_assert_int_eq(ue_cause_exit(i) == UE_OK, i == UE_CAUSE_ok);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(ue_cause_name(i), ue_cause_name(k));
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(ue_cause_of_status(rows[i].status), rows[i].want);
}
END_TEST

/* -v may show a message to anybody: what a key could be searched with is masked */
START_TEST(masked)
{
	static const char *const pairs[][2] = {
		{ "Authorization: Digest username=\"u\", response=\"0123abcd\", opaque=\"x\"",
		  "Authorization: Digest username=\"u\", response=\"********\", opaque=\"x\"" },
		{ "Authentication-Info: qop=auth-int, rspauth=\"ff00\", nc=00000001",
		  "Authentication-Info: qop=auth-int, rspauth=\"****\", nc=00000001" },
		{ "a response=\"\" RESPONSE=\"ab\" response=\"cut", "a response=\"\" RESPONSE=\"**\" response=\"***" },
		{ "response=", "response=" },
		{ "Digest response=0123abcd, opaque=x", "Digest response=********, opaque=x" },
		{ "rspauth = \"ab\" response\t=ab cd", "rspauth = \"**\" response\t=** cd" },
		{ "rspauth=ab\r\nX: response \"ab\"", "rspauth=**\r\nX: response \"ab\"" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char line[200];

		strcpy(line, pairs[i][0]);
		trace_mask(line, strlen(line));
		ck_assert_str_eq(line, pairs[i][1]);
	}
}
END_TEST

SUITE("ub_client", nonce, challenge, rspauth, challenges, expiry, btid_of_this_run, causes, masked)
