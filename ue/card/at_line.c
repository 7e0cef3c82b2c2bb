/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/at_line.h"

#include <errno.h>

#include "common/base/hex.h"

static struct span trim(struct span s)
{
	while (s.len && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r'))
		s = span_of(s.p + 1, s.len - 1);
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\r'))
		s.len--;
	return s;
}

static bool begins(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && span_ieq(span_of(s.p, n), span_str(with));
}

/* \returns digits taken */
static size_t digits_of(struct span s, unsigned *out)
{
	size_t n = 0;

	for (*out = 0; n < s.len && n < 6 && s.p[n] >= '0' && s.p[n] <= '9'; n++)
		*out = *out * 10 + (unsigned)(s.p[n] - '0');
	return n;
}

/* 27.007 9.2: 10 not inserted, 13 failure, 15 wrong; in words where the modem was told so */
static enum at_kind cme(struct span s, int *code)
{
	unsigned n;

	if (!digits_of(s, &n)) {
		*code = -1;
		return begins(s, "SIM not inserted") ? AT_NO_CARD : AT_ERROR;
	}
	*code = (int)n;
	return n == 10 ? AT_NO_CARD : AT_ERROR;
}

enum at_kind at_line_read(struct span line, const char *prefix, struct span *value, int *code)
{
	static const char cme_head[] = "+CME ERROR:";
	struct span s = trim(line);

	if (span_ieq(s, span_str("OK")))
		return AT_OK;
	if (begins(s, cme_head))
		return cme(trim(span_of(s.p + strlen(cme_head), s.len - strlen(cme_head))), code);
	*code = -1;
	if (span_ieq(s, span_str("ERROR")))
		return AT_ERROR;
	if (!s.len || (*prefix ? !begins(s, prefix) : s.p[0] < '0' || s.p[0] > '9'))
		return AT_NOISE;
	*value = trim(span_of(s.p + strlen(prefix), s.len - strlen(prefix)));
	return AT_ANSWER;
}

int at_line_hex(uint8_t *out, size_t cap, struct span value)
{
	unsigned digits;
	size_t n = digits_of(value, &digits);

	if (!n || n >= value.len || value.p[n] != ',')
		return -EBADMSG;
	value = trim(span_of(value.p + n + 1, value.len - n - 1));
	if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
		value = span_of(value.p + 1, value.len - 2);
	if (value.len != digits)
		return -EBADMSG;
	return hex_decode(out, cap, value.p, value.len) < 0 ? -EBADMSG : (int)(digits / 2);
}
