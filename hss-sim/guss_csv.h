/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_csv.h
 *  GUSSs as a table, one line a USS, those of a subscriber behind each other: columns impi, uicc-type, life-time, gsid, type,
 *  naf-group, uids, flags, key-choice in any order; several uids or flags with blanks between them. Pure. */
#pragma once

#include "common/gba/impi.h"
#include "hss-sim/csv_dialect.h"

enum guss_column {
	GUSS_IMPI,
	GUSS_UICC_TYPE,
	GUSS_LIFE_TIME,
	GUSS_GSID,
	GUSS_TYPE,
	GUSS_NAF_GROUP,
	GUSS_UIDS,
	GUSS_FLAGS,
	GUSS_KEY_CHOICE,
	GUSS_COLUMNS,
};

struct guss_csv {
	struct csv_lines lines;
	int column[GUSS_COLUMNS]; /* -1: not there */
	int n_columns;
	char separator;
	struct csv_field fields[CSV_FIELDS_MAX]; /* of the line that was read last */
	bool held;                               /* it is still to be used */
};

/*! Of one subscriber. */
struct guss_csv_one {
	struct impi impi;
	unsigned line; /* the first one */
	char *xml; /* malloc'ed; its lines have the numbers of the CSV's, so that what is wrong in it has its place there */
	size_t len;
};

/*! \returns 0; -EBADMSG, err: "LINE:CHARACTER: what; allowed: ..." */
int guss_csv_open(struct guss_csv *c, struct span doc, struct err *err);

/*! The next subscriber. \returns 1 and out, xml to be freed; 0 at the end; -EBADMSG as guss_csv_open(); -ENOMEM */
int guss_csv_next(struct guss_csv *c, struct guss_csv_one *out, struct err *err);
