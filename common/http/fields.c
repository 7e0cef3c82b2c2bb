/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/fields.h"

#define LENGTH_DIGITS 18 /* fits an int64_t */

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i], low = c | 0x20;

		if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z') && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return s.len > 0;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return true;
	}
	return false;
}

/*! Blanks around belong to no field's value. */
static struct span trimmed(struct span s)
{
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.len - 1);
	return s;
}

static bool is_length(struct span s)
{
	size_t digits = 0;

	while (digits < s.len && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	return digits && digits == s.len && digits <= LENGTH_DIGITS;
}

/*! A server that joins a folded line to the one before hands over "Content-Length5" without a value, and has seen no
 *  length; the next program has. */
static bool is_folded_framing(struct span name)
{
	static const char *const framing[] = { "Content-Length", "Transfer-Encoding" };

	for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++) {
		size_t n = strlen(framing[i]);

		if (name.len > n && span_ieq(span_of(name.p, n), span_str(framing[i])))
			return true;
	}
	return false;
}

unsigned fields_note(unsigned *seen, struct span name, struct span value)
{
	static const struct {
		const char *name;
		unsigned bit, not_beside;
	} known[] = {
		{ "Host", FIELDS_HOST, FIELDS_HOST },
		{ "Authorization", FIELDS_AUTHORIZATION, FIELDS_AUTHORIZATION },
		{ "Content-Length", FIELDS_LENGTH, FIELDS_LENGTH | FIELDS_CODING },
		{ "Transfer-Encoding", FIELDS_CODING, FIELDS_LENGTH | FIELDS_CODING },
	};
	unsigned bit = 0;
	bool bad = !is_token(name) || has_control(value) || is_folded_framing(name);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!span_ieq(name, span_str(known[i].name)))
			continue;
		bit = known[i].bit;
		bad |= (*seen & known[i].not_beside) != 0;
	}
	bad |= bit == FIELDS_LENGTH && !is_length(trimmed(value));
	bad |= bit == FIELDS_CODING && !span_ieq(trimmed(value), span_str("chunked"));
	*seen |= bit | (bad ? FIELDS_BAD : 0);
	return bit;
}
