/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sql_keks.c
 *  Of table meta (name, value): 'kek N', something sealed by a KEK that seals since the proof; 'reseal', a pass that has not ended: the KEK
 *  that seals, then where it got to: a column, then where in it. */
#include "common/rt/sql_keks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/sql.h"

#define LOOK_MAX    1024 /* rows of one step that are looked at */
#define WRITTEN_MAX 64   /* and that are written */
#define NOTE        "kek"
#define CURE        "allowed: kek %u ... besides, until 'show kek' says that it may go"

/* This process has begun the pass that it finds: sql_keks_note() did, before there are threads. */
static bool begun_here;

/* --- table meta */

/* \param[out] out, cap the value \returns its octets; 0 there is none; -EIO */
static int meta_get(sqlite3 *sql, const char *name, uint8_t *out, size_t cap)
{
	sqlite3_stmt *q = NULL;
	int rc = sql_prepare(sql, "SELECT value FROM meta WHERE name = ?1", &q), n = 0;

	if (rc == 0) {
		sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
		rc = sqlite3_step(q);
		n = rc == SQLITE_ROW ? sqlite3_column_bytes(q, 0) : 0;
		rc = (rc != SQLITE_ROW && rc != SQLITE_DONE) || (size_t)n > cap ? -EIO : n;
		if (rc > 0)
			memcpy(out, sqlite3_column_blob(q, 0), (size_t)n);
	}
	sqlite3_finalize(q);
	return rc;
}

static int meta_put(sqlite3 *sql, const char *name, const uint8_t *value, size_t len)
{
	sqlite3_stmt *q = NULL;
	int rc = sql_prepare(sql, "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", &q);

	if (rc == 0) {
		sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_blob(q, 2, value, (int)len, SQLITE_STATIC);
		rc = sql_step_done(q);
	}
	sqlite3_finalize(q);
	return rc;
}

/* Of a pass that has not ended. \returns octets of at; 0 there is none; -EIO */
static int reseal_get(const struct sql_keks *k, uint8_t at[1 + RESEAL_AT_MAX])
{
	return meta_get(k->sql, "reseal", at, 1 + RESEAL_AT_MAX);
}

static int reseal_put(const struct sql_keks *k, const uint8_t *at, size_t len)
{
	uint8_t value[1 + RESEAL_AT_MAX] = { seal_first(k->seal) };

	if (len)
		memcpy(value + 1, at, len);
	return meta_put(k->sql, "reseal", value, 1 + len);
}

/* --- which are needed */

int sql_keks_unseal(struct seal *seal, uint8_t *out, size_t len, struct span sealed, const char *bound,
		    const char *path, struct err *err)
{
	int n = seal_open(seal, out, len, sealed, span_str(bound));
	unsigned id = seal_kek_id(sealed);

	if (n == -ENOKEY)
		return err_set(err, n, "%s: sealed by kek %u, which is not configured; " CURE, path, id, id);
	if (n >= 0 && (size_t)n == len)
		return 0;
	return err_set(
		err, -EKEYREJECTED,
		"%s: kek %u is not the key this database was sealed by; allowed: the key that kek %u was when it sealed, "
		"a new key under another number",
		path, id, id);
}

static void note_name(char name[16], unsigned id)
{
	snprintf(name, 16, "kek %u", id);
}

/* \returns how many values are under it; -EIO */
static int64_t records_under(const struct sql_keks *k, uint8_t id)
{
	int64_t found = 0;

	for (size_t i = 0; i < k->n; i++) {
		sqlite3_stmt *q = NULL;
		char text[128];
		int rc;

		snprintf(text, sizeof(text), "SELECT substr(%s, 1, %d) FROM %s", k->columns[i].column, SEAL_KEK_AT,
			 k->columns[i].table);
		rc = sql_prepare(k->sql, text, &q);
		while (rc == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
			found += seal_kek_id(span_of(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0))) ==
				 id;
			rc = 0;
		}
		sqlite3_finalize(q);
		if (rc != SQLITE_DONE)
			return -EIO;
	}
	return found;
}

static int check_missing(const struct sql_keks *k, uint8_t id, const char *path, struct err *err)
{
	int64_t n = records_under(k, id);

	if (n < 0)
		return err_set(err, -EIO, "%s: a record cannot be read (%s)", path, sqlite3_errmsg(k->sql));
	if (n == 0)
		return 0;
	return err_set(err, -ENOKEY, "%s: %lld records are sealed by kek %u, which is not configured; " CURE, path,
		       (long long)n, id, id);
}

