/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_index.h
 *  What LMDB does not index: the records of an IMPI, the record of a TMPI, what is over. In memory, rebuilt at start
 *  from the heads of the records. Open addressing in 256 parts, so that growing never copies more than a part; nothing
 *  is allocated per entry: about 75 octets each. Any thread. */
#pragma once

#include "bsf/store/record.h"

struct lmdb_index;

struct index_entry {
	struct record_head head;
	uint8_t rand[AKA_RAND_LEN];
};

/*! Records of one IMPI that still say something: one per BSF name, and one with its TMPI. What is beyond is not
 *  seen. */
#define INDEX_IMPI_MAX 64
/*! TMPIs with the same beginning of 8 octets: one, but for chance. */
#define INDEX_TMPI_MAX 4

struct lmdb_index *lmdb_index_new(void);
void lmdb_index_free(struct lmdb_index *ix);

/*! \returns 0; -ENOMEM */
int lmdb_index_add(struct lmdb_index *ix, const struct index_entry *e);
/*! The same at a start, in two steps, since each on its own stays in the processor's caches: all are placed, and then made to be found.
 *  Before any other call, and other threads. \returns 0; -ENOMEM */
int lmdb_index_place(struct lmdb_index *ix, const struct index_entry *e);
int lmdb_index_find_placed(struct lmdb_index *ix);
/*! The one with this RAND and this head; of one RAND there may be two for a moment. \returns was it there? */
bool lmdb_index_remove(struct lmdb_index *ix, const struct index_entry *e);

/*! All but tombstones without a TMPI. \returns how many, at most INDEX_IMPI_MAX */
size_t lmdb_index_by_impi(struct lmdb_index *ix, const uint8_t tag[RECORD_IMPI_TAG_LEN],
			  struct index_entry out[INDEX_IMPI_MAX]);
size_t lmdb_index_by_tmpi(struct lmdb_index *ix, uint64_t tag, struct index_entry out[INDEX_TMPI_MAX]);

/*! Go on from where the last call ended: look at up to *budget places, collect sessions and tombstones that are over.
 *  \param[in] beyond_s what ends later than this is over too
 *  \param[in,out] budget less what was looked at
 *  \returns how many, at most max */
size_t lmdb_index_expired(struct lmdb_index *ix, int64_t now_s, int64_t beyond_s, size_t *budget,
			  struct index_entry *out, size_t max);

struct index_figures {
	uint64_t entries, sessions, tmpis, octets;
};
void lmdb_index_figures(struct lmdb_index *ix, struct index_figures *out);
