/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/target.h"

#include "common/base/hex.h"

#define CODED 0x100 /* beside the octet: a delimiter that came as %XX, which is not the delimiter */
#define END   -1

static struct span after(struct span s, size_t n)
{
	return span_of(s.p + n, s.len - n);
}

struct target target_split(struct span text)
{
	static const char *const schemes[] = { "http://", "https://" };
	struct target t = { .path = text };
	size_t end = 0;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);

		if (text.len < n || !span_ieq(span_of(text.p, n), span_str(schemes[i])))
			continue;
		text = after(text, n);
		while (end < text.len && text.p[end] != '/' && text.p[end] != '?')
			end++;
		t.authority = span_of(text.p, end);
		t.path = after(text, end);
		break;
	}
	return t;
}

/*! reserved of RFC 3986 2.2, and the sign of the coding itself: coded, they are data */
static bool is_delimiter(uint8_t c)
{
	return c && strchr(":/?#[]@!$&'()*+,;=%", c);
}

/*! What is left of a path while it is read. */
struct reading {
	struct span rest;
	bool begun, in_query, slash_optional;
};

static struct reading reading_of(const struct target *t, bool slash_optional)
{
	struct reading r = { .rest = t->path, .slash_optional = slash_optional };

	if (t->authority.p && (!r.rest.len || r.rest.p[0] == '?'))
		return r; /* an empty path, which is "/" */
	r.begun = true;
	return r;
}

static int octet(struct reading *r)
{
	uint8_t c = r->rest.p[0], coded;

	if (c == '%' && r->rest.len > 2 && hex_decode(&coded, 1, r->rest.p + 1, 2) == 1) {
		r->rest = after(r->rest, 3);
		return is_delimiter(coded) ? coded | CODED : coded;
	}
	r->rest = after(r->rest, 1);
	r->in_query |= c == '?';
	return c;
}

/*! A '/' that ends the path, but for the one that is all of it. */
static bool is_last_slash(const struct reading *r, size_t len)
{
	const struct span *s = &r->rest;

	return !r->in_query && s->len < len && s->len && s->p[0] == '/' && (s->len == 1 || s->p[1] == '?');
}

static int next(struct reading *r, size_t len)
{
	if (!r->begun) {
		r->begun = true;
		return '/';
	}
	if (r->slash_optional && is_last_slash(r, len))
		r->rest = after(r->rest, 1);
	return r->rest.len ? octet(r) : END;
}

bool target_same(const struct target *a, const struct target *b, bool slash_optional)
{
	struct reading ra = reading_of(a, slash_optional), rb = reading_of(b, slash_optional);
	int x, y;

	do {
		x = next(&ra, a->path.len);
		y = next(&rb, b->path.len);
	} while (x == y && x != END);
	return x == y;
}
