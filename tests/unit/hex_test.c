/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>

#include "tests/unit/suite.h"

START_TEST(both_ways)
{
	uint8_t all[256], back[256];
	char text[513];

	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	ck_assert_int_eq(hex_encode(text, sizeof(text), all, 256), 512);
	ck_assert_int_eq(strncmp(text, "000102", 6), 0);
	ck_assert_str_eq(text + 508, "feff");
	ck_assert_int_eq(hex_decode(back, sizeof(back), text, 512), 256);
	ck_assert_mem_eq(all, back, 256);
	ck_assert_int_eq(hex_decode(back, 2, "aBfF", 4), 2);
	ck_assert_octets(back, "abff");
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = { "0", "0g", "g0", " 0", "0x00", "00 0", "\xe0\xe1", "@0", "`0", "/0", ":0" };
	uint8_t out[2] = { 0x55, 0x55 };
	char text[4];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(hex_decode(out, sizeof(out), bad[i], strlen(bad[i])) == -EBADMSG, "'%s'", bad[i]);
	ck_assert_int_eq(hex_decode(out, 2, "010203", 6), -ENOSPC);
	ck_assert_octets(out, "5555");
	ck_assert_int_eq(hex_encode(text, 4, "ab", 2), -ENOSPC); /* no room for the NUL */
	ck_assert_int_eq(hex_encode(text, 1, "", 0), 0);
	ck_assert_int_eq(hex_encode(text, 0, "", 0), -ENOSPC);
}
END_TEST

/* Whatever octet at whatever place, in texts of whatever length. */
START_TEST(every_octet_at_every_place)
{
	char text[18];
	uint8_t out[9], want[9];

	for (size_t len = 2; len <= 18; len += 2) {
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				const char *all = "0123456789abcdefABCDEF", *digit = c ? strchr(all, c) : NULL;
				unsigned value = digit ? (unsigned)(digit - all) : 0;

				memset(text, '5', len);
				memset(want, 0x55, sizeof(want));
				text[at] = (char)c;
				value -= value > 15 ? 6 : 0;
				want[at / 2] = (uint8_t)(at % 2 ? 0x50 | value : value << 4 | 5);
				ck_assert_msg(hex_decode(out, sizeof(out), text, len) ==
						      (digit ? (int)len / 2 : -EBADMSG),
					      "%d", c);
				ck_assert_msg(!digit || memcmp(out, want, len / 2) == 0, "%d at %zu of %zu", c, at,
					      len);
			}
		}
	}
}
END_TEST

SUITE("hex", both_ways, refused, every_octet_at_every_place)
