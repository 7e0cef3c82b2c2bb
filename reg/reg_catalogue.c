/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is shown of applications, and what each is given to start with. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "reg/reg_alias.h"
#include "reg/reg_cfg.h"
#include "reg/reg_orders.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define SHOWN \
	"SELECT a.fqdn, a.fqdn AS _key, a.asp, a.gsid, a.state, trim(iif(a.by_operator = 'suspended', 'operator', '') ||" \
	" iif((SELECT lapsed FROM proof p WHERE p.app = a.id), ' proof', '')) AS 'suspended_by*', a.title, a.profile, a.assurance_min," \
	" a.wildcard AS 'wildcard?', a.published AS 'published?', a.nets AS 'addresses*', a.ua AS 'ua_protocols*', a.tls_key AS 'tls_keys*', a.since," \
	" a.rev AS _rev FROM application a"

int reg_app_answer_conf(struct reg_order *o, const struct reg_app *a)
{
	char *text = reg_text_conf(a, &reg_cfg.realm);

	o->answer = text ? json_pack("{ss}", "naf_conf", text) : NULL;
	free(text);
	return o->answer ? 0 : reg_refuse(o, CTL_FAILED, NULL, "no memory");
}

int reg_app_conf(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a;
	int rc = reg_scope_app(o, db, &a);

	if (rc == 0)
		rc = reg_app_answer_conf(o, &a);
	reg_app_clear(&a);
	return rc;
}

static int add_aliases(struct reg_db *db, const char *fqdn, json_t *list)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    "SELECT l.scheme, l.value FROM alias l JOIN application a ON a.id = l.app WHERE a.fqdn = ?1"
			    " ORDER BY l.scheme, l.value",
			    "t", fqdn);

	for (; rc > 0; rc = reg_db_next(q))
		json_array_append_new(list, json_pack("{ssss}", "scheme", sqlite3_column_text(q, 0), "value",
						      sqlite3_column_text(q, 1)));
	reg_db_end(q);
	return rc;
}

int reg_app_answer(struct reg_order *o, struct reg_db *db, const char *fqdn)
{
	json_t *aliases = json_array();
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, SHOWN " WHERE a.fqdn = ?1", "t", fqdn);

	rc = rc > 0 ? reg_answer_row(o, q) : rc < 0 ? rc : -EIO;
	if (rc == 0)
		rc = add_aliases(db, fqdn, aliases);
	if (rc == 0)
		json_object_set(o->answer, "aliases", aliases);
	json_decref(aliases);
	return rc;
}

int reg_app_show(struct reg_order *o, struct reg_db *db)
{
	int64_t grants = 0;
	struct reg_app a;
	int rc = reg_scope_app(o, db, &a);

	if (rc == 0)
		rc = reg_app_answer(o, db, a.fqdn);
	if (rc == 0)
		rc = reg_db_int(db, &grants, "SELECT count(*) FROM granted WHERE app = ?1", "i", a.id);
	if (rc > 0)
		json_object_set_new(o->answer, "grants", json_integer(grants));
	reg_app_clear(&a);
	return rc < 0 ? rc : 0;
}

int reg_app_list(struct reg_order *o, struct reg_db *db)
{
	if (reg_scope_asp(o))
		return reg_answer_page(o, db, "apps",
				       SHOWN
				       " JOIN asp s ON s.name = a.asp WHERE s.id = ?3 AND a.fqdn > ?1 ORDER BY a.fqdn"
				       " LIMIT ?2",
				       reg_scope_asp(o));
	return reg_answer_page(o, db, "apps", SHOWN " WHERE a.fqdn > ?1 ORDER BY a.fqdn LIMIT ?2", 0);
}

/* --- for anybody */

#define CATALOGUE \
	"SELECT a.fqdn, a.fqdn AS _key, a.asp, a.title, a.assurance_min, a.ua AS 'ua_protocols*' FROM application a" \
	" JOIN asp s ON s.name = a.asp AND s.state = 'approved' WHERE a.state = 'approved' AND a.published"

/* By what others call it, SCHEME:VALUE. */
static int find_alias(struct reg_order *o, struct reg_db *db, const char *alias)
{
	const char *colon = strchr(alias, ':'), *allowed = "url:, ip:, onem2m:, gs1: and a value";
	const struct reg_alias_scheme *s = NULL;
	char scheme[16] = "", value[REG_ALIAS_MAX + 1], *text;
	int rc;

	if (colon && (size_t)(colon - alias) < sizeof(scheme)) {
		snprintf(scheme, sizeof(scheme), "%.*s", (int)(colon - alias), alias);
		s = reg_alias_scheme(scheme, REG_OF_APP);
	}
	if (s)
		allowed = reg_alias_parse(value, s, colon + 1);
	if (allowed)
		return reg_refuse(o, CTL_INVALID, "alias", "that is no alias; allowed: %s", allowed);
	text = sqlite3_mprintf(CATALOGUE " AND a.id IN (SELECT app FROM alias WHERE scheme = %Q AND value = %Q)"
					 " AND a.fqdn > ?1 ORDER BY a.fqdn LIMIT ?2",
			       scheme, value);
	rc = text ? reg_answer_page(o, db, "apps", text, 0) : -ENOMEM;
	sqlite3_free(text);
	return rc;
}

int reg_catalogue(struct reg_order *o, struct reg_db *db)
{
	const char *alias = reg_in(o, "alias");

	return alias ? find_alias(o, db, alias)
		     : reg_answer_page(o, db, "apps", CATALOGUE " AND a.fqdn > ?1 ORDER BY a.fqdn LIMIT ?2", 0);
}
