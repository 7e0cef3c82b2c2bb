/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The rows of the subscriber database: written by an import, in one transaction with the note how many there are. */
#include <errno.h>
#include <stdlib.h>
#include "common/crypto/aka_algorithm.h"
#include "common/crypto/sqn.h"
#include "hss-sim/subscriber_db_in.h"
#include "hss-sim/subscriber_keks.h"

/* Rows of one statement: each statement has its costs, whatever it writes. */
#define GROUP 32

int subscriber_db_begin(struct subscriber_db *db)
{
	int rc = sql_exec(db->sql, "BEGIN IMMEDIATE");

	db->fault = NULL;
	if (rc == 0 && db->beside && !subscriber_keks_ours(db)) { /* what it would put might be read by nobody soon */
		db->fault = "another kek seals since; allowed: begin again with that one as the first";
		sql_exec(db->sql, "ROLLBACK");
		return -EIO;
	}
	if (rc == 0)
		rc = sql_int(db->sql, "SELECT coalesce(max(id), 0) + 1 FROM subscriber", &db->next_id);
	return rc;
}

int subscriber_db_ready(const struct subscriber_db *db, struct subscriber_ready *r)
{
	struct subscriber_row *row = &r->row;
	int n;

	impi_key(&row->impi, row->impi.s);
	n = subscriber_keys_seal(db->seal, r->sealed, &row->cred, row->impi.s);
	secret_clear(&row->cred.k);
	secret_clear(&row->cred.opc);
	r->sealed_len = n < 0 ? 0 : (uint8_t)n;
	return n < 0 ? n : 0;
}

/* --- parameters */

static void bind_keys(sqlite3_stmt *q, int at, const struct subscriber_ready *ready)
{
	const struct aka_cred *c = &ready->row.cred;

	sqlite3_bind_blob(q, at + COLUMN_KEYS, ready->sealed, ready->sealed_len, SQLITE_STATIC);
	sqlite3_bind_blob(q, at + COLUMN_AMF, c->amf, AKA_AMF_LEN, SQLITE_STATIC);
	sqlite3_bind_text(q, at + COLUMN_ALGORITHM, aka_algorithm_of(c)->name, -1, SQLITE_STATIC);
	if (c->res_len)
		sqlite3_bind_int(q, at + COLUMN_RES_LEN, c->res_len);
	if (c->rounds)
		sqlite3_bind_int(q, at + COLUMN_ROUNDS, c->rounds);
}

static void bind_scheme(sqlite3_stmt *q, int at, const struct subscriber_row *r)
{
	if (r->ind_fixed >= 0)
		sqlite3_bind_int(q, at + COLUMN_IND, r->ind_fixed);
	if (r->profile >= 0)
		sqlite3_bind_text(q, at + COLUMN_SQN, sqn_profile_name((enum sqn_profile)r->profile), -1,
				  SQLITE_STATIC);
	sqlite3_bind_int(q, at + COLUMN_IND_LENGTH, r->ind_bits);
	sqlite3_bind_int64(q, at + COLUMN_SQN_DIF, r->dif);
}

/* \param[in] at number of the first parameter, the IMPI. Lends the row to q. */
static void bind_row(sqlite3_stmt *q, int at, const struct subscriber_ready *ready)
{
	const struct subscriber_row *r = &ready->row;

	sqlite3_bind_text(q, at + COLUMN_BEFORE, r->impi.s, -1, SQLITE_STATIC);
	if (r->imsi[0])
		sqlite3_bind_text(q, at + COLUMN_IMSI, r->imsi, -1, SQLITE_STATIC);
	bind_keys(q, at, ready);
	bind_scheme(q, at, r);
	if (r->guss)
		sqlite3_bind_blob(q, at + COLUMN_GUSS, r->guss, (int)r->guss_len, SQLITE_STATIC);
	if (r->has_guss_timestamp)
		sqlite3_bind_int64(q, at + COLUMN_GUSS_TIMESTAMP, r->guss_timestamp);
	if (r->guss || r->has_guss_timestamp)
		sqlite3_bind_int64(q, at + COLUMN_GUSS_CHANGED, r->guss_changed_ms);
}

