/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/csv_import.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include "common/base/ascii.h"
#include "common/base/hex.h"
#include "hss-sim/auc.h"

#define SQN_MAX ((1ull << 48) - 1)

/* A field and where it stands, 1.. */
struct field {
	struct span s;
	unsigned at;
};

struct place {
	unsigned line, at;
	const char *column;
};

static int wrong(struct err *err, const struct place *p, const char *what, const char *allowed)
{
	return err_set(err, -EBADMSG, "%u:%u: %s%s%s; allowed: %s", p->line, p->at, p->column ? p->column : "",
		       p->column ? ": " : "", what, allowed);
}

/* --- one reader for each column; a key is never repeated in an error */

static int read_impi(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	if (f.len == 0)
		return wrong(err, p, "empty", "user@domain");
	return impi_parse(&s->impi, f.p, f.len) < 0 ? wrong(err, p, "no private identity",
							    "user@domain, at most 255 octets, "
							    "domain a DNS name")
						    : 0;
}

static int read_imsi(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	size_t i;

	for (i = 0; i < f.len && isdigit(f.p[i]); i++)
		;
	if (f.len && (i < f.len || f.len < 6 || f.len > 15))
		return wrong(err, p, "no IMSI", "6 to 15 digits, or empty");
	return span_to_str(s->imsi, sizeof(s->imsi), f);
}

static int csv_read_key(struct secret *out, struct span f, struct err *err, const struct place *p)
{
	SECRET_AUTO k = { .len = AKA_KEY_LEN };
	char what[64];

	if (f.len == 0)
		return 0;
	if (f.len != 2 * AKA_KEY_LEN) {
		snprintf(what, sizeof(what), "%zu characters", f.len);
		return wrong(err, p, what, "32 hex digits");
	}
	if (hex_decode(k.b, AKA_KEY_LEN, f.p, f.len) < 0)
		return wrong(err, p, "a character that is no hex digit", "32 hex digits");
	*out = k;
	return 0;
}

static int read_k(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	return f.len ? csv_read_key(&s->k, f, err, p) : wrong(err, p, "empty", "32 hex digits");
}

static int read_op(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	return csv_read_key(&s->op, f, err, p);
}

static int read_opc(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	if (f.len && s->op.len)
		return wrong(err, p, "op and opc are both given", "one of them");
	return csv_read_key(&s->opc, f, err, p);
}

static int read_amf(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	const char *why;

	if (f.len == 0)
		return 0;
	if (f.len != 4 || hex_decode(s->amf, sizeof(s->amf), f.p, f.len) < 0)
		return wrong(err, p, "not 4 hex digits", "0000 to 00ff");
	why = auc_amf_wrong(s->amf);
	return why ? wrong(err, p, why, "0000 to 00ff (TS 33.102 annex H)") : 0;
}

static int read_algorithm(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	if (f.len == 0 || span_ieq(f, span_str("milenage")))
		return 0;
	if (span_ieq(f, span_str("tuak")))
		return wrong(err, p, "tuak is not supported yet", "milenage");
	return wrong(err, p, "unknown algorithm", "milenage");
}

/* \returns 0; -1 no number of this base or above max */
static int read_number(uint64_t *out, struct span f, unsigned base, uint64_t max)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < f.len; i++) {
		unsigned d = isdigit(f.p[i])    ? f.p[i] - (unsigned)'0'
			     : isxdigit(f.p[i]) ? ascii_lower(f.p[i]) - 'a' + 10u
						: 99u;

		if (d >= base || v > (max - d) / base)
			return -1;
		v = v * base + d;
	}
	*out = v;
	return f.len ? 0 : -1;
}

#define SQN_ALLOWED \
	"0x and up to 12 hex digits; 12 hex digits that begin with 0 or hold a letter; decimal without a zero in front"

/* 12 digits are how everybody writes the 48 bits in hexadecimal; 12 that could as well be a decimal number are neither. */
static int read_sqn(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	bool marked = f.len > 2 && f.p[0] == '0' && ascii_lower(f.p[1]) == 'x', decimal;
	uint64_t v;

	if (f.len == 0)
		return 0;
	if (marked) {
		f = span_of(f.p + 2, f.len - 2);
		return f.len > 12 || read_number(&s->sqn, f, 16, SQN_MAX) < 0
			       ? wrong(err, p, "no sequence number", SQN_ALLOWED)
			       : 0;
	}
	decimal = read_number(&v, f, 10, SQN_MAX) == 0;
	if (f.len == 12 && decimal && f.p[0] != '0')
		return wrong(err, p, "12 digits that may be decimal or hexadecimal", SQN_ALLOWED);
	if (f.len == 12 && read_number(&s->sqn, f, 16, SQN_MAX) == 0)
		return 0;
	if (!decimal || (f.p[0] == '0' && f.len > 1))
		return wrong(err, p, "no sequence number", SQN_ALLOWED);
	s->sqn = v;
	return 0;
}

