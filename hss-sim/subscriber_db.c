/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/base/folder.h"
#include "common/crypto/sqn.h"
#include "common/rt/cfg_file.h"
#include "hss-sim/subscriber_keys.h"
#include "hss-sim/subscriber_sql.h"

#define CHECK_TEXT "gba-hss-sim subscribers"
#define CHECK_AAD  "check"
#define PATH_LEN   4096

enum { Q_GET, Q_COUNT, Q_FIND, Q_INSERT, Q_UPDATE, Q_COUNTER, Q_SEEN, Q_SEEN_PUT, Q_CHECK, Q_CHECK_PUT, Q_END };

static const char *const queries[Q_END] = {
	[Q_GET] = "SELECT s.id, s.imsi, s.keys, s.amf, s.ind, s.guss, s.guss_timestamp, c.seq FROM subscriber s "
		  "JOIN counter c ON c.id = s.id WHERE s.impi = ?1",
	[Q_COUNT] = "SELECT count(*) FROM subscriber",
	[Q_FIND] = "SELECT id FROM subscriber WHERE impi = ?1",
	[Q_INSERT] = "INSERT INTO subscriber (impi, imsi, keys, amf, algorithm, ind, guss, guss_timestamp) "
		     "VALUES (?1, ?2, ?3, ?4, 'milenage', ?5, ?6, ?7)",
	[Q_UPDATE] = "UPDATE subscriber SET imsi = ?2, keys = ?3, amf = ?4, ind = ?5, guss = ?6, guss_timestamp = ?7 "
		     "WHERE impi = ?1",
	[Q_COUNTER] = "INSERT INTO counter (id, seq) VALUES (?1, ?2) "
		      "ON CONFLICT (id) DO UPDATE SET seq = max(seq, excluded.seq)",
	[Q_SEEN] = "SELECT line FROM temp.seen WHERE impi = ?1",
	[Q_SEEN_PUT] = "INSERT INTO temp.seen (impi, line) VALUES (?1, ?2)",
	[Q_CHECK] = "SELECT value FROM meta WHERE name = 'check'",
	[Q_CHECK_PUT] = "INSERT OR REPLACE INTO meta (name, value) VALUES ('check', ?1)",
};

static const char schema[] = "BEGIN IMMEDIATE;"
			     "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
			     "CREATE TABLE subscriber (id INTEGER PRIMARY KEY, impi TEXT NOT NULL UNIQUE, imsi TEXT,"
			     " keys BLOB NOT NULL, amf BLOB NOT NULL, algorithm TEXT NOT NULL, ind INTEGER, guss BLOB,"
			     " guss_timestamp INTEGER);"
			     /* apart, because it is what changes: a mark rewrites a page of small rows */
			     "CREATE TABLE counter (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);"
			     "PRAGMA user_version = 2;"
			     "PRAGMA application_id = 0x47424148;";

struct subscriber_db {
	sqlite3 *sql;
	sqlite3_stmt *q[Q_END];
	struct seal *seal;
	int lock_fd;
};

void subscriber_row_clear(struct subscriber_row *r)
{
	aka_cred_clear(&r->cred);
	free(r->guss);
	r->guss = NULL;
	r->guss_len = 0;
}

const char *subscriber_db_errmsg(struct subscriber_db *db)
{
	return sqlite3_errmsg(db->sql);
}

static sqlite3_stmt *query(struct subscriber_db *db, int n)
{
	if (!db->q[n])
		sql_prepare(db->sql, queries[n], &db->q[n]);
	return db->q[n];
}

/* --- opening */

static int lock(struct subscriber_db *db, const char *path, enum subscriber_db_mode mode, struct err *err)
{
	const char *why = folder_of_open_to(path); /* lock and journal are names there, too */
	char name[PATH_LEN];

	if (why)
		return err_set(err, -EPERM, "%s: %s; allowed: " FOLDER_OURS, path, why);
	if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name))
		return err_set(err, -ENAMETOOLONG, "%s: path too long", path);
	if (mode == SUBSCRIBER_DB_CHECK && access(name, F_OK) != 0)
		return 0; /* nobody has it, and a check creates nothing */
	db->lock_fd = cfg_lock_file(name, err);
	return db->lock_fd < 0 ? db->lock_fd : 0;
}