/* --- rows that are new
 *
 * OR ROLLBACK: an error ends the transaction, as it does with us anyway; so SQLite need not keep what would undo one statement
 * of many rows alone. */

/* "HEAD VALUES (?, ...), ... TAIL", prepared at its first use. \returns NULL: it could not be prepared */
static sqlite3_stmt *group_query(struct subscriber_db *db, enum subscriber_query which, const char *head, int columns,
				 size_t rows, const char *tail)
{
	char text[4096];
	struct writer w;

	if (db->q[which])
		return db->q[which];
	writer_init(&w, text, sizeof(text));
	writer_printf(&w, "%s VALUES ", head);
	for (size_t i = 0; i < rows; i++) {
		writer_str(&w, i ? ", (?" : "(?");
		for (int c = 1; c < columns; c++)
			writer_str(&w, ", ?");
		writer_str(&w, ")");
	}
	writer_str(&w, tail);
	if (writer_end(&w) >= 0)
		sql_prepare(db->sql, text, &db->q[which]);
	return db->q[which];
}

/* Those whose IMPI is not there get the identities from id on. \returns how many; -errno */
static int insert(struct subscriber_db *db, const struct subscriber_ready *rows, size_t n, int64_t id)
{
	sqlite3_stmt *q = group_query(db, n == GROUP ? Q_INSERT_GROUP : Q_INSERT,
				      "INSERT OR ROLLBACK INTO subscriber (id, impi, " SUBSCRIBER_COLUMNS ")",
				      1 + COLUMN_BEHIND, n, " ON CONFLICT (impi) DO NOTHING");
	int rc;

	if (!q)
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		int at = 1 + (int)i * (1 + COLUMN_BEHIND);

		sqlite3_bind_int64(q, at, id + (int64_t)i);
		bind_row(q, at + 1, &rows[i]);
	}
	rc = sql_step_done(q);
	return rc < 0 ? rc : sqlite3_changes(db->sql);
}

static int insert_counters(struct subscriber_db *db, const struct subscriber_ready *rows, size_t n, int64_t id)
{
	sqlite3_stmt *q = group_query(db, n == GROUP ? Q_COUNTER_GROUP : Q_COUNTER,
				      "INSERT OR ROLLBACK INTO counter (id, seq)", 2, n, "");

	if (!q)
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		sqlite3_bind_int64(q, 2 * (int)i + 1, id + (int64_t)i);
		sqlite3_bind_int64(q, 2 * (int)i + 2, (int64_t)rows[i].row.seq);
	}
	return sql_step_done(q);
}

/* --- rows that were there */

/* The SEQ behind which an IND of other length gives only higher numbers: the highest SQN there was, cut anew. */
static uint64_t seq_in(uint64_t seq, unsigned old_bits, unsigned bits)
{
	return bits >= old_bits ? seq >> (bits - old_bits) : ((seq + 1) << (old_bits - bits)) - 1;
}

/* \param[out] seq of it, in the length of IND that r has. \returns 0; -EBADMSG nobody knows where the counter stood, so it
 * cannot be continued */
static int old_counter(const struct subscriber_db *db, uint64_t *seq, sqlite3_stmt *find,
		       const struct subscriber_row *r)
{
	unsigned bits = SQN_IND_BITS;

	if (sqlite3_column_type(find, 2) != SQLITE_NULL)
		bits = (unsigned)sqlite3_column_int(find, 2);
	if (bits > SQN_IND_BITS_MAX || !subscriber_counter_valid(find, 1, bits))
		return -EBADMSG;
	if (bits != r->ind_bits && db->beside)
		return -EBUSY; /* a mark of the other length may be on its way */
	*seq = seq_in((uint64_t)sqlite3_column_int64(find, 1), bits, r->ind_bits);
	return 0;
}

