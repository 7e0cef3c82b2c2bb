/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_keys.h"

#include <errno.h>
#include <stdio.h>
#include "common/crypto/aka_algorithm.h"
#include "common/gba/impi.h"
#include "common/rt/sql.h"

static int seal_plain(struct seal *seal, uint8_t out[SUBSCRIBER_SEALED_MAX], const struct secret *plain,
		      const char *impi)
{
	return seal_put(seal, out, SUBSCRIBER_SEALED_MAX, span_of(plain->b, plain->len), span_str(impi));
}

static int open_plain(struct seal *seal, struct secret *plain, const char *impi, struct span sealed)
{
	int n = seal_open(seal, plain->b, sizeof(plain->b), sealed, span_str(impi));

	plain->len = n < 0 ? 0 : (uint8_t)n;
	return n < 0 ? n : 0;
}

int subscriber_keys_seal(struct seal *seal, uint8_t out[SUBSCRIBER_SEALED_MAX], const struct aka_cred *cred,
			 const char *impi)
{
	SECRET_AUTO plain = { .len = cred->k.len };

	memcpy(plain.b, cred->k.b, cred->k.len);
	memcpy(plain.b + plain.len, cred->opc.b, cred->opc.len);
	plain.len += cred->opc.len;
	return seal_plain(seal, out, &plain, impi);
}

int subscriber_keys_open(struct seal *seal, struct aka_cred *cred, const char *impi, struct span sealed)
{
	size_t op_len = aka_algorithm_of(cred)->op_len;
	SECRET_AUTO plain = { 0 };
	int rc = open_plain(seal, &plain, impi, sealed);

	if (rc < 0)
		return rc;
	if (plain.len < op_len)
		return -EBADMSG;
	secret_set(&cred->k, plain.b, plain.len - op_len);
	secret_set(&cred->opc, plain.b + plain.len - op_len, op_len);
	return aka_algorithm_fits(cred) ? 0 : -EBADMSG;
}

static int renew_row(sqlite3_stmt *row, sqlite3_stmt *up, struct seal *seal)
{
	const char *old = (const char *)sqlite3_column_text(row, 1);
	uint8_t sealed[SUBSCRIBER_SEALED_MAX];
	SECRET_AUTO plain = { 0 };
	struct impi name;
	int n;

	impi_key(&name, old ? old : "");
	n = open_plain(seal, &plain, old ? old : "",
		       span_of(sqlite3_column_blob(row, 2), sqlite3_column_bytes(row, 2)));
	if (n == 0)
		n = seal_plain(seal, sealed, &plain, name.s);
	if (n < 0)
		return n;
	sqlite3_bind_int64(up, 1, sqlite3_column_int64(row, 0));
	sqlite3_bind_text(up, 2, name.s, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(up, 3, sealed, n, SQLITE_TRANSIENT);
	return sql_step_done(up);
}

int subscriber_keys_renew(sqlite3 *sql, struct seal *seal, const char *where, struct err *err)
{
	sqlite3_stmt *all = NULL, *up = NULL;
	char text[256];
	int rc, got = SQLITE_ROW;

	snprintf(text, sizeof(text), "SELECT id, impi, keys FROM subscriber WHERE %s", where);
	rc = sql_prepare(sql, text, &all);
	if (rc == 0)
		rc = sql_prepare(sql, "UPDATE subscriber SET impi = ?2, keys = ?3 WHERE id = ?1", &up);
	while (rc == 0 && (got = sqlite3_step(all)) == SQLITE_ROW) {
		rc = renew_row(all, up, seal);
		if (rc < 0 && sqlite3_errcode(sql) == SQLITE_CONSTRAINT)
			rc = err_set(
				err, -EEXIST,
				"row %lld of table subscriber is a second record of one subscriber: its IMPI differs"
				" from the other's in the case of the domain only; delete one of the two",
				(long long)sqlite3_column_int64(all, 0));
	}
	if (rc == 0 && got != SQLITE_DONE) /* else what is behind a damaged page would keep its former name */
		rc = err_set(err, -EIO, "a record cannot be read (%s)", sqlite3_errmsg(sql));
	sqlite3_finalize(all);
	sqlite3_finalize(up);
	return rc;
}