static int read_ind(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	uint64_t v = 0;

	if (f.len == 0)
		return 0;
	if (read_number(&v, f, 10, SQN_IND_MAX) < 0)
		return wrong(err, p, "no index", "0 to 31, or empty: it runs");
	s->ind = (int)v;
	return 0;
}

static int read_guss(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p)
{
	if (f.len > CSV_PATH_MAX)
		return wrong(err, p, "path too long", "at most 1024 octets");
	s->guss = f;
	s->guss_at = p->at;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct csv_subscriber *s, struct span f, struct err *err, const struct place *p);
} columns[CSV_COLUMNS] = {
	/* in the order they are read: op before opc */
	[CSV_IMPI] = { "impi", read_impi },
	[CSV_IMSI] = { "imsi", read_imsi },
	[CSV_K] = { "k", read_k },
	[CSV_OP] = { "op", read_op },
	[CSV_OPC] = { "opc", read_opc },
	[CSV_AMF] = { "amf", read_amf },
	[CSV_ALGORITHM] = { "algorithm", read_algorithm },
	[CSV_SQN] = { "sqn", read_sqn },
	[CSV_IND] = { "ind", read_ind },
	[CSV_GUSS] = { "guss", read_guss },
};

/* --- lines and fields */

#define COLUMN_LIST "impi,imsi,k,op,opc,amf,algorithm,sqn,ind,guss"

