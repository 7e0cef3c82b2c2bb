/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "reg/reg_profile.h"
#include "reg/reg_rows.h"
#include "reg/reg_text.h"

#define SQL_MAX 512

static const char *own;

void reg_own_init(const char *fqdn)
{
	own = fqdn;
}

static int give_own(struct reg_db *db, int64_t device, int64_t app)
{
	int64_t rev = reg_revision(db);
	char uid[REG_NAME + 1];
	int rc = rev < 0 ? (int)rev : reg_name_make(uid);

	if (rc == 0)
		rc = reg_db_do(
			db,
			"INSERT INTO pseudonym (device, asp, value) SELECT ?2, asp, ?3 FROM application WHERE id = ?1"
			" ON CONFLICT (device, asp) DO NOTHING",
			"iit", app, device, uid);
	return rc < 0 ? rc
		      : reg_db_do(db, "INSERT INTO granted (device, app, since, rev) VALUES (?1, ?2, ?3, ?4)", "iiii",
				  device, app, (int64_t)time(NULL), rev);
}

/* Whoever has the device by now: this right goes with any other that is live. */
static int agree_again(struct reg_db *db, int64_t device, int64_t app)
{
	return reg_db_do(
		db,
		"UPDATE granted SET asp_agrees = 1, user_agrees = 1 WHERE device = ?1 AND app = ?2 AND NOT (asp_agrees AND"
		" user_agrees) AND EXISTS (SELECT 1 FROM live WHERE device = ?1)",
		"ii", device, app);
}

int reg_own_right(struct reg_db *db, int64_t device)
{
	int64_t app = 0, has = 0, others = 0;
	int rc = own ? reg_db_int(db, &app, "SELECT id FROM application WHERE fqdn = ?1", "t", own) : 0;

	if (rc > 0)
		rc = reg_db_int(db, &has, "SELECT count(*) FROM granted WHERE device = ?1 AND app = ?2", "ii", device,
				app);
	if (rc > 0)
		rc = reg_db_int(db, &others, "SELECT count(*) FROM granted WHERE device = ?1 AND app <> ?2", "ii",
				device, app);
	if (rc <= 0 || (!has && (!others || others >= REG_GRANTS_MAX)))
		return rc < 0 ? rc : 0;
	if (has && others)
		return agree_again(db, device, app);
	return others ? give_own(db, device, app)
		      : reg_db_do(db, "DELETE FROM granted WHERE device = ?1 AND app = ?2", "ii", device, app);
}

int reg_own_leave(struct reg_db *db, const char *which, const char *one)
{
	char text[SQL_MAX];
	int64_t app = 0;
	int rc = own ? reg_db_int(db, &app, "SELECT id FROM application WHERE fqdn = ?1", "t", own) : 0;

	if (rc <= 0)
		return rc;
	snprintf(
		text, sizeof(text),
		"DELETE FROM granted WHERE app = ?2 AND device IN (SELECT device FROM granted WHERE app IN (%s)) AND NOT EXISTS"
		" (SELECT 1 FROM granted o WHERE o.device = granted.device AND o.app <> ?2 AND o.app NOT IN (%s))",
		which, which);
	return reg_db_do(db, text, "ti", one, app);
}

int reg_own_only(struct reg_db *db, int64_t device)
{
	int64_t others;
	int rc = reg_db_int(db, &others,
			    "SELECT count(*) FROM granted g JOIN application a ON a.id = g.app WHERE g.device = ?1"
			    " AND a.fqdn IS NOT ?2",
			    "it", device, own);

	return rc < 0 ? rc : !others;
}

/* HTTP Digest is what an application speaks that has not said otherwise. */
static const char live_apps[] =
	"SELECT l.fqdn, nullif(a.title, '') AS name, CASE a.ua WHEN '' THEN '0100000002' ELSE a.ua END AS \"ua*\", a.profile, g.since,"
	" l.fqdn AS _key FROM live l JOIN application a ON a.id = l.app JOIN granted g ON g.device = l.device AND g.app = l.app"
	" WHERE l.device = ?3 AND l.fqdn > ?1 ORDER BY l.fqdn LIMIT ?2";

static void leave_own_out(json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *fqdn = json_string_value(json_object_get(json_array_get(list, i), "fqdn"));

		if (fqdn && strcmp(fqdn, own) == 0)
			json_array_remove(list, i--);
	}
}

/* What a device must know of a security degree to choose its key. */
static void tell_keys(json_t *list)
{
	json_t *app;
	size_t i;

	json_array_foreach(list, i, app)
	{
		const char *profile = json_string_value(json_object_get(app, "profile"));
		const char *keys = profile ? reg_profile_keys(reg_profile_named(profile)) : NULL;

		if (keys)
			json_object_set_new(app, "keys", json_string(keys));
	}
}

int reg_own_list(struct reg_order *o, struct reg_db *db)
{
	int64_t device = 0;
	int rc = reg_db_int(
		db, &device,
		"SELECT p.device FROM pseudonym p JOIN application a ON a.asp = p.asp WHERE a.fqdn = ?1 AND p.value = ?2",
		"tt", own, reg_in(o, "uid"));

	if (rc >= 0)
		rc = reg_answer_page(o, db, "apps", live_apps, device);
	if (rc >= 0) {
		leave_own_out(json_object_get(o->answer, "apps"));
		tell_keys(json_object_get(o->answer, "apps"));
	}
	return rc;
}
