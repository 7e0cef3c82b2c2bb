/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file import.h
 *  `gba-hss-simd -c FILE --import FILE.csv`: the whole file is read and checked before the first row is written; then rows go
 *  in in batches, and how many are in is noted in the same transaction, so that whatever ends it, the same command goes on
 *  there. */
#pragma once

#include "common/base/err.h"
#include "hss-sim/csv_import.h"
#include "hss-sim/subscriber_db.h"

#define IMPORT_BATCH        10000      /* rows of one transaction */
#define IMPORT_BATCH_BESIDE 1000       /* the same while a daemon runs */
#define IMPORT_BATCH_OCTETS (4u << 20) /* of GUSSs, after which one ends sooner, by less than as much again */

struct import_options {
	struct csv_options csv;
	bool atomic;              /* one transaction: all rows or none */
	bool beside;              /* a daemon that runs: its marks need their turn */
	uint8_t ind_from, ind_to; /* those of this AuC: what a row without ind runs through must fit into its IND */
};

/*! Progress and result go to stderr. SIGTERM and SIGINT end it behind a batch; with atomic they end the process at once.
 *  \param[in] path the CSV; paths in its column guss are relative to its folder
 *  \returns 0; -EINTR ended by a signal, what is in is told in err; else -errno and "FILE:LINE:CHARACTER: ..." in err: of
 *  the file nothing was written, unless err says how many rows are in */
int import_csv(struct subscriber_db *db, const char *path, const struct import_options *o, struct err *err);