/* \returns 1 a line in out, without its end; 0 no more; -EBADMSG */
static int next_line(struct csv_file *f, struct span *out, struct err *err)
{
	const uint8_t *nl;
	size_t len;
	struct place p;

	if (f->p == f->end)
		return 0;
	nl = memchr(f->p, '\n', f->end - f->p);
	len = (nl ? nl : f->end) - f->p;
	*out = span_of(f->p, len);
	f->p = nl ? nl + 1 : f->end;
	f->line++;
	if (len && out->p[len - 1] == '\r')
		out->len--;
	p = (struct place){ f->line, CSV_LINE_MAX, NULL };
	if (out->len > CSV_LINE_MAX)
		return wrong(err, &p, "line too long", "4096 octets");
	return 1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut at commas into at most max fields, blanks around a field dropped. \returns number of fields, also beyond max */
static int split(struct field *out, int max, struct span line)
{
	size_t begin = 0, i;
	int n = 0;

	for (i = 0; i <= line.len; i++) {
		size_t from = begin, to = i;

		if (i < line.len && line.p[i] != ',')
			continue;
		while (from < to && is_blank(line.p[from]))
			from++;
		while (to > from && is_blank(line.p[to - 1]))
			to--;
		if (n < max)
			out[n] = (struct field){ span_of(line.p + from, to - from), (unsigned)begin + 1 };
		n++;
		begin = i + 1;
	}
	return n;
}

static int check_octets(struct span line, unsigned line_no, struct err *err)
{
	struct place p = { line_no, 0, NULL };
	size_t i;

	for (i = 0; i < line.len; i++) {
		p.at = (unsigned)i + 1;
		if (line.p[i] == '"')
			return wrong(err, &p, "a quote; no column needs one", "plain text between commas");
		if (line.p[i] == 0x7f || (line.p[i] < 0x20 && line.p[i] != '\t'))
			return wrong(err, &p, "a control character", "text");
	}
	return 0;
}

static int find_column(struct span name)
{
	int c;

	for (c = 0; c < CSV_COLUMNS; c++) {
		if (span_ieq(name, span_str(columns[c].name)))
			return c;
	}
	return -1;
}

static int read_header(struct csv_file *f, struct span line, struct err *err)
{
	struct field fields[CSV_COLUMNS + 1];
	struct place p = { 1, 1, NULL };
	int i, c;

	f->n_columns = split(fields, CSV_COLUMNS + 1, line);
	for (i = 0; i < f->n_columns && i <= CSV_COLUMNS; i++) {
		p.at = fields[i].at;
		c = find_column(fields[i].s);
		if (c < 0)
			return wrong(err, &p, "unknown column", COLUMN_LIST);
		if (f->column[c] >= 0)
			return wrong(err, &p, "column named twice", "each once");
		f->column[c] = i;
	}
	p.at = 1;
	if (f->column[CSV_IMPI] < 0 || f->column[CSV_K] < 0)
		return wrong(err, &p, "column impi or k is missing", COLUMN_LIST);
	if (f->column[CSV_OP] < 0 && f->column[CSV_OPC] < 0)
		return wrong(err, &p, "columns op and opc are both missing", COLUMN_LIST);
	return 0;
}

int csv_open(struct csv_file *f, const uint8_t *buf, size_t len, struct err *err)
{
	struct place p = { 1, 1, NULL };
	struct span line;
	int rc, c;

	*f = (struct csv_file){ .p = buf, .end = len ? buf + len : buf };
	for (c = 0; c < CSV_COLUMNS; c++)
		f->column[c] = -1;
	if (len >= 3 && memcmp(buf, "\xef\xbb\xbf", 3) == 0)
		f->p += 3; /* spreadsheet programs begin UTF-8 so */
	rc = next_line(f, &line, err);
	if (rc == 0)
		return wrong(err, &p, "empty file", "a first line " COLUMN_LIST);
	if (rc > 0)
		rc = check_octets(line, f->line, err);
	return rc < 0 ? rc : read_header(f, line, err);
}

#define OPERATOR_TREE ".3gppnetwork.org"

/* An IMPI made of an IMSI (TS 23.003 13.3) must be made of the one beside it; other IMPIs need not resemble it. */
static bool identities_agree(const struct csv_subscriber *s)
{
	const char *at = strchr(s->impi.s, '@');
	size_t len = strlen(s->impi.s), tree = strlen(OPERATOR_TREE);
	struct impi made;

	if (!s->imsi[0] || len <= tree || strcasecmp(s->impi.s + len - tree, OPERATOR_TREE) != 0 ||
	    strspn(s->impi.s, "0123456789") != (size_t)(at - s->impi.s))
		return true;
	if (strncasecmp(at, "@ims.mnc", 8) != 0)
		return strlen(s->imsi) == (size_t)(at - s->impi.s) && memcmp(s->imsi, s->impi.s, strlen(s->imsi)) == 0;
	for (int mnc_len = 2; mnc_len <= 3; mnc_len++) {
		if (impi_from_imsi(&made, s->imsi, mnc_len) == 0 && impi_same(made.s, s->impi.s))
			return true;
	}
	return false;
}

static int read_fields(struct csv_file *f, struct csv_subscriber *s, struct span line, struct err *err)
{
	struct field fields[CSV_COLUMNS];
	struct place p = { f->line, 1, NULL };
	char what[64];
	int n, c, rc;

	n = split(fields, CSV_COLUMNS, line);
	if (n != f->n_columns) {
		snprintf(what, sizeof(what), "%d fields, the first line has %d", n, f->n_columns);
		return wrong(err, &p, what, "one field for each column");
	}
	for (c = 0; c < CSV_COLUMNS; c++) {
		if (f->column[c] < 0)
			continue;
		p.at = fields[f->column[c]].at;
		p.column = columns[c].name;
		rc = columns[c].read(s, fields[f->column[c]].s, err, &p);
		if (rc < 0)
			return rc;
	}
	if (!s->op.len && !s->opc.len) {
		p = (struct place){ f->line, 1, NULL };
		return wrong(err, &p, "neither op nor opc", "one of them, 32 hex digits");
	}
	if (!identities_agree(s)) {
		p = (struct place){ f->line, fields[f->column[CSV_IMSI]].at, "imsi" };
		return wrong(err, &p, "not the one the impi is made of",
			     "the IMSI of the impi, IMSI@ims.mncMNC.mccMCC.3gppnetwork.org, or empty");
	}
	return 0;
}

/* Nothing but what an editor or a spreadsheet program leaves behind the last row. */
static bool nothing_left(struct span line, const struct csv_file *f)
{
	for (const uint8_t *p = line.p; p < f->end; p++) {
		if (!strchr(" \t\r\n,", *p) || !*p)
			return false;
	}
	return true;
}

static bool is_empty(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (!is_blank((char)line.p[i]))
			return false;
	}
	return true;
}

int csv_next(struct csv_file *f, struct csv_subscriber *out, struct err *err)
{
	struct csv_subscriber s = { .ind = -1 };
	struct place p = { 0, 1, NULL };
	struct span line;
	int rc = next_line(f, &line, err);

	if (rc <= 0)
		return rc;
	p.line = f->line;
	if (nothing_left(line, f))
		return 0;
	if (is_empty(line))
		return wrong(err, &p, "empty line", "one subscriber; empty lines at the end of the file");
	rc = check_octets(line, f->line, err);
	if (rc == 0)
		rc = read_fields(f, &s, line, err);
	if (rc == 0) {
		*out = s;
		rc = 1;
	}
	csv_subscriber_clear(&s);
	return rc;
}
