/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file import_plan.h
 *  What an import is going to do, made before it does anything: every row read and checked, none there twice, and in the order
 *  of their IMPIs, so that the index of the database is written from one end to the other whatever order the file has. */
#pragma once

#include "hss-sim/import.h"
#include "hss-sim/import_file.h"

struct import_plan_row {
	size_t at;         /* its offset in the file */
	const uint8_t *id; /* in the file: the IMPI, or the IMSI it is made of */
	uint32_t line;
	uint16_t id_len;
};

struct import_plan {
	const char *path;
	const struct subscriber_db *db; /* lent: opens keys that are sealed */
	struct import_content file;
	struct csv_file csv;
	struct import_guss guss; /* read last */
	struct import_plan_row *rows;
	size_t n, cap;
	bool in_order;
	uint8_t digest[SUBSCRIBER_IMPORT_DIGEST]; /* of the file and of how it is read */
};

/*! Map, read, check, sort. Paths are lent. On error p is cleared.
 *  \returns 0; -errno and "FILE:LINE:CHARACTER: ..." in err */
int import_plan_make(struct import_plan *p, const char *path, const struct subscriber_db *db,
		     const struct import_options *o, struct err *err);
void import_plan_clear(struct import_plan *p);

/*! Row i of the plan, with its GUSS in p->guss.
 *  \returns 0 and s to be cleared; 1 the same, and the GUSS is another one than before; -errno: the file has changed
 *  meanwhile */
int import_plan_get(struct import_plan *p, size_t i, struct csv_subscriber *s, struct err *err);
