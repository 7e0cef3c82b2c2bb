/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/base/folder.h"
#include "common/crypto/rng.h"
#include "common/gba/impi.h"
#include "common/rt/sql_keks.h"
#include "reg/reg_keks.h"
#include "reg/reg_schema.h"

#define INDEX_KEY 32
#define KEPT_MAX  128 /* statements of a connection; the orders have some 80 */

static const char *const kinds[REG_KINDS] = { "impi", "msisdn", "iccid", "eid", "imei" };

const char *reg_kind_name(enum reg_kind kind)
{
	return kinds[kind];
}

const char *reg_kind_bad(enum reg_kind kind, const char *value)
{
	static const struct {
		size_t least, most;
		const char *allowed;
	} digits[REG_KINDS] = {
		[REG_MSISDN] = { 5, 15, "5 to 15 digits, the country code first" },
		[REG_ICCID] = { 18, 20, "18 to 20 digits" },
		[REG_EID] = { 32, 32, "32 digits" },
		[REG_IMEI] = { 14, 16, "14 to 16 digits" },
	};
	size_t len = strlen(value);
	struct impi impi;

	if (kind == REG_IMPI)
		return impi_parse(&impi, (const uint8_t *)value, len) == 0 ? NULL : "user@domain";
	return len >= digits[kind].least && len <= digits[kind].most && strspn(value, "0123456789") == len
		       ? NULL
		       : digits[kind].allowed;
}

/* --- statements */

