/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/visible.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

static bool is_shown(ucs4_t c)
{
	return !uc_is_general_category(c, UC_OTHER) && !uc_is_general_category(c, UC_LINE_SEPARATOR) &&
	       !uc_is_general_category(c, UC_PARAGRAPH_SEPARATOR) && !uc_is_property_default_ignorable_code_point(c);
}

static bool is_layout(const uint8_t *p, size_t left)
{
	return *p == '\n' || *p == '\t' || (*p == '\r' && left > 1 && p[1] == '\n');
}

char *visible_text(const void *text, size_t len, bool lines)
{
	const uint8_t *p = text, *end = p + len;
	char *out = malloc(4 * len + 1), *to = out;

	while (out && p < end) {
		ucs4_t c = 0;
		int n = u8_mbtoucr(&c, p, (size_t)(end - p));

		if (n > 0 && (is_shown(c) || (lines && is_layout(p, (size_t)(end - p))))) {
			memcpy(to, p, (size_t)n);
			to += n;
			p += n;
			continue;
		}
		for (n = n > 0 ? n : 1; n > 0; n--)
			to += sprintf(to, "\\x%02x", *p++);
	}
	if (out)
		*to = '\0';
	return out;
}

void visible_print(FILE *to, const void *text, size_t len, bool lines)
{
	char *shown = visible_text(text, len, lines);

	if (shown)
		fputs(shown, to);
	free(shown);
}

void visible_json(FILE *to, const char *json)
{
	if (!json)
		return;
	for (; *json; json++) {
		if (*json == 0x7f)
			fputs("\\u007f", to);
		else
			fputc(*json, to);
	}
	fputc('\n', to);
}
