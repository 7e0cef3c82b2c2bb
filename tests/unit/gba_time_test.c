/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Instants on the wire (24.109 annex C, 29.109 6.3.1.5, RFC 7231), key life time (33.220 4.2.3), names of causes.
 * 220-4.4.4-3, 220-4.4.6-20: one instant, told the same way on Ub and Zn. */
#include <errno.h>
#include <locale.h>

#include "common/gba/cause.h"
#include "common/gba/gba_time.h"
#include "common/gba/key_lifetime.h"
#include "tests/unit/suite.h"

START_TEST(date_time)
{
	static const struct {
		const char *text;
		time_t t;
	} good[] = {
		{ "2030-01-01T12:00:00Z", 1893499200 },
		{ "2026-01-02T03:04:05.999Z", 1767323045 },
		{ "2026-01-02T03:04:05", 1767323045 },
		{ "2026-01-02T04:34:05+01:30", 1767323045 },
		{ "2026-01-01T22:04:05-05:00", 1767323045 },
		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T00:00:00Z", 951782400 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		/* valid, and rare: refusing them lost a whole 200 or GUSS */
		{ "2029-12-31T24:00:00Z", 1893456000 },
		{ "2029-12-31T24:00:00.000Z", 1893456000 },
		{ "2024-12-31T24:00:00+14:00", 1735639200 },
		{ "2030-01-01T00:00:00-14:00", 1893506400 },
		{ "2030-01-01T12:00:00-00:00", 1893499200 },
		{ "2030-01-01T12:00:00.000000000000000001+00:00", 1893499200 },
		{ "10000-01-01T00:00:00Z", 253402300800 },
		{ "20300-01-01T12:00:00Z", 578438971200 },
		{ "0000-01-01T00:00:00Z", -62167219200 },
		{ "-0001-01-01T00:00:00Z", -62198755200 },
		{ "99999999-01-01T00:00:00Z", 3155633001244800 },
		{ "123456789012345678901234567890-01-01T00:00:00Z", 3155633001244800 },
	};
	char out[DATE_TIME_LEN + 1];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		time_t t = -1;

		ck_assert_msg(date_time_parse(&t, span_str(good[i].text)) == 0 && t == good[i].t, "%s: %lld",
			      good[i].text, (long long)t);
	}
	ck_assert_int_eq(date_time_format(out, 1893499200), 0);
	ck_assert_str_eq(out, "2030-01-01T12:00:00Z");
	ck_assert_int_eq(date_time_format(out, 253402300799), 0);
	ck_assert_str_eq(out, "9999-12-31T23:59:59Z");
	ck_assert_int_eq(date_time_format(out, 253402300800), -EINVAL);
}
END_TEST

START_TEST(date_time_refused)
{
	static const char *const bad[] = {
		"",
		"Z",
		"2030",
		"2030-01-01",
		"2030-01-01T12:00Z",
		"2030-01-01 12:00:00Z",
		"2030-13-01T12:00:00Z",
		"2030-00-01T12:00:00Z",
		"2030-01-00T12:00:00Z",
		"2030-04-31T12:00:00Z",
		"2023-02-29T12:00:00Z",
		"2100-02-29T12:00:00Z",
		"2030-01-01T24:00:01Z",
		"2030-01-01T24:01:00Z",
		"2030-01-01T24:00:00.001Z",
		"2030-01-01T25:00:00Z",
		"2030-01-01T12:60:00Z",
		"2030-01-01T12:00:61Z",
		"2030-01-01T12:00:00.Z",
		"2030-01-01T12:00:00ZZ",
		"2030-01-01T12:00:00+1:00",
		"2030-01-01T12:00:00+0100",
		"2030-01-01T12:00:00+15:00",
		"2030-01-01T12:00:00+01:60",
		"2030-01-01T12:00:00+",
		"2030-01-01T12:00:00+01:000",
		"--2030-01-01T12:00:00Z",
		"+2030-01-01T12:00:00Z",
		"02030-01-01T12:00:00Z",
		"-230-01-01T12:00:00Z",
		"2030-01-01T12:00:00+14:01",
		"2030-01-01T12:00:00-14:30",
		"+030-01-01T12:00:00Z",
		"2030-01-01T12:00: 0Z",
		"2030-01-01T12:00:00z",
	};
	time_t t = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(date_time_parse(&t, span_str(bad[i])) == -EBADMSG, "%s", bad[i]);
	ck_assert_int_eq(date_time_parse(&t, span_of("2030-01-01T12:00:00\0", 20)), -EBADMSG);
	ck_assert_int_eq(t, 7);
}
END_TEST

