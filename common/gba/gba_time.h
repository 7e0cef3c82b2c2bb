/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file gba_time.h
 *  Instants on the wire: xs:dateTime in UTC (Ub, GUSS), Diameter Time (29.109, RFC 6733 4.3.1), HTTP date. Pure. */
#pragma once

#include <time.h>
#include "common/base/bytes.h"

#define DATE_TIME_LEN 20 /* 2030-01-01T12:00:00Z */

/*! \returns 0; -EINVAL beyond the years 1000 to 9999 */
int date_time_format(char out[DATE_TIME_LEN + 1], time_t t);

#define DATE_TIME_MS_LEN 24 /* 2030-01-01T12:00:00.123Z */

/*! Milliseconds since 1970, for people and programs. \returns as date_time_format() */
int date_time_ms_format(char out[DATE_TIME_MS_LEN + 1], int64_t ms);

/*! Every form of xs:dateTime (XML Schema part 2, 3.2.7): fractions (dropped), Z, +hh:mm, 24:00:00, years before Christ and
 *  of more than four digits (beyond 99999999: the nearest); no zone is read as UTC. \returns 0; -EBADMSG */
int date_time_parse(time_t *out, struct span s);

/*! Seconds since 1900, era by RFC 6733: values below 0x80000000 lie after 2036. */
uint32_t ntp_from_time(time_t t);
time_t ntp_to_time(uint32_t ntp);
/*! From 2036 on the 32 bits of RFC 6733 say less and less: the instant with the same bits that is nearest to now is meant
 *  (RFC 5905 6); until then what they say since 1968 stands.
 *  \param[in] t of ntp_to_time() */
time_t ntp_near(time_t t, time_t now);

/*! RFC 7231 7.1.1.1, independent of the locale. \returns 0; -EINVAL beyond the year 9999 */
int http_date_format(char out[30], time_t t);
