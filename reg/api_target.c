/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_target.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static int digit_of(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* In place, since it only gets shorter. \returns false: no such escape, or a control character */
static bool decode(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		int high, low;
		unsigned char c = (unsigned char)*p;

		if (*p == '%') {
			high = digit_of(p[1]);
			low = high < 0 ? -1 : digit_of(p[2]);
			if (low < 0)
				return false;
			c = (unsigned char)(high * 16 + low);
			p += 2;
		}
		if (c < ' ' || c == 0x7f)
			return false;
		*to++ = (char)c;
	}
	*to = '\0';
	return true;
}

static int split_query(struct api_target *t, char *query)
{
	char *pair;

	while ((pair = strsep(&query, "&"))) {
		char *value = strchr(pair, '=');

		if (!*pair)
			continue;
		if (t->n_pairs == API_PAIRS)
			return -E2BIG;
		if (value)
			*value++ = '\0';
		else
			value = pair + strlen(pair);
		if (!decode(pair) || !decode(value))
			return -EBADMSG;
		t->pair[t->n_pairs].name = pair;
		t->pair[t->n_pairs++].value = value;
	}
	return 0;
}

static int split_path(struct api_target *t, char *path)
{
	char *segment;

	while ((segment = strsep(&path, "/"))) {
		if (t->n == API_SEGMENTS)
			return -E2BIG;
		if (!decode(segment))
			return -EBADMSG;
		t->segment[t->n++] = segment;
	}
	return 0;
}

int api_target_parse(struct api_target *out, const char *raw)
{
	size_t len = strlen(raw);
	char *query;
	int rc;

	if (len > API_TARGET_MAX)
		return -E2BIG;
	if (raw[0] != '/' || strchr(raw, '#'))
		return -EBADMSG;
	memcpy(out->text, raw, len + 1);
	out->n = out->n_pairs = 0;
	query = strchr(out->text, '?');
	if (query)
		*query++ = '\0';
	rc = split_path(out, out->text + 1);
	return rc < 0 || !query ? rc : split_query(out, query);
}
