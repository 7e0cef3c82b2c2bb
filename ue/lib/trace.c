/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/visible.h"

/* A response and a known nonce let anybody test guesses of RES. */
static const char *const masked[] = { "response", "rspauth" };

/* Octets of s from i on that are blanks. */
static size_t blanks(const char *s, size_t i, size_t len)
{
	size_t n = 0;

	while (i + n < len && (s[i + n] == ' ' || s[i + n] == '\t'))
		n++;
	return n;
}

/* Asterisks over the value that begins at i, quoted or not. \returns where it ends */
static size_t mask_value(char *line, size_t i, size_t len)
{
	bool quoted = i < len && line[i] == '"';

	for (i += quoted; i < len && line[i] != '\r' && line[i] != '\n'; i++) {
		if (quoted ? line[i] == '"' : line[i] == ',' || line[i] == ' ' || line[i] == '\t')
			break;
		line[i] = '*';
	}
	return i;
}

void trace_mask(char *line, size_t len)
{
	for (size_t m = 0; m < sizeof(masked) / sizeof(masked[0]); m++) {
		size_t n = strlen(masked[m]);

		for (size_t i = 0; i + n <= len; i++) {
			size_t at = i + n + blanks(line, i + n, len);

			if (strncasecmp(line + i, masked[m], n) != 0 || at >= len || line[at] != '=')
				continue;
			at++;
			i = mask_value(line, at + blanks(line, at, len), len);
		}
	}
}

void trace_message(char mark, const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	char *line, *rest;

	if (!copy)
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	trace_mask(copy, len);
	for (rest = copy; (line = strsep(&rest, "\n"));) {
		size_t n = rest ? (size_t)(rest - line) - 1 : (size_t)(copy + len - line);

		n -= n && line[n - 1] == '\r';
		if (!n && !rest)
			continue;
		fprintf(stderr, "%c ", mark);
		visible_print(stderr, line, n, false);
		fputc('\n', stderr);
	}
	free(copy);
}
