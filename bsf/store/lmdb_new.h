/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_new.h
 *  A new data.mdb made of records that are at hand, sealed as they are: of a damaged one, or of an export. */
#pragma once

#include "bsf/store/lmdb.h"

struct lmdb_new {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	uint64_t records; /* the index key not among them */
	bool has_meta;
	struct record_index meta; /* where there is one */
};

/*! Is it something that a store may hold? */
bool lmdb_new_is_ours(struct span key, struct span value);

/*! \param[in] folder there and empty. \returns 0; an error of LMDB or errno (lmdb_new_words()), and nothing is open */
int lmdb_new_begin(struct lmdb_new *n, const char *folder);
/*! What is not ours, or has come before, is left out. \returns 0; as above, go on to lmdb_new_end() */
int lmdb_new_put(struct lmdb_new *n, struct span key, struct span value);
/*! \param[in] rc not 0: it failed, and the last of it need not be kept
 *  \returns rc; else 0, durable; as above */
int lmdb_new_end(struct lmdb_new *n, int rc);

/*! For people. \param[in] rc errno, an error of LMDB, which are below all of -errno, or one of these */
const char *lmdb_new_words(int rc);
