/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/rt/sql_keks.h"
#include "hss-sim/subscriber_db_in.h"
#include "hss-sim/subscriber_keks.h"
#include "hss-sim/subscriber_keys.h"

#define CHECK_TEXT "gba-hss-sim subscribers"
#define CHECK_AAD  "check"

static const char *const queries[Q_END] = {
	[Q_GET] = "SELECT c.seq, " SUBSCRIBER_COLUMNS
		  ", s.id FROM subscriber s JOIN counter c ON c.id = s.id WHERE s.impi = ?1",
	[Q_COUNT] = "SELECT count(*) FROM subscriber",
	[Q_FIND] =
		"SELECT s.id, c.seq, s.ind_length, s.guss, s.guss_timestamp, s.guss_changed FROM subscriber s LEFT JOIN counter c ON c.id = s.id WHERE s.impi = ?1",
	[Q_UPDATE] = "UPDATE subscriber SET (" SUBSCRIBER_COLUMNS
		     ") = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) "
		     "WHERE impi = ?1",
	[Q_COUNTER_UP] = "INSERT INTO counter (id, seq) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET seq = ?2",
	[Q_CHECK] = "SELECT value FROM meta WHERE name = 'check'",
	[Q_CHECK_PUT] = "INSERT OR REPLACE INTO meta (name, value) VALUES ('check', ?1)",
	[Q_IMPORT] = "SELECT rows FROM import WHERE digest = ?1",
	[Q_IMPORT_PUT] = "INSERT OR REPLACE INTO import (one, digest, rows) VALUES (1, ?1, ?2)",
};

/* One import that has not ended: what it read (a digest), and how many of its rows are in. */
#define IMPORT_TABLE \
	"CREATE TABLE IF NOT EXISTS import (one INTEGER PRIMARY KEY, digest BLOB NOT NULL, rows INTEGER NOT NULL);"

#define VERSION "4"

static const char schema[] = "BEGIN IMMEDIATE;"
			     "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
			     "CREATE TABLE subscriber (id INTEGER PRIMARY KEY, impi TEXT NOT NULL UNIQUE, imsi TEXT,"
			     " keys BLOB NOT NULL, amf BLOB NOT NULL, algorithm TEXT NOT NULL, ind INTEGER, guss BLOB,"
			     " guss_timestamp INTEGER, guss_changed INTEGER, res_len INTEGER, rounds INTEGER, sqn TEXT,"
			     " ind_length INTEGER, sqn_dif INTEGER);"
			     /* apart, because it is what changes: a mark rewrites a page of small rows */
			     "CREATE TABLE counter (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);" IMPORT_TABLE
			     "PRAGMA user_version = " VERSION ";"
			     "PRAGMA application_id = 0x47424148;";

const char *subscriber_db_errmsg(struct subscriber_db *db)
{
	return db->fault ? db->fault : sqlite3_errmsg(db->sql);
}

sqlite3_stmt *subscriber_db_query(struct subscriber_db *db, enum subscriber_query n)
{
	if (!db->q[n])
		sql_prepare(db->sql, queries[n], &db->q[n]);
	return db->q[n];
}

/* --- opening */

static int lock(struct subscriber_db *db, const char *path, enum subscriber_db_mode mode, struct err *err)
{
	const bool check = mode == SUBSCRIBER_DB_CHECK;

	db->lock_fd = sql_lock(path, !check, err);
	if (check && db->lock_fd == -ENOENT)
		return 0; /* nobody has it, and a check creates nothing */
	return db->lock_fd < 0 ? db->lock_fd : 0;
}

/* An own look first: its errno says more than the library's "unable to open database file", and the mode of a new one is ours. Not by
 * open() where a connection of this process may be open: close() of any descriptor gives up the locks a process has on a file, and
 * the next process that closes the database would think itself the last one and take its log away. */
