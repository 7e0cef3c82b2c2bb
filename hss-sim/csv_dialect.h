/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file csv_dialect.h
 *  Lines and fields of the CSV files people have: separated by comma, semicolon or tab, quoted or not, with empty lines and
 *  lines that begin with #. Pure: reads only the buffer. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"

#define CSV_LINE_MAX   4096 /* octets of one line */
#define CSV_FIELDS_MAX 64   /* in one line */

/*! Where something is wrong. */
struct csv_place {
	unsigned line, at;  /* 1.. */
	const char *column; /* NULL: the line as a whole */
};

/*! "LINE:CHARACTER: COLUMN: what; allowed: ...". \returns -EBADMSG */
int csv_wrong(struct err *err, const struct csv_place *p, const char *what, const char *allowed);

struct csv_lines {
	const uint8_t *begin, *p, *end;
	unsigned line; /* of the line read last; 1 is the first */
};

/*! Begin; a byte order mark of UTF-8 is passed over. \returns 0; -EBADMSG UTF-16 */
int csv_lines_init(struct csv_lines *l, const uint8_t *buf, size_t len, struct err *err);

/*! Next line that is neither empty (blanks and separators alone) nor a comment, without its end. Its octets are text.
 *  \returns 1; 0 no more; -EBADMSG */
int csv_lines_next(struct csv_lines *l, struct span *out, struct err *err);

struct csv_field {
	struct span s; /* without blanks around it and without its quotes; lent from the line */
	unsigned at;   /* its character in the line, 1.. */
};

/*! Cut at the separator into at most max fields.
 *  \returns number of fields, also beyond max; -EBADMSG a quote that is not closed, or stands inside, "" too */
int csv_split(struct csv_field *out, int max, struct span line, unsigned line_no, char separator, struct err *err);
