/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "reg/reg_returns.h"
#include "tests/unit/suite.h"

START_TEST(open_redirects)
{
	static const char *const good[] = {
		"https://video.example.com/",
		"https://video.example.com:8443/back",
		"https://www.video.example.com/a?b=c&d=%20",
		"https://video.example.com/a/../b?c=https://evil.example.net/",
	};
	static const char *const bad[] = {
		"",
		"https://",
		"https:///",
		"http://video.example.com/",
		"HTTPS://video.example.com/",
		"https://video.example.com",
		"https://evil.example.net/",
		"https://evilvideo.example.com/",
		"https://video.example.com.evil.net/",
		"https://video.example.com@evil.net/",
		"https://video.example.com:x@evil.net/",
		"https://video.example.com\\@evil.net/",
		"https://evil.net\\.video.example.com/",
		"https://evil.net?.video.example.com/",
		"https://evil.net#.video.example.com/",
		"https://video.example.com/#a",
		"https://video.example.com:0/",
		"https://video.example.com:65536/",
		"https://video.example.com:/",
		"https://video.example.com:8a/",
		"https://video.example.com/a b",
		"https://video.example.com/a\\b",
		"https://video.example.com/\r\nSet-Cookie:a=b",
		"https://video.example.com/\xc3\xa9",
		"https://VIDEO.example.com/",
		"//video.example.com/",
		"javascript:alert(1)//https://video.example.com/",
		"https://example.com/",
	};
	char longest[REG_URL_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(!reg_return_bad(good[i], "video.example.com"), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(reg_return_bad(bad[i], "video.example.com") != NULL, "%s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "https://a.b/", 12);
	longest[REG_URL_MAX] = '\0';
	ck_assert_ptr_null(reg_return_bad(longest, "a.b"));
	longest[REG_URL_MAX] = 'a';
	longest[REG_URL_MAX + 1] = '\0';
	ck_assert_ptr_nonnull(reg_return_bad(longest, "a.b"));
}
END_TEST

START_TEST(state_comes_back_as_it_was)
{
	char *url = reg_return_with("https://a.b/x", "a&result=agreed#\r\n \xc3\xa9+%", "refused");

	ck_assert_str_eq(url, "https://a.b/x?state=a%26result%3Dagreed%23%0D%0A%20%C3%A9%2B%25&result=refused");
	free(url);
	url = reg_return_with("https://a.b/x?y=1", "S-._~9", "agreed");
	ck_assert_str_eq(url, "https://a.b/x?y=1&state=S-._~9&result=agreed");
	free(url);
}
END_TEST

SUITE("reg_returns", open_redirects, state_comes_back_as_it_was)