static int update(struct subscriber_db *db, const struct subscriber_ready *ready, int64_t id, uint64_t seq)
{
	sqlite3_stmt *q = subscriber_db_query(db, Q_UPDATE), *up = subscriber_db_query(db, Q_COUNTER_UP);
	int rc;

	if (!q || !up)
		return -EIO;
	bind_row(q, 1, ready);
	rc = sql_step_done(q);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(up, 1, id);
	sqlite3_bind_int64(up, 2, (int64_t)seq);
	return sql_step_done(up);
}

/* The row with the GUSS it has then. \param[in] there lent by a statement that is not reset yet */
static int update_found(struct subscriber_db *db, const struct subscriber_ready *ready, int64_t id, uint64_t seq,
			const struct guss_kept *there)
{
	const struct subscriber_row *r = &ready->row;
	const struct guss_coming coming = { .xml = span_of(r->guss, r->guss_len),
					    .has_timestamp = r->has_guss_timestamp,
					    .timestamp = r->guss_timestamp };
	struct subscriber_ready with = *ready;
	struct guss_kept next = *there;
	char *made = NULL;
	int rc = r->keep_guss ? 0 : guss_change(&next, &made, there, &coming, r->guss_changed_ms);

	if (rc < 0)
		return rc;
	with.row.guss = next.xml.len ? (uint8_t *)next.xml.p : NULL; /* lent, and only read */
	with.row.guss_len = next.xml.len;
	with.row.has_guss_timestamp = next.has_timestamp;
	with.row.guss_timestamp = next.timestamp;
	with.row.guss_changed_ms = next.changed_ms;
	rc = update(db, &with, id, seq);
	free(made);
	return rc;
}

/* \param[in] find of a row that was there, or that has just been put in as id. \returns as subscriber_db_put() */
static int put_found(struct subscriber_db *db, const struct subscriber_ready *ready, int64_t id, sqlite3_stmt *find)
{
	const int64_t found = sqlite3_column_int64(find, 0);
	const struct guss_kept there = subscriber_guss_of(find, 3);
	uint64_t old = 0;
	int rc;

	if (found == id)
		return (rc = insert_counters(db, ready, 1, id)) < 0 ? rc : 1;
	rc = old_counter(db, &old, find, &ready->row);
	return rc < 0 ? rc : update_found(db, ready, found, old > ready->row.seq ? old : ready->row.seq, &there);
}

/* A row of a group some of whose rows were there. \param[in] id it has if it was not. \returns as subscriber_db_put() */
static int put_one(struct subscriber_db *db, const struct subscriber_ready *ready, int64_t id)
{
	sqlite3_stmt *find = subscriber_db_query(db, Q_FIND);
	int rc;

	if (!find)
		return -EIO;
	sqlite3_bind_text(find, 1, ready->row.impi.s, -1, SQLITE_STATIC);
	rc = sqlite3_step(find) == SQLITE_ROW ? put_found(db, ready, id, find) : -EIO;
	sqlite3_reset(find);
	sqlite3_clear_bindings(find);
	return rc;
}

/* --- groups */

static int put_group(struct subscriber_db *db, const struct subscriber_ready *rows, size_t n, size_t *at)
{
	int64_t id = db->next_id;
	int rc = insert(db, rows, n, id), added = 0;

	db->next_id += (int64_t)n;
	if (rc < 0)
		return rc;
	if ((size_t)rc == n)
		return (rc = insert_counters(db, rows, n, id)) < 0 ? rc : (int)n;
	for (size_t i = 0; i < n; i++) {
		rc = put_one(db, &rows[i], id + (int64_t)i);
		if (rc < 0) {
			*at += i;
			return rc;
		}
		added += rc;
	}
	return added;
}

int subscriber_db_put(struct subscriber_db *db, const struct subscriber_ready *rows, size_t n, size_t *at)
{
	int added = 0, rc;

	for (*at = 0; *at < n;) {
		size_t group = n - *at < GROUP ? 1 : GROUP;

		rc = put_group(db, rows + *at, group, at);
		if (rc < 0)
			return rc;
		added += rc;
		*at += group;
	}
	return added;
}

/* --- the note */

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
