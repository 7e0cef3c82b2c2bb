/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/hex.h"

#include <endian.h>
#include <errno.h>
#include "common/base/bytes.h"

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

#define LANES(c) (0x0101010101010101u * (c)) /* one octet in each of the eight */
#define TOP      LANES(0x80u)

/* Eight digits, whose values come out, one an octet; lanes of bad get their top bit where there is no digit. Without branches
 * or tables: the digits are random, and often a key. */
static inline uint64_t values(uint64_t digits, uint64_t *bad)
{
	uint64_t c = digits & ~TOP, lower = c | LANES(0x20u);
	uint64_t number = (c + LANES(0x80u - '0')) & ~(c + LANES(0x7fu - '9'));
	uint64_t letter = (lower + LANES(0x80u - 'a')) & ~(lower + LANES(0x7fu - 'f')) & TOP;

	*bad |= (digits | ~(number | letter)) & TOP;
	return (c & LANES(0x0fu)) + 9 * (letter >> 7);
}

/* What is behind the end is zeros. */
static inline uint64_t eight(const uint8_t *p, size_t left)
{
	uint8_t last[8] = { '0', '0', '0', '0', '0', '0', '0', '0' };
	uint64_t v;

	if (left >= sizeof(last))
		memcpy(last, p, sizeof(last));
	else
		memcpy(last, p, left);
	memcpy(&v, last, sizeof(v));
	return be64toh(v);
}

static inline uint32_t pairs(uint64_t v)
{
	v = (v | v >> 4) & 0x00ff00ff00ff00ffu;
	v = (v | v >> 8) & 0x0000ffff0000ffffu;
	return (uint32_t)(v | v >> 16);
}

int hex_decode(uint8_t *out, size_t cap, const void *in, size_t len)
{
	const uint8_t *p = in;
	uint64_t bad = 0;
	uint8_t four[4];

	for (size_t i = 0; i < len; i += 8)
		values(eight(p + i, len - i), &bad);
	if (bad || len % 2)
		return -EBADMSG;
	if (len / 2 > cap)
		return -ENOSPC;
	for (size_t i = 0; i < len; i += 8) {
		size_t n = len - i < 8 ? (len - i) / 2 : sizeof(four);

		be32_put(four, pairs(values(eight(p + i, len - i), &bad)));
		memcpy(out + i / 2, four, n);
	}
	return (int)(len / 2);
}
