/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/b64.h"

#include <errno.h>
#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int b64_encode(char *out, size_t cap, const void *in, size_t len)
{
	const uint8_t *p = in;
	size_t n = B64_LEN(len);

	if (cap <= n)
		return -ENOSPC;
	for (; len >= 3; len -= 3, p += 3) {
		*out++ = alphabet[p[0] >> 2];
		*out++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*out++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*out++ = alphabet[p[2] & 63];
	}
	if (len) {
		uint8_t second = len == 2 ? p[1] : 0;

		*out++ = alphabet[p[0] >> 2];
		*out++ = alphabet[(p[0] & 3) << 4 | second >> 4];
		*out++ = len == 2 ? alphabet[(second & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
	return (int)n;
}

/* One more than its value; 0: not in the alphabet. */
static const uint8_t values[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
	['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static int sextet(uint8_t c)
{
	return values[c] - 1;
}

/* Alphabet, padding only at the end, unused bits zero: one text per value. */
static bool canonical(const uint8_t *p, size_t chars, size_t pad)
{
	for (size_t i = 0; i < chars; i++) {
		if (sextet(p[i]) < 0)
			return false;
	}
	if (pad == 1)
		return (sextet(p[chars - 1]) & 3) == 0;
	if (pad == 2)
		return (sextet(p[chars - 1]) & 15) == 0;
	return true;
}

int b64_decode(uint8_t *out, size_t cap, const void *in, size_t len)
{
	const uint8_t *p = in;
	size_t pad = 0, octets;
	uint32_t acc = 0;

	if (len % 4)
		return -EBADMSG;
	if (len && p[len - 1] == '=')
		pad = p[len - 2] == '=' ? 2 : 1;
	if (!canonical(p, len - pad, pad))
		return -EBADMSG;
	octets = len / 4 * 3 - pad;
	if (octets > cap)
		return -ENOSPC;
	for (size_t i = 0, o = 0; o < octets; i++) {
		acc = acc << 6 | (uint32_t)(i < len - pad ? sextet(p[i]) : 0);
		if (i % 4 == 3) {
			for (int shift = 16; shift >= 0 && o < octets; shift -= 8)
				out[o++] = (uint8_t)(acc >> shift);
			acc = 0;
		}
	}
	return (int)octets;
}