static int check_noted(const struct sql_keks *k, uint8_t id, const char *path, struct err *err)
{
	uint8_t sealed[SEAL_OVERHEAD + sizeof(NOTE)], plain[sizeof(NOTE)];
	char name[16];
	int n;

	note_name(name, id);
	n = meta_get(k->sql, name, sealed, sizeof(sealed));
	if (n <= 0)
		return n < 0 ? err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(k->sql)) : 0;
	if (!seal_knows(k->seal, id))
		return check_missing(k, id, path, err);
	return sql_keks_unseal(k->seal, plain, strlen(NOTE), span_of(sealed, (size_t)n), name, path, err);
}

int sql_keks_check(const struct sql_keks *k, const char *path, struct err *err)
{
	int rc = 0;

	for (unsigned id = 1; rc == 0 && id < 256; id++)
		rc = check_noted(k, (uint8_t)id, path, err);
	return rc;
}

int sql_keks_sealer(const struct sql_keks *k)
{
	uint8_t at[1 + RESEAL_AT_MAX];
	int n = reseal_get(k, at);

	if (n)
		return n < 0 ? n : at[0];
	n = meta_get(k->sql, k->proof, at, sizeof(at));
	return n < 0 ? n : seal_kek_id(span_of(at, (size_t)n));
}

static int first_note(const struct sql_keks *k)
{
	uint8_t sealed[SEAL_OVERHEAD + sizeof(NOTE)];
	char name[16];
	int n;

	note_name(name, seal_first(k->seal));
	n = seal_put(k->seal, sealed, sizeof(sealed), span_str(NOTE), span_str(name));
	return n < 0 ? -EIO : meta_put(k->sql, name, sealed, (size_t)n);
}

int sql_keks_note(const struct sql_keks *k)
{
	int sealer = sql_keks_sealer(k), rc;

	begun_here = false;
	if (sealer < 0 || sealer == seal_first(k->seal))
		return sealer < 0 ? sealer : 0;
	rc = sql_exec(k->sql, "BEGIN IMMEDIATE");
	if (rc == 0)
		rc = first_note(k);
	if (rc == 0)
		rc = reseal_put(k, NULL, 0);
	if (rc == 0)
		rc = sql_exec(k->sql, "COMMIT");
	if (rc < 0)
		sql_exec(k->sql, "ROLLBACK");
	begun_here = rc == 0;
	return rc;
}

/* --- a step */

struct walk {
	const struct sql_keks *k;
	const struct sql_sealed *of;
	sqlite3_stmt *put; /* of->put */
	struct reseal_came *came;
	bool seals;
	unsigned looked, written;
};

/* Behind the first octet, which says which column: two numbers, or two texts, each with its end. */
static int at_bind(const struct sql_sealed *of, sqlite3_stmt *q, const uint8_t *at, size_t len)
{
	const char *one = (const char *)at, *end = len ? memchr(one, 0, len) : NULL;

	if (len == 0 && of->texts)
		one = end = "";
	if (of->texts) {
		if (!end || (len && at[len - 1]))
			return -EIO;
		sqlite3_bind_text(q, 1, one, -1, SQLITE_TRANSIENT);
		sqlite3_bind_text(q, 2, len ? end + 1 : "", -1, SQLITE_TRANSIENT);
		return len && end + 1 == one + len ? -EIO : 0;
	}
	if (len != 0 && len != 16)
		return -EIO;
	sqlite3_bind_int64(q, 1, len ? (int64_t)be64_get(at) : INT64_MIN);
	sqlite3_bind_int64(q, 2, len ? (int64_t)be64_get(at + 8) : INT64_MIN);
	return 0;
}

static int at_take(struct walk *w, sqlite3_stmt *row)
{
	struct reseal_came *came = w->came;
	size_t len = 1;

	came->at[0] = (uint8_t)(w->of - w->k->columns);
	for (int i = 0; w->of->texts && i < 2; i++) {
		size_t more = (size_t)sqlite3_column_bytes(row, i) + 1;

		if (len + more > sizeof(came->at))
			return -EIO;
		memcpy(came->at + len, sqlite3_column_text(row, i), more);
		len += more;
	}
	if (!w->of->texts) {
		be64_put(came->at + 1, (uint64_t)sqlite3_column_int64(row, 0));
		be64_put(came->at + 9, (uint64_t)sqlite3_column_int64(row, 1));
		len = 17;
	}
	came->at_len = len;
	return 0;
}

/* Changed only if it is still what was read. */
static int row_put(struct walk *w, sqlite3_stmt *row, struct span was, struct span anew)
{
	int rc;

	for (int i = 0; i < 2; i++)
		sqlite3_bind_value(w->put, i + 1, sqlite3_column_value(row, i));
	sqlite3_bind_blob(w->put, 3, was.p, (int)was.len, SQLITE_TRANSIENT);
	sqlite3_bind_blob(w->put, 4, anew.p, (int)anew.len, SQLITE_STATIC);
	rc = sql_step_done(w->put);
	w->came->sealed += rc == 0;
	w->written++;
	return rc;
}

