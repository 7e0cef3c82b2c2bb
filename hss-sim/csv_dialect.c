/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/csv_dialect.h"

#include <errno.h>
#include <string.h>

#define LANES(c) (0x0101010101010101u * (c)) /* one octet in each of the eight */

int csv_wrong(struct err *err, const struct csv_place *p, const char *what, const char *allowed)
{
	return err_set(err, -EBADMSG, "%u:%u: %s%s%s; allowed: %s", p->line, p->at, p->column ? p->column : "",
		       p->column ? ": " : "", what, allowed);
}

int csv_lines_init(struct csv_lines *l, const uint8_t *buf, size_t len, struct err *err)
{
	const struct csv_place first = { 1, 1, NULL };

	*l = (struct csv_lines){ .begin = buf, .p = buf, .end = len ? buf + len : buf };
	if (len >= 3 && memcmp(buf, "\xef\xbb\xbf", 3) == 0)
		l->p += 3; /* spreadsheet programs begin UTF-8 so */
	if (len >= 2 && (memcmp(buf, "\xff\xfe", 2) == 0 || memcmp(buf, "\xfe\xff", 2) == 0))
		return csv_wrong(err, &first, "UTF-16", "UTF-8, for instance after iconv -f UTF-16 -t UTF-8");
	return 0;
}

/* \returns 1 a line; 0 no more; -EBADMSG */
static int any_line(struct csv_lines *l, struct span *out, struct err *err)
{
	struct csv_place p;
	const uint8_t *nl;
	size_t len;

	if (l->p == l->end)
		return 0;
	nl = memchr(l->p, '\n', (size_t)(l->end - l->p));
	len = (size_t)((nl ? nl : l->end) - l->p);
	*out = span_of(l->p, len);
	l->p = nl ? nl + 1 : l->end;
	l->line++;
	if (len && out->p[len - 1] == '\r')
		out->len--;
	p = (struct csv_place){ l->line, CSV_LINE_MAX, NULL };
	return out->len > CSV_LINE_MAX ? csv_wrong(err, &p, "line too long", "4096 octets") : 1;
}

/* Nothing in it but what editors and spreadsheet programs leave, or meant for people. */
static bool passed_over(struct span line)
{
	size_t i = 0;

	if (line.len && line.p[0] == '#')
		return true;
	while (i < line.len && (line.p[i] == ' ' || line.p[i] == '\t' || line.p[i] == ',' || line.p[i] == ';'))
		i++;
	return i == line.len;
}

/* Eight octets at once, because nearly every line is good: one below 0x20, or DEL, among them? May be wrong about TAB and about
 * what is beyond ASCII, which a look at each tells. */
static bool perhaps_control(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ((v - LANES(0x20u)) | (v + LANES(1u)) | v) & LANES(0x80u);
}

static int check_octets(struct span line, unsigned line_no, struct err *err)
{
	struct csv_place p = { line_no, 0, NULL };

	for (size_t i = 0; i < line.len; i++) {
		while (i + 8 <= line.len && !perhaps_control(line.p + i))
			i += 8;
		p.at = (unsigned)i + 1;
		if (i < line.len && (line.p[i] == 0x7f || (line.p[i] < 0x20 && line.p[i] != '\t')))
			return csv_wrong(err, &p, "a control character", "text");
	}
	return 0;
}

int csv_lines_next(struct csv_lines *l, struct span *out, struct err *err)
{
	struct span line = { 0 };
	int rc = any_line(l, &line, err);

	while (rc > 0 && passed_over(line))
		rc = any_line(l, &line, err);
	if (rc > 0 && check_octets(line, l->line, err) < 0)
		return -EBADMSG;
	if (rc > 0)
		*out = line;
	return rc;
}

/* Reader of one line's fields. */
struct cutter {
	struct span line;
	unsigned line_no;
	char separator;
	bool quotes; /* there are some in this line */
	size_t i;    /* the next octet */
};

static bool blank_at(const struct cutter *c, size_t i)
{
	return (c->line.p[i] == ' ' || c->line.p[i] == '\t') && c->line.p[i] != (uint8_t)c->separator;
}

static int quote_wrong(const struct cutter *c, size_t i, const char *what, struct err *err)
{
	const struct csv_place p = { c->line_no, (unsigned)i + 1, NULL };

	return csv_wrong(err, &p, what, "a value between two quotes, or none; no column needs one inside");
}

/* After the quote that opens; leaves i behind the one that closes. */
static int quoted(struct cutter *c, struct csv_field *f, struct err *err)
{
	size_t from = c->i;
	const uint8_t *end = memchr(c->line.p + from, '"', c->line.len - from);

	if (!end)
		return quote_wrong(c, from - 1, "a quote that is not closed", err);
	f->s = span_of(c->line.p + from, (size_t)(end - c->line.p) - from);
	c->i = (size_t)(end - c->line.p) + 1;
	while (c->i < c->line.len && blank_at(c, c->i))
		c->i++;
	if (c->i < c->line.len && c->line.p[c->i] != (uint8_t)c->separator)
		return quote_wrong(c, c->i, "text behind a quote that closes", err);
	return 0;
}

static int plain(struct cutter *c, struct csv_field *f, struct err *err)
{
	size_t from = c->i, to;
	const uint8_t *begin = c->line.p + from, *end = memchr(begin, c->separator, c->line.len - from);
	const uint8_t *quote;

	c->i = end ? (size_t)(end - c->line.p) : c->line.len;
	quote = c->quotes ? memchr(begin, '"', c->i - from) : NULL;
	if (quote)
		return quote_wrong(c, (size_t)(quote - c->line.p), "a quote inside a value", err);
	for (to = c->i; to > from && blank_at(c, to - 1);)
		to--;
	f->s = span_of(begin, to - from);
	return 0;
}

int csv_split(struct csv_field *out, int max, struct span line, unsigned line_no, char separator, struct err *err)
{
	struct cutter c = { .line = line, .line_no = line_no, .separator = separator };
	int n = 0, rc;

	c.quotes = line.len && memchr(line.p, '"', line.len);
	for (;; c.i++, n++) {
		struct csv_field f = { .at = (unsigned)c.i + 1 };

		while (c.i < line.len && blank_at(&c, c.i))
			c.i++;
		if (c.i < line.len && line.p[c.i] == '"') {
			c.i++;
			rc = quoted(&c, &f, err);
		} else {
			rc = plain(&c, &f, err);
		}
		if (rc < 0)
			return rc;
		if (n < max)
			out[n] = f;
		if (c.i >= line.len)
			return n + 1;
	}
}
