/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/hex.h"
#include "common/crypto/rng.h"

int reg_name_make(char out[REG_NAME + 1])
{
	uint8_t bits[REG_NAME / 2];

	if (rng_fill(bits, sizeof(bits)) < 0)
		return -EIO;
	hex_encode(out, REG_NAME + 1, bits, sizeof(bits));
	return 0;
}

int64_t reg_revision(struct reg_db *db)
{
	int64_t n = 0;
	int rc = reg_db_do(db, "UPDATE revision SET n = n + 1", "");

	if (rc == 0)
		rc = reg_db_int(db, &n, "SELECT n FROM revision", "") > 0 ? 0 : -EIO;
	return rc < 0 ? rc : n;
}

int reg_match(struct reg_order *o, int64_t rev)
{
	if (o->if_match == REG_MATCH_NONE || o->if_match == (rev ? rev : REG_MATCH_NEW) ||
	    (rev && o->if_match == REG_MATCH_THERE))
		return 0;
	if (!rev)
		return reg_refuse(o, CTL_CHANGED, NULL, "it is not there; allowed: If-None-Match: *");
	return reg_refuse(o, CTL_CHANGED, NULL, "it is at revision %lld; allowed: that one", (long long)rev);
}

/* --- answers */

static json_t *words(const char *text)
{
	json_t *list = json_array();
	char *copy = strdup(text ? text : ""), *at = copy, *word;

	while (copy && (word = strsep(&at, " "))) {
		if (*word)
			json_array_append_new(list, json_string(word));
	}
	free(copy);
	return list;
}

static json_t *value_of(sqlite3_stmt *q, int i, char kind)
{
	if (kind == '?')
		return json_boolean(sqlite3_column_int(q, i));
	if (kind == '*')
		return words((const char *)sqlite3_column_text(q, i));
	if (sqlite3_column_type(q, i) == SQLITE_INTEGER)
		return json_integer(sqlite3_column_int64(q, i));
	return json_string((const char *)sqlite3_column_text(q, i));
}

static json_t *object_of(sqlite3_stmt *q)
{
	json_t *o = json_object();

	for (int i = 0; o && i < sqlite3_column_count(q); i++) {
		const char *name = sqlite3_column_name(q, i);
		size_t len = strlen(name);
		char member[64];

		if (*name == '_' || sqlite3_column_type(q, i) == SQLITE_NULL || len >= sizeof(member))
			continue;
		strcpy(member, name);
		if (strchr("?*", member[len - 1]))
			member[len - 1] = '\0';
		json_object_set_new(o, member, value_of(q, i, name[len - 1]));
	}
	return o;
}

static int column_named(sqlite3_stmt *q, const char *name)
{
	for (int i = 0; i < sqlite3_column_count(q); i++) {
		if (strcmp(sqlite3_column_name(q, i), name) == 0)
			return i;
	}
	return -1;
}

int reg_answer_row(struct reg_order *o, sqlite3_stmt *q)
{
	int rev = column_named(q, "_rev");

	json_decref(o->answer);
	o->answer = object_of(q);
	if (rev >= 0)
		o->revision = sqlite3_column_int64(q, rev);
	reg_db_end(q);
	return o->answer ? 0 : -ENOMEM;
}

int64_t reg_in_int(const struct reg_order *o, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(o->in, name);
	const char *text = json_string_value(v);
	char *end = NULL;
	int64_t n = text ? strtoll(text, &end, 10) : otherwise;

	if (json_is_integer(v))
		return json_integer_value(v);
	return text && (!*text || *end) ? -1 : n;
}

int reg_answer_page(struct reg_order *o, struct reg_db *db, const char *name, const char *text, int64_t id)
{
	const char *after = reg_in(o, "after");
	int64_t limit = reg_in_int(o, "limit", REG_PAGE), n = 0;
	json_t *list = json_array(), *key = NULL;
	sqlite3_stmt *q;
	int rc;

	if (limit < 1 || limit > REG_PAGE_MAX) {
		json_decref(list);
		return reg_refuse(o, CTL_INVALID, "limit", "so many on a page; allowed: 1 to %d", REG_PAGE_MAX);
	}
	rc = reg_db_ask(db, &q, text, id ? "tii" : "ti", after ? after : "", limit, id);
	for (; rc > 0; rc = reg_db_next(q), n++) {
		json_array_append_new(list, object_of(q));
		json_decref(key);
		key = json_string((const char *)sqlite3_column_text(q, column_named(q, "_key")));
	}
	reg_db_end(q);
	o->answer = json_pack("{so}", name, list);
	if (n == limit)
		json_object_set(o->answer, "next", key);
	json_decref(key);
	return rc;
}
