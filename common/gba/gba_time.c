/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/gba_time.h"

#include <errno.h>
#include <stdio.h>

#define NTP_UNIX 2208988800u /* seconds from 1900 to 1970 */
#define NTP_ERA  (1ll << 32)
#define YEAR_MAX 99999999 /* so that tm_year and the seconds of timegm() hold it */

int date_time_format(char out[DATE_TIME_LEN + 1], time_t t)
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year + 1900 > 9999 || tm.tm_year + 1900 < 0)
		return -EINVAL;
	return strftime(out, DATE_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) == DATE_TIME_LEN ? 0 : -EINVAL;
}

int date_time_ms_format(char out[DATE_TIME_MS_LEN + 1], int64_t ms)
{
	char whole[DATE_TIME_LEN + 1];

	if (ms < 0 || date_time_format(whole, (time_t)(ms / 1000)) < 0)
		return -EINVAL;
	snprintf(out, DATE_TIME_MS_LEN + 1, "%.19s.%03uZ", whole, (unsigned)(ms % 1000));
	return 0;
}

/* n digits at *p; -1 if one is none. */
static int digits(const uint8_t **p, const uint8_t *end, int n)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (*p >= end || **p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool literal(const uint8_t **p, const uint8_t *end, char c)
{
	if (*p >= end || **p != (uint8_t)c)
		return false;
	(*p)++;
	return true;
}

/* Z, +hh:mm, -hh:mm up to 14:00, or nothing, which annex C of 24.109 forbids and real servers send: UTC. */
static bool zone(const uint8_t **p, const uint8_t *end, int *offset_s)
{
	int sign, h, m;

	*offset_s = 0;
	if (*p == end || literal(p, end, 'Z'))
		return *p == end;
	sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
	(*p)++;
	h = digits(p, end, 2);
	if (!sign || h < 0 || !literal(p, end, ':'))
		return false;
	m = digits(p, end, 2);
	*offset_s = sign * (h * 3600 + m * 60);
	return m >= 0 && m < 60 && h * 60 + m <= 14 * 60 && *p == end;
}

/* \param[out] zero the fraction is absent or all zeros */
static bool fraction(const uint8_t **p, const uint8_t *end, bool *zero)
{
	const uint8_t *start;

	*zero = true;
	if (!literal(p, end, '.'))
		return true;
	for (start = *p; *p < end && **p >= '0' && **p <= '9'; (*p)++)
		*zero = *zero && **p == '0';
	return *p > start;
}

static bool in_month(const struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1 || tm->tm_mday > days[tm->tm_mon])
		return false;
	return tm->tm_mon != 1 || tm->tm_mday < 29 || leap;
}

/* Four digits, or more without a zero in front; a sign before Christ. Beyond YEAR_MAX: the nearest, nothing lives so long. */
static bool year(const uint8_t **p, const uint8_t *end, struct tm *tm)
{
	bool negative = literal(p, end, '-');
	const uint8_t *start = *p;
	int v = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
		v = v > YEAR_MAX / 10 ? YEAR_MAX : v * 10 + (**p - '0');
	tm->tm_year = (negative ? -v : v) - 1900;
	return *p - start >= 4 && (*p - start == 4 || *start != '0');
}

static bool date(const uint8_t **p, const uint8_t *end, struct tm *tm)
{
	if (!year(p, end, tm) || !literal(p, end, '-'))
		return false;
	tm->tm_mon = digits(p, end, 2) - 1;
	if (!literal(p, end, '-'))
		return false;
	tm->tm_mday = digits(p, end, 2);
	return in_month(tm);
}

/* 24:00:00 is the end of the day; a 60th second is none of xs:dateTime, but of clocks. */
static bool clock_time(const uint8_t **p, const uint8_t *end, struct tm *tm)
{
	bool zero;

	tm->tm_hour = digits(p, end, 2);
	if (!literal(p, end, ':'))
		return false;
	tm->tm_min = digits(p, end, 2);
	if (!literal(p, end, ':'))
		return false;
	tm->tm_sec = digits(p, end, 2);
	if (!fraction(p, end, &zero))
		return false;
	if (tm->tm_hour == 24)
		return zero && tm->tm_min == 0 && tm->tm_sec == 0;
	return tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 && tm->tm_sec >= 0 &&
	       tm->tm_sec <= 60;
}

int date_time_parse(time_t *out, struct span s)
{
	const uint8_t *p = s.p, *end = s.p + s.len;
	struct tm tm = { 0 };
	int offset_s;

	if (!date(&p, end, &tm) || !literal(&p, end, 'T') || !clock_time(&p, end, &tm) || !zone(&p, end, &offset_s))
		return -EBADMSG;
	*out = timegm(&tm) - offset_s;
	return 0;
}

uint32_t ntp_from_time(time_t t)
{
	return (uint32_t)((uint64_t)t + NTP_UNIX);
}

time_t ntp_to_time(uint32_t ntp)
{
	int64_t t = (int64_t)ntp - NTP_UNIX;

	return ntp & 0x80000000u ? t : t + NTP_ERA;
}

time_t ntp_near(time_t t, time_t now)
{
	while (t < now - NTP_ERA / 2)
		t += NTP_ERA;
	return t;
}

int http_date_format(char out[30], time_t t)
{
	static const char day[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char month[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year + 1900 > 9999 || tm.tm_year + 1900 < 0)
		return -EINVAL;
	/* not strftime: names must not follow the locale */
	snprintf(out, 30, "%s, %02d %s %04d %02d:%02d:%02d GMT", day[tm.tm_wday % 7], tm.tm_mday % 100,
		 month[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
	return 0;
}
