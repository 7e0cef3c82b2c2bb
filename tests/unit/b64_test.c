/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>

#include "common/base/b64.h"
#include "common/crypto/rng.h"
#include "tests/unit/suite.h"

START_TEST(rfc4648_section_10)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t plain = strlen(pairs[i][0]), text = strlen(pairs[i][1]);
		char out[9] = "";
		uint8_t back[6];

		ck_assert_int_eq(b64_encode(out, sizeof(out), pairs[i][0], plain), (int)text);
		ck_assert_str_eq(out, pairs[i][1]);
		ck_assert_int_eq(b64_decode(back, sizeof(back), out, text), (int)plain);
		ck_assert_mem_eq(back, pairs[i][0], plain);
		ck_assert_uint_eq(B64_LEN(plain), text);
		if (text)
			ck_assert_int_eq(b64_encode(out, text, pairs[i][0], plain), -ENOSPC);
		if (plain)
			ck_assert_int_eq(b64_decode(back, plain - 1, pairs[i][1], text), -ENOSPC);
	}
}
END_TEST

/* One text per value: else one B-TID would have several spellings. */
START_TEST(strict)
{
#define BAD(text) \
	{ \
		text, sizeof(text) - 1 \
	}
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
		BAD("Z"),        BAD("Zg"),    BAD("Zg="),     BAD("Zg==="),    BAD("Zh=="),
		BAD("Zm9="),     BAD("Zm8"),   BAD("===="),    BAD("=g=="),     BAD("Z==="),
		BAD("Zm9v\n"),   BAD(" Zm9v"), BAD("Zm-_"),    BAD("Zm 9v"),    BAD("Zm9v===="),
		BAD("Zg==Zg=="), BAD("Z\0=="), BAD("Zm\x80v"), BAD("Zm9vZg=A"), BAD("Zm\n9"),
	};
	uint8_t out[16], before[16];

	memset(out, 0x55, sizeof(out));
	memcpy(before, out, sizeof(out));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(b64_decode(out, sizeof(out), bad[i].text, bad[i].len) == -EBADMSG, "case %zu '%s'", i,
			      bad[i].text);
		ck_assert_mem_eq(out, before, sizeof(out));
	}
}
END_TEST

START_TEST(all_values)
{
	uint8_t in[257], out[257];
	char text[B64_LEN(257) + 1];

	for (size_t len = 0; len <= sizeof(in); len++) {
		ck_assert_int_eq(rng_fill(in, len), 0);
		ck_assert_int_eq(b64_encode(text, sizeof(text), in, len), (int)B64_LEN(len));
		ck_assert_int_eq(b64_decode(out, sizeof(out), text, strlen(text)), (int)len);
		ck_assert_mem_eq(in, out, len);
	}
}
END_TEST

SUITE("b64", rfc4648_section_10, strict, all_values)
