/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Digest arithmetic. Worked examples of Ub and Ua are run by tests/vectors; here is what they do not show. */
#include <errno.h>

#include "common/crypto/aka_digest.h"
#include "tests/unit/suite.h"

static struct digest_input rfc2617(void)
{
	return (struct digest_input){
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH,
		.method = span_str("GET"),
		.uri = span_str("/dir/index.html"),
		.nonce = span_str("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
		.nc = span_str("00000001"),
		.cnonce = span_str("0a4f113b"),
	};
}

static struct secret ha1_of(enum digest_hash hash, struct span password)
{
	struct secret ha1 = { 0 };

	ck_assert_int_eq(digest_ha1(&ha1, hash, span_str("Mufasa"), span_str("testrealm@host.com"), password), 0);
	return ha1;
}

START_TEST(published)
{
	struct digest_input in = rfc2617();
	struct secret ha1 = ha1_of(DIGEST_MD5, span_str("Circle Of Life"));
	struct digest_text out;

	ck_assert_uint_eq(ha1.len, 32);
	ck_assert_mem_eq(ha1.b, "939e7578ed9e3c518a452acee763bce9", 32);
	ck_assert_int_eq(digest_response(&out, &in, &ha1), 0);
	ck_assert_str_eq(out.hex, "6629fae49393a05397450978507c4ef1");
	in.qop = DIGEST_QOP_NONE; /* RFC 2069 form, RFC 2617 3.2.2.1 */
	ck_assert_int_eq(digest_response(&out, &in, &ha1), 0);
	ck_assert_str_eq(out.hex, "670fd8c2df070c60b045671b8b24ff02");
}
END_TEST

/* 220-4.5.2-16: RES is binary: NUL and ':' in it count; expected values from Python's hashlib */
START_TEST(binary_password)
{
	struct secret a = ha1_of(DIGEST_MD5, span_of("\0:\xff\0abcd", 8)),
		      b = ha1_of(DIGEST_MD5, span_of("\0:\xff", 3));

	ck_assert_mem_eq(a.b, "0d117e20698f9d5b07260496d8543d9c", 32);
	ck_assert(!secret_equal(&a, &b));
	a = ha1_of(DIGEST_SHA256, span_of("\0:\xff\0abcd", 8));
	ck_assert_uint_eq(a.len, 64);
	ck_assert_mem_eq(a.b, "43a4f95b53992a8047bea64f4c54bc11522f25d7edbce3464bdd7bd63e0f13b6", 64);
}
END_TEST

/* auth-int covers the body, auth does not; rspauth has no method */
START_TEST(what_is_covered)
{
	struct digest_input in = rfc2617();
	struct secret ha1 = ha1_of(DIGEST_MD5, span_str("x"));
	struct digest_text one, two;

	digest_response(&one, &in, &ha1);
	in.body = span_str("body");
	digest_response(&two, &in, &ha1);
	ck_assert_str_eq(one.hex, two.hex);
	in.qop = DIGEST_QOP_AUTH_INT;
	digest_response(&one, &in, &ha1);
	in.body = span_str("bodz");
	digest_response(&two, &in, &ha1);
	ck_assert_str_ne(one.hex, two.hex);
	digest_rspauth(&one, &in, &ha1);
	ck_assert_str_ne(one.hex, two.hex);
	in.method = span_of(NULL, 0);
	digest_response(&two, &in, &ha1);
	ck_assert_str_eq(one.hex, two.hex);
	in.method = span_str("POST");
	digest_rspauth(&two, &in, &ha1);
	ck_assert_str_eq(one.hex, two.hex);
}
END_TEST

START_TEST(every_part_counts)
{
	struct digest_input in = rfc2617();
	struct span *part[] = { &in.method, &in.uri, &in.nonce, &in.nc, &in.cnonce };
	struct secret ha1 = ha1_of(DIGEST_SHA256, span_str("x"));
	struct digest_text one, two;

	in.hash = DIGEST_SHA256;
	digest_response(&one, &in, &ha1);
	ck_assert_uint_eq(strlen(one.hex), 64);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		struct span kept = *part[i];

		*part[i] = span_str("other");
		digest_response(&two, &in, &ha1);
		ck_assert_msg(strcmp(one.hex, two.hex) != 0, "part %zu", i);
		*part[i] = kept;
	}
	ha1.b[63] ^= 1;
	digest_response(&two, &in, &ha1);
	ck_assert_str_ne(one.hex, two.hex);
}
END_TEST

/* RFC 4169 3: base64 of HMAC with RES || IK || CK; the numbers are of Python's hmac */
START_TEST(akav2)
{
	const struct secret res = secret_of("0001020304050607"), ik = secret_of("101112131415161718191a1b1c1d1e1f"),
			    ck = secret_of("202122232425262728292a2b2c2d2e2f");
	struct secret password;

	ck_assert_int_eq(digest_akav2_password(&password, DIGEST_MD5, &res, &ik, &ck), 0);
	ck_assert(span_eq(span_of(password.b, password.len), span_str("5XatUrwRAskv07cSimdd2w==")));
	ck_assert_int_eq(digest_akav2_password(&password, DIGEST_SHA256, &res, &ik, &ck), 0);
	ck_assert(span_eq(span_of(password.b, password.len), span_str("JRUlXATIlp5GaMQUP9ypgvRC+7tOTdF/HAjk6tQchQA=")));
}
END_TEST

START_TEST(match)
{
	struct digest_text want = { "6629fae49393a05397450978507c4ef1" };

	ck_assert(digest_match(&want, span_str("6629fae49393a05397450978507c4ef1")));
	ck_assert(digest_match(&want, span_str("6629FAE49393A05397450978507C4EF1")));
	ck_assert(!digest_match(&want, span_str("6629fae49393a05397450978507c4ef2")));
	ck_assert(!digest_match(&want, span_str("6629fae49393a05397450978507c4ef")));
	ck_assert(!digest_match(&want, span_str("6629fae49393a05397450978507c4ef10")));
	ck_assert(!digest_match(&want, span_of(NULL, 0)));
}
END_TEST

SUITE("aka_digest", published, binary_password, what_is_covered, every_part_counts, akav2, match)
