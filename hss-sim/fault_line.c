/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/fault_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/gba/zh_msg.h"

#define LINE_LEN_MAX 1024
#define BLANKS       " \t\r"

static int read_limit(unsigned *out, const char *what, const char *text, unsigned max, struct err *err)
{
	size_t n = text ? strspn(text, "0123456789") : 0;
	unsigned long v = n && n <= 9 && !text[n] ? strtoul(text, NULL, 10) : 0;

	if (*out)
		return err_set(err, -EINVAL, "%s stands there twice; allowed: once", what);
	if (!v || v > max)
		return err_set(err, -EINVAL, "%s '%.40s'; allowed: 1 to %u", what, text ? text : "", max);
	*out = (unsigned)v;
	return 0;
}

/* times N and seconds S, in any order. */
static int read_limits(struct fault *f, const char *const *words, size_t n, struct err *err)
{
	unsigned seconds = 0;

	for (size_t i = 0; i < n; i += 2) {
		const char *value = i + 1 < n ? words[i + 1] : NULL;
		int rc;

		if (strcmp(words[i], "times") == 0)
			rc = read_limit(&f->times, "times", value, FAULT_TIMES_MAX, err);
		else if (strcmp(words[i], "seconds") == 0)
			rc = read_limit(&seconds, "seconds", value, FAULT_S_MAX, err);
		else
			rc = err_set(err, -EINVAL, "'%.40s' behind %s; allowed: times N, seconds S", words[i],
				     fault_about(f->kind)->name);
		if (rc < 0)
			return rc;
	}
	f->seconds = seconds;
	return 0;
}

static int wrong_behaviour(const char *name, struct err *err)
{
	char allowed[320] = "";
	size_t n = 0;

	for (int k = 0; k < FAULT_KINDS && n < sizeof(allowed); k++)
		n += (size_t)snprintf(allowed + n, sizeof(allowed) - n, "%s%s", k ? ", " : "",
				      fault_about((enum fault_kind)k)->name);
	return err_set(err, -EINVAL, "%s'%.40s'; allowed: %s", *name ? "unknown behaviour " : "no behaviour ", name,
		       allowed);
}

int fault_words_read(struct fault *out, const char *who, const char *const *words, size_t n, struct err *err)
{
	int kind = n ? fault_find_kind(words[0]) : -ENOENT, rc;
	struct fault f = { 0 };
	struct impi impi;
	size_t valued;

	if (strcmp(who, FAULT_ALL) != 0 && impi_parse(&impi, (const uint8_t *)who, strlen(who)) < 0)
		return err_set(err, -EINVAL, "'%.100s' is no private identity; allowed: all, or user@domain", who);
	if (kind < 0)
		return wrong_behaviour(n ? words[0] : "", err);
	f.kind = (enum fault_kind)kind;
	snprintf(f.who, sizeof(f.who), "%s", who);
	valued = fault_about(f.kind)->value != FAULT_VALUE_NONE;
	rc = fault_value_set(&f, valued && n > 1 ? words[1] : NULL, err);
	if (rc == 0)
		rc = read_limits(&f, words + 1 + valued, n - 1 - valued, err);
	if (rc == 0)
		*out = f;
	return rc;
}

/* --- a scenario */

/* Cut a line into words; a comma at a word's end is none of it. \returns how many; -E2BIG */
static int split(char *line, const char *words[FAULT_WORDS_MAX + 2])
{
	char *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, BLANKS, &save); w; w = strtok_r(NULL, BLANKS, &save)) {
		size_t len = strlen(w);

		if (w[len - 1] == ',')
			w[len - 1] = '\0';
		if (!*w)
			continue;
		if (n == FAULT_WORDS_MAX + 2)
			return -E2BIG;
		words[n++] = w;
	}
	return n;
}

struct reading {
	struct faults *out;
	uint64_t now_ms;
	int (*known)(void *owner, const char *impi);
	void *owner;
};

static int put_in(const struct reading *r, const struct fault *f, struct err *err)
{
	int rc = fault_add(r->out, f, r->now_ms);

	if (rc == -ELOOP)
		return err_set(
			err, -EINVAL,
			"%s: its turn never comes, another one of its sort for %s stands before it without an end;"
			" allowed: times or seconds in that one",
			fault_about(f->kind)->name, f->who);
	if (rc < 0)
		return err_set(err, -EINVAL, "more than %d behaviours", FAULTS_MAX);
	return 0;
}

static int scenario_line(const struct reading *r, char *line, struct err *err)
{
	const char *words[FAULT_WORDS_MAX + 2];
	const char first = line[strspn(line, BLANKS)];
	struct fault f;
	int n, rc;
	char *who;

	if (!first || first == '#' || first == '!')
		return 0;
	n = split(line, words);
	who = n > 1 ? (char *)words[1] : NULL;
	if (!who || strcmp(words[0], "subscriber") != 0 || who[strlen(who) - 1] != ':')
		return err_set(err, -EINVAL,
			       "not understood; allowed: subscriber all|IMPI: BEHAVIOUR [VALUE] [times N] [seconds S]");
	who[strlen(who) - 1] = '\0';
	rc = fault_words_read(&f, who, words + 2, (size_t)n - 2, err);
	if (rc < 0)
		return rc;
	if (r->known && strcmp(who, FAULT_ALL) != 0 && r->known(r->owner, who) < 0)
		return err_set(err, -EINVAL, "there is no subscriber %.200s; allowed: all, or one who is there", who);
	return put_in(r, &f, err);
}

int fault_scenario_read(struct faults *out, struct span text, uint64_t now_ms,
			int (*known)(void *owner, const char *impi), void *owner, struct err *err)
{
	const struct reading r = { out, now_ms, known, owner };
	const uint8_t *at = text.p, *end = text.len ? text.p + text.len : at;
	struct err why;

	*out = (struct faults){ 0 };
	for (unsigned n = 1; at < end; n++) {
		const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((lf ? lf : end) - at);
		char line[LINE_LEN_MAX + 1];

		if (len > LINE_LEN_MAX || span_to_str(line, sizeof(line), span_of(at, len)) < 0)
			return err_set(err, -EINVAL, "line %u: not text of up to %d characters", n, LINE_LEN_MAX);
		if (scenario_line(&r, line, &why) < 0)
			return err_set(err, -EINVAL, "line %u: %.460s", n, why.text);
		at += len + (lf != NULL);
	}
	return 0;
}
