/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/sql.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/base/folder.h"
#include "common/rt/cfg_file.h"

#define BUSY_MS  5000
#define PATH_LEN 4096

int sql_lock(const char *path, bool make, struct err *err)
{
	const char *why = folder_of_open_to(path);
	char name[PATH_LEN];

	if (why)
		return err_set(err, -EPERM, "%s: %s; allowed: " FOLDER_OURS, path, why);
	if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name))
		return err_set(err, -ENAMETOOLONG, "%s: path too long", path);
	if (!make && access(name, F_OK) != 0)
		return err_set(err, -ENOENT, "%s: %s", name, strerror(ENOENT));
	return cfg_lock_file(name, err);
}

static int to_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

int sql_exec(sqlite3 *sql, const char *text)
{
	return to_errno(sqlite3_exec(sql, text, NULL, NULL, NULL));
}

int sql_open(const char *path, sqlite3 **out)
{
	int rc = sqlite3_open_v2(path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return to_errno(rc);
	sqlite3_busy_timeout(*out, BUSY_MS);
	return sql_exec(*out, "PRAGMA synchronous = FULL");
}

/* As a URI has it: with what means something there written as %xx. \returns 0; -ENAMETOOLONG */
static int to_uri(char *out, size_t cap, const char *path, const char *query)
{
	size_t n = (size_t)snprintf(out, cap, "file://");

	for (; *path && n + 4 < cap; path++)
		n += (size_t)snprintf(out + n, cap - n, strchr("%?#", *path) ? "%%%02x" : "%c", (unsigned char)*path);
	return *path || (size_t)snprintf(out + n, cap - n, "?%s", query) >= cap - n ? -ENAMETOOLONG : 0;
}

/* Without a log nobody has it open, and all of it is in the file: SQLite would make the log in order to read it. */
int sql_open_look(const char *path, sqlite3 **out)
{
	char log[PATH_LEN], uri[3 * PATH_LEN];
	int rc;

	*out = NULL;
	if ((size_t)snprintf(log, sizeof(log), "%s-wal", path) >= sizeof(log))
		return -ENAMETOOLONG;
	rc = to_uri(uri, sizeof(uri), path, access(log, F_OK) == 0 ? "mode=ro" : "immutable=1");
	if (rc == 0)
		rc = to_errno(
			sqlite3_open_v2(uri, out, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL));
	if (rc == 0)
		sqlite3_busy_timeout(*out, BUSY_MS);
	return rc;
}

int sql_prepare(sqlite3 *sql, const char *text, sqlite3_stmt **out)
{
	return to_errno(sqlite3_prepare_v3(sql, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

int sql_int(sqlite3 *sql, const char *text, int64_t *out)
{
	sqlite3_stmt *q = NULL;
	int rc = sql_prepare(sql, text, &q);

	if (rc == 0) {
		rc = sqlite3_step(q);
		if (rc == SQLITE_ROW)
			*out = sqlite3_column_int64(q, 0);
		rc = rc == SQLITE_ROW ? 0 : to_errno(rc) ? to_errno(rc) : -EIO;
	}
	sqlite3_finalize(q);
	return rc;
}

int sql_step_done(sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return rc == SQLITE_ROW ? -EIO : to_errno(rc);
}