static int bind_all(sqlite3_stmt *q, const char *binds, va_list ap)
{
	const struct span *s;
	const char *t;
	int rc = SQLITE_OK;

	for (int i = 1; *binds && rc == SQLITE_OK; binds++, i++) {
		switch (*binds) {
		case 'i':
			rc = sqlite3_bind_int64(q, i, va_arg(ap, int64_t));
			break;
		case 'b':
			s = va_arg(ap, const struct span *);
			rc = sqlite3_bind_blob(q, i, s->p, (int)s->len, SQLITE_TRANSIENT);
			break;
		default:
			t = va_arg(ap, const char *);
			rc = t ? sqlite3_bind_text(q, i, t, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(q, i);
		}
	}
	return rc == SQLITE_OK ? 0 : -EIO;
}

char *reg_db_text(sqlite3_stmt *q, int column)
{
	const char *s = (const char *)sqlite3_column_text(q, column);

	return s ? strdup(s) : NULL;
}

int reg_db_next(sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	switch (rc & 0xff) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_FULL:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

void reg_db_end(sqlite3_stmt *q)
{
	if (!q)
		return;
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
}

/* Those that are read from now are not touched. */
static void forget_statements(struct reg_db *db)
{
	sqlite3_stmt *q, *next;

	for (q = sqlite3_next_stmt(db->sql, NULL); q; q = next) {
		next = sqlite3_next_stmt(db->sql, q);
		if (!sqlite3_stmt_busy(q)) {
			sqlite3_finalize(q);
			db->n_kept--;
		}
	}
}

/* To prepare one costs as much as to run it: it stays, for the next who asks the same. */
static int statement(struct reg_db *db, sqlite3_stmt **out, const char *text)
{
	int rc;

	for (*out = sqlite3_next_stmt(db->sql, NULL); *out; *out = sqlite3_next_stmt(db->sql, *out)) {
		if (!sqlite3_stmt_busy(*out) && strcmp(sqlite3_sql(*out), text) == 0)
			return 0;
	}
	if (db->n_kept >= KEPT_MAX)
		forget_statements(db);
	rc = sql_prepare(db->sql, text, out);
	db->n_kept += rc == 0;
	return rc;
}

static int ask_with(struct reg_db *db, sqlite3_stmt **out, const char *text, const char *binds, va_list ap)
{
	int rc = statement(db, out, text);

	if (rc == 0)
		rc = bind_all(*out, binds, ap);
	if (rc == 0)
		rc = reg_db_next(*out);
	if (rc <= 0) {
		reg_db_end(*out);
		*out = NULL;
	}
	return rc;
}

int reg_db_ask(struct reg_db *db, sqlite3_stmt **out, const char *text, const char *binds, ...)
{
	va_list ap;
	int rc;

	va_start(ap, binds);
	rc = ask_with(db, out, text, binds, ap);
	va_end(ap);
	return rc;
}

int reg_db_do(struct reg_db *db, const char *text, const char *binds, ...)
{
	sqlite3_stmt *q;
	va_list ap;
	int rc;

	va_start(ap, binds);
	rc = ask_with(db, &q, text, binds, ap);
	va_end(ap);
	if (rc > 0)
		reg_db_end(q);
	return rc > 0 ? 0 : rc;
}

int reg_db_int(struct reg_db *db, int64_t *out, const char *text, const char *binds, ...)
{
	sqlite3_stmt *q;
	va_list ap;
	int rc;

	va_start(ap, binds);
	rc = ask_with(db, &q, text, binds, ap);
	va_end(ap);
	if (rc <= 0)
		return rc;
	*out = sqlite3_column_int64(q, 0);
	reg_db_end(q);
	return 1;
}

/* --- names of devices */

/* What one and the same name is: of an IMPI whatever the case of its domain. */
static void key_of(struct impi *out, enum reg_kind kind, const char *value)
{
	if (kind == REG_IMPI)
		impi_key(out, value);
	else
		snprintf(out->s, sizeof(out->s), "%s", value);
}

static int hash_of(struct reg_db *db, uint8_t out[32], enum reg_kind kind, const char *value)
{
	char text[REG_ID_MAX + 16];
	struct impi name;

	key_of(&name, kind, value);
	snprintf(text, sizeof(text), "%s %s", kinds[kind], name.s);
	return seal_index(out, &db->index_key, span_str(text)) < 0 ? -EIO : 0;
}

int reg_db_find(struct reg_db *db, int64_t *device, enum reg_kind kind, const char *value)
{
	uint8_t hash[32];
	struct span h = span_of(hash, sizeof(hash));
	int rc = hash_of(db, hash, kind, value);

	return rc < 0 ? rc
		      : reg_db_int(db, device, "SELECT device FROM identifier WHERE kind = ?1 AND hash = ?2", "ib",
				   (int64_t)kind, &h);
}

/* What a sealed name is bound to: in another row it cannot be opened. */
struct span reg_db_bound(char text[REG_BOUND_MAX], int64_t device, enum reg_kind kind)
{
	snprintf(text, REG_BOUND_MAX, "%lld %s", (long long)device, kinds[kind]);
	return span_str(text);
}

struct span reg_db_bound_answer(char text[REG_BOUND_MAX], const char *who, const char *key)
{
	snprintf(text, REG_BOUND_MAX, "kept %s %s", who, key);
	return span_str(text);
}

int reg_db_name(struct reg_db *db, int64_t device, enum reg_kind kind, const char *value)
{
	uint8_t hash[32], sealed[REG_ID_MAX + SEAL_OVERHEAD];
	struct span h = span_of(hash, sizeof(hash)), s;
	char aad[REG_BOUND_MAX];
	int n = hash_of(db, hash, kind, value);

	if (n == 0)
		n = seal_put(db->seal, sealed, sizeof(sealed), span_str(value), reg_db_bound(aad, device, kind));
	if (n < 0)
		return -EIO;
	s = span_of(sealed, (size_t)n);
	return reg_db_do(db, "INSERT INTO identifier (kind, hash, device, sealed) VALUES (?1, ?2, ?3, ?4)", "ibib",
			 (int64_t)kind, &h, device, &s);
}

int reg_db_name_get(struct reg_db *db, char out[REG_ID_MAX + 1], int64_t device, enum reg_kind kind)
{
	sqlite3_stmt *q;
	char aad[REG_BOUND_MAX];
	int rc = reg_db_ask(db, &q, "SELECT sealed FROM identifier WHERE device = ?1 AND kind = ?2", "ii", device,
			    (int64_t)kind),
	    n;

	if (rc <= 0)
		return rc;
	n = seal_open(db->seal, (uint8_t *)out, REG_ID_MAX,
		      span_of(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0)),
		      reg_db_bound(aad, device, kind));
	reg_db_end(q);
	if (n < 0) {
		db->fault = "the name of a device cannot be opened: sealed by another kek, or altered";
		return -EIO;
	}
	out[n] = '\0';
	return 1;
}

/* --- opening */

/* Its own open() first: its errno says more, and the mode is ours. */
static int touch(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT, 0600);

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int create(struct reg_db *db)
{
	int rc = sql_exec(db->sql, "PRAGMA journal_mode = WAL");

	if (rc == 0)
		rc = rng_fill(db->index_key.b, INDEX_KEY);
	db->index_key.len = INDEX_KEY;
	if (rc == 0)
		rc = sql_exec(db->sql, "BEGIN IMMEDIATE");
	if (rc == 0)
		rc = reg_schema_raise(db->sql);
	if (rc == 0)
		rc = reg_keks_index(db);
	return rc == 0 ? sql_exec(db->sql, "COMMIT") : rc;
}

static int get_index_key(struct reg_db *db, const char *path, struct err *err)
{
	sqlite3_stmt *q;
	int rc;

	if (reg_db_ask(db, &q, "SELECT value FROM meta WHERE name = 'index key'", "") <= 0)
		return err_set(err, -EBADMSG, "%s: no database of gba-regd", path);
	rc = sql_keks_unseal(db->seal, db->index_key.b, INDEX_KEY,
			     span_of(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0)), "index key", path,
			     err);
	reg_db_end(q);
	db->index_key.len = INDEX_KEY;
	return rc;
}

