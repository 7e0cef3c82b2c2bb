/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/csv_import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/crypto/sqn.h"

int csv_open(struct csv_file *f, const uint8_t *buf, size_t len, const struct csv_options *options, struct err *err)
{
	struct csv_place p = { 1, 1, NULL };
	struct span line;
	int rc;

	*f = (struct csv_file){ .options = options };
	for (int c = 0; c < CSV_COLUMNS; c++)
		f->column[c] = -1;
	rc = csv_lines_init(&f->lines, buf, len, err);
	if (rc == 0)
		rc = csv_lines_next(&f->lines, &line, err);
	if (rc == 0)
		return csv_wrong(err, &p, "empty file", "a first line that names the columns");
	return rc < 0 ? rc : csv_header_read(f, line, err);
}

void csv_seek(struct csv_file *f, size_t at, unsigned line)
{
	f->lines.p = f->lines.begin + at;
	f->lines.line = line - 1;
}

#define OPERATOR_TREE ".3gppnetwork.org"

/* The domain of an IMPI that is made of an IMSI with an MNC of 2 or 3 digits (TS 23.003 13.3), "ims.mncMNC.mccMCC" and the
 * tree. */
static bool is_made_of(const char *domain, const char *imsi)
{
	const char *mnc = domain + strlen("ims.mnc"), *mcc = mnc + strlen("001.mcc");

	if (strlen(domain) != strlen("ims.mnc001.mcc001" OPERATOR_TREE) || strncasecmp(mnc + 3, ".mcc", 4) != 0)
		return false;
	if (memcmp(mcc, imsi, 3) != 0 || strcasecmp(mcc + 3, OPERATOR_TREE) != 0)
		return false;
	return memcmp(mnc, imsi + 3, 3) == 0 || (mnc[0] == '0' && memcmp(mnc + 1, imsi + 3, 2) == 0);
}

/* An IMPI made of an IMSI must be made of the one beside it; other IMPIs need not resemble it. */
static bool identities_agree(const struct csv_subscriber *s)
{
	const char *at = strchr(s->impi.s, '@');
	size_t user = (size_t)(at - s->impi.s), domain = strlen(at), tree = strlen(OPERATOR_TREE);

	if (!s->imsi[0] || domain <= tree || strcasecmp(at + domain - tree, OPERATOR_TREE) != 0 ||
	    strspn(s->impi.s, "0123456789") != user)
		return true;
	if (strlen(s->imsi) != user || memcmp(s->imsi, s->impi.s, user) != 0)
		return false;
	return strncasecmp(at, "@ims.mnc", 8) != 0 || is_made_of(at + 1, s->imsi);
}

static unsigned at_of(const struct csv_file *f, enum csv_column c, const struct csv_field *fields)
{
	return f->column[c] < 0 ? 1 : fields[f->column[c]].at;
}

static int wrong_algorithm(const struct aka_cred *c, size_t op_len, unsigned line, unsigned at, struct err *err)
{
	struct err why = { "" };

	aka_algorithm_check(c, op_len, &why);
	return err_set(err, -EBADMSG, "%u:%u: %s", line, at, why.text);
}

/* k, or what it was sealed in, with op or opc. */
static int check_keys(const struct csv_file *f, const struct csv_subscriber *s, const struct csv_field *fields,
		      struct err *err)
{
	struct csv_place p = { f->lines.line, at_of(f, CSV_K, fields), "k" };

	if (s->sealed_len && (s->cred.k.len || s->op.len || s->cred.opc.len)) {
		p = (struct csv_place){ p.line, at_of(f, CSV_SEALED, fields), "sealed" };
		return csv_wrong(err, &p, "k, op or opc is given, too", "either sealed, or k with op or opc");
	}
	if (!s->sealed_len && !s->cred.k.len)
		return csv_wrong(err, &p, "empty", CSV_KEY_ALLOWED);
	return 0;
}

static int check_algorithm(const struct csv_file *f, const struct csv_subscriber *s, const struct csv_field *fields,
			   struct err *err)
{
	const struct csv_place p = { f->lines.line, 1, NULL };
	size_t op_len = s->op.len ? s->op.len : s->cred.opc.len;

	if (s->sealed_len)
		return 0; /* as it was when it was sealed, or it does not open */
	if (!op_len && aka_algorithm_of(&s->cred)->op_len)
		return csv_wrong(err, &p, "neither op nor opc", "one of them");
	if (aka_algorithm_check(&s->cred, op_len, NULL) < 0)
		return wrong_algorithm(&s->cred, op_len, p.line, at_of(f, CSV_K, fields), err);
	return 0;
}

/* What no field shows alone. */
static int check_row(const struct csv_file *f, const struct csv_subscriber *s, const struct csv_field *fields,
		     struct err *err)
{
	struct csv_place p = { f->lines.line, 1, NULL };
	int rc;

	if (!s->impi.s[0])
		return csv_wrong(err, &p, "neither impi nor imsi", "one of them");
	rc = check_keys(f, s, fields, err);
	if (rc == 0)
		rc = check_algorithm(f, s, fields, err);
	if (rc < 0)
		return rc;
	if (!identities_agree(s)) {
		p = (struct csv_place){ p.line, at_of(f, CSV_IMSI, fields), "imsi" };
		return csv_wrong(err, &p, "not the one the impi is made of",
				 "the IMSI of the impi, IMSI@ims.mncMNC.mccMCC.3gppnetwork.org, or empty");
	}
	return 0;
}

static int read_fields(struct csv_file *f, struct csv_subscriber *s, struct span line, struct err *err)
{
	struct csv_field *fields = f->fields;
	struct csv_place p = { f->lines.line, 1, NULL };
	char what[64];
	int n = csv_split(fields, CSV_FIELDS_MAX, line, f->lines.line, f->separator, err), rc;

	if (n < 0)
		return n;
	if (n != f->n_columns) {
		snprintf(what, sizeof(what), "%d fields, the line of the columns has %d", n, f->n_columns);
		return csv_wrong(err, &p, what, "one field for each column");
	}
	for (int c = 0; c < CSV_COLUMNS; c++) {
		if (f->column[c] < 0)
			continue;
		p.at = fields[f->column[c]].at;
		p.column = csv_column_name((enum csv_column)c);
		rc = csv_value_read(s, (enum csv_column)c, fields[f->column[c]].s, f->options, &p, err);
		if (rc < 0)
			return rc;
	}
	return check_row(f, s, fields, err);
}

int csv_next(struct csv_file *f, struct csv_subscriber *out, struct err *err)
{
	struct span line;
	int rc = csv_lines_next(&f->lines, &line, err);

	if (rc <= 0)
		return rc;
	f->row_at = (size_t)(line.p - f->lines.begin);
	*out = (struct csv_subscriber){ .ind = -1, .profile = -1, .ind_bits = SQN_IND_BITS };
	rc = read_fields(f, out, line, err);
	if (rc == 0)
		return 1;
	csv_subscriber_clear(out);
	return rc;
}
