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

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(uint8_t *out, size_t cap, const void *in, size_t len)
{
	const uint8_t *p = in;

	if (len % 2)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		if (nibble(p[i]) < 0)
			return -EBADMSG;
	}
	if (len / 2 > cap)
		return -ENOSPC;
	for (size_t i = 0; i < len / 2; i++)
		out[i] = (uint8_t)(nibble(p[2 * i]) << 4 | nibble(p[2 * i + 1]));
	return (int)(len / 2);
}