/* the era of NTP ends on 2036-02-07 at 06:28:16 */
START_TEST(ntp)
{
	static const struct {
		time_t t;
		uint32_t ntp;
	} pairs[] = {
		{ 0, 2208988800u }, { 1893499200, 4102488000u }, { 2085978495, 0xffffffffu }, { 2085978496, 0 },
		{ 2085978497, 1 },  { -61505152, 0x80000000u },  { 4233462143, 0x7fffffffu },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ck_assert_uint_eq(ntp_from_time(pairs[i].t), pairs[i].ntp);
		ck_assert_int_eq(ntp_to_time(pairs[i].ntp), pairs[i].t);
	}
}
END_TEST

START_TEST(http_date)
{
	char out[30];

	setlocale(LC_ALL, "de_DE.UTF-8");
	ck_assert_int_eq(http_date_format(out, 784111777), 0);
	ck_assert_str_eq(out, "Sun, 06 Nov 1994 08:49:37 GMT");
	ck_assert_int_eq(http_date_format(out, 1893499200), 0);
	ck_assert_str_eq(out, "Tue, 01 Jan 2030 12:00:00 GMT");
	ck_assert_int_eq(http_date_format(out, 253402300800), -EINVAL);
}
END_TEST

/* the GUSS wins over the configuration, up to the operator's maximum; a lifeTime of 0 or -1 is none, not one second */
START_TEST(key_lifetime)
{
	static const struct {
		int64_t configured, max;
		bool has_guss;
		int64_t guss, want;
		bool clamped;
	} rows[] = {
		{ 3600, 86400, false, 0, 3600, false },       { 3600, 86400, true, 60, 60, false },
		{ 3600, 86400, true, 86400, 86400, false },   { 3600, 86400, true, 86401, 86400, true },
		{ 3600, 86400, true, 1, 1, false },           { 3600, 86400, true, 0, 3600, true },
		{ 3600, 86400, true, -1, 3600, true },        { 3600, 86400, true, INT64_MAX, 86400, true },
		{ 3600, 86400, true, INT64_MIN, 3600, true }, { 99999, 86400, false, 5, 86400, false },
		{ 99999, 86400, true, 0, 86400, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool clamped = !rows[i].clamped;

		ck_assert_int_eq(
			key_lifetime_s(rows[i].configured, rows[i].max, rows[i].has_guss, rows[i].guss, &clamped),
			rows[i].want);
		ck_assert_msg(clamped == rows[i].clamped, "row %zu", i);
	}
}
END_TEST

START_TEST(causes)
{
	ck_assert_str_eq(cause_name(CAUSE_ub_ok), "ub_ok");
	ck_assert_str_eq(cause_where(CAUSE_store_failed), "ub or zn");
	ck_assert_str_eq(cause_name(CAUSE_naf_bsf_error), "naf_bsf_error");
	ck_assert_str_eq(cause_name(CAUSE_COUNT), "?");
	for (int i = 0; i < CAUSE_COUNT; i++) {
		ck_assert(*cause_name(i) && *cause_where(i));
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(cause_name(i), cause_name(k));
	}
}
END_TEST

SUITE("gba_time", date_time, date_time_refused, ntp, http_date, key_lifetime, causes)
