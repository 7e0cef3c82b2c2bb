/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_db.h
 *  The registry in SQLite (WAL, synchronous FULL): applications, devices, grants, and in the same transactions the outbox and the
 *  audit. What names a device (IMPI, MSISDN, ICCID, EID, IMEI) is sealed, and found by a keyed hash. One connection serves one
 *  thread; only the one of reg_work.c writes. */
#pragma once

#include <sqlite3.h>
#include <stdint.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/crypto/seal.h"
#include "common/rt/sql.h"

enum reg_kind { REG_IMPI, REG_MSISDN, REG_ICCID, REG_EID, REG_IMEI, REG_KINDS };
#define REG_ID_MAX 255 /* octets of any of them */

/*! "impi", "msisdn", ... */
const char *reg_kind_name(enum reg_kind kind);

/*! Is it one? \returns NULL: yes; else what is allowed */
const char *reg_kind_bad(enum reg_kind kind, const char *value);

struct reg_db {
	sqlite3 *sql;
	struct seal *seal;
	struct secret index_key;
	int lock_fd;       /* of the first connection; -1 */
	const char *fault; /* of the last order, NULL: what SQLite says */
	int n_kept;        /* statements that are prepared */
};

#define REG_BOUND_MAX 512
/*! What a sealed name is bound to: its device and kind. And an answer that is kept: who asked, and his key. */
struct span reg_db_bound(char text[REG_BOUND_MAX], int64_t device, enum reg_kind kind);
struct span reg_db_bound_answer(char text[REG_BOUND_MAX], const char *who, const char *key);

/*! Lock, open or make. \param[in] keks copied; the first seals. \returns object; NULL and a reason in err */
struct reg_db *reg_db_open(const char *path, const struct seal_kek *keks, size_t n_keks, struct err *err);
/*! Would reg_db_open() take what is there? Nothing is changed or made, and a process that has it open is not disturbed; one that is not
 *  there is no fault. \returns 0; -1 and a reason in err */
int reg_db_check(const char *path, const struct seal_kek *keks, size_t n_keks, struct err *err);
/*! Another connection of this process, for one more thread. */
struct reg_db *reg_db_open_beside(const char *path, const struct seal_kek *keks, size_t n_keks, struct err *err);
void reg_db_close(struct reg_db *db); /* may be NULL */

/*! One row of one statement, which stays prepared for the next time.
 *  \param[in] binds "tib": text, integer, blob (struct span *), in their order; a text may be NULL
 *  \param[out] out the statement at its first row, for reg_db_end(); of rc 0 or less there is none to end
 *  \returns 1 a row; 0 none; -EIO; -ENOSPC */
int reg_db_ask(struct reg_db *db, sqlite3_stmt **out, const char *text, const char *binds, ...);
/*! Its next row. \returns 1; 0 there is none; -EIO: then what came is not all */
int reg_db_next(sqlite3_stmt *q);
/*! Nothing more is read of it. q may be NULL */
void reg_db_end(sqlite3_stmt *q);
/*! A column of the row as text. \returns malloc'ed; NULL: it is NULL, or no memory */
char *reg_db_text(sqlite3_stmt *q, int column);
/*! The same as reg_db_ask() for what gives no rows. \returns 0; -EEXIST a constraint; -EIO; -ENOSPC */
int reg_db_do(struct reg_db *db, const char *text, const char *binds, ...);
/*! The first column of the first row. \returns 1; 0 there is none; -EIO */
int reg_db_int(struct reg_db *db, int64_t *out, const char *text, const char *binds, ...);

/*! Which device has this? \returns 1 and its id; 0 none; -EIO */
int reg_db_find(struct reg_db *db, int64_t *device, enum reg_kind kind, const char *value);
/*! Give a device a name. \returns 0; -EEXIST another one (or this) has it; -EIO; -ENOSPC */
int reg_db_name(struct reg_db *db, int64_t device, enum reg_kind kind, const char *value);
/*! \returns 1; 0 it has none; -EIO */
int reg_db_name_get(struct reg_db *db, char out[REG_ID_MAX + 1], int64_t device, enum reg_kind kind);
