/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "tests/unit/suite.h"

START_TEST(spans)
{
	char out[4] = "xyz";

	ck_assert(span_eq(span_str("ab"), span_of("ab", 2)));
	ck_assert(span_eq(span_of(NULL, 0), span_str("")));
	ck_assert(!span_eq(span_str("ab"), span_str("aB")));
	ck_assert(!span_eq(span_str("ab"), span_str("abc")));
	ck_assert(span_ieq(span_str("aZ-[9"), span_str("Az-[9")));
	ck_assert(!span_ieq(span_str("["), span_str("{"))); /* differ by 0x20 only, and are no letters */
	ck_assert(!span_ieq(span_of("\xc4", 1), span_of("\xe4", 1)));

	ck_assert_int_eq(span_to_str(out, sizeof(out), span_str("abcd")), -E2BIG);
	ck_assert_int_eq(span_to_str(out, sizeof(out), span_of("a\0b", 3)), -EBADMSG);
	ck_assert_str_eq(out, "xyz");
	ck_assert_int_eq(span_to_str(out, sizeof(out), span_str("abc")), 0);
	ck_assert_str_eq(out, "abc");
	ck_assert_int_eq(span_to_str(out, sizeof(out), span_of(NULL, 0)), 0);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(writer_remembers_overflow)
{
	char mem[8];
	struct writer w;

	writer_init(&w, mem, sizeof(mem));
	writer_str(&w, "abc");
	writer_printf(&w, "%d", 4567);
	ck_assert_int_eq(writer_end(&w), 7);
	ck_assert_str_eq(mem, "abc4567");

	writer_span(&w, span_str("8")); /* fills the last octet: no room for the NUL */
	ck_assert_int_eq(writer_end(&w), -ENOSPC);

	writer_init(&w, mem, sizeof(mem));
	writer_str(&w, "abcdef");
	writer_printf(&w, "%s", "gh");
	writer_str(&w, "");
	ck_assert_int_eq(writer_end(&w), -ENOSPC);

	writer_init(&w, mem, sizeof(mem));
	writer_put(&w, "123456789", 9);
	writer_str(&w, "a"); /* would fit, but the text has a hole already */
	ck_assert_int_eq(writer_end(&w), -ENOSPC);
	writer_init(&w, mem, 0);
	ck_assert_int_eq(writer_end(&w), -ENOSPC);
}
END_TEST

START_TEST(big_endian)
{
	uint8_t b[8];

	be64_put(b, 0x0102030405060708);
	ck_assert_octets(b, "0102030405060708");
	ck_assert_uint_eq(be64_get(b), 0x0102030405060708);
	ck_assert_uint_eq(be48_get(b), 0x010203040506);
	ck_assert_uint_eq(be32_get(b), 0x01020304);
	ck_assert_uint_eq(be16_get(b), 0x0102);
	be48_put(b, 0xfedcba987654);
	be16_put(b + 6, 0xa1b2);
	ck_assert_octets(b, "fedcba987654a1b2");
	be32_put(b, 0xfffefdfc);
	ck_assert_octets(b, "fffefdfc7654a1b2");
}
END_TEST

START_TEST(reasons)
{
	struct err e;
	char big[2 * ERR_MAX];

	ck_assert_int_eq(err_set(&e, -EINVAL, "line %d: '%s'", 7, "x"), -EINVAL);
	ck_assert_str_eq(e.text, "line 7: 'x'");
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	ck_assert_int_eq(err_set(&e, -EIO, "%s", big), -EIO);
	ck_assert_uint_eq(strlen(e.text), ERR_MAX - 1);
	ck_assert_int_eq(err_set(NULL, -EIO, "x"), -EIO);
}
END_TEST

SUITE("bytes", spans, writer_remembers_overflow, big_endian, reasons)
