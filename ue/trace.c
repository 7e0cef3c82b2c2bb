/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A response and a known nonce let anybody test guesses of RES. */
static const char *const masked[] = { "response=\"", "rspauth=\"" };

void trace_mask(char *line, size_t len)
{
	for (size_t m = 0; m < sizeof(masked) / sizeof(masked[0]); m++) {
		size_t n = strlen(masked[m]);

		for (size_t i = 0; i + n <= len; i++) {
			if (strncasecmp(line + i, masked[m], n) != 0)
				continue;
			for (i += n; i < len && line[i] != '"'; i++)
				line[i] = '*';
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
		line[strcspn(line, "\r")] = '\0';
		if (*line || rest)
			fprintf(stderr, "%c %s\n", mark, line);
	}
	free(copy);
}
