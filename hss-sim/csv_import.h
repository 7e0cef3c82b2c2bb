/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file csv_import.h
 *  The subscriber file: one header line naming the columns (impi imsi k op opc amf algorithm sqn ind guss, any order; impi,
 *  k and one of op, opc are needed), one line a subscriber, no quotes, empty lines only at the end. Pure: reads only the buffer. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/gba/impi.h"

#define CSV_LINE_MAX 4096 /* octets of one line */
#define CSV_PATH_MAX 1024 /* octets of a GUSS path */

enum csv_column {
	CSV_IMPI,
	CSV_IMSI,
	CSV_K,
	CSV_OP,
	CSV_OPC,
	CSV_AMF,
	CSV_ALGORITHM,
	CSV_SQN,
	CSV_IND,
	CSV_GUSS,
	CSV_COLUMNS,
};

struct csv_file {
	const uint8_t *p, *end;
	unsigned line;           /* of the line read last; 1 is the header */
	int column[CSV_COLUMNS]; /* place in the line, 0..; -1: not there */
	int n_columns;
};

/*! One subscriber; clear it after use, it holds keys. */
struct csv_subscriber {
	struct impi impi;
	char imsi[16];            /* "" if empty */
	struct secret k, op, opc; /* len 0: empty; k and one of the others are there */
	uint8_t amf[AKA_AMF_LEN]; /* 0000 if empty */
	uint64_t sqn;             /* SEQ || IND, 48 bits; 0 if empty */
	int ind;                  /* 0..31; -1 if empty */
	struct span guss;         /* path, in the buffer; empty: none */
	unsigned guss_at;         /* its character in the line, for errors that show later */
};

static inline void csv_subscriber_clear(struct csv_subscriber *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

/*! Read the header. buf must outlive f.
 *  \returns 0; -EBADMSG, err "LINE:CHARACTER: what is wrong; allowed: ..." (never a key) */
int csv_open(struct csv_file *f, const uint8_t *buf, size_t len, struct err *err);

/*! Next subscriber. \returns 1 and out; 0 at the end; -EBADMSG as csv_open(), out untouched */
int csv_next(struct csv_file *f, struct csv_subscriber *out, struct err *err);
