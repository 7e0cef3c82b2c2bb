/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The rows of the subscriber database: read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/crypto/aka_algorithm.h"
#include "common/crypto/sqn.h"
#include "hss-sim/subscriber_db_in.h"
#include "hss-sim/subscriber_keys.h"

/* Of Q_GET, around its columns. */
#define SEQ COLUMN_BEFORE
#define ID  COLUMN_BEHIND

void subscriber_row_clear(struct subscriber_row *r)
{
	aka_cred_clear(&r->cred);
	free(r->guss);
	r->guss = NULL;
	r->guss_len = 0;
}

struct guss_kept subscriber_guss_of(sqlite3_stmt *q, int column)
{
	return (struct guss_kept){ .xml = span_of(sqlite3_column_blob(q, column),
						  (size_t)sqlite3_column_bytes(q, column)),
				   .has_timestamp = sqlite3_column_type(q, column + 1) != SQLITE_NULL,
				   .timestamp = sqlite3_column_int64(q, column + 1),
				   .changed_ms = sqlite3_column_int64(q, column + 2) };
}

static int row_guss(struct subscriber_row *r, sqlite3_stmt *q)
{
	const struct guss_kept g = subscriber_guss_of(q, COLUMN_GUSS);

	r->has_guss_timestamp = g.has_timestamp;
	r->guss_timestamp = g.timestamp;
	r->guss_changed_ms = g.changed_ms;
	if (!g.xml.len)
		return 0;
	r->guss = malloc(g.xml.len);
	if (!r->guss)
		return -ENOMEM;
	memcpy(r->guss, g.xml.p, g.xml.len);
	r->guss_len = g.xml.len;
	return 0;
}

bool subscriber_counter_valid(sqlite3_stmt *q, int column, unsigned ind_bits)
{
	sqlite3_int64 seq = sqlite3_column_int64(q, column);

	return sqlite3_column_type(q, column) == SQLITE_INTEGER && seq >= 0 &&
	       seq <= (sqlite3_int64)sqn_seq_max(ind_bits);
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
	const char *name = (const char *)sqlite3_column_text(q, COLUMN_ALGORITHM);
	int res_len = small_number(q, COLUMN_RES_LEN, 0, AKA_RES_MAX), rounds = small_number(q, COLUMN_ROUNDS, 0, 255);

	if (!name || aka_algorithm_find(&c->kind, name, strlen(name)) < 0 || res_len < 0 || rounds < 0)
		return -EBADMSG;
	c->res_len = (uint8_t)res_len;
	c->rounds = (uint8_t)rounds;
	return 0;
}

static int row_scheme(struct subscriber_row *r, sqlite3_stmt *q)
{
	const char *name = (const char *)sqlite3_column_text(q, COLUMN_SQN);
	int bits = small_number(q, COLUMN_IND_LENGTH, SQN_IND_BITS, SQN_IND_BITS_MAX);
	enum sqn_profile profile;

	if (bits < 0 || (name && sqn_profile_find(&profile, name, strlen(name)) < 0) ||
	    !subscriber_counter_valid(q, SEQ, (unsigned)bits))
		return -EBADMSG;
	r->ind_bits = (uint8_t)bits;
	r->profile = name ? (int)profile : -1;
	r->ind_fixed = small_number(q, COLUMN_IND, -1, (1 << bits) - 1);
	r->dif = sqlite3_column_int64(q, COLUMN_SQN_DIF);
	r->seq = (uint64_t)sqlite3_column_int64(q, SEQ);
	return sqlite3_column_type(q, COLUMN_IND) != SQLITE_NULL && r->ind_fixed < 0 ? -EBADMSG : 0;
}

static int row_read(struct subscriber_db *db, struct subscriber_row *r, sqlite3_stmt *q, const char *impi)
{
	const char *imsi = (const char *)sqlite3_column_text(q, COLUMN_IMSI);

	r->id = sqlite3_column_int64(q, ID);
	snprintf(r->imsi, sizeof(r->imsi), "%s", imsi ? imsi : "");
	if (sqlite3_column_bytes(q, COLUMN_AMF) != AKA_AMF_LEN || row_algorithm(&r->cred, q) < 0 ||
	    row_scheme(r, q) < 0)
		return -EBADMSG;
	memcpy(r->cred.amf, sqlite3_column_blob(q, COLUMN_AMF), AKA_AMF_LEN);
	if (span_to_str(r->impi.s, sizeof(r->impi.s), span_str(impi)) < 0)
		return -EBADMSG;
	if (row_guss(r, q) < 0)
		return -ENOMEM;
	return subscriber_keys_open(db->seal, &r->cred, impi,
				    span_of(sqlite3_column_blob(q, COLUMN_KEYS), sqlite3_column_bytes(q, COLUMN_KEYS)));
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

int subscriber_db_unseal(const struct subscriber_db *db, struct aka_cred *cred, const struct impi *impi,
			 struct span sealed, struct err *err)
{
	struct impi name;
	int rc;

	impi_key(&name, impi->s);
	rc = subscriber_keys_open(db->seal, cred, name.s, sealed);
	if (rc == 0)
		return 0;
	return err_set(err, rc,
		       "sealed: %s; allowed: as 'subscriber export sealed' wrote it, under a kek that is configured",
		       rc == -ENOKEY ? "by a kek that is not here" : "another subscriber's, or altered");
}
