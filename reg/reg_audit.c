/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_audit.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/crypto/evp.h"
#include "common/gba/gba_time.h"

static int chain(uint8_t out[REG_HASH], const uint8_t before[REG_HASH], struct span json)
{
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();

	return a && t && EVP_DigestInit_ex2(t->md, a->sha256, NULL) && EVP_DigestUpdate(t->md, before, REG_HASH) &&
			       EVP_DigestUpdate(t->md, json.p, json.len) && EVP_DigestFinal_ex(t->md, out, NULL)
		       ? 0
		       : -EIO;
}

int reg_audit_last(struct reg_head *out, struct reg_db *db)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", "");

	memset(out, 0, sizeof(*out));
	if (rc <= 0)
		return rc;
	out->seq = sqlite3_column_int64(q, 0);
	if (sqlite3_column_bytes(q, 1) == REG_HASH)
		memcpy(out->hash, sqlite3_column_blob(q, 1), REG_HASH);
	reg_db_end(q);
	return 0;
}

/* \returns new text; NULL: no such device */
static json_t *device_name(struct reg_db *db, int64_t device)
{
	sqlite3_stmt *q;
	json_t *name;

	if (reg_db_ask(db, &q, "SELECT name FROM device WHERE id = ?1", "i", device) <= 0)
		return NULL;
	name = json_string((const char *)sqlite3_column_text(q, 0));
	reg_db_end(q);
	return name;
}

static char *line_of(struct reg_db *db, const char *who, const char *what, int64_t device, const char *fqdn)
{
	json_t *o = json_object();
	char at[DATE_TIME_LEN + 1] = "";
	char *text;

	date_time_format(at, time(NULL));
	json_object_set_new(o, "at", json_string(at));
	json_object_set_new(o, "who", json_string(who));
	json_object_set_new(o, "what", json_string(what));
	if (device)
		json_object_set_new(o, "device", device_name(db, device));
	if (fqdn)
		json_object_set_new(o, "app", json_string(fqdn));
	text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(o);
	return text;
}

int reg_audit_add(struct reg_db *db, const char *who, const char *what, int64_t device, const char *fqdn)
{
	char *json = line_of(db, who, what, device, fqdn);
	uint8_t hash[REG_HASH];
	struct span h = span_of(hash, sizeof(hash));
	struct reg_head head;
	int rc = json ? reg_audit_last(&head, db) : -ENOMEM;

	if (rc == 0)
		rc = chain(hash, head.hash, span_str(json));
	if (rc == 0)
		rc = reg_db_do(db, "INSERT INTO audit (seq, hash, json) VALUES (?1, ?2, ?3)", "ibt", head.seq + 1, &h,
			       json);
	free(json);
	return rc;
}

static int verify_row(sqlite3_stmt *q, struct reg_head *head, struct err *err)
{
	struct span json = span_of(sqlite3_column_text(q, 2), (size_t)sqlite3_column_bytes(q, 2));
	int64_t seq = sqlite3_column_int64(q, 0);
	uint8_t hash[REG_HASH];

	if (seq != head->seq + 1)
		return err_set(err, -EBADMSG, "row %" PRId64 " is not there", head->seq + 1);
	if (chain(hash, head->hash, json) < 0)
		return err_set(err, -EIO, "no SHA-256");
	if (sqlite3_column_bytes(q, 1) != REG_HASH || memcmp(hash, sqlite3_column_blob(q, 1), REG_HASH) != 0)
		return err_set(err, -EBADMSG, "row %" PRId64 " was altered, or the one before it", seq);
	head->seq = seq;
	memcpy(head->hash, hash, REG_HASH);
	return 0;
}

int reg_audit_verify(struct reg_db *db, int64_t *rows, struct err *err)
{
	struct reg_head head = { 0 };
	sqlite3_stmt *q;
	int more = reg_db_ask(db, &q, "SELECT seq, hash, json FROM audit ORDER BY seq", ""), rc = 0;

	*rows = 0;
	for (; rc == 0 && more > 0; more = reg_db_next(q)) {
		rc = verify_row(q, &head, err);
		*rows += rc == 0;
	}
	reg_db_end(q);
	if (rc == 0 && more < 0)
		return err_set(err, more, "database: %s", sqlite3_errmsg(db->sql));
	return rc;
}
