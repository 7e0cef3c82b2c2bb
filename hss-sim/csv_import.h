/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file csv_import.h
 *  The subscriber file: a line naming the columns, in any order and under the names vendors use (csv_header.c), one line a
 *  subscriber (csv_values.c reads its fields), in whatever dialect (csv_dialect.h). Pure: reads only the buffer. */
#pragma once

#include "common/crypto/aka_algorithm.h"
#include "common/gba/impi.h"
#include "hss-sim/csv_dialect.h"
#include "hss-sim/subscriber_keys.h"
#include "hss-sim/transport_key.h"

#define CSV_PATH_MAX    1024 /* octets of a GUSS path */
#define CSV_IGNORED_MAX 200  /* characters of the list of ignored columns */

enum csv_column {
	CSV_IMPI,
	CSV_IMSI,
	CSV_ALGORITHM,
	CSV_K,
	CSV_SEALED,
	CSV_OP,
	CSV_OPC,
	CSV_RES_LENGTH,
	CSV_ROUNDS,
	CSV_AMF,
	CSV_IND_LENGTH,
	CSV_SQN,
	CSV_SQN_PROFILE,
	CSV_IND,
	CSV_GUSS,
	CSV_COLUMNS,
};

/*! How the file is to be read; lent to csv_file. Zeroed: as it stands, no test algorithms. */
struct csv_options {
	int mnc_len;               /* 2 or 3: an IMPI that is not there is made of the IMSI; 0: it must be there */
	bool clear_separation_bit; /* AMF 8000 is taken as 0000 */
	bool allow_test;           /* algorithms that protect nothing */
	const struct transport_keys *transport; /* NULL: keys stand as they are */
};

struct csv_file {
	struct csv_lines lines;
	const struct csv_options *options;
	char separator;
	int column[CSV_COLUMNS]; /* place in the line, 0..; -1: not there */
	int n_columns;
	char ignored[CSV_IGNORED_MAX];           /* names of columns that are not read, ", " between them; "" none */
	struct csv_field fields[CSV_FIELDS_MAX]; /* of the line that is being read */
	size_t row_at;                           /* offset in the buffer of the row csv_next() gave last */
};

/*! One subscriber; clear it after use, it holds keys. */
struct csv_subscriber {
	struct impi impi;
	struct span id;       /* what the IMPI was read from, in the buffer: an IMPI, or an IMSI */
	char imsi[16];        /* "" if empty */
	struct aka_cred cred; /* complete but for OPc where op is given; AMF 0000 if empty; lengths fit the algorithm */
	struct secret op;     /* len 0: opc is given, or the algorithm has none */
	uint8_t sealed[SUBSCRIBER_SEALED_MAX]; /* k and opc as an export has them: cred holds neither then */
	uint8_t sealed_len;                    /* 0: cred has them */
	uint64_t sqn;                          /* SEQ || IND, 48 bits; 0 if empty */
	uint8_t ind_bits;                      /* length of IND; 5 if empty */
	int profile;                           /* enum sqn_profile; -1 if empty */
	int ind;                               /* -1 if empty */
	struct span guss;                      /* path, in the buffer; empty: none */
	unsigned guss_at;                      /* its character in the line, for errors that show later */
};

static inline void csv_subscriber_clear(struct csv_subscriber *s)
{
	aka_cred_clear(&s->cred);
	secret_clear(&s->op);
}

/*! Read the header. buf and options must outlive f.
 *  \returns 0; -EBADMSG, err "LINE:CHARACTER: what is wrong; allowed: ..." (never a key) */
int csv_open(struct csv_file *f, const uint8_t *buf, size_t len, const struct csv_options *options, struct err *err);

/*! Next subscriber. \returns 1 and out; 0 at the end; -EBADMSG as csv_open(), out holds nothing then */
int csv_next(struct csv_file *f, struct csv_subscriber *out, struct err *err);

/*! Let csv_next() go on at a row it has given before. \param[in] at its row_at. \param[in] line its lines.line */
void csv_seek(struct csv_file *f, size_t at, unsigned line);

/* --- between the files of this module */

#define CSV_KEY_ALLOWED "32 hex digits; with TUAK k may have 64, op and opc have 64"

/*! csv_header.c: columns of f from the line that names them. \returns 0; -EBADMSG */
int csv_header_read(struct csv_file *f, struct span line, struct err *err);

/*! csv_values.c: one field of a column. \returns 0; -EBADMSG */
int csv_value_read(struct csv_subscriber *s, enum csv_column c, struct span field, const struct csv_options *o,
		   struct csv_place *p, struct err *err);

/*! csv_header.c: as messages name it. \returns static */
const char *csv_column_name(enum csv_column c);