static int touch(const char *path, enum subscriber_db_mode mode, struct err *err)
{
	int fd = -1;

	if (mode == SUBSCRIBER_DB_BESIDE
		    ? access(path, R_OK | W_OK) < 0
		    : (fd = open(path, O_RDWR | O_CLOEXEC | (mode == SUBSCRIBER_DB_RUN ? O_CREAT : 0), 0600)) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return 0;
}

int subscriber_db_check_put(struct subscriber_db *db)
{
	uint8_t sealed[sizeof(CHECK_TEXT) + SEAL_OVERHEAD];
	sqlite3_stmt *q = subscriber_db_query(db, Q_CHECK_PUT);
	int n = seal_put(db->seal, sealed, sizeof(sealed), span_str(CHECK_TEXT), span_str(CHECK_AAD));

	if (n < 0 || !q)
		return -EIO;
	sqlite3_bind_blob(q, 1, sealed, n, SQLITE_TRANSIENT);
	return sql_step_done(q);
}

static int create(struct subscriber_db *db)
{
	/* an import writes half as many pages of this size, of which each costs as much */
	int rc = sql_exec(db->sql, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");

	if (rc == 0)
		rc = sql_exec(db->sql, schema);
	if (rc == 0)
		rc = subscriber_db_check_put(db);
	if (rc == 0)
		rc = sql_exec(db->sql, "COMMIT");
	return rc;
}

static int verify_kek(struct subscriber_db *db, const char *path, struct err *err)
{
	sqlite3_stmt *q = subscriber_db_query(db, Q_CHECK);
	uint8_t plain[sizeof(CHECK_TEXT)];
	int rc;

	if (!q || sqlite3_step(q) != SQLITE_ROW)
		return err_set(err, -EBADMSG, "%s: no subscriber database of gba-hss-simd", path);
	rc = sql_keks_unseal(db->seal, plain, strlen(CHECK_TEXT),
			     span_of(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0)), CHECK_AAD, path,
			     err);
	sqlite3_reset(q);
	return rc;
}

static int add_columns(struct subscriber_db *db, const char *mark, const char *text)
{
	char query[128];
	int64_t there = 0;
	int rc;

	snprintf(query, sizeof(query), "SELECT count(*) FROM pragma_table_info('subscriber') WHERE name = '%s'", mark);
	rc = sql_int(db->sql, query, &there);
	return rc < 0 || there ? rc : sql_exec(db->sql, text);
}

/* What versions 3 and 4 have and the ones before them had not. */
static int add_all_columns(struct subscriber_db *db)
{
	int rc = add_columns(db, "sqn_dif",
			     "ALTER TABLE subscriber ADD COLUMN res_len INTEGER;"
			     "ALTER TABLE subscriber ADD COLUMN rounds INTEGER;"
			     "ALTER TABLE subscriber ADD COLUMN sqn TEXT;"
			     "ALTER TABLE subscriber ADD COLUMN ind_length INTEGER;"
			     "ALTER TABLE subscriber ADD COLUMN sqn_dif INTEGER");

	if (rc == 0)
		rc = add_columns(db, "guss_changed", "ALTER TABLE subscriber ADD COLUMN guss_changed INTEGER");
	return rc < 0 ? rc : sql_exec(db->sql, IMPORT_TABLE);
}

/* In one transaction: those that version 1 kept by the IMPI as it came are renamed, while the case of its domain means nothing
 * (RFC 7542 2.4). */
static int renew(struct subscriber_db *db, const char *where, struct err *err)
{
	int rc = sql_exec(db->sql, "BEGIN IMMEDIATE");

	if (rc == 0)
		rc = add_all_columns(db);
	if (rc == 0)
		rc = subscriber_keys_renew(db->sql, db->seal, where, err);
	if (rc == 0)
		rc = sql_exec(db->sql, "PRAGMA user_version = " VERSION "; COMMIT");
	if (rc < 0)
		sql_exec(db->sql, "ROLLBACK");
	return rc;
}

static int upgrade(struct subscriber_db *db, const char *path, struct err *err)
{
	struct err why = { "" };
	int64_t version = 0;
	int rc = sql_int(db->sql, "PRAGMA user_version", &version);

	if (rc == 0 && version < atoi(VERSION))
		rc = renew(db, version < 2 ? "substr(impi, instr(impi, '@')) GLOB '*[A-Z]*'" : "0", &why);
	if (rc == 0)
		return 0;
	return err_set(err, rc, "%s: not usable: %s", path, why.text[0] ? why.text : sqlite3_errmsg(db->sql));
}

/* The KEKs are those that are needed, and the first one seals. */
static int open_keks(struct subscriber_db *db, const char *path, enum subscriber_db_mode mode, struct err *err)
{
	int rc = verify_kek(db, path, err);

	if (rc == 0)
		rc = subscriber_keks_check(db, path, err);
	if (rc == 0 && mode == SUBSCRIBER_DB_BESIDE && !subscriber_keks_ours(db))
		return err_set(
			err, -EBUSY,
			"%s: another kek seals than the first one configured: a new one does from a restart of the daemon on",
			path);
	if (rc < 0 || mode != SUBSCRIBER_DB_RUN)
		return rc;
	rc = subscriber_keks_note(db);
	return rc < 0 ? err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql)) : upgrade(db, path, err);
}

static int open_sql(struct subscriber_db *db, const char *path, enum subscriber_db_mode mode, struct err *err)
{
	int64_t tables = 0;
	int rc = sql_open(path, &db->sql);

	if (rc == 0)
		rc = sql_int(db->sql, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc < 0)
		return err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql));
	if (tables == 0) {
		if (mode == SUBSCRIBER_DB_CHECK)
			return 0;
		if (mode == SUBSCRIBER_DB_BESIDE)
			return err_set(err, -ENOENT, "%s: there is no database of ours", path);
		rc = create(db);
		return rc < 0 ? err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql)) : 0;
	}
	rc = sql_exec(db->sql, "PRAGMA cache_size = -65536"); /* who is asked for is anywhere among a million */
	return rc < 0 ? err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql)) : open_keks(db, path, mode, err);
}

struct subscriber_db *subscriber_db_open(const char *path, const struct seal_kek *keks, size_t n_keks,
					 enum subscriber_db_mode mode, struct err *err)
{
	struct subscriber_db *db = calloc(1, sizeof(*db));
	int rc = 0;

	if (!db) {
		err_set(err, -ENOMEM, "no memory");
		errno = ENOMEM;
		return NULL;
	}
	db->beside = mode == SUBSCRIBER_DB_BESIDE;
	db->lock_fd = -1;
	if (mode != SUBSCRIBER_DB_BESIDE)
		rc = lock(db, path, mode, err);
	if (rc == 0)
		rc = touch(path, mode, err);
	if (rc == 0) {
		db->seal = seal_new(keks, n_keks, err);
		if (db->seal)
			seal_learnt(db->seal); /* a token has given its key */
		rc = db->seal ? open_sql(db, path, mode, err) : -EINVAL;
	}
	if (rc < 0) {
		subscriber_db_close(db);
		errno = -rc;
		return NULL;
	}
	return db;
}

void subscriber_db_close(struct subscriber_db *db)
{
	int i;

	if (!db)
		return;
	for (i = 0; i < Q_END; i++)
		sqlite3_finalize(db->q[i]);
	sqlite3_close(db->sql);
	seal_free(db->seal);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db);
}
