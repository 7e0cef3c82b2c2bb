/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include "hss-sim/subscriber_db.h"
#include "common/rt/sql.h"

struct subscriber_marks {
	sqlite3 *sql;
	sqlite3_stmt *move;
};

struct subscriber_marks *subscriber_marks_open(const char *path, struct err *err)
{
	struct subscriber_marks *m = calloc(1, sizeof(*m));
	int rc;

	if (!m) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	rc = sql_open(path, &m->sql);
	if (rc == 0)
		rc = sql_prepare(m->sql, "UPDATE counter SET seq = ?2 WHERE id = ?1 AND seq < ?2", &m->move);
	if (rc < 0) {
		err_set(err, rc, "%s: %s", path, sqlite3_errmsg(m->sql));
		subscriber_marks_close(m);
		return NULL;
	}
	return m;
}

void subscriber_marks_close(struct subscriber_marks *m)
{
	if (!m)
		return;
	sqlite3_finalize(m->move);
	sqlite3_close(m->sql);
	free(m);
}

int subscriber_marks_write(struct subscriber_marks *m, const struct subscriber_mark *marks, size_t n)
{
	int rc = sql_exec(m->sql, "BEGIN IMMEDIATE");
	size_t i;

	if (rc < 0)
		return rc;
	for (i = 0; i < n && rc == 0; i++) {
		sqlite3_bind_int64(m->move, 1, marks[i].id);
		sqlite3_bind_int64(m->move, 2, (int64_t)marks[i].seq);
		rc = sql_step_done(m->move);
	}
	if (rc == 0)
		rc = sql_exec(m->sql, "COMMIT");
	if (rc < 0)
		sql_exec(m->sql, "ROLLBACK");
	return rc;
}
