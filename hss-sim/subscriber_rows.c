/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The rows of the subscriber database: read, written by an import. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/crypto/aka_algorithm.h"
#include "common/crypto/sqn.h"
#include "hss-sim/subscriber_db_in.h"
#include "hss-sim/subscriber_keys.h"

/* Places of the columns in Q_GET; from IMSI on they are also the parameters of Q_INSERT and Q_UPDATE. */
enum { ID, SEQ, IMSI, KEYS, AMF, ALGORITHM, IND, GUSS, GUSS_TIMESTAMP, RES_LEN, ROUNDS, SQN, IND_LENGTH, SQN_DIF };

void subscriber_row_clear(struct subscriber_row *r)
{
	aka_cred_clear(&r->cred);
	free(r->guss);
	r->guss = NULL;
	r->guss_len = 0;
}

static int row_guss(struct subscriber_row *r, sqlite3_stmt *q)
{
	int len = sqlite3_column_bytes(q, GUSS);

	if (sqlite3_column_type(q, GUSS) == SQLITE_NULL || len == 0)
		return 0;
	r->guss = malloc(len);
	if (!r->guss)
		return -ENOMEM;
	memcpy(r->guss, sqlite3_column_blob(q, GUSS), len);
	r->guss_len = len;
	if (sqlite3_column_type(q, GUSS_TIMESTAMP) != SQLITE_NULL) {
		r->has_guss_timestamp = true;
		r->guss_timestamp = sqlite3_column_int64(q, GUSS_TIMESTAMP);
	}
	return 0;
}

/* The counter is not sealed: one that is damaged must not begin at 0 again. */
static bool counter_valid(sqlite3_stmt *q, unsigned ind_bits)
{
	sqlite3_int64 seq = sqlite3_column_int64(q, SEQ);

	return sqlite3_column_type(q, SEQ) == SQLITE_INTEGER && seq >= 0 && seq <= (sqlite3_int64)sqn_seq_max(ind_bits);
}

/* A number of a column that may be empty; -1: it is no number from 0 to max. */
static int small_number(sqlite3_stmt *q, int col, int empty, int max)
{
	int v = sqlite3_column_int(q, col);

	if (sqlite3_column_type(q, col) == SQLITE_NULL)
		return empty;
	return sqlite3_column_type(q, col) == SQLITE_INTEGER && v >= 0 && v <= max ? v : -1;
}

static int row_algorithm(struct aka_cred *c, sqlite3_stmt *q)
{
	const char *name = (const char *)sqlite3_column_text(q, ALGORITHM);
	int res_len = small_number(q, RES_LEN, 0, AKA_RES_MAX), rounds = small_number(q, ROUNDS, 0, 255);

	if (!name || aka_algorithm_find(&c->kind, name, strlen(name)) < 0 || res_len < 0 || rounds < 0)
		return -EBADMSG;
	c->res_len = (uint8_t)res_len;
	c->rounds = (uint8_t)rounds;
	return 0;
}

static int row_scheme(struct subscriber_row *r, sqlite3_stmt *q)
{
	const char *name = (const char *)sqlite3_column_text(q, SQN);
	int bits = small_number(q, IND_LENGTH, SQN_IND_BITS, SQN_IND_BITS_MAX);
	enum sqn_profile profile;

	if (bits < 0 || (name && sqn_profile_find(&profile, name, strlen(name)) < 0) ||
	    !counter_valid(q, (unsigned)bits))
		return -EBADMSG;
	r->ind_bits = (uint8_t)bits;
	r->profile = name ? (int)profile : -1;
	r->ind_fixed = sqlite3_column_type(q, IND) == SQLITE_NULL ? -1 : small_number(q, IND, 0, (1 << bits) - 1);
	r->dif = sqlite3_column_int64(q, SQN_DIF);
	r->seq = (uint64_t)sqlite3_column_int64(q, SEQ);
	return sqlite3_column_type(q, IND) != SQLITE_NULL && r->ind_fixed < 0 ? -EBADMSG : 0;
}

static int row_read(struct subscriber_db *db, struct subscriber_row *r, sqlite3_stmt *q, const char *impi)
{
	const char *imsi = (const char *)sqlite3_column_text(q, IMSI);

	r->id = sqlite3_column_int64(q, ID);
	snprintf(r->imsi, sizeof(r->imsi), "%s", imsi ? imsi : "");
	if (sqlite3_column_bytes(q, AMF) != AKA_AMF_LEN || row_algorithm(&r->cred, q) < 0 || row_scheme(r, q) < 0)
		return -EBADMSG;
	memcpy(r->cred.amf, sqlite3_column_blob(q, AMF), AKA_AMF_LEN);
	if (span_to_str(r->impi.s, sizeof(r->impi.s), span_str(impi)) < 0)
		return -EBADMSG;
	if (row_guss(r, q) < 0)
		return -ENOMEM;
	return subscriber_keys_open(db->seal, &r->cred, impi,
				    span_of(sqlite3_column_blob(q, KEYS), sqlite3_column_bytes(q, KEYS)));
}

int subscriber_db_get(struct subscriber_db *db, const char *impi, struct subscriber_row *out)
{
	struct subscriber_row r = { 0 };
	sqlite3_stmt *q = subscriber_db_query(db, Q_GET);
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
	int rc = sql_int(db->sql, "SELECT count(*) FROM subscriber", &n);

	return rc < 0 ? rc : n;
}

/* --- import */

int subscriber_db_begin(struct subscriber_db *db)
{
	return sql_exec(db->sql, "BEGIN IMMEDIATE");
}