static int version_fault(struct reg_db *db, const char *path, int rc, struct err *err)
{
	return err_set(err, rc, "%s: %s", path,
		       rc == -ENOTSUP ? "made by a newer gba-regd; allowed: that one" : sqlite3_errmsg(db->sql));
}

/* One of an earlier version: all of it or nothing. */
static int raise_there(struct reg_db *db, const char *path, struct err *err)
{
	int rc = sql_exec(db->sql, "BEGIN IMMEDIATE");

	if (rc == 0)
		rc = reg_schema_raise(db->sql);
	if (rc == 0)
		rc = sql_exec(db->sql, "COMMIT");
	if (rc == 0)
		return 0;
	version_fault(db, path, rc, err);
	sql_exec(db->sql, "ROLLBACK");
	return rc;
}

static int open_there(struct reg_db *db, const char *path, bool alone, struct err *err)
{
	int rc = get_index_key(db, path, err);

	if (rc == 0 && alone)
		rc = reg_keks_check(db, path, err);
	if (rc == 0 && alone && reg_schema_differs(db->sql) != 0)
		rc = raise_there(db, path, err);
	if (rc < 0 || !alone)
		return rc;
	rc = reg_keks_note(db);
	return rc < 0 ? err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql)) : 0;
}

/* \param[in] alone no other connection is there yet */
static int open_sql(struct reg_db *db, const char *path, bool alone, struct err *err)
{
	int64_t tables = 0;
	int rc = sql_open(path, &db->sql);

	if (rc == 0)
		rc = sql_int(db->sql, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc == 0 && !tables)
		rc = create(db);
	else if (rc == 0)
		return open_there(db, path, alone, err);
	return rc < 0 ? err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql)) : 0;
}

static struct reg_db *open_db(const char *path, const struct seal_kek *keks, size_t n_keks, bool first, struct err *err)
{
	struct reg_db *db = calloc(1, sizeof(*db));
	int rc = db ? 0 : err_set(err, -ENOMEM, "no memory");

	if (db)
		db->lock_fd = -1;
	if (rc == 0 && first)
		rc = db->lock_fd = sql_lock(path, true, err);
	if (rc >= 0 && first)
		rc = touch(path, err);
	if (rc == 0) {
		db->seal = seal_new(keks, n_keks, err);
		if (db->seal)
			seal_learnt(db->seal); /* a token has given its key */
		rc = db->seal ? open_sql(db, path, first, err) : -EINVAL;
	}
	if (rc == 0)
		return db;
	reg_db_close(db);
	return NULL;
}

struct reg_db *reg_db_open(const char *path, const struct seal_kek *keks, size_t n_keks, struct err *err)
{
	return open_db(path, keks, n_keks, true, err);
}

struct reg_db *reg_db_open_beside(const char *path, const struct seal_kek *keks, size_t n_keks, struct err *err)
{
	return open_db(path, keks, n_keks, false, err);
}

/* As open_there() would, up to what changes something. */
static int look_there(struct reg_db *db, const char *path, struct err *err)
{
	int64_t tables = 0;
	int rc = sql_open_look(path, &db->sql);

	if (rc == 0)
		rc = sql_int(db->sql, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc < 0)
		return err_set(err, rc, "%s: %s", path, sqlite3_errmsg(db->sql));
	if (tables == 0)
		return 0;
	rc = get_index_key(db, path, err);
	if (rc == 0)
		rc = reg_keks_check(db, path, err);
	if (rc < 0)
		return rc;
	rc = reg_schema_differs(db->sql);
	return rc < 0 ? version_fault(db, path, rc, err) : 0;
}

int reg_db_check(const char *path, const struct seal_kek *keks, size_t n_keks, struct err *err)
{
	const char *why = folder_of_open_to(path);
	struct reg_db *db;
	int rc = -1;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	if (why)
		return err_set(err, -1, "%s: %s; allowed: " FOLDER_OURS, path, why);
	if (access(path, R_OK | W_OK) != 0)
		return err_set(err, -1, "%s: %s", path, strerror(errno));
	db = calloc(1, sizeof(*db));
	if (!db)
		return err_set(err, -1, "no memory");
	db->lock_fd = -1;
	db->seal = seal_new(keks, n_keks, err);
	if (db->seal) {
		seal_learnt(db->seal);
		rc = look_there(db, path, err);
	}
	reg_db_close(db);
	return rc < 0 ? -1 : 0;
}

void reg_db_close(struct reg_db *db)
{
	if (!db)
		return;
	if (db->sql)
		forget_statements(db);
	sqlite3_close(db->sql);
	seal_free(db->seal);
	secret_clear(&db->index_key);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db);
}
