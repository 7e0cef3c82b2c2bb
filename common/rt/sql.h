/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sql.h
 *  SQLite calls with our error codes: 0; -ENOSPC disk full; -EIO anything else. */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

/*! Open an existing file, synchronous FULL, waiting up to 5 s for another connection of ours. *out is set also on error
 *  (for sqlite3_errmsg). */
int sql_open(const char *path, sqlite3 **out);

int sql_exec(sqlite3 *sql, const char *text);
int sql_prepare(sqlite3 *sql, const char *text, sqlite3_stmt **out);

/*! First column of the first row. */
int sql_int(sqlite3 *sql, const char *text, int64_t *out);

/*! Run a statement that gives no rows, then reset it and forget its bindings. */
int sql_step_done(sqlite3_stmt *q);