/* Under another KEK than the first, or of a former version. One that does not open needs no KEK. */
static int row_old(struct walk *w, sqlite3_stmt *row, struct span was)
{
	size_t cap = was.len + SEAL_OVERHEAD;
	char text[SQL_BOUND_MAX];
	struct span bound = w->of->bound(text, row);
	uint8_t *anew = malloc(cap);
	int n = !anew ? -ENOMEM : bound.p ? seal_again(w->k->seal, anew, cap, was, bound) : -EBADMSG, rc = 0;

	if (n == -EBADMSG || n == -ENOKEY)
		w->came->lost += seal_kek_id(was) != seal_first(w->k->seal);
	else if (n >= 0 && w->seals)
		rc = row_put(w, row, was, span_of(anew, (size_t)n));
	else if (n >= 0)
		w->came->under[seal_kek_id(was)]++;
	free(anew);
	return n == -ENOMEM || n == -EIO ? n : rc;
}

static int row_look(struct walk *w, sqlite3_stmt *row)
{
	struct span was = span_of(sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2));
	uint8_t kek = seal_kek_id(was);
	int rc = 0;

	w->looked++;
	if (kek && (w->seals ? !seal_is_due(w->k->seal, was) : kek == seal_first(w->k->seal)))
		w->came->under[kek] += !w->seals;
	else
		rc = row_old(w, row, was);
	return rc < 0 ? rc : at_take(w, row);
}

static bool walk_full(const struct walk *w)
{
	return w->looked == LOOK_MAX || w->written == WRITTEN_MAX;
}

/* \returns 0: all of the column, or the step is full */
static int column_walk(struct walk *w, const uint8_t *at, size_t len)
{
	sqlite3_stmt *q = NULL;
	int rc = sql_prepare(w->k->sql, w->of->behind, &q), got = SQLITE_ROW;

	if (rc == 0)
		rc = sql_prepare(w->k->sql, w->of->put, &w->put);
	if (rc == 0)
		rc = at_bind(w->of, q, at, len);
	while (rc == 0 && !walk_full(w) && (got = sqlite3_step(q)) == SQLITE_ROW)
		rc = row_look(w, q);
	sqlite3_finalize(w->put);
	sqlite3_finalize(q);
	w->put = NULL;
	return rc < 0 || got == SQLITE_ROW || got == SQLITE_DONE ? rc : -EIO; /* else the rest would be untold */
}

static int walk_step(struct walk *w, const struct reseal_step *step)
{
	size_t i = step->at_len ? step->at[0] : 0, len = step->at_len ? step->at_len - 1 : 0;
	int rc = i < w->k->n ? 0 : -EIO;

	if (rc == 0 && w->seals && !step->at_len && w->k->begins)
		rc = w->k->begins(w->k->db);
	for (; rc == 0 && i < w->k->n && !walk_full(w); i++, len = 0) {
		w->of = &w->k->columns[i];
		rc = column_walk(w, step->at + 1, len);
	}
	w->came->over = !walk_full(w);
	return rc == 0 && w->seals ? reseal_put(w->k, w->came->at, w->came->over ? 0 : w->came->at_len) : rc;
}

static int pass_load(const struct sql_keks *k, struct reseal_came *came)
{
	uint8_t at[1 + RESEAL_AT_MAX];
	int n = reseal_get(k, at);

	came->begun = n > 0;
	came->anew = came->begun && begun_here;
	if (n < 2 || at[0] != seal_first(k->seal))
		return n < 0 ? n : 0;
	came->at_len = (size_t)n - 1;
	memcpy(came->at, at + 1, came->at_len);
	return 0;
}

static int pass_end(const struct sql_keks *k)
{
	int rc = k->prove(k->db);

	return rc < 0 ? rc : sql_exec(k->sql, "DELETE FROM meta WHERE name = 'reseal' OR name GLOB 'kek [0-9]*'");
}

int sql_keks_step(const struct sql_keks *k, struct reseal_step *step)
{
	struct walk w = { .k = k, .came = &step->came, .seals = step->what == RESEAL_SEAL };

	step->came = (struct reseal_came){ .why = NULL };
	if (step->what == RESEAL_LOAD)
		return pass_load(k, w.came);
	if (step->what == RESEAL_END)
		return pass_end(k);
	return walk_step(&w, step);
}

const char *sql_keks_words(int rc)
{
	return rc == -ENOSPC   ? "the disk is full"
	       : rc == -EBUSY  ? "too many orders wait"
	       : rc == -ENOMEM ? "no memory"
			       : "the database cannot be read or written";
}
