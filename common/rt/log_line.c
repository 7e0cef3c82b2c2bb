/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "common/base/sockaddr.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"
#include "common/gba/run_id.h"
#include "common/rt/log_cat.h"
#include "common/rt/pseudonym.h"

#define CUT " ..."

static void put(struct log_line *l, const char *s)
{
	size_t n = strlen(s), room = sizeof(l->s) - sizeof(CUT) - 1 - l->len;

	if (l->cut || n > room) {
		l->cut = true;
		return;
	}
	memcpy(l->s + l->len, s, n + 1);
	l->len += n;
}

bool log_line_open(struct log_line *l, int cat, int level, const char *word)
{
	if (!log_relay_enabled(cat, level))
		return false;
	l->cat = cat;
	l->level = level;
	l->len = 0;
	l->cut = false;
	put(l, word);
	return true;
}

bool log_line_begin(struct log_line *l, int cat, int level, enum cause cause)
{
	return log_line_open(l, cat, level, cause_name(cause));
}

static void put_key(struct log_line *l, const char *key)
{
	put(l, " ");
	put(l, key);
	put(l, "=");
}

static bool plain(const char *value)
{
	for (const char *p = value; *p; p++) {
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\' || *p == '=')
			return false;
	}
	return true;
}

static void put_quoted(struct log_line *l, const char *value)
{
	char one[8];

	put(l, "\"");
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p < ' ' || *p > '~')
			snprintf(one, sizeof(one), "\\x%02x", *p);
		else
			snprintf(one, sizeof(one), *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		put(l, one);
	}
	put(l, "\"");
}

void log_line_str(struct log_line *l, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	put_key(l, key);
	if (plain(value))
		put(l, value);
	else
		put_quoted(l, value);
}

void log_line_num(struct log_line *l, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_key(l, key);
	put(l, text);
}

void log_line_impi(struct log_line *l, const char *impi)
{
	char masked[IMPI_MAX + 1], word[PSEUDONYM_LEN + 1];

	if (!*impi)
		return;
	impi_mask(masked, impi);
	log_line_str(l, "impi", masked);
	pseudonym(word, impi);
	log_line_str(l, "sub", word);
}

void log_line_run(struct log_line *l, const uint8_t *rand)
{
	char run[RUN_ID_LEN + 1];

	if (!rand)
		return;
	run_id(run, rand);
	log_line_str(l, "run", run);
}

void log_line_result(struct log_line *l, const struct result *r)
{
	char text[24];

	if (!r->code)
		return;
	snprintf(text, sizeof(text), "%" PRIu32 "/%" PRIu32, r->vendor, r->code);
	log_line_str(l, "result", r->experimental ? text : strchr(text, '/') + 1);
}

void log_line_from(struct log_line *l, const void *sa)
{
	char text[SOCKADDR_TEXT];

	if (!sockaddr_len(sa))
		return;
	sockaddr_host_text(text, sa);
	log_line_str(l, "from", text);
	log_line_num(l, "port", sockaddr_port(sa));
}

void log_line_end(struct log_line *l)
{
	log_relay(l->cat, l->level, __FILE__, __LINE__, "%s%s\n", l->s, l->cut ? CUT : "");
}

void log_line_reason(int cat, int level, enum cause cause, const char *reason)
{
	struct log_line l;

	if (!log_line_begin(&l, cat, level, cause))
		return;
	log_line_str(&l, "reason", reason);
	log_line_end(&l);
}

char *log_line_harmless(char *s)
{
	for (char *p = s; *p; p++) {
		if ((*p < ' ' || *p > '~') && !(*p == '\n' && !p[1]))
			*p = '?';
	}
	return s;
}

#define LONG_NUMBER 14 /* digits: an IMSI, IMEI, ICCID or EID; Ua identifiers have 10 */

/* A number, or FROM-TO: of each as long as an IMSI what a log may hold. */
static void put_numbers(struct writer *w, const char *word)
{
	char number[IMPI_MAX + 1], masked[IMPI_MAX + 1];

	for (; *word; word += *word == '-') {
		size_t digits = strcspn(word, "-");

		snprintf(number, sizeof(number), "%.*s", (int)digits, word);
		impi_mask(masked, number);
		writer_str(w, digits >= LONG_NUMBER ? masked : number);
		word += digits;
		writer_str(w, *word ? "-" : "");
	}
}

void log_line_word(struct writer *w, const char *word)
{
	const char *value = strchr(word, '=');
	char masked[IMPI_MAX + 1];
	struct btid btid;

	if (value && !strchr(word, '@')) {
		writer_put(w, word, (size_t)(value - word));
		word = "=*****";
	} else if (!word[strspn(word, "0123456789-")]) {
		return put_numbers(w, word);
	} else if (strchr(word, '@') && btid_parse(&btid, (const uint8_t *)word, strlen(word)) < 0) {
		impi_mask(masked, word);
		word = masked;
	}
	writer_str(w, word);
}
