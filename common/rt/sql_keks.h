/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sql_keks.h
 *  The KEKs of a database in SQLite. One value in it, which its owner makes (prove), was sealed by the KEK that is proven to be enough; each
 *  other one that has sealed since is noted in table meta, so that a start without it is refused. A pass over all that is sealed ends by
 *  proving the first one. On the caller's thread. */
#pragma once

#include <sqlite3.h>
#include "common/base/err.h"
#include "common/crypto/seal.h"
#include "common/rt/reseal.h"

#define SQL_BOUND_MAX 512

/*! A column of sealed values. */
struct sql_sealed {
	const char *table, *column;
	bool texts; /* the two that say where a row is; else they are numbers */
	/*! These two, the sealed value, and what bound() wants, of rows behind (?1, ?2), in their order. */
	const char *behind;
	/*! ?4 in the place of ?3, of the row ?1, ?2. */
	const char *put;
	/*! \param[in] text room of SQL_BOUND_MAX \returns what the value of a row is bound to; no octets: nothing of ours is */
	struct span (*bound)(char *text, sqlite3_stmt *row);
};

struct sql_keks {
	sqlite3 *sql;
	struct seal *seal;
	const struct sql_sealed *columns;
	size_t n;
	const char *proof;       /* name of the value in meta; all else is under its KEK, or under one that is noted */
	int (*prove)(void *db);  /* put it there again, sealed by the first KEK. 0; -EIO; -ENOSPC */
	int (*begins)(void *db); /* before the first step of a pass; NULL */
	void *db;
};

/*! Open a value whose content is known in its length, such as the proof.
 *  \param[out] out len octets \param[in] bound what it is bound to
 *  \returns 0; -ENOKEY, -EKEYREJECTED, and a reason that begins with path */
int sql_keks_unseal(struct seal *seal, uint8_t *out, size_t len, struct span sealed, const char *bound,
		    const char *path, struct err *err);

/*! Are all of them here that are needed? \returns 0; -ENOKEY, -EKEYREJECTED, -EIO, and a reason that begins with path */
int sql_keks_check(const struct sql_keks *k, const char *path, struct err *err);
/*! The first one seals from now on; another one than before begins a pass. A transaction of its own. \returns 0; -EIO; -ENOSPC */
int sql_keks_note(const struct sql_keks *k);
/*! Which one seals, whoever noted it last. \returns 1 to 255; -EIO */
int sql_keks_sealer(const struct sql_keks *k);

/*! A step, within a transaction of the caller's. \returns 0; -EIO; -ENOSPC; -ENOMEM */
int sql_keks_step(const struct sql_keks *k, struct reseal_step *step);
/*! Of such an error. */
const char *sql_keks_words(int rc);
