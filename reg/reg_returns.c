/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_returns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/ascii.h"
#include "reg/reg_audit.h"
#include "reg/reg_names.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

static const char HTTPS[] = "https://";

/* --- one address; pure */

static bool is_return_port(const char *at, size_t len)
{
	return len >= 2 && len <= 6 && at[0] == ':' && strspn(at + 1, "0123456789") >= len - 1 && at[1] != '0' &&
	       strtoul(at + 1, NULL, 10) <= 65535;
}

const char *reg_return_bad(const char *url, const char *fqdn)
{
	static const char allowed[] =
		"https://HOST[:PORT]/PATH in ASCII, at most 512 characters, no user name or fragment";
	const char *host = url + strlen(HTTPS);
	char name[FQDN_MAX + 1];
	size_t n, port;

	if (strncmp(url, HTTPS, strlen(HTTPS)) != 0 || strlen(url) > REG_URL_MAX)
		return allowed;
	for (const char *p = url; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("\"'<>\\^`{|}#@", *p))
			return allowed;
	}
	n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.");
	port = strcspn(host + n, "/");
	if (host[n + port] != '/' || (port && !is_return_port(host + n, port)) || n > FQDN_MAX)
		return allowed;
	memcpy(name, host, n);
	name[n] = '\0';
	return reg_names_under(name, fqdn) ? NULL : "a host that is the application's name or one below it";
}

/* RFC 3986 2.3: what need not be escaped. */
static void print_escaped(FILE *f, const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		if (strchr(unreserved, *text))
			fputc(*text, f);
		else
			fprintf(f, "%%%02X", (unsigned char)*text);
	}
}

char *reg_return_with(const char *url, const char *state, const char *result)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "%s%cstate=", url, strchr(url, '?') ? '&' : '?');
	print_escaped(f, state);
	fprintf(f, "&result=%s", result);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- those of an application */

int reg_return_known(struct reg_db *db, int64_t app, const char *url)
{
	int64_t one;

	return reg_db_int(db, &one, "SELECT 1 FROM return_address WHERE app = ?1 AND url = ?2", "it", app, url);
}

static int answer_returns(struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	json_t *list = json_array();
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT url FROM return_address WHERE app = ?1 ORDER BY url", "i", a->id);

	for (; rc > 0; rc = reg_db_next(q))
		json_array_append_new(list, json_string((const char *)sqlite3_column_text(q, 0)));
	reg_db_end(q);
	o->answer = json_pack("{ss so}", "fqdn", a->fqdn, "return_addresses", list);
	o->revision = a->rev;
	return rc;
}

int reg_returns_get(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a;
	int rc = reg_scope_app(o, db, &a);

	if (rc == 0)
		rc = answer_returns(o, db, &a);
	reg_app_clear(&a);
	return rc;
}

static int check_returns(struct reg_order *o, const struct reg_app *a, const json_t *list)
{
	const json_t *one;
	size_t i;

	if (json_array_size(list) > REG_RETURNS_MAX)
		return reg_refuse(o, CTL_INVALID, "return_addresses", "so many; allowed: up to %d", REG_RETURNS_MAX);
	json_array_foreach(list, i, one)
	{
		const char *bad = reg_return_bad(json_string_value(one), a->fqdn);

		if (bad)
			return reg_refuse(o, CTL_INVALID, "return_addresses", "address %zu is none; allowed: %s", i + 1,
					  bad);
	}
	return 0;
}

static int write_returns(struct reg_db *db, struct reg_app *a, const json_t *list)
{
	const json_t *one;
	size_t i;
	int rc = reg_db_do(db, "DELETE FROM return_address WHERE app = ?1", "i", a->id);

	json_array_foreach(list, i, one)
	{
		if (rc == 0)
			rc = reg_db_do(db,
				       "INSERT INTO return_address (app, url) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
				       "it", a->id, json_string_value(one));
	}
	a->rev = rc == 0 ? reg_revision(db) : rc;
	return a->rev < 0 ? (int)a->rev
			  : reg_db_do(db, "UPDATE application SET rev = ?2 WHERE id = ?1", "ii", a->id, a->rev);
}

int reg_returns_put(struct reg_order *o, struct reg_db *db)
{
	const json_t *list = json_object_get(o->in, "return_addresses");
	struct reg_app a;
	int rc = reg_scope_app_change(o, db, &a);

	if (rc == 0)
		rc = check_returns(o, &a, list);
	if (rc == 0)
		rc = write_returns(db, &a, list);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "return addresses", 0, a.fqdn);
	if (rc == 0)
		rc = answer_returns(o, db, &a);
	reg_app_clear(&a);
	return rc;
}
