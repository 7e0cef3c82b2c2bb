/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the device decides on Ub. Whole runs, also against networks that lie, are in tests/e2e/t_ue.py. */
#include <errno.h>

#include "common/base/b64.h"
#include "tests/unit/suite.h"
#include "ue/trace.h"
#include "ue/ub_client.h"

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
		ck_assert_msg(ub_nonce_open(rand, autn, span_str(cases[i].text)) == cases[i].rc, "case %zu", i);
		if (cases[i].rc < 0)
			continue;
		ck_assert_octets(rand, "23553cbe9637a89d218ae64dae47bf35");
		ck_assert_octets(autn, "55f328b43577b9b94a9ffac354dfafb3");
	}
	memset(big, 'A', sizeof(big));
	ck_assert_int_eq(ub_nonce_open(rand, autn, span_of(big, sizeof(big))), -EBADMSG);
}
END_TEST

/* 220-4.2.4-1 */
START_TEST(challenge)
{
	static const struct {
		const char *algorithm, *qop;
		int rc;
	} cases[] = {
		{ "AKAv1-MD5", "auth-int", 0 },    { "akav1-md5", "auth,auth-int", 0 },
		{ "AKAv1-MD5", "auth", -ENOTSUP }, { "AKAv2-MD5", "auth-int", -ENOTSUP },
		{ "MD5", "auth-int", -ENOTSUP },   { "AKAv1-MD5", NULL, -ENOTSUP },
		{ NULL, "auth-int", -ENOTSUP },    { "AKAv1-SHA-256", "auth-int", -ENOTSUP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct challenge_hdr h = { 0 };
		struct err err = { "" };

		if (cases[i].algorithm)
			h.algorithm = span_str(cases[i].algorithm);
		if (cases[i].qop)
			h.qop = span_str(cases[i].qop);
		ck_assert_msg(ub_challenge_check(&h, &err) == cases[i].rc, "case %zu: %s", i, err.text);
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
		ck_assert_msg(ub_rspauth_check(cases[i].info, &in, &ha1) == cases[i].rc, "case %zu", i);
	in.body.len--; /* a body changed on its way */
	ck_assert_int_eq(ub_rspauth_check(cases[0].info, &in, &ha1), -EBADMSG);
}
END_TEST

START_TEST(lines)
{
	const char *rest = "Basic realm=\"x\"\nDigest realm=\"y\"", *none = NULL;
	struct span line;

	ck_assert(http_line_next(&line, &rest) && span_eq(line, span_str("Basic realm=\"x\"")));
	ck_assert(http_line_next(&line, &rest) && span_eq(line, span_str("Digest realm=\"y\"")));
	ck_assert(!http_line_next(&line, &rest));
	ck_assert(!http_line_next(&line, &none));
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
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char line[200];

		strcpy(line, pairs[i][0]);
		trace_mask(line, strlen(line));
		ck_assert_str_eq(line, pairs[i][1]);
	}
}
END_TEST

SUITE("ub_client", nonce, challenge, rspauth, lines, masked)
