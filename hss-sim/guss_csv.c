/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/guss_csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/gba/guss.h"

static const char *const guss_columns[GUSS_COLUMNS] = {
	[GUSS_IMPI] = "impi", [GUSS_UICC_TYPE] = "uicc-type", [GUSS_LIFE_TIME] = "life-time",
	[GUSS_GSID] = "gsid", [GUSS_TYPE] = "type",           [GUSS_NAF_GROUP] = "naf-group",
	[GUSS_UIDS] = "uids", [GUSS_FLAGS] = "flags",         [GUSS_KEY_CHOICE] = "key-choice",
};

#define ALLOWED "impi uicc-type life-time gsid type naf-group uids flags key-choice, any order, each once"

/* --- lines */

static int split_line(struct guss_csv *c, struct span line, struct err *err)
{
	return csv_split(c->fields, CSV_FIELDS_MAX, line, c->lines.line, c->separator, err);
}

static int find_column(struct span name)
{
	for (int k = 0; k < GUSS_COLUMNS; k++)
		if (span_ieq(name, span_str(guss_columns[k])))
			return k;
	return -ENOENT;
}

static int read_columns(struct guss_csv *c, struct span line, struct err *err)
{
	int n = split_line(c, line, err);

	for (int i = 0; i < n && i < CSV_FIELDS_MAX; i++) {
		const struct csv_place p = { c->lines.line, c->fields[i].at, NULL };
		int k = find_column(c->fields[i].s);

		if (k < 0 || c->column[k] >= 0)
			return csv_wrong(err, &p, k < 0 ? "unknown column" : "column named twice", ALLOWED);
		c->column[k] = i;
	}
	c->n_columns = n;
	if (n < 0 || c->column[GUSS_IMPI] >= 0)
		return n < 0 ? n : 0;
	return csv_wrong(err, &(struct csv_place){ c->lines.line, 1, NULL }, "column impi is missing", ALLOWED);
}

int guss_csv_open(struct guss_csv *c, struct span doc, struct err *err)
{
	const struct csv_place p = { 1, 1, NULL };
	struct span line;
	int rc;

	*c = (struct guss_csv){ .separator = ',' };
	for (int k = 0; k < GUSS_COLUMNS; k++)
		c->column[k] = -1;
	rc = csv_lines_init(&c->lines, doc.p, doc.len, err);
	if (rc == 0)
		rc = csv_lines_next(&c->lines, &line, err);
	if (rc == 0)
		return csv_wrong(err, &p, "empty file", "a first line that names the columns");
	if (rc > 0 && memchr(line.p, ';', line.len))
		c->separator = ';';
	return rc < 0 ? rc : read_columns(c, line, err);
}

/* \returns 1 fields hold a line; 0 no more; -EBADMSG */
static int hold_line(struct guss_csv *c, struct err *err)
{
	const char *const allowed = "one field for each column";
	struct span line;
	int rc = c->held ? 1 : csv_lines_next(&c->lines, &line, err), n;

	if (rc <= 0 || c->held)
		return rc;
	n = split_line(c, line, err);
	if (n >= 0 && n != c->n_columns)
		return csv_wrong(err, &(struct csv_place){ c->lines.line, 1, NULL }, "too few or too many fields",
				 allowed);
	c->held = n >= 0;
	return n < 0 ? n : 1;
}

static struct span value(const struct guss_csv *c, enum guss_column k)
{
	return c->column[k] < 0 ? span_of(NULL, 0) : c->fields[c->column[k]].s;
}

static int wrong_in(const struct guss_csv *c, enum guss_column k, const char *what, const char *allowed,
		    struct err *err)
{
	const struct csv_place p = { c->lines.line, c->column[k] < 0 ? 1 : c->fields[c->column[k]].at,
				     guss_columns[k] };

	return csv_wrong(err, &p, what, allowed);
}

/* --- a document */

static void put_escaped(FILE *f, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.p[i]) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			fputc(s.p[i], f);
		}
	}
}

static void put_tag(FILE *f, const char *name, struct span s)
{
	if (!s.len)
		return;
	fprintf(f, "<%s>", name);
	put_escaped(f, s);
	fprintf(f, "</%s>", name);
}

