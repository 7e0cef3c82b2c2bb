/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/subscriber_keys.h"

#include <errno.h>
#include <stdio.h>
#include "common/gba/impi.h"
#include "hss-sim/subscriber_sql.h"

int subscriber_keys_seal(struct seal *seal, uint8_t out[SUBSCRIBER_SEALED_LEN], const struct aka_cred *cred,
			 const char *impi)
{
	SECRET_AUTO plain = { .len = SUBSCRIBER_KEYS_LEN };
	int n;

	memcpy(plain.b, cred->k.b, AKA_KEY_LEN);
	memcpy(plain.b + AKA_KEY_LEN, cred->opc.b, AKA_KEY_LEN);
	n = seal_put(seal, out, SUBSCRIBER_SEALED_LEN, span_of(plain.b, plain.len), span_str(impi));
	return n < 0 ? n : 0;
}

int subscriber_keys_open(struct seal *seal, struct aka_cred *cred, const char *impi, struct span sealed)
{
	SECRET_AUTO plain = { 0 };
	int n = seal_open(seal, plain.b, sizeof(plain.b), sealed, span_str(impi));

	if (n != SUBSCRIBER_KEYS_LEN)
		return n < 0 ? n : -EBADMSG;
	secret_set(&cred->k, plain.b, AKA_KEY_LEN);
	secret_set(&cred->opc, plain.b + AKA_KEY_LEN, AKA_KEY_LEN);
	return 0;
}

static int renew_row(sqlite3_stmt *row, sqlite3_stmt *up, struct seal *seal)
{
	const char *old = (const char *)sqlite3_column_text(row, 1);
	uint8_t sealed[SUBSCRIBER_SEALED_LEN];
	struct aka_cred cred = { 0 };
	struct impi name;
	int rc;

	impi_key(&name, old ? old : "");
	rc = subscriber_keys_open(seal, &cred, old ? old : "",
				  span_of(sqlite3_column_blob(row, 2), sqlite3_column_bytes(row, 2)));
	if (rc == 0)
		rc = subscriber_keys_seal(seal, sealed, &cred, name.s);
	aka_cred_clear(&cred);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(up, 1, sqlite3_column_int64(row, 0));
	sqlite3_bind_text(up, 2, name.s, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(up, 3, sealed, sizeof(sealed), SQLITE_TRANSIENT);
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
	if (rc == 0 && got != SQLITE_DONE) /* else the rows behind a damaged page would stay with the old KEK, untold */
		rc = err_set(err, -EIO, "a record cannot be read (%s)", sqlite3_errmsg(sql));
	sqlite3_finalize(all);
	sqlite3_finalize(up);
	return rc;
}
