/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "example_form.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One octet of text, NUL and control characters are none. \returns octets of the form it took; 0 it is none */
static size_t one_octet(const char *at, size_t left, char *out)
{
	int high, low;

	*out = *at == '+' ? ' ' : *at;
	if (*at == '%') {
		high = left > 2 ? hex_digit(at[1]) : -1;
		low = high >= 0 ? hex_digit(at[2]) : -1;
		if (low < 0)
			return 0;
		*out = (char)(high << 4 | low);
	}
	if ((unsigned char)*out < 0x20 || *out == 0x7f)
		return 0;
	return *at == '%' ? 3 : 1;
}

static int decode(const char *at, size_t len, char *out, size_t cap)
{
	size_t n = 0, took;

	for (; len; at += took, len -= took) {
		took = n + 1 < cap ? one_octet(at, len, &out[n++]) : 0;
		if (!took)
			return -1;
	}
	out[n] = '\0';
	return 0;
}

int example_form_field(const char *body, size_t len, const char *name, char *out, size_t cap)
{
	const char *end = len ? body + len : body, *found = NULL;
	size_t n = strlen(name), found_len = 0;

	out[0] = '\0';
	for (const char *at = body, *next; at < end; at = next + 1) {
		next = memchr(at, '&', (size_t)(end - at));
		if (!next)
			next = end;
		if ((size_t)(next - at) <= n || memcmp(at, name, n) != 0 || at[n] != '=')
			continue;
		if (found)
			return -1;
		found = at + n + 1;
		found_len = (size_t)(next - found);
	}
	if (found && decode(found, found_len, out, cap) == 0)
		return 0;
	memset(out, 0, cap);
	return -1;
}
