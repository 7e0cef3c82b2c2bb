/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* BootstrappingInfo, 24.109 annex C. 220-4.4.4-2, 220-4.4.4-3: B-TID and instant of expiry in the 200. */
#include <errno.h>

#include "common/gba/bsf_info.h"
#include "tests/unit/suite.h"

#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc015.mcc234.pub.3gppnetwork.org"

/* octet for octet the body of worked example V1, over which its rspauth is computed */
static const char v1[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
			 "<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\r\n"
			 "  <btid>" BTID "</btid>\r\n"
			 "  <lifetime>2030-01-01T12:00:00Z</lifetime>\r\n"
			 "</BootstrappingInfo>\r\n";

static int parse(struct bsf_info *out, const char *s)
{
	return bsf_info_parse(out, (const uint8_t *)s, strlen(s));
}

START_TEST(both_ways)
{
	struct bsf_info info = { .btid = BTID, .expires_at = 1893499200 }, back;
	char body[BSF_INFO_MAX];

	ck_assert_int_eq(bsf_info_format(body, sizeof(body), &info), 228);
	ck_assert_str_eq(body, v1);
	ck_assert_int_eq(parse(&back, body), 0);
	ck_assert_str_eq(back.btid, BTID);
	ck_assert_int_eq(back.expires_at, 1893499200);
	ck_assert(!back.has_now);
	info.has_now = true;
	info.now = 1893495600;
	ck_assert_int_gt(bsf_info_format(body, sizeof(body), &info), 228);
	ck_assert_int_eq(parse(&back, body), 0);
	ck_assert(back.has_now);
	ck_assert_int_eq(back.now, 1893495600);
	ck_assert_int_eq(bsf_info_format(body, 228, &info), -ENOSPC);
	info.expires_at = 253402300800;
	ck_assert_int_eq(bsf_info_format(body, sizeof(body), &info), -EINVAL);
}
END_TEST

/* the longest there is fits what the BSF reserves */
START_TEST(longest)
{
	struct bsf_info info = { .expires_at = 1893499200, .has_now = true, .now = 1893499200 };
	char body[BSF_INFO_MAX];

	memset(info.btid, 'a', BTID_MAX);
	ck_assert_int_gt(bsf_info_format(body, sizeof(body), &info), 0);
}
END_TEST

START_TEST(foreign)
{
	static const char *const good[] = {
		/* an operator's, shape of 2020 */
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\n<btid>" BTID
		"</btid>\n<lifetime>2030-01-01T12:00:00Z</lifetime>\n</BootstrappingInfo>\n",
		/* prefix, other order, attributes and elements we do not know, zone, white space */
		"<g:BootstrappingInfo xmlns:g=\"uri:3gpp-gba\" v=\"2\"><g:new><g:btid>x</g:btid></g:new><g:lifetime> "
		"2030-01-01T13:00:00.5+01:00\n</g:lifetime><g:btid>\n\t" BTID "\n</g:btid></g:BootstrappingInfo>",
		/* no namespace */
		"<BootstrappingInfo><btid>" BTID "</btid><lifetime>2030-01-01T12:00:00Z</lifetime><Extension><other/>"
		"</Extension></BootstrappingInfo>",
	};
	struct bsf_info info;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(parse(&info, good[i]) == 0, "case %zu", i);
		ck_assert_str_eq(info.btid, BTID);
		ck_assert_int_eq(info.expires_at, 1893499200);
		ck_assert(!info.has_now);
	}
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"",
		"x",
		"<a/>",
		"<BootstrappingInfo/>",
		"<Info><btid>" BTID "</btid><lifetime>2030-01-01T12:00:00Z</lifetime></Info>",
		"<BootstrappingInfo><btid>" BTID "</btid></BootstrappingInfo>",
		"<BootstrappingInfo><lifetime>2030-01-01T12:00:00Z</lifetime></BootstrappingInfo>",
		"<BootstrappingInfo><btid/><lifetime>2030-01-01T12:00:00Z</lifetime></BootstrappingInfo>",
		"<BootstrappingInfo><btid>x@y</btid><lifetime>2030-01-01T12:00:00Z</lifetime></BootstrappingInfo>",
		"<BootstrappingInfo><btid>" BTID "</btid><lifetime>3600</lifetime></BootstrappingInfo>",
		"<BootstrappingInfo><btid>" BTID "</btid><lifetime>2030-01-01T12:00:00Z</lifetime>",
		"<!DOCTYPE a><BootstrappingInfo><btid>" BTID
		"</btid><lifetime>2030-01-01T12:00:00Z</lifetime></BootstrappingInfo>",
	};
	static char big[BSF_INFO_READ_MAX + 1];
	struct bsf_info info, before;

	memset(&info, 0x55, sizeof(info));
	before = info;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&info, bad[i]) == -EBADMSG, "%s", bad[i]);
	memset(big, ' ', sizeof(big));
	memcpy(big, v1, sizeof(v1) - 1);
	ck_assert_int_eq(bsf_info_parse(&info, (uint8_t *)big, sizeof(big)), -E2BIG);
	ck_assert_mem_eq(&info, &before, sizeof(info));
	ck_assert_int_eq(bsf_info_parse(&info, (uint8_t *)big, sizeof(big) - 1), 0);
}
END_TEST

SUITE("bsf_info", both_ways, longest, foreign, refused)
