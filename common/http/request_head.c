/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/request_head.h"

#include <errno.h>
#include <stddef.h>

#include "common/http/fields.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char authorization[] = "Authorization";

static const struct {
	const char *name;
	size_t value; /* offset */
} wanted[] = {
	{ "Host", offsetof(struct request_head, host) },
	{ authorization, offsetof(struct request_head, authorization) },
	{ "User-Agent", offsetof(struct request_head, user_agent) },
	{ "Content-Length", offsetof(struct request_head, length) },
};

/* Reads the octets one after the other. */
struct reader {
	uint8_t *p, *end;
};

static bool alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool token_char(uint8_t c)
{
	return alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool value_char(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool nul(uint8_t c)
{
	return c == 0;
}

static struct span take(struct reader *r, bool (*want)(uint8_t))
{
	const uint8_t *begin = r->p;

	while (r->p < r->end && want(*r->p))
		r->p++;
	return span_of(begin, r->p - begin);
}

static bool take_line_end(struct reader *r)
{
	if (r->end - r->p < 2 || r->p[0] || r->p[1])
		return false;
	r->p += 2;
	return true;
}

/* Blanks around it are no part of it (RFC 9112 5.1). */
static bool take_line(struct reader *r, struct span *value)
{
	take(r, blank);
	*value = take(r, value_char);
	while (value->len && blank(value->p[value->len - 1]))
		value->len--;
	return take_line_end(r);
}

static void keep(struct request_head *h, struct span name, struct span value)
{
	for (size_t i = 0; i < N(wanted); i++) {
		if (span_ieq(name, span_str(wanted[i].name)))
			*(struct span *)((char *)h + wanted[i].value) = value;
	}
	if (span_ieq(name, span_str(authorization)))
		h->n_authorization++;
	else
		fields_note(&h->seen, name, value);
}

/* The name is gone: as many NULs as it had characters, and one for the colon. */
static bool take_folded(struct reader *r, struct request_head *h)
{
	struct reader name = { r->p, r->p + sizeof(authorization) };
	struct span whole, more;

	if (r->end - r->p < (ptrdiff_t)sizeof(authorization) || take(&name, nul).len != sizeof(authorization))
		return false;
	r->p = name.p;
	if (!take_line(r, &whole) || r->p == r->end || !blank(*r->p))
		return false;
	do {
		memcpy(r->p - 2, "\r\n", 2);
		if (!take_line(r, &more))
			return false;
		whole.len = more.p + more.len - whole.p;
	} while (r->p < r->end && blank(*r->p));
	h->folded = true;
	keep(h, span_str(authorization), whole);
	return true;
}

static bool take_field(struct reader *r, struct request_head *h)
{
	struct span name, value;

	if (*r->p == 0)
		return take_folded(r, h);
	name = take(r, token_char);
	if (!name.len || r->p == r->end || *r->p++ != 0 || !take_line(r, &value))
		return false;
	keep(h, name, value);
	return true;
}

static bool take_version(struct reader *r, struct request_head *h)
{
	struct span version = take(r, value_char);

	h->http10 = span_eq(version, span_str("HTTP/1.0"));
	return (h->http10 || span_eq(version, span_str("HTTP/1.1"))) && take_line_end(r);
}

int request_head_read(struct request_head *out, uint8_t *buf, size_t len)
{
	struct reader r = { buf, buf + len };
	struct request_head h = { 0 };

	if (!take_version(&r, &h))
		return -EBADMSG;
	while (r.end - r.p > 2) {
		if (!take_field(&r, &h))
			return -EBADMSG;
	}
	if (!take_line_end(&r))
		return -EBADMSG;
	*out = h;
	return 0;
}

/* Characters of a host and a port (RFC 3986 3.2.2): no list, no user, no path. */
static bool host_valid(struct span host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (!alnum(host.p[i]) && !strchr("-._~!$&'()*+;=%:[]", host.p[i]))
			return false;
	}
	return true;
}

bool request_head_framed(const struct request_head *h)
{
	if ((h->seen & (FIELDS_HOST | FIELDS_BAD)) != FIELDS_HOST || (h->http10 && (h->seen & FIELDS_CODING)))
		return false;
	return host_valid(h->host);
}
