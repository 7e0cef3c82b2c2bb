/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/product.h"

static bool delimiter(uint8_t c)
{
	return c == ' ' || c == '\t' || c == ';' || c == ',' || c == '/' || c == '(' || c == ')';
}

bool product_has(struct span header, const char *token)
{
	size_t pos = 0;

	while (pos < header.len) {
		size_t start = pos;

		while (pos < header.len && !delimiter(header.p[pos]))
			pos++;
		if (span_ieq(span_of(header.p + start, pos - start), span_str(token)))
			return true;
		pos++;
	}
	return false;
}
