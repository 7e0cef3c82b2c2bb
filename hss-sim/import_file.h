/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file import_file.h
 *  The files an import reads: the CSV as a whole, and the GUSS documents it names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/gba/impi.h"
#include "hss-sim/guss_change.h"

#define IMPORT_PATH_LEN 4096

/*! A whole file in memory. */
struct import_content {
	uint8_t *p;
	size_t len;
};

/*! Map a regular file; says when others can read it. \returns 0; -errno and a reason in err */
int import_file_map(struct import_content *out, const char *path, struct err *err);
void import_file_unmap(struct import_content *c);

/*! Read a regular file of up to max octets. \param[out] out p malloc'ed \returns 0; -E2BIG; -errno, and a reason in err */
int import_file_read(struct import_content *out, const char *path, size_t max, struct err *err);

/*! The GUSS read last: many subscribers of a file usually share one. Zeroed at first. */
struct import_guss {
	char path[IMPORT_PATH_LEN];
	struct import_content xml;
	bool has_timestamp, has_id;
	time_t timestamp;
	char impi[IMPI_MAX + 1]; /* whose it was checked for */
	char remarks[GUSS_REMARKS_MAX];
};

/*! Read the document a row names, unless it is the one read last, and check it as guss_change_read() does.
 *  \param[in] csv_path relative paths are relative to its folder.
 *  \returns 1 read; 0 it is the one read last; -errno and a reason in err */
int import_file_guss(struct import_guss *g, const char *csv_path, struct span path, const struct impi *impi,
		     struct err *err);
void import_file_guss_clear(struct import_guss *g);