static void bind_keys(sqlite3_stmt *q, const struct subscriber_row *r)
{
	const struct aka_cred *c = &r->cred;

	sqlite3_bind_blob(q, AMF, c->amf, AKA_AMF_LEN, SQLITE_STATIC);
	sqlite3_bind_text(q, ALGORITHM, aka_algorithm_of(c)->name, -1, SQLITE_STATIC);
	if (c->res_len)
		sqlite3_bind_int(q, RES_LEN, c->res_len);
	if (c->rounds)
		sqlite3_bind_int(q, ROUNDS, c->rounds);
}

static void bind_scheme(sqlite3_stmt *q, const struct subscriber_row *r)
{
	if (r->ind_fixed >= 0)
		sqlite3_bind_int(q, IND, r->ind_fixed);
	if (r->profile >= 0)
		sqlite3_bind_text(q, SQN, sqn_profile_name((enum sqn_profile)r->profile), -1, SQLITE_STATIC);
	sqlite3_bind_int(q, IND_LENGTH, r->ind_bits);
	sqlite3_bind_int64(q, SQN_DIF, r->dif);
}

static int write_row(struct subscriber_db *db, const struct subscriber_row *r, const char *name,
		     enum subscriber_query which)
{
	sqlite3_stmt *q = subscriber_db_query(db, which);
	uint8_t sealed[SUBSCRIBER_SEALED_MAX];
	int n;

	if (!q)
		return -EIO;
	n = subscriber_keys_seal(db->seal, sealed, &r->cred, name);
	if (n < 0)
		return n;
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, IMSI, r->imsi[0] ? r->imsi : NULL, -1, SQLITE_STATIC);
	sqlite3_bind_blob(q, KEYS, sealed, n, SQLITE_STATIC);
	bind_keys(q, r);
	bind_scheme(q, r);
	if (r->guss)
		sqlite3_bind_blob(q, GUSS, r->guss, (int)r->guss_len, SQLITE_STATIC);
	if (r->has_guss_timestamp)
		sqlite3_bind_int64(q, GUSS_TIMESTAMP, r->guss_timestamp);
	return sql_step_done(q);
}

static int write_counter(struct subscriber_db *db, enum subscriber_query which, int64_t id, uint64_t seq)
{
	sqlite3_stmt *q = subscriber_db_query(db, which);

	if (!q)
		return -EIO;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, (int64_t)seq);
	return sql_step_done(q);
}

/* The SEQ behind which an IND of other length gives only higher numbers: the highest SQN there was, cut anew. */
static uint64_t seq_in(uint64_t seq, unsigned old_bits, unsigned bits)
{
	return bits >= old_bits ? seq >> (bits - old_bits) : ((seq + 1) << (old_bits - bits)) - 1;
}

/* A subscriber who is there. */
static int update(struct subscriber_db *db, const struct subscriber_row *r, const char *name)
{
	sqlite3_stmt *find = subscriber_db_query(db, Q_FIND);
	unsigned bits = SQN_IND_BITS;
	uint64_t seq = r->seq, old;
	int64_t id;
	int rc;

	if (!find)
		return -EIO;
	sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(find) == SQLITE_ROW ? 0 : -EIO;
	if (sqlite3_column_type(find, 2) != SQLITE_NULL)
		bits = (unsigned)sqlite3_column_int(find, 2);
	if (rc == 0 && (bits > SQN_IND_BITS_MAX || !counter_valid(find, bits)))
		rc = -EBADMSG; /* where it stood nobody knows, so it cannot be continued */
	id = sqlite3_column_int64(find, ID);
	old = rc == 0 ? seq_in((uint64_t)sqlite3_column_int64(find, SEQ), bits, r->ind_bits) : 0;
	sqlite3_reset(find);
	sqlite3_clear_bindings(find);
	if (rc == 0)
		rc = write_row(db, r, name, Q_UPDATE);
	return rc < 0 ? rc : write_counter(db, Q_COUNTER_UP, id, old > seq ? old : seq);
}

int subscriber_db_put(struct subscriber_db *db, const struct subscriber_row *r)
{
	struct impi name;
	int rc;

	impi_key(&name, r->impi.s);
	rc = write_row(db, r, name.s, Q_INSERT);
	if (rc < 0)
		return rc;
	if (sqlite3_changes(db->sql) == 0)
		return update(db, r, name.s);
	rc = write_counter(db, Q_COUNTER, sqlite3_last_insert_rowid(db->sql), r->seq);
	return rc < 0 ? rc : 1;
}

int64_t subscriber_db_import_rows(struct subscriber_db *db, const uint8_t digest[SUBSCRIBER_IMPORT_DIGEST])
{
	sqlite3_stmt *q = subscriber_db_query(db, Q_IMPORT);
	int64_t rows = 0;
	int rc;

	if (!q)
		return -EIO;
	sqlite3_bind_blob(q, 1, digest, SUBSCRIBER_IMPORT_DIGEST, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		rows = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? rows : -EIO;
}

int subscriber_db_import_note(struct subscriber_db *db, const uint8_t digest[SUBSCRIBER_IMPORT_DIGEST], int64_t rows)
{
	sqlite3_stmt *q = subscriber_db_query(db, Q_IMPORT_PUT);

	if (!q)
		return -EIO;
	sqlite3_bind_blob(q, 1, digest, SUBSCRIBER_IMPORT_DIGEST, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, rows);
	return sql_step_done(q);
}

int subscriber_db_import_forget(struct subscriber_db *db)
{
	return sql_exec(db->sql, "DELETE FROM import");
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
