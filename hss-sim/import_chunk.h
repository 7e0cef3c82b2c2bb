/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file import_chunk.h
 *  Some rows of an import made ready for the database, keys sealed, by a thread of their own while those before them are
 *  written: what is to be computed and what is to be written take about as long. */
#pragma once

#include <pthread.h>
#include "hss-sim/import_plan.h"

#define IMPORT_CHUNK 2000 /* rows */

struct import_chunk {
	/* what to do */
	struct import_plan *plan; /* nobody else reads rows of it meanwhile */
	struct subscriber_db *db;
	size_t from, end; /* rows of the plan, at most IMPORT_CHUNK of them */
	uint64_t now_ms;  /* wall clock */
	/* what came out */
	struct subscriber_ready rows[IMPORT_CHUNK];
	uint8_t *docs[IMPORT_CHUNK]; /* malloc'ed GUSSs that rows lend */
	size_t n, n_docs;            /* fewer rows than wanted where their GUSSs are large */
	size_t octets;               /* of GUSSs, of each row */
	int rc;
	struct err err;
	/* who does it */
	pthread_t thread;
	bool running;
};

/*! A row of what was read, without its GUSS. \returns 0; -errno, err: why */
int import_chunk_row(struct subscriber_row *r, const struct csv_subscriber *s, const struct subscriber_db *db,
		     uint64_t now_ms, struct err *err);

/*! Begin; import_chunk_wait() must follow. */
void import_chunk_start(struct import_chunk *c);

/*! \returns 0 and n rows, one or more; -errno and "FILE:LINE: ..." in c->err */
int import_chunk_wait(struct import_chunk *c);

void import_chunk_free(struct import_chunk *c); /* waits; may be NULL */
