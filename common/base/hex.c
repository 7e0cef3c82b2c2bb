/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/hex.h"

#include <errno.h>

int hex_encode(char *out, size_t cap, const void *in, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = in;

	if (cap / 2 < len || cap < 2 * len + 1)
		return -ENOSPC;
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
	return (int)(2 * len);
}

/* The value of a hex digit, or a number above 15. Without branches or tables: the digits are random, and often a key. */
static unsigned nibble(uint8_t c)
{
	unsigned digit = c - (unsigned)'0', letter = (c | 0x20u) - 'a';
	unsigned is_digit = ((digit - 10) & ~digit) >> 31, is_letter = ((letter - 6) & ~letter) >> 31; /* 1 or 0 */

	return (digit & -is_digit) | ((letter + 10) & -is_letter) | (16 & ((is_digit | is_letter) - 1));
}

int hex_decode(uint8_t *out, size_t cap, const void *in, size_t len)
{
	const uint8_t *p = in;
	unsigned all = 0;

	if (len % 2)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		all |= nibble(p[i]);
	if (all > 15)
		return -EBADMSG;
	if (len / 2 > cap)
		return -ENOSPC;
	for (size_t i = 0; i < len / 2; i++)
		out[i] = (uint8_t)(nibble(p[2 * i]) << 4 | nibble(p[2 * i + 1]));
	return (int)(len / 2);
}
