/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "example_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_LEN 2048
#define VALUE_MAX    200 /* octets of a value in a log line; in JSON each may take six */

/*! Of a long value the beginning: the others must not be pushed out of the line. */
static void json_string(FILE *f, const char *s)
{
	const char *begin = s;

	fputc('"', f);
	for (; *s && s - begin < VALUE_MAX; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputs(*s ? "...\"" : "\"", f);
}

/*! Quoted if there is a blank; nothing that comes from outside can end a value or a line. */
static void text_string(FILE *f, const char *s)
{
	const char *quote = strpbrk(s, " \"") ? "\"" : "", *begin = s;

	fputs(quote, f);
	for (; *s && s - begin < VALUE_MAX; s++)
		fputc((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f || *s == '"' ? '?' : *s, f);
	fprintf(f, "%s%s", *s ? "..." : "", quote);
}

/*! Local time with its zone; "" where the journal puts its own before our lines. */
static void now_text(char out[40])
{
	time_t t = time(NULL);
	struct tm tm;

	if (getenv("JOURNAL_STREAM") || !localtime_r(&t, &tm) || !strftime(out, 40, "%Y-%m-%dT%H:%M:%S%z", &tm))
		out[0] = '\0';
}

void example_log(bool json, const char *event, ...)
{
	char line[LINE_MAX_LEN] = "";
	FILE *f = fmemopen(line, sizeof(line) - 1, "w");
	const char *name, *value;
	char now[40];
	va_list ap;

	if (!f)
		return;
	now_text(now);
	if (json)
		fprintf(f, "{\"time\":\"%s\",\"event\":", now);
	else if (now[0])
		fprintf(f, "%s ", now);
	(json ? json_string : text_string)(f, event);
	va_start(ap, event);
	while ((name = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		if (!*value)
			continue;
		fprintf(f, json ? ",\"%s\":" : " %s=", name);
		(json ? json_string : text_string)(f, value);
	}
	va_end(ap);
	fputs(json ? "}" : "", f);
	fclose(f);
	fprintf(stderr, "%s\n", line); /* one call, so lines of two threads do not mix */
}
