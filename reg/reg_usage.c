/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "reg/reg_cfg.h"
#include "reg/reg_outbox.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

/* A NAF that is no application of ours is the operator's own matter, and so is a device that nobody has registered. */
static int keep_one(struct reg_db *db, const json_t *use)
{
	const char *impi = json_string_value(json_object_get(use, "impi"));
	const char *naf = json_string_value(json_object_get(use, "naf"));
	int64_t device, at = json_integer_value(json_object_get(use, "at"));
	int rc;

	if (!impi || !naf || reg_kind_bad(REG_IMPI, impi))
		return 0;
	rc = reg_db_find(db, &device, REG_IMPI, impi);
	if (rc <= 0)
		return rc;
	return reg_db_do(db,
			 "INSERT INTO usage (device, bootstrapped_at, fqdn, first_at, last_at)"
			 " SELECT ?1, ?2, fqdn, ?4, ?4 FROM application WHERE fqdn = lower(?3)"
			 " ON CONFLICT (device, bootstrapped_at, fqdn) DO UPDATE SET first_at = min(first_at, ?4),"
			 " last_at = max(last_at, ?4)",
			 "iiti", device, (int64_t)json_integer_value(json_object_get(use, "bootstrapped")), naf, at);
}

bool reg_usage_same_run(const char *before, const char *now)
{
	size_t len = strcspn(now, "-");

	return strcspn(before, "-") == len && strncmp(before, now, len) == 0;
}

/* A BSF that was started anew may have forgotten who is suspended: told again, as one that was never asked is. Only then. */
static int tell_suspended(struct reg_order *o, struct reg_db *db, const struct reg_used *u)
{
	char *before = NULL;
	int rc = reg_usage_cursor(db, &before, u->target);
	bool same = rc > 0 && reg_usage_same_run(before, json_string_value(json_object_get(u->answer, "cursor")));

	free(before);
	if (rc < 0 || same)
		return rc < 0 ? rc : 0;
	o->sends = true;
	return reg_outbox_suspended(db, u->target);
}

int reg_usage_keep(struct reg_order *o, struct reg_db *db)
{
	const struct reg_used *u = o->data;
	const json_t *use;
	size_t i;
	int rc = tell_suspended(o, db, u);

	if (rc < 0)
		return rc;

	json_array_foreach(json_object_get(u->answer, "used"), i, use)
	{
		rc = keep_one(db, use);
		if (rc < 0)
			return rc;
	}
	return reg_db_do(db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('usage ' || ?1, ?2)", "tt", u->target,
			 json_string_value(json_object_get(u->answer, "cursor")));
}

int reg_usage_expire(struct reg_order *o, struct reg_db *db)
{
	return reg_db_do(db, "DELETE FROM usage WHERE last_at < ?1", "i", (int64_t)time(NULL) - reg_cfg.usage.kept_s);
}

int reg_usage_cursor(struct reg_db *db, char **out, const char *target)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT value FROM meta WHERE name = 'usage ' || ?1 AND value IS NOT NULL", "t",
			    target);

	if (rc <= 0)
		return rc;
	*out = reg_db_text(q, 0);
	reg_db_end(q);
	return *out ? 1 : -ENOMEM;
}

/* To a user nothing is shown of the time when another one had the device. */
#define LISTED(since) \
	"SELECT printf('%012d %s', u.bootstrapped_at, u.fqdn) AS _key, u.fqdn AS app, u.bootstrapped_at," \
	" max(u.first_at, " since ") AS first_at, u.last_at FROM usage u JOIN device d ON d.id = u.device" \
	" WHERE u.device = ?3 AND u.last_at >= " since \
	" AND (?1 = '' OR printf('%012d %s', u.bootstrapped_at, u.fqdn) < ?1)" \
	" ORDER BY u.bootstrapped_at DESC, u.fqdn DESC LIMIT ?2"

int reg_usage_list(struct reg_order *o, struct reg_db *db)
{
	int64_t device;
	int rc = reg_scope_device(o, db, &device);

	if (rc < 0)
		return rc;
	return reg_answer_page(o, db, "usage", reg_scope_user(o) ? LISTED("d.custodian_since") : LISTED("0"), device);
}
