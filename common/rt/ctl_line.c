/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/ctl_line.h"

#include <errno.h>
#include <string.h>

#define ALLOWED "allowed: NUMBER COMMAND [ARGUMENT...] [+OCTETS], one blank between two words"

/* \returns false: no decimal number of so many digits at most */
static bool decimal(uint64_t *out, const char *text, size_t digits_max)
{
	size_t len = strlen(text);
	uint64_t n = 0;

	if (!len || len > digits_max)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = 10 * n + (uint64_t)(*text - '0');
	}
	*out = n;
	return true;
}

static bool word_valid(const char *w)
{
	if (!*w)
		return false;
	for (; *w; w++) {
		if (*w < '!' || *w > '~')
			return false;
	}
	return true;
}

static int take_words(struct ctl_line *l, char *rest, struct err *err)
{
	char *word;

	while ((word = strsep(&rest, " "))) {
		if (!word_valid(word))
			return err_set(err, -EINVAL, "an empty word, or one with other than visible ASCII; " ALLOWED);
		if (l->n == CTL_WORDS_MAX)
			return err_set(err, -EINVAL, "more than %d words; " ALLOWED, CTL_WORDS_MAX);
		l->word[l->n++] = word;
	}
	return 0;
}

/* The last word may say how long a document follows. A B-TID may begin with a plus, too, as base64 does: like an IMPI it has an @. */
static int take_octets(struct ctl_line *l, struct err *err)
{
	const char *last = l->n ? l->word[l->n - 1] : NULL;
	uint64_t octets;

	if (!last || *last != '+' || strchr(last, '@'))
		return 0;
	if (!decimal(&octets, last + 1, CTL_NUMBER_MAX) || octets > CTL_DOCUMENT_MAX)
		return err_set(err, -EINVAL, "a document has up to %u octets; allowed: +OCTETS", CTL_DOCUMENT_MAX);
	l->has_document = true;
	l->octets = (size_t)octets;
	l->n--;
	return 0;
}

int ctl_line_parse(struct ctl_line *out, char *line, struct err *err)
{
	struct ctl_line l = { 0 };
	char *rest = line;
	int rc;

	out->number = 0;
	if (!decimal(&l.number, strsep(&rest, " "), CTL_NUMBER_MAX))
		return err_set(err, -EINVAL, "a line begins with a number; " ALLOWED);
	out->number = l.number;
	rc = rest ? take_words(&l, rest, err) : 0;
	if (rc == 0)
		rc = take_octets(&l, err);
	if (rc < 0)
		return rc;
	if (!l.n)
		return err_set(err, -EINVAL, "no command; " ALLOWED);
	*out = l;
	return 0;
}
