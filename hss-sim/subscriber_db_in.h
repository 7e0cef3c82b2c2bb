/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_db_in.h
 *  What the files of subscriber_db share: subscriber_db.c opens, subscriber_rows.c reads and writes. For nobody else. */
#pragma once

#include <sqlite3.h>
#include "hss-sim/subscriber_db.h"
#include "hss-sim/subscriber_sql.h"

enum subscriber_query {
	Q_GET,
	Q_COUNT,
	Q_FIND,
	Q_INSERT,
	Q_UPDATE,
	Q_COUNTER,
	Q_COUNTER_UP,
	Q_CHECK,
	Q_CHECK_PUT,
	Q_IMPORT,
	Q_IMPORT_PUT,
	Q_END,
};

struct subscriber_db {
	sqlite3 *sql;
	sqlite3_stmt *q[Q_END];
	struct seal *seal;
	int lock_fd;
};

/*! Prepared at its first use. \returns NULL: it could not be prepared */
sqlite3_stmt *subscriber_db_query(struct subscriber_db *db, enum subscriber_query n);
