/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* IMPI and the names made from it. 220-4.4.8-13: IMPI from the IMSI by 23.003 13.3; 220-4.5.4-1: BSF name
 * by 23.003 16.2. */
#include <errno.h>

#include "common/gba/impi.h"
#include "tests/unit/suite.h"

static int parse(struct impi *out, const char *s)
{
	return impi_parse(out, (const uint8_t *)s, strlen(s));
}

START_TEST(from_imsi)
{
	char bsf[BSF_NAME_MAX + 1];
	struct impi impi;

	ck_assert_int_eq(impi_from_imsi(&impi, "234150999999999", 2), 0);
	ck_assert_str_eq(impi.s, "234150999999999@ims.mnc015.mcc234.3gppnetwork.org");
	ck_assert_int_eq(bsf_name_from_imsi(bsf, "234150999999999", 2), 0);
	ck_assert_str_eq(bsf, "bsf.mnc015.mcc234.pub.3gppnetwork.org");
	/* the same digits with a three-digit MNC: another operator */
	ck_assert_int_eq(impi_from_imsi(&impi, "234150999999999", 3), 0);
	ck_assert_str_eq(impi.s, "234150999999999@ims.mnc150.mcc234.3gppnetwork.org");
	ck_assert_int_eq(bsf_name_from_imsi(bsf, "234150999999999", 3), 0);
	ck_assert_str_eq(bsf, "bsf.mnc150.mcc234.pub.3gppnetwork.org");
	ck_assert_int_eq(impi_from_imsi(&impi, "001010", 3), 0);
}
END_TEST

START_TEST(imsi_refused)
{
	static const char *const bad[] = { "",        "00101", "0010100000000012", "00101000000000x", " 00101000000000",
					   "001010\n" };
	struct impi impi = { "kept" };
	char bsf[BSF_NAME_MAX + 1] = "kept";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(impi_from_imsi(&impi, bad[i], 2) == -EINVAL, "%s", bad[i]);
		ck_assert_msg(bsf_name_from_imsi(bsf, bad[i], 2) == -EINVAL, "%s", bad[i]);
	}
	ck_assert_int_eq(impi_from_imsi(&impi, "001010000000001", 1), -EINVAL);
	ck_assert_int_eq(impi_from_imsi(&impi, "001010000000001", 4), -EINVAL);
	ck_assert_str_eq(impi.s, "kept");
	ck_assert_str_eq(bsf, "kept");
}
END_TEST

/* ISIM: all labels in front of 3gppnetwork.org stay, also "ims"; other domains get bsf. in front */
START_TEST(from_isim)
{
	static const char *const pairs[][2] = {
		{ "234150999999999@ims.mnc015.mcc234.3gppnetwork.org", "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org" },
		{ "u@IMS.mnc015.mcc234.3GPPnetwork.ORG", "bsf.IMS.mnc015.mcc234.pub.3gppnetwork.org" },
		{ "user1_private@home1.net", "bsf.home1.net" },
		{ "user@operator.com", "bsf.operator.com" },
		{ "user@not3gppnetwork.org", "bsf.not3gppnetwork.org" },
	};
	char bsf[BSF_NAME_MAX + 1], text[IMPI_MAX + 1] = "u@";
	struct impi impi;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ck_assert_int_eq(parse(&impi, pairs[i][0]), 0);
		ck_assert_int_eq(bsf_name_from_impi(bsf, &impi), 0);
		ck_assert_str_eq(bsf, pairs[i][1]);
	}
	while (strlen(text) < 230)
		strcat(text, "a.");
	strcat(text, "b");
	ck_assert_int_eq(parse(&impi, text), 0);
	ck_assert_int_eq(bsf_name_from_impi(bsf, &impi), -EINVAL); /* no B-TID could hold the name */
	ck_assert_str_eq(bsf, "bsf.not3gppnetwork.org");
}
END_TEST

START_TEST(parse_user_at_domain)
{
	static const char *const good[] = { "a@b", "0@1.2", "j\xc3\xbcrgen@home1.net", "sip:x'y+z=@home1.net" };
	static const char *const bad[] = {
		"",
		"@",
		"a",
		"a@",
		"@b.c",
		"a@b@c",
		"a b@c.d",
		" a@c.d",
		"a@c.d ",
		"a\"@c.d",
		"a\\@c.d",
		"a<@c.d",
		"a&@c.d",
		"a\r\n@c.d",
		"a\x7f@c.d",
		"a\xc2\x85@c.d",
		"a\xc2\xa0@c.d",
		"j\xfcrgen@home1.net",
		"a\xc0\x80@c.d",
		"a@c..d",
		"a@c.d.",
		"a@[::1]",
		"a@\xc3\xa4.net",
		"2rBy9bL8T/1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.org", /* a TMPI is no IMPI */
		"a@TMPI.bsf.3gppnetwork.org",
	};
	struct impi impi = { "kept" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&impi, bad[i]) == -EBADMSG, "%s", bad[i]);
	ck_assert_int_eq(impi_parse(&impi, (const uint8_t *)"a\0b@c.d", 7), -EBADMSG);
	ck_assert_str_eq(impi.s, "kept");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(parse(&impi, good[i]) == 0, "%s", good[i]);
		ck_assert_str_eq(impi.s, good[i]);
	}
}
END_TEST

START_TEST(length)
{
	char text[IMPI_MAX + 2];
	struct impi impi;

	memset(text, 'a', sizeof(text));
	memcpy(text + IMPI_MAX - 4, "@b.c", 4);
	ck_assert_int_eq(impi_parse(&impi, (const uint8_t *)text, IMPI_MAX), 0);
	ck_assert_uint_eq(strlen(impi.s), IMPI_MAX);
	ck_assert_int_eq(impi_parse(&impi, (const uint8_t *)text, IMPI_MAX + 1), -E2BIG);
}
END_TEST

START_TEST(masked)
{
	static const char *const pairs[][2] = {
		{ "123456789@x.org", "12345*****@x.org" },
		{ "12345678@x.org", "*****@x.org" }, /* too short for an IMSI: a name */
		{ "234150999999999@ims.mnc015.mcc234.3gppnetwork.org", "23415*****@ims.mnc015.mcc234.3gppnetwork.org" },
		{ "alice.lastname@home1.net", "*****@home1.net" },
		{ "12345@home1.net", "*****@home1.net" },
		{ "no-domain", "*****" },
		{ "", "*****" },
		{ "x@home1.net\nERROR forged", "*****@home1.net?ERROR forged" },
		{ "x@\xff\x7f", "*****@??" },
	};
	char out[IMPI_MAX + 1], text[IMPI_MAX + 1];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		impi_mask(out, pairs[i][0]);
		ck_assert_str_eq(out, pairs[i][1]);
	}
	memset(text, 'b', IMPI_MAX);
	memcpy(text, "a@", 2);
	text[IMPI_MAX] = '\0';
	impi_mask(out, text);
	ck_assert_uint_eq(strlen(out), IMPI_MAX); /* cut, not overrun */
}
END_TEST

/* Case of the domain is no other subscriber; case of the user may be. */
START_TEST(key)
{
	struct impi k;

	impi_key(&k, "Alice@Home1.NET");
	ck_assert_str_eq(k.s, "Alice@home1.net");
	impi_key(&k, "no-domain-A");
	ck_assert_str_eq(k.s, "no-domain-A");
}
END_TEST

SUITE("impi", from_imsi, imsi_refused, from_isim, parse_user_at_domain, length, masked, key)