/* Each word of a field in an element of its own. */
static void put_words(FILE *f, const char *name, struct span s)
{
	while (s.len) {
		const uint8_t *end = memchr(s.p, ' ', s.len);
		size_t n = end ? (size_t)(end - s.p) : s.len;

		put_tag(f, name, span_of(s.p, n));
		n += end != NULL;
		s = span_of(s.p + n, s.len - n);
	}
}

static void put_attribute(FILE *f, const char *name, struct span s)
{
	if (!s.len)
		return;
	fprintf(f, " %s=\"", name);
	put_escaped(f, s);
	fputc('"', f);
}

static int put_uss(FILE *f, const struct guss_csv *c, struct err *err)
{
	if (!value(c, GUSS_GSID).len) {
		for (int k = GUSS_TYPE; k < GUSS_COLUMNS; k++)
			if (value(c, (enum guss_column)k).len)
				return wrong_in(c, (enum guss_column)k, "there is no gsid",
						"empty, where the line is of a subscriber without a USS", err);
		return 0;
	}
	fputs("<uss", f);
	put_attribute(f, "id", value(c, GUSS_GSID));
	put_attribute(f, "type", value(c, GUSS_TYPE));
	put_attribute(f, "nafGroup", value(c, GUSS_NAF_GROUP));
	fputs("><uids>", f);
	put_words(f, "uid", value(c, GUSS_UIDS));
	fputs("</uids><flags>", f);
	put_words(f, "flag", value(c, GUSS_FLAGS));
	fputs("</flags>", f);
	put_tag(f, "keyChoice", value(c, GUSS_KEY_CHOICE));
	fputs("</uss>", f);
	return 0;
}

static void put_head(FILE *f, const struct guss_csv *c)
{
	for (unsigned n = 1; n < c->lines.line; n++)
		fputc('\n', f);
	fputs("<guss xmlns=\"" GUSS_NAMESPACE "\">", f);
	if (value(c, GUSS_UICC_TYPE).len || value(c, GUSS_LIFE_TIME).len) {
		fputs("<bsfInfo>", f);
		put_tag(f, "uiccType", value(c, GUSS_UICC_TYPE));
		put_tag(f, "lifeTime", value(c, GUSS_LIFE_TIME));
		fputs("</bsfInfo>", f);
	}
	fputs("<ussList>", f);
}

/* Is the line that is held one more of this subscriber? */
static int is_more(const struct guss_csv *c, const struct guss_csv_one *one, struct err *err)
{
	struct span name = value(c, GUSS_IMPI);
	char impi[IMPI_MAX + 1];

	if (span_to_str(impi, sizeof(impi), name) < 0 || !impi_same(impi, one->impi.s))
		return 0;
	for (int k = GUSS_UICC_TYPE; k <= GUSS_LIFE_TIME; k++)
		if (value(c, (enum guss_column)k).len)
			return wrong_in(c, (enum guss_column)k, "not in the first line of this subscriber",
					"empty in the others", err);
	return 1;
}

static int put_document(FILE *f, struct guss_csv *c, const struct guss_csv_one *one, struct err *err)
{
	unsigned line = one->line;
	int rc = 1;

	put_head(f, c);
	do {
		for (; line < c->lines.line; line++)
			fputc('\n', f);
		if (put_uss(f, c, err) < 0)
			return -EBADMSG;
		c->held = false;
		rc = hold_line(c, err);
	} while (rc > 0 && (rc = is_more(c, one, err)) > 0);
	fputs("</ussList></guss>\n", f);
	return rc;
}

int guss_csv_next(struct guss_csv *c, struct guss_csv_one *out, struct err *err)
{
	struct guss_csv_one one = { .xml = NULL };
	int rc = hold_line(c, err);
	FILE *f;

	if (rc <= 0)
		return rc;
	if (impi_parse(&one.impi, value(c, GUSS_IMPI).p, value(c, GUSS_IMPI).len) < 0)
		return wrong_in(c, GUSS_IMPI, "no private identity", "user@domain", err);
	one.line = c->lines.line;
	f = open_memstream(&one.xml, &one.len);
	if (!f)
		return err_set(err, -ENOMEM, "no memory");
	rc = put_document(f, c, &one, err);
	if (fclose(f) != 0 && rc >= 0)
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc < 0)
		free(one.xml);
	else
		*out = one;
	return rc < 0 ? rc : 1;
}
