/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* TS 33.220 annex B. Expected values here were computed with Python (hmac, unicodedata); those of the worked examples
 * are run by tests/vectors. */
#include <errno.h>

#include "common/crypto/kdf.h"
#include "tests/unit/suite.h"

static struct secret ks;
static uint8_t rand_[16];
static uint8_t naf_id[] = "naf1.example.com\x01\x00\x00\x00\x02";
#define NAF_ID span_of(naf_id, 21)

static void inputs(void)
{
	ks = secret_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	octets_of(rand_, sizeof(rand_), "101112131415161718191a1b1c1d1e1f");
}

/* 220-B.2.0-1, 220-B.2.0-2, 220-B.2.0-3: FC of one and of two octets, lengths behind their parameters */
START_TEST(generic)
{
	const struct span abc = span_str("abc"), empty = span_of(NULL, 0);
	struct secret out = { 0 };

	inputs();
	ck_assert_int_eq(kdf_derive(&out, &ks, 0x01, NULL, 0), 0);
	ck_assert_uint_eq(out.len, KDF_OUT_LEN);
	ck_assert_secret(out, "9b4c8120a4823a95f47cde17a244f4507244ee6e3957d1fab9fa29b44d3829b7");
	ck_assert_int_eq(kdf_derive(&out, &ks, 0xff01, &abc, 1), 0);
	ck_assert_secret(out, "8cfd036b6eea3e35f288ec5a36d870d95b7a57817ebd4b7ab7457c40e04f5601");
	ck_assert_int_eq(kdf_derive(&out, &ks, 0xfe, &empty, 1), 0);
	ck_assert_int_eq(kdf_derive(&out, &ks, 0xff, &abc, 1), -EINVAL); /* half of a two-octet FC */
	ck_assert_int_eq(kdf_derive(&out, &ks, 0x100, &abc, 1), -EINVAL);
	ck_assert_int_eq(kdf_derive(&out, &ks, 0x10000, &abc, 1), -EINVAL);
}
END_TEST

/* 220-B.1-1 */
START_TEST(limits)
{
	static uint8_t big[65536];
	struct span p[KDF_PARAMS_MAX + 1] = { { 0 } };
	struct secret out = secret_of("aa");

	inputs();
	p[0] = span_of(big, 65536);
	ck_assert_int_eq(kdf_derive(&out, &ks, 1, p, 1), -E2BIG);
	p[0].len = 0;
	ck_assert_int_eq(kdf_derive(&out, &ks, 1, p, KDF_PARAMS_MAX + 1), -EINVAL);
	ck_assert_secret(out, "aa");
	p[0].len = 65535;
	ck_assert_int_eq(kdf_derive(&out, &ks, 1, p, KDF_PARAMS_MAX), 0);
}
END_TEST

/* 220-B.2.1.2-1: decomposed u-umlaut, ligature fi, circled 1 and full-width A in the IMPI; NFKC, no case folding */
START_TEST(normal_form)
{
	static const char wild[] = "u\xcc\x88ser\xef\xac\x81\xe2\x91\xa0\xef\xbc\xa1@ims.example.com";
	static const char tame[] = "\xc3\xbcserfi1A@ims.example.com";
	static const char want[] = "baae31cbc6b1c9f0937c33c91345dc8751f12a9043d12b69dfef4dd48790c41b";
	static const uint8_t wild_naf[] = "na\xcc\x88"
					  "f.ex\xc3\xa4mple\x01\x00\x00\x00\xc3";
	struct secret out = { 0 };

	inputs();
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str(wild), NAF_ID), 0);
	ck_assert_secret(out, want);
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str(tame), NAF_ID), 0);
	ck_assert_secret(out, want);
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str("USER@ims.example.com"), NAF_ID), 0);
	ck_assert_secret(out, "aedd3cd94091c8f6c6d01ac2035b3f65aa63fd18458b9675ec2863d86be805af");
	/* Host part in normal form, the five octets behind it as they are (c3 alone is no UTF-8). */
	ck_assert_int_eq(
		kdf_ks_naf(&out, KDF_KS_INT_NAF, &ks, rand_, span_str(wild), span_of(wild_naf, sizeof(wild_naf) - 1)),
		0);
	ck_assert_secret(out, "edce353ed6a059446647bf784eb53f17812ea93bac5df8426e3a9a49030cbd1e");
}
END_TEST

/* 220-4.4-5: another Ua protocol, another key; also where its octets are no text */
START_TEST(ua_identifier)
{
	const uint8_t tls[] = "naf1.example.com\x01\x00\x01\xc0\x2b";
	struct secret out = { 0 };

	inputs();
	ck_assert_int_eq(
		kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str("\xc3\xbcserfi1A@ims.example.com"), span_of(tls, 21)),
		0);
	ck_assert_secret(out, "b3a4f8bfe4c2e3de38443e8fe66e15ce087e6fe131df0251364fb8df743291e9");
}
END_TEST

START_TEST(bad_inputs)
{
	struct secret out = secret_of("aa"), half = secret_of("00112233445566778899aabbccddeeff");

	inputs();
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str("u\xff@x"), NAF_ID), -EBADMSG);
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str("u@x"),
				    span_of("\xff"
					    "12345",
					    6)),
			 -EBADMSG);
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &ks, rand_, span_str("u@x"), span_of("12345", 5)), -EBADMSG);
	ck_assert_int_eq(kdf_ks_naf(&out, KDF_KS_NAF, &half, rand_, span_str("u@x"), NAF_ID), -EINVAL);
	ck_assert_int_eq(kdf_ks(&out, &half, &ks), -EINVAL);
	ck_assert_int_eq(kdf_ks(&out, &ks, &half), -EINVAL);
	ck_assert_secret(out, "aa");
}
END_TEST

/* 220-4.5.2-19 */
START_TEST(ks_is_ck_then_ik)
{
	struct secret ck = secret_of("000102030405060708090a0b0c0d0e0f"),
		      ik = secret_of("101112131415161718191a1b1c1d1e1f");
	struct secret out = { 0 };

	inputs();
	ck_assert_int_eq(kdf_ks(&out, &ck, &ik), 0);
	ck_assert(secret_equal(&out, &ks));
}
END_TEST

START_TEST(fingerprint)
{
	char text[KEY_FINGERPRINT_LEN + 1];

	inputs();
	ck_assert_int_eq(key_fingerprint(text, &ks), 0);
	ck_assert_str_eq(text, "774f5671");
	ks.b[31] ^= 1;
	ck_assert_int_eq(key_fingerprint(text, &ks), 0);
	ck_assert_str_ne(text, "774f5671");
}
END_TEST

SUITE("kdf", generic, limits, normal_form, ua_identifier, bad_inputs, ks_is_ck_then_ik, fingerprint)