/* An own open() first: its errno says more than the library's "unable to open database file", and the mode is ours. */
static int touch(const char *path, enum subscriber_db_mode mode, struct err *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (mode == SUBSCRIBER_DB_RUN ? O_CREAT : 0), 0600);

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int put_check(struct subscriber_db *db)
{
	uint8_t sealed[sizeof(CHECK_TEXT) + SEAL_OVERHEAD];
	sqlite3_stmt *q = query(db, Q_CHECK_PUT);
	int n = seal_put(db->seal, sealed, sizeof(sealed), span_str(CHECK_TEXT), span_str(CHECK_AAD));

	if (n < 0 || !q)
		return -EIO;
	sqlite3_bind_blob(q, 1, sealed, n, SQLITE_TRANSIENT);
	return sql_step_done(q);
}

static int create(struct subscriber_db *db)
{
	int rc = sql_exec(db->sql, "PRAGMA journal_mode = WAL");

	if (rc == 0)
		rc = sql_exec(db->sql, schema);
	if (rc == 0)
		rc = put_check(db);
	if (rc == 0)
		rc = sql_exec(db->sql, "COMMIT");
	return rc;
}

/* \param[out] kek_id that sealed the check value */
static int verify_kek(struct subscriber_db *db, const char *path, uint8_t *kek_id, struct err *err)
{
	sqlite3_stmt *q = query(db, Q_CHECK);
	uint8_t plain[64];
	struct span sealed;
	int rc = -EBADMSG;

	if (!q || sqlite3_step(q) != SQLITE_ROW)
		return err_set(err, -EBADMSG, "%s: no subscriber database of gba-hss-simd", path);
	sealed = span_of(sqlite3_column_blob(q, 0), sqlite3_column_bytes(q, 0));
	if (sealed.len > 2 && sealed.len <= sizeof(plain)) {
		*kek_id = sealed.p[1];
		rc = seal_open(db->seal, plain, sizeof(plain), sealed, span_str(CHECK_AAD));
	}
	sqlite3_reset(q);
	if (rc == -ENOKEY)
		return err_set(err, rc, "%s: sealed by kek %u, which is not configured", path, *kek_id);
	if (rc != (int)strlen(CHECK_TEXT))
		return err_set(err, -EKEYREJECTED, "%s: kek %u is not the key this database was sealed by", path,
			       *kek_id);
	return 0;
}

/* In one transaction: seal every subscriber anew, because the first KEK of the configuration is a new one and the old one
 * shall be able to go; or rename those that version 1 kept by the IMPI as it came, while the case of its domain means
 * nothing (RFC 7542 2.4). */
static int renew(struct subscriber_db *db, const char *where, struct err *err)
{
	int rc = sql_exec(db->sql, "BEGIN IMMEDIATE");

	if (rc == 0)
		rc = subscriber_keys_renew(db->sql, db->seal, where, err);
	if (rc == 0)
		rc = put_check(db);
	if (rc == 0)
		rc = sql_exec(db->sql, "PRAGMA user_version = 2; COMMIT");
	if (rc < 0)
		sql_exec(db->sql, "ROLLBACK");
	return rc;
}

static int upgrade(struct subscriber_db *db, const char *path, bool new_kek, struct err *err)
{
	struct err why = { "" };
	int64_t version = 0;
	int rc = sql_int(db->sql, "PRAGMA user_version", &version);

	if (rc == 0 && new_kek)
		rc = renew(db, "1", &why);
	else if (rc == 0 && version < 2)
		rc = renew(db, "substr(impi, instr(impi, '@')) GLOB '*[A-Z]*'", &why);
	if (rc == 0)
		return 0;
	return err_set(err, rc, "%s: %s: %s", path, new_kek ? "sealing anew by the first kek failed" : "not usable",
		       why.text[0] ? why.text : sqlite3_errmsg(db->sql));
}

