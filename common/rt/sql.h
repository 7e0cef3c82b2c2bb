/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sql.h
 *  SQLite calls with our error codes: 0; -ENOSPC disk full; -EIO anything else. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/base/err.h"

/*! Keep a database for this process: a file PATH.lock in a folder that only its owner may write, since lock and journal are names there,
 *  too. \param[in] make the lock file if it is not there
 *  \returns descriptor to keep; -ENOENT it is not there and is not made; -EPERM the folder; -ENAMETOOLONG; as cfg_lock_file(). err: reason */
int sql_lock(const char *path, bool make, struct err *err);

/*! Open an existing file, synchronous FULL, waiting up to 5 s for another connection of ours. *out is set also on error
 *  (for sqlite3_errmsg). */
int sql_open(const char *path, sqlite3 **out);

/*! To look only: neither the file nor its folder is changed, beside a process that has it open or alone. *out as of sql_open().
 *  \returns 0; -ENAMETOOLONG; -ENOMEM; -EIO */
int sql_open_look(const char *path, sqlite3 **out);

int sql_exec(sqlite3 *sql, const char *text);
int sql_prepare(sqlite3 *sql, const char *text, sqlite3_stmt **out);

/*! First column of the first row. */
int sql_int(sqlite3 *sql, const char *text, int64_t *out);

/*! Run a statement that gives no rows, then reset it and forget its bindings. */
int sql_step_done(sqlite3_stmt *q);
