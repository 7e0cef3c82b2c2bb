/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The line that names the columns. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/base/ascii.h"
#include "hss-sim/csv_import.h"

#define COLUMN_LIST \
	"impi imsi k op opc sealed amf algorithm sqn ind guss res-length rounds sqn-profile ind-length, any order, between" \
	" commas, semicolons or tabs"

/* The first name of a column is ours; the others are seen in files of card vendors and other HSSs. Without _, -, blanks. */
static const struct {
	const char *name;
	enum csv_column column;
	bool encrypted;
} names[] = {
	{ "impi", CSV_IMPI, false },
	{ "privateidentity", CSV_IMPI, false },
	{ "privateuseridentity", CSV_IMPI, false },
	{ "imsi", CSV_IMSI, false },
	{ "algorithm", CSV_ALGORITHM, false },
	{ "algo", CSV_ALGORITHM, false },
	{ "alg", CSV_ALGORITHM, false },
	{ "algo3g", CSV_ALGORITHM, false },
	{ "k", CSV_K, false },
	{ "ki", CSV_K, false },
	{ "key", CSV_K, false },
	{ "sealed", CSV_SEALED, false },
	{ "eki", CSV_K, true },
	{ "ek", CSV_K, true },
	{ "op", CSV_OP, false },
	{ "top", CSV_OP, false },
	{ "opc", CSV_OPC, false },
	{ "topc", CSV_OPC, false },
	{ "eopc", CSV_OPC, true },
	{ "reslength", CSV_RES_LENGTH, false },
	{ "reslen", CSV_RES_LENGTH, false },
	{ "rounds", CSV_ROUNDS, false },
	{ "keccak", CSV_ROUNDS, false },
	{ "numkeccak", CSV_ROUNDS, false },
	{ "amf", CSV_AMF, false },
	{ "indlength", CSV_IND_LENGTH, false },
	{ "indbitlen", CSV_IND_LENGTH, false },
	{ "sqn", CSV_SQN, false },
	{ "sqnprofile", CSV_SQN_PROFILE, false },
	{ "ind", CSV_IND, false },
	{ "guss", CSV_GUSS, false },
};

const char *csv_column_name(enum csv_column c)
{
	static const char *const of[CSV_COLUMNS] = {
		[CSV_IMPI] = "impi",
		[CSV_IMSI] = "imsi",
		[CSV_ALGORITHM] = "algorithm",
		[CSV_K] = "k",
		[CSV_SEALED] = "sealed",
		[CSV_OP] = "op",
		[CSV_OPC] = "opc",
		[CSV_RES_LENGTH] = "res-length",
		[CSV_ROUNDS] = "rounds",
		[CSV_AMF] = "amf",
		[CSV_IND_LENGTH] = "ind-length",
		[CSV_SQN] = "sqn",
		[CSV_SQN_PROFILE] = "sqn-profile",
		[CSV_IND] = "ind",
		[CSV_GUSS] = "guss",
	};

	return of[c];
}

static bool same_name(struct span field, const char *name)
{
	for (size_t i = 0; i < field.len; i++) {
		if (field.p[i] == '_' || field.p[i] == '-' || field.p[i] == ' ')
			continue;
		if (!*name || ascii_lower((char)field.p[i]) != *name++)
			return false;
	}
	return !*name;
}

/* The column of that name, whatever its case and with or without _ and -; also the vendors' names.
 * \param[out] encrypted the name itself says that the key is. \returns -1 none */
static int column_find(struct span name, bool *encrypted)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (same_name(name, names[i].name)) {
			*encrypted = names[i].encrypted;
			return (int)names[i].column;
		}
	}
	return -1;
}

/* The separator under which most columns are known. */
static char separator_of(struct span line)
{
	static const char candidates[] = { ',', ';', '\t' };
	struct csv_field fields[CSV_FIELDS_MAX];
	struct err ignored;
	char best = ',';
	int most = 0;

	for (size_t k = 0; k < sizeof(candidates); k++) {
		int n = csv_split(fields, CSV_FIELDS_MAX, line, 1, candidates[k], &ignored), known = 0;
		bool encrypted;

		for (int i = 0; i < n && i < CSV_FIELDS_MAX; i++)
			known += column_find(fields[i].s, &encrypted) >= 0;
		if (known > most) {
			most = known;
			best = candidates[k];
		}
	}
	return best;
}

static void note_ignored(struct csv_file *f, struct span name)
{
	size_t used = strlen(f->ignored);

	if (!name.len)
		name = span_str("(no name)");
	snprintf(f->ignored + used, sizeof(f->ignored) - used, "%s%.*s", used ? ", " : "",
		 name.len > 40 ? 40 : (int)name.len, (const char *)name.p);
}

static int check_columns(const struct csv_file *f, struct err *err)
{
	const struct csv_place p = { f->lines.line, 1, NULL };
	const bool sealed = f->column[CSV_SEALED] >= 0;

	if ((f->column[CSV_K] < 0 && !sealed) || (f->column[CSV_IMPI] < 0 && f->column[CSV_IMSI] < 0))
		return csv_wrong(err, &p, "column impi or k is missing", COLUMN_LIST);
	if (f->column[CSV_IMPI] < 0 && !f->options->mnc_len)
		return csv_wrong(err, &p, "column impi is missing",
				 COLUMN_LIST "; or --mnc-length 2 or 3, to make it of the imsi");
	if (!sealed && f->column[CSV_OP] < 0 && f->column[CSV_OPC] < 0 && f->column[CSV_ALGORITHM] < 0)
		return csv_wrong(err, &p, "columns op and opc are both missing", COLUMN_LIST);
	return 0;
}

int csv_header_read(struct csv_file *f, struct span line, struct err *err)
{
	struct csv_field fields[CSV_FIELDS_MAX];
	struct csv_place p = { f->lines.line, 1, NULL };
	bool encrypted;

	f->separator = separator_of(line);
	f->n_columns = csv_split(fields, CSV_FIELDS_MAX, line, f->lines.line, f->separator, err);
	if (f->n_columns < 0)
		return f->n_columns;
	if (f->n_columns > CSV_FIELDS_MAX)
		return csv_wrong(err, &p, "too many columns", "64");
	for (int i = 0; i < f->n_columns; i++) {
		int c = column_find(fields[i].s, &encrypted);

		p.at = fields[i].at;
		if (c < 0) {
			note_ignored(f, fields[i].s);
			continue;
		}
		p.column = csv_column_name((enum csv_column)c);
		if (f->column[c] >= 0)
			return csv_wrong(err, &p, "column named twice", "each once, under one name");
		if (encrypted && !transport_keys_have(f->options->transport, p.column))
			return csv_wrong(err, &p, "the name says that it is encrypted",
					 "its transport key in the file of --transport-keys");
		f->column[c] = i;
	}
	return check_columns(f, err);
}
