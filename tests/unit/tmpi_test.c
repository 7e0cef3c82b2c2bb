/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* TMPI. 220-B.4-1, 220-B.4-3: derivation and form; 220-4.5.2-9: told from an IMPI by its form alone. */
#include <errno.h>

#include "common/gba/tmpi.h"
#include "tests/unit/suite.h"

#define TMPI "2rBy9bL8T/1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.org"
#define IMPI "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"

/* worked example V1 of the vectors */
START_TEST(derived)
{
	struct secret ks = secret_of("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441");
	uint8_t rand[16], tmpi[TMPI_LEN];
	char text[TMPI_MAX + 1];

	octets_of(rand, sizeof(rand), "23553cbe9637a89d218ae64dae47bf35");
	ck_assert_int_eq(tmpi_derive(tmpi, &ks, rand, span_str(IMPI), "bsf.mnc015.mcc234.pub.3gppnetwork.org"), 0);
	ck_assert_octets(tmpi, "dab072f5b2fc4ffd4d16aec63f9bea8f41f6e8f69d7d7afc");
	ck_assert_int_eq(tmpi_format(text, tmpi), TMPI_MAX);
	ck_assert_str_eq(text, TMPI);
	ck_assert_uint_eq((size_t)(strchr(text, '@') - text), 32);
}
END_TEST

/* the name is the one of the B-TID: another name of the same BSF gives another TMPI; its case is not folded */
START_TEST(depends_on_bsf_name)
{
	struct secret ks = secret_of("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441");
	uint8_t rand[16] = { 0 }, a[TMPI_LEN], b[TMPI_LEN], c[TMPI_LEN];
	char longest[300];

	ck_assert_int_eq(tmpi_derive(a, &ks, rand, span_str(IMPI), "bsf.example"), 0);
	ck_assert_int_eq(tmpi_derive(b, &ks, rand, span_str(IMPI), "bsf.ims.example"), 0);
	ck_assert_int_eq(tmpi_derive(c, &ks, rand, span_str(IMPI), "BSF.example"), 0);
	ck_assert_mem_ne(a, b, TMPI_LEN);
	ck_assert_mem_ne(a, c, TMPI_LEN);
	memset(longest, 'a', sizeof(longest));
	longest[230] = '\0';
	ck_assert_int_eq(tmpi_derive(a, &ks, rand, span_str(IMPI), longest), 0);
	longest[230] = 'a';
	longest[231] = '\0';
	ck_assert_int_lt(tmpi_derive(a, &ks, rand, span_str(IMPI), longest), 0);
}
END_TEST

START_TEST(by_form)
{
	uint8_t tmpi[TMPI_LEN];

	ck_assert(tmpi_is(span_str(TMPI)));
	ck_assert(tmpi_is(span_str("anything@tmpi.bsf.3gppnetwork.org")));
	ck_assert(tmpi_is(span_str("x@TMPI.BSF.3gppnetwork.org")));
	ck_assert(!tmpi_is(span_str(IMPI)));
	ck_assert(!tmpi_is(span_str("x@atmpi.bsf.3gppnetwork.org")));
	ck_assert(!tmpi_is(span_str("tmpi.bsf.3gppnetwork.org")));
	ck_assert(!tmpi_is(span_str("x@tmpi.bsf.3gppnetwork.org.evil.example")));
	ck_assert(!tmpi_is(span_of(NULL, 0)));
	ck_assert_int_eq(tmpi_parse(tmpi, span_str(TMPI)), 0);
	ck_assert_octets(tmpi, "dab072f5b2fc4ffd4d16aec63f9bea8f41f6e8f69d7d7afc");
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"@tmpi.bsf.3gppnetwork.org",
		"2rBy9bL8T/1NFq7GP5vqj0H26PadfXr@tmpi.bsf.3gppnetwork.org",   /* 31 */
		"2rBy9bL8T/1NFq7GP5vqj0H26PadfXr88@tmpi.bsf.3gppnetwork.org", /* 33 */
		"2rBy9bL8T/1NFq7GP5vqj0H26PadfQ==@tmpi.bsf.3gppnetwork.org",  /* 22 octets */
		"2rBy9bL8T_1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.org",
		"2rBy9bL8T/1NFq7GP5vqj0H26Padf r8@tmpi.bsf.3gppnetwork.org",
		"2rBy9bL8T/1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.arg",
		IMPI,
	};
	uint8_t tmpi[TMPI_LEN];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(tmpi_parse(tmpi, span_str(bad[i])) == -EBADMSG, "%s", bad[i]);
}
END_TEST

SUITE("tmpi", derived, depends_on_bsf_name, by_form, refused)