static int open_sql(struct subscriber_db *db, const char *path, uint8_t first_kek, enum subscriber_db_mode mode,
		    struct err *err)
{
	int64_t tables = 0;
	uint8_t kek_id = 0;
	int rc = sql_open(path, &db->sql);

	if (rc == 0)
		rc = sql_int(db->sql, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc < 0)
		return err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql));
	if (tables == 0) {
		if (mode == SUBSCRIBER_DB_CHECK)
			return 0;
		rc = create(db);
		return rc < 0 ? err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql)) : 0;
	}
	rc = verify_kek(db, path, &kek_id, err);
	if (rc < 0 || mode == SUBSCRIBER_DB_CHECK)
		return rc;
	return upgrade(db, path, kek_id != first_kek, err);
}

struct subscriber_db *subscriber_db_open(const char *path, const struct seal_kek *keks, size_t n_keks,
					 enum subscriber_db_mode mode, struct err *err)
{
	struct subscriber_db *db = calloc(1, sizeof(*db));
	int rc;

	if (!db) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	db->lock_fd = -1;
	rc = lock(db, path, mode, err);
	if (rc == 0)
		rc = touch(path, mode, err);
	if (rc == 0) {
		db->seal = seal_new(keks, n_keks, err);
		rc = db->seal ? open_sql(db, path, keks[0].id, mode, err) : -EINVAL;
	}
	if (rc < 0) {
		subscriber_db_close(db);
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

/* --- rows */

static int row_guss(struct subscriber_row *r, sqlite3_stmt *q, int col)
{
	int len = sqlite3_column_bytes(q, col);

	if (sqlite3_column_type(q, col) == SQLITE_NULL || len == 0)
		return 0;
	r->guss = malloc(len);
	if (!r->guss)
		return -ENOMEM;
	memcpy(r->guss, sqlite3_column_blob(q, col), len);
	r->guss_len = len;
	if (sqlite3_column_type(q, col + 1) != SQLITE_NULL) {
		r->has_guss_timestamp = true;
		r->guss_timestamp = sqlite3_column_int64(q, col + 1);
	}
	return 0;
}

/* The counter is not sealed: one that is damaged must not begin at 0 again. */
static bool counter_valid(sqlite3_stmt *q, int col)
{
	sqlite3_int64 seq = sqlite3_column_int64(q, col);

	return sqlite3_column_type(q, col) == SQLITE_INTEGER && seq >= 0 && seq <= (sqlite3_int64)SQN_SEQ_MAX;
}

static int row_read(struct subscriber_db *db, struct subscriber_row *r, sqlite3_stmt *q, const char *impi)
{
	const char *imsi = (const char *)sqlite3_column_text(q, 1);

	r->id = sqlite3_column_int64(q, 0);
	snprintf(r->imsi, sizeof(r->imsi), "%s", imsi ? imsi : "");
	if (sqlite3_column_bytes(q, 3) != AKA_AMF_LEN || !counter_valid(q, 7))
		return -EBADMSG;
	memcpy(r->cred.amf, sqlite3_column_blob(q, 3), AKA_AMF_LEN);
	r->ind_fixed = sqlite3_column_type(q, 4) == SQLITE_NULL ? -1 : sqlite3_column_int(q, 4);
	r->seq = sqlite3_column_int64(q, 7);
	if (span_to_str(r->impi.s, sizeof(r->impi.s), span_str(impi)) < 0)
		return -EBADMSG;
	if (row_guss(r, q, 5) < 0)
		return -ENOMEM;
	return subscriber_keys_open(db->seal, &r->cred, impi,
				    span_of(sqlite3_column_blob(q, 2), sqlite3_column_bytes(q, 2)));
}

int subscriber_db_get(struct subscriber_db *db, const char *impi, struct subscriber_row *out)
{
	struct subscriber_row r = { 0 };
	sqlite3_stmt *q = query(db, Q_GET);
	struct impi name;
	int rc;

	if (!q)
		return -EIO;
	impi_key(&name, impi);
	sqlite3_bind_text(q, 1, name.s, -1, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		rc = row_read(db, &r, q, name.s);
	else
		rc = rc == SQLITE_DONE ? -ENOENT : -EIO;
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	if (rc < 0) {
		subscriber_row_clear(&r);
		return rc;
	}
	*out = r;
	OPENSSL_cleanse(&r.cred, sizeof(r.cred));
	return 0;
}

int64_t subscriber_db_count(struct subscriber_db *db)
{
	int64_t n = 0;
	int rc = sql_int(db->sql, queries[Q_COUNT], &n);

	return rc < 0 ? rc : n;
}

/* --- import */

int subscriber_db_begin(struct subscriber_db *db)
{
	int rc = sql_exec(db->sql,
			  "PRAGMA temp_store = MEMORY;"
			  "CREATE TEMP TABLE IF NOT EXISTS seen (impi TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;"
			  "DELETE FROM temp.seen");

	return rc < 0 ? rc : sql_exec(db->sql, "BEGIN IMMEDIATE");
}

static int seen_before(struct subscriber_db *db, const char *impi, unsigned line, unsigned *first_line)
{
	sqlite3_stmt *q = query(db, Q_SEEN), *put = query(db, Q_SEEN_PUT);
	int rc;

	if (!q || !put)
		return -EIO;
	sqlite3_bind_text(q, 1, impi, -1, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		*first_line = sqlite3_column_int(q, 0);
	sqlite3_reset(q);
	if (rc == SQLITE_ROW)
		return -EEXIST;
	if (rc != SQLITE_DONE)
		return -EIO;
	sqlite3_bind_text(put, 1, impi, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, line);
	return sql_step_done(put);
}

static int write_row(struct subscriber_db *db, const struct subscriber_row *r, const char *name, int which)
{
	sqlite3_stmt *q = query(db, which);
	uint8_t sealed[SUBSCRIBER_SEALED_LEN];
	int rc;

	if (!q)
		return -EIO;
	rc = subscriber_keys_seal(db->seal, sealed, &r->cred, name);
	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, r->imsi[0] ? r->imsi : NULL, -1, SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, sealed, sizeof(sealed), SQLITE_STATIC);
	sqlite3_bind_blob(q, 4, r->cred.amf, AKA_AMF_LEN, SQLITE_STATIC);
	if (r->ind_fixed >= 0)
		sqlite3_bind_int(q, 5, r->ind_fixed);
	if (r->guss)
		sqlite3_bind_blob(q, 6, r->guss, r->guss_len, SQLITE_STATIC);
	if (r->has_guss_timestamp)
		sqlite3_bind_int64(q, 7, r->guss_timestamp);
	return sql_step_done(q);
}

int subscriber_db_put(struct subscriber_db *db, const struct subscriber_row *r, unsigned line, unsigned *first_line)
{
	sqlite3_stmt *find = query(db, Q_FIND), *counter = query(db, Q_COUNTER);
	struct impi name;
	int64_t id = 0;
	bool known;
	int rc;

	if (!find || !counter)
		return -EIO;
	impi_key(&name, r->impi.s);
	rc = seen_before(db, name.s, line, first_line);
	if (rc < 0)
		return rc;
	sqlite3_bind_text(find, 1, name.s, -1, SQLITE_STATIC);
	known = sqlite3_step(find) == SQLITE_ROW;
	if (known)
		id = sqlite3_column_int64(find, 0);
	sqlite3_reset(find);
	rc = write_row(db, r, name.s, known ? Q_UPDATE : Q_INSERT);
	if (rc < 0)
		return rc;
	if (!known)
		id = sqlite3_last_insert_rowid(db->sql);
	sqlite3_bind_int64(counter, 1, id);
	sqlite3_bind_int64(counter, 2, r->seq);
	rc = sql_step_done(counter);
	return rc < 0 ? rc : !known;
}

int subscriber_db_commit(struct subscriber_db *db)
{
	int rc = sql_exec(db->sql, "COMMIT");

	if (rc < 0)
		subscriber_db_rollback(db);
	return rc;
}

void subscriber_db_rollback(struct subscriber_db *db)
{
	sql_exec(db->sql, "ROLLBACK");
}
