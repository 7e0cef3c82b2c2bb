/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/auth_param.h"

#include <errno.h>
#include <stdlib.h>

static void skip(struct span *s, size_t n)
{
	s->p += n;
	s->len -= n;
}

/* Octets of white space at the front: a blank, a tab, or a line end that a blank or tab follows. */
static size_t blank_len(struct span s)
{
	size_t eol;

	if (s.len == 0)
		return 0;
	if (s.p[0] == ' ' || s.p[0] == '\t')
		return 1;
	eol = s.p[0] == '\n' ? 1 : s.len > 1 && s.p[0] == '\r' && s.p[1] == '\n' ? 2 : 0;
	return eol && s.len > eol && (s.p[eol] == ' ' || s.p[eol] == '\t') ? eol + 1 : 0;
}

/* RFC 9110 has the comma; some operators' servers and devices put a semicolon. */
static bool is_separator(uint8_t c)
{
	return c == ',' || c == ';';
}

void auth_skip(struct span *rest, bool commas)
{
	size_t n;

	for (;;) {
		n = blank_len(*rest);
		if (!n && commas && rest->len && is_separator(rest->p[0]))
			n = 1;
		if (!n)
			return;
		skip(rest, n);
	}
}

/* token (RFC 7230 3.2.6); '/' too, so that the credentials of other schemes (token68) can be stepped over */
static bool is_name(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~/", c));
}

/* In a value without quotes: anything visible that cannot end it. */
static bool is_bare(uint8_t c)
{
	return c > ' ' && c != 0x7f && !is_separator(c) && c != '"';
}

static struct span take_while(struct span *rest, bool (*want)(uint8_t))
{
	struct span taken = span_of(rest->p, 0);

	while (rest->len && want(rest->p[0])) {
		skip(rest, 1);
		taken.len++;
	}
	return taken;
}

int auth_scheme_take(struct span *scheme, struct span *rest)
{
	struct span r = *rest, name = take_while(&r, is_name);

	if (!name.len || (r.len && r.p[0] != ',' && !blank_len(r)))
		return -EBADMSG;
	*scheme = name;
	*rest = r;
	return 0;
}

static int take_quoted(struct span *value, bool *escaped, struct span *rest)
{
	skip(rest, 1);
	*value = span_of(rest->p, 0);
	*escaped = false;
	while (rest->len && rest->p[0] != '"') {
		size_t n = 1;

		if (rest->p[0] == '\\') {
			*escaped = true;
			n = 2;
		}
		if (rest->len < n)
			return -EBADMSG;
		for (size_t i = 0; i < n; i++) {
			if ((rest->p[i] < ' ' && rest->p[i] != '\t') || rest->p[i] == 0x7f)
				return -EBADMSG;
		}
		skip(rest, n);
		value->len += n;
	}
	if (!rest->len)
		return -EBADMSG;
	skip(rest, 1);
	return 0;
}

static int take_value(struct span *value, bool *escaped, struct span *rest)
{
	if (rest->len && rest->p[0] == '"')
		return take_quoted(value, escaped, rest);
	*escaped = false;
	*value = take_while(rest, is_bare);
	return 0;
}

static int store(void *out, const struct auth_slot *slots, size_t n, struct span name, struct span value, bool escaped)
{
	for (size_t i = 0; i < n; i++) {
		struct span *slot = (struct span *)((char *)out + slots[i].offset);

		if (!span_ieq(name, span_str(slots[i].name)))
			continue;
		if (slot->p || escaped)
			return -EBADMSG;
		*slot = value;
		return 0;
	}
	return 0;
}

int auth_params_take(void *out, const struct auth_slot *slots, size_t n, struct span *rest, size_t *count)
{
	for (;;) {
		struct span r, name, value;
		bool escaped;
		int rc;

		auth_skip(rest, true);
		if (!rest->len)
			return 0;
		r = *rest;
		name = take_while(&r, is_name);
		auth_skip(&r, false);
		if (!name.len)
			return -EBADMSG;
		if (!r.len || r.p[0] != '=')
			return 0; /* the caller sees a word at the front of rest */
		skip(&r, 1);
		auth_skip(&r, false);
		rc = take_value(&value, &escaped, &r);
		if (rc < 0)
			return rc;
		if (r.len && !is_separator(r.p[0]) && !blank_len(r))
			return -EBADMSG;
		if (++*count > AUTH_PARAMS_MAX)
			return -E2BIG;
		rc = store(out, slots, n, name, value, escaped);
		if (rc < 0)
			return rc;
		*rest = r;
	}
}

int auth_params_only(void *out, const struct auth_slot *slots, size_t n, struct span list)
{
	size_t count = 0;
	int rc = auth_params_take(out, slots, n, &list, &count);

	if (rc < 0)
		return rc;
	return list.len || !count ? -EBADMSG : 0;
}

void auth_unescape(char *text)
{
	bool quoted = false;
	char *to = text;

	for (const char *p = text; p && *p; p++) {
		if (quoted && *p == '\\' && p[1] && p[1] != '\n') {
			if (p[1] == '"' || p[1] == '\\')
				*to++ = *p;
			p++;
		} else if (*p == '"' || *p == '\n') {
			quoted = *p == '"' && !quoted;
		}
		*to++ = *p;
	}
	if (to)
		*to = '\0';
}

static bool writable(struct span v, bool quote)
{
	for (size_t i = 0; i < v.len; i++) {
		if (quote ? v.p[i] < ' ' || v.p[i] == 0x7f || v.p[i] == '"' || v.p[i] == '\\' : !is_name(v.p[i]))
			return false;
	}
	return quote || v.len;
}

int auth_params_format(char *out, size_t cap, const char *lead, const void *in, const struct auth_slot *slots, size_t n)
{
	const char *sep = "";
	struct writer w;

	writer_init(&w, out, cap);
	writer_str(&w, lead);
	for (size_t i = 0; i < n; i++) {
		const struct span *v = (const struct span *)((const char *)in + slots[i].offset);
		const char *quote = slots[i].quote ? "\"" : "";

		if (!v->p)
			continue;
		if (!writable(*v, slots[i].quote))
			return -EINVAL;
		writer_str(&w, sep);
		writer_str(&w, slots[i].name);
		writer_str(&w, "=");
		writer_str(&w, quote);
		writer_span(&w, *v);
		writer_str(&w, quote);
		sep = ", ";
	}
	return writer_end(&w);
}

void auth_params_assert_inside(const void *in, const struct auth_slot *slots, size_t n, struct span input)
{
	for (size_t i = 0; i < n; i++) {
		const struct span *v = (const struct span *)((const char *)in + slots[i].offset);

		if (!v->p)
			continue;
		if (v->p < input.p || v->p > input.p + input.len || v->len > (size_t)(input.p + input.len - v->p))
			abort();
	}
}
