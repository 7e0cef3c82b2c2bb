/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>

#include "common/http/param_list.h"

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t param_skip_space(const uint8_t *buf, size_t len, size_t pos)
{
	while (pos < len && is_space(buf[pos]))
		pos++;
	return pos;
}

static bool is_token_char(uint8_t c)
{
	return c > 0x20 && c < 0x7f && !memchr("()<>@,;:\\\"/[]?={}", c, 17);
}

size_t param_token_end(const uint8_t *buf, size_t len, size_t pos)
{
	while (pos < len && is_token_char(buf[pos]))
		pos++;
	return pos;
}

/* Values without quotes: tokens, and what devices send besides (base64, URIs). */
static size_t bare_end(const uint8_t *buf, size_t len, size_t pos)
{
	while (pos < len && buf[pos] > 0x20 && buf[pos] != 0x7f && buf[pos] != ',' && buf[pos] != '"')
		pos++;
	return pos;
}

/* buf[*pos] is the opening quote. */
static int quoted(struct param *out, const uint8_t *buf, size_t len, size_t *pos)
{
	size_t start = ++*pos;

	for (; *pos < len; (*pos)++) {
		uint8_t c = buf[*pos];

		if (c == '"') {
			out->value = span_of(buf + start, *pos - start);
			(*pos)++;
			return 0;
		}
		if (c == '\\') {
			out->escaped = true;
			if (++*pos >= len)
				break;
			c = buf[*pos];
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return -EBADMSG;
	}
	return -EBADMSG;
}

int param_next(struct param *out, const uint8_t *buf, size_t len, size_t *pos)
{
	size_t p = param_skip_space(buf, len, *pos), end;

	while (p < len && buf[p] == ',')
		p = param_skip_space(buf, len, p + 1);
	*pos = p;
	if (p == len)
		return 0;
	end = param_token_end(buf, len, p);
	if (end == p)
		return -EBADMSG;
	*out = (struct param){ .name = span_of(buf + p, end - p) };
	p = param_skip_space(buf, len, end);
	if (p == len || buf[p] != '=')
		return -EBADMSG;
	p = param_skip_space(buf, len, p + 1);
	if (p < len && buf[p] == '"') {
		if (quoted(out, buf, len, &p) < 0)
			return -EBADMSG;
	} else {
		end = bare_end(buf, len, p);
		out->value = span_of(buf + p, end - p);
		p = end;
	}
	p = param_skip_space(buf, len, p);
	if (p < len && buf[p] != ',')
		return -EBADMSG;
	*pos = p;
	return 1;
}

int param_list_read(const uint8_t *buf, size_t len, size_t pos, const struct param_slot *slots, size_t n_slots,
		    size_t max)
{
	struct param prm;
	size_t count = 0;
	int rc;

	while ((rc = param_next(&prm, buf, len, &pos)) == 1) {
		if (++count > max)
			return -E2BIG;
		for (size_t i = 0; i < n_slots; i++) {
			if (!span_ieq(prm.name, span_str(slots[i].name)))
				continue;
			if (slots[i].to->p || prm.escaped)
				return -EBADMSG;
			*slots[i].to = prm.value;
			break;
		}
	}
	return rc;
}

void param_put(struct writer *w, const char *name, struct span value, bool quote)
{
	if (!value.p)
		return;
	/* behind the scheme name stands a blank, behind a parameter a comma */
	if (w->len && !w->overflow && w->p[w->len - 1] != ' ')
		writer_str(w, ", ");
	writer_str(w, name);
	writer_str(w, quote ? "=\"" : "=");
	writer_span(w, value);
	if (quote)
		writer_str(w, "\"");
}

bool param_quotable(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.p[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			return false;
	}
	return true;
}
