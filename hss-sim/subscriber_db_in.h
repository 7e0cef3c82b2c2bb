/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_db_in.h
 *  What the files of subscriber_db share: subscriber_db.c opens, subscriber_rows.c reads, subscriber_put.c writes. For nobody else. */
#pragma once

#include <sqlite3.h>
#include "hss-sim/subscriber_db.h"
#include "common/rt/sql.h"

#define SUBSCRIBER_COLUMNS \
	"imsi, keys, amf, algorithm, ind, guss, guss_timestamp, guss_changed, res_len, rounds, sqn, ind_length, sqn_dif"

/*! Their places behind the one thing that a statement has before them: the IMPI of a row that is written, SEQ of one that is read. */
enum {
	COLUMN_BEFORE,
	COLUMN_IMSI,
	COLUMN_KEYS,
	COLUMN_AMF,
	COLUMN_ALGORITHM,
	COLUMN_IND,
	COLUMN_GUSS,
	COLUMN_GUSS_TIMESTAMP,
	COLUMN_GUSS_CHANGED,
	COLUMN_RES_LEN,
	COLUMN_ROUNDS,
	COLUMN_SQN,
	COLUMN_IND_LENGTH,
	COLUMN_SQN_DIF,
	COLUMN_BEHIND,
};

enum subscriber_query {
	Q_GET,
	Q_COUNT,
	Q_FIND,
	Q_INSERT, /* this and the next three: subscriber_put.c has their texts */
	Q_INSERT_GROUP,
	Q_COUNTER,
	Q_COUNTER_GROUP,
	Q_UPDATE,
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
	int64_t next_id; /* of table subscriber; set when a transaction begins */
	int lock_fd;
	bool beside;       /* SUBSCRIBER_DB_BESIDE */
	const char *fault; /* of a transaction that was not begun, NULL: what SQLite says */
};

/*! The value that tells a right KEK from a wrong one, sealed by the first. \returns 0; -EIO; -ENOSPC */
int subscriber_db_check_put(struct subscriber_db *db);

/*! Prepared at its first use. \returns NULL: it could not be prepared */
sqlite3_stmt *subscriber_db_query(struct subscriber_db *db, enum subscriber_query n);

/*! The GUSS of a row. \param[in] column of q that holds it; timestamp and instant of the change stand behind. Lent by q. */
struct guss_kept subscriber_guss_of(sqlite3_stmt *q, int column);

/*! A counter is not sealed: one that is damaged must not begin at 0 again. \param[in] column of q that holds its SEQ */
bool subscriber_counter_valid(sqlite3_stmt *q, int column, unsigned ind_bits);
