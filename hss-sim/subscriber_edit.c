/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is done to single subscribers while the daemon runs: seldom, so nothing is prepared for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "hss-sim/subscriber_db_in.h"

static const char list_text[] =
	"SELECT s.impi, s.imsi, s.algorithm, hex(s.amf), s.sqn, s.ind, s.ind_length, s.res_len, c.seq, s.guss IS NOT NULL, "
	"s.rounds, s.guss, s.keys "
	"FROM subscriber s JOIN counter c ON c.id = s.id WHERE s.impi > ?1 ORDER BY s.impi LIMIT ?2";

static const char *column_text(sqlite3_stmt *q, int col)
{
	const char *s = (const char *)sqlite3_column_text(q, col);

	return s ? s : "";
}

static int number_of(sqlite3_stmt *q, int col)
{
	return sqlite3_column_type(q, col) == SQLITE_NULL ? -1 : sqlite3_column_int(q, col);
}

static struct span blob_of(sqlite3_stmt *q, int col)
{
	const void *p = sqlite3_column_blob(q, col);

	return span_of(p, p ? (size_t)sqlite3_column_bytes(q, col) : 0);
}

int subscriber_db_list(struct subscriber_db *db, const char *after, int n, bool whole,
		       bool (*fn)(void *owner, const struct subscriber_brief *b), void *owner)
{
	sqlite3_stmt *q = NULL;
	int rc = sql_prepare(db->sql, list_text, &q), found = 0;

	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, after, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 2, n);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct subscriber_brief b = {
			.impi = column_text(q, 0),
			.imsi = column_text(q, 1),
			.algorithm = column_text(q, 2),
			.amf = column_text(q, 3),
			.sqn_profile = column_text(q, 4),
			.ind = number_of(q, 5),
			.ind_length = number_of(q, 6),
			.res_octets = number_of(q, 7),
			.seq = sqlite3_column_int64(q, 8),
			.has_guss = sqlite3_column_int(q, 9) != 0,
			.rounds = number_of(q, 10),
		};

		if (whole) {
			b.guss = blob_of(q, 11);
			b.sealed = blob_of(q, 12);
		}
		found++;
		if (!fn(owner, &b))
			break;
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? found : -EIO;
}

/* \param[in] g what ?2 and the next two are; NULL: there are none. \returns rows changed; -EIO; -ENOSPC */
static int change_one(struct subscriber_db *db, const char *text, const char *impi, const struct guss_kept *g)
{
	sqlite3_stmt *q = NULL;
	struct impi name;
	int rc = sql_prepare(db->sql, text, &q);

	if (rc < 0)
		return rc;
	impi_key(&name, impi);
	sqlite3_bind_text(q, 1, name.s, -1, SQLITE_STATIC);
	if (g && g->xml.len)
		sqlite3_bind_blob(q, 2, g->xml.p, (int)g->xml.len, SQLITE_STATIC);
	if (g) {
		sqlite3_bind_int64(q, 3, g->timestamp);
		sqlite3_bind_int64(q, 4, g->changed_ms);
	}
	rc = sql_step_done(q);
	sqlite3_finalize(q);
	return rc < 0 ? rc : sqlite3_changes(db->sql);
}

int subscriber_db_delete(struct subscriber_db *db, const char *impi)
{
	int rc = change_one(db, "DELETE FROM counter WHERE id = (SELECT id FROM subscriber WHERE impi = ?1)", impi,
			    NULL);

	return rc < 0 ? rc : change_one(db, "DELETE FROM subscriber WHERE impi = ?1", impi, NULL);
}

static int guss_copy(struct subscriber_guss *out, sqlite3_stmt *q)
{
	struct subscriber_guss g = { .kept = subscriber_guss_of(q, 0) };

	if (g.kept.xml.len) {
		g.xml = malloc(g.kept.xml.len);
		if (!g.xml)
			return -ENOMEM;
		memcpy(g.xml, g.kept.xml.p, g.kept.xml.len);
	}
	g.kept.xml.p = g.xml;
	*out = g;
	return 0;
}

int subscriber_db_guss_get(struct subscriber_db *db, const char *impi, struct subscriber_guss *out)
{
	sqlite3_stmt *q = NULL;
	struct impi name;
	int rc = sql_prepare(db->sql, "SELECT guss, guss_timestamp, guss_changed FROM subscriber WHERE impi = ?1", &q);

	if (rc < 0)
		return rc;
	impi_key(&name, impi);
	sqlite3_bind_text(q, 1, name.s, -1, SQLITE_STATIC);
	rc = sqlite3_step(q);
	rc = rc == SQLITE_ROW ? guss_copy(out, q) : rc == SQLITE_DONE ? -ENOENT : -EIO;
	sqlite3_finalize(q);
	return rc;
}

int subscriber_db_guss_put(struct subscriber_db *db, const char *impi, const struct guss_kept *g)
{
	int rc = change_one(db,
			    "UPDATE subscriber SET (guss, guss_timestamp, guss_changed) = (?2, ?3, ?4) WHERE impi = ?1",
			    impi, g);

	return rc < 0 ? rc : rc == 0 ? -ENOENT : 0;
}
