/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Applications: who may be one, what it is given. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/base/sockaddr.h"
#include "reg/reg_audit.h"
#include "reg/reg_cfg.h"
#include "reg/reg_names.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"

#define NETS_TEXT (REG_NETS_MAX * SOCKADDR_TEXT)

/* --- rows */

static char *column(sqlite3_stmt *q, int n)
{
	const char *s = (const char *)sqlite3_column_text(q, n);

	return s ? strdup(s) : NULL;
}

int reg_app_get(struct reg_db *db, const char *fqdn, struct reg_app *out)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT id, fqdn, asp, gsid, nets, profile FROM application WHERE fqdn = ?1", "t",
			    fqdn);

	if (rc <= 0)
		return rc;
	*out = (struct reg_app){
		sqlite3_column_int64(q, 0), column(q, 1), column(q, 2), column(q, 3), column(q, 4), column(q, 5)
	};
	sqlite3_finalize(q);
	if (out->fqdn && out->asp && out->gsid && out->nets)
		return 1;
	reg_app_clear(out);
	return -ENOMEM;
}

void reg_app_clear(struct reg_app *a)
{
	free(a->fqdn);
	free(a->asp);
	free(a->gsid);
	free(a->nets);
	free(a->profile);
	*a = (struct reg_app){ 0 };
}

/* --- what may be registered */

static bool is_of_realm(const char *fqdn)
{
	char host[HOST_NAME_MAX + 1] = "";

	gethostname(host, sizeof(host) - 1);
	return reg_names_of_realm(fqdn, &reg_cfg.realm, host);
}

/* \returns 0; -EINVAL: refused */
static int fqdn_given(struct reg_order *o, char out[FQDN_MAX + 1])
{
	const char *bad = reg_names_parse(out, reg_in(o, "fqdn"));

	return bad ? reg_refuse(o, CTL_INVALID, "fqdn", "%s", bad) : 0;
}

static int check_asp(struct reg_order *o, const char *asp)
{
	size_t n = strspn(asp, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	if (!asp[n] && n <= REG_ASP_MAX)
		return 0;
	return reg_refuse(o, CTL_INVALID, "asp", "that is no name of an ASP; allowed: up to %d letters, digits, . _ -",
			  REG_ASP_MAX);
}

static int nets_given(struct reg_order *o, char out[NETS_TEXT])
{
	struct sockaddr_net net;
	char text[SOCKADDR_TEXT];
	struct writer w;
	json_t *one;
	size_t i;

	writer_init(&w, out, NETS_TEXT);
	json_array_foreach(json_object_get(o->in, "addresses"), i, one)
	{
		if (sockaddr_net_parse(&net, json_string_value(one)) < 0)
			return reg_refuse(o, CTL_INVALID, "addresses",
					  "'%.64s' is no address it connects from; allowed: A.B.C.D/N, X:X::X/N",
					  json_string_value(one));
		sockaddr_net_text(text, &net);
		writer_printf(&w, "%s%s", i ? " " : "", text);
	}
	return writer_end(&w) < 0 ? reg_refuse(o, CTL_INVALID, "addresses", "too many addresses") : 0;
}

/* Names at, under or above an application of somebody else are not this ASP's. */
static int check_asp_owns(struct reg_order *o, struct reg_db *db, const char *fqdn, const char *asp)
{
	int64_t one;
	int rc = reg_db_int(
		db, &one,
		"SELECT 1 FROM application WHERE asp <> ?2 AND (fqdn = ?1 OR substr('.' || ?1, -length(fqdn) - 1) ="
		" '.' || fqdn OR substr('.' || fqdn, -length(?1) - 1) = '.' || ?1)",
		"tt", fqdn, asp);

	if (is_of_realm(fqdn))
		return reg_refuse(o, CTL_INVALID, "fqdn",
				  "that name belongs to the operator; allowed: one of the ASP's own");
	return rc > 0 ? reg_refuse(o, CTL_EXISTS, "fqdn", "another ASP has an application at, under or above that name")
		      : rc;
}

/* --- orders */

static int answer_conf(struct reg_order *o, const struct reg_app *a)
{
	char *text = reg_text_conf(a, &reg_cfg.realm);

	o->answer = text ? json_pack("{ss}", "naf_conf", text) : NULL;
	free(text);
	return o->answer ? 0 : reg_refuse(o, CTL_FAILED, NULL, "no memory");
}

/* The number of a service is the operator's own, and as unique as the application's. */
static int insert_app(struct reg_order *o, struct reg_db *db, const char *asp, const char *fqdn, const char *nets)
{
	int64_t id = 0;
	char gsid[24];
	int rc = reg_asp_need(o, db, asp);

	if (rc == 0)
		rc = reg_db_int(db, &id,
				"SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'application'), 0) + 1",
				"");

	if (rc <= 0)
		return -EIO;
	snprintf(gsid, sizeof(gsid), "%lld", REG_GSID_FROM + (long long)id);
	rc = reg_db_do(db, "INSERT INTO application (id, fqdn, asp, gsid, nets, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		       "itttti", id, fqdn, asp, gsid, nets, (int64_t)time(NULL));
	if (rc == 0)
		rc = reg_outbox_app(db, fqdn);
	o->sends = true;
	return rc == 0 ? reg_audit_add(db, o->caller.name, "app add", 0, fqdn) : rc;
}

int reg_app_add(struct reg_order *o, struct reg_db *db)
{
	const char *asp = reg_in(o, "asp");
	char fqdn[FQDN_MAX + 1], nets[NETS_TEXT];
	struct reg_app a = { 0 };
	int rc = check_asp(o, asp);

	if (rc == 0)
		rc = fqdn_given(o, fqdn);
	if (rc == 0)
		rc = nets_given(o, nets);
	if (rc == 0)
		rc = check_asp_owns(o, db, fqdn, asp);
	if (rc < 0)
		return rc;
	rc = reg_app_get(db, fqdn, &a);
	if (rc > 0 && strcmp(a.nets, nets) != 0)
		rc = reg_refuse(o, CTL_EXISTS, "addresses",
				"it is there, and connects from %s; allowed: the same, or app delete first", a.nets);
	else if (rc == 0)
		rc = insert_app(o, db, asp, fqdn, nets);
	if (rc == 0)
		rc = reg_app_get(db, fqdn, &a);
	if (rc > 0)
		rc = answer_conf(o, &a);
	reg_app_clear(&a);
	return rc;
}

/* \returns 1; -ENOENT: refused */
static int app_given(struct reg_order *o, struct reg_db *db, struct reg_app *a)
{
	char fqdn[FQDN_MAX + 1];
	int rc = fqdn_given(o, fqdn);

	if (rc == 0)
		rc = reg_app_get(db, fqdn, a);
	return rc ? rc : reg_refuse(o, CTL_UNKNOWN, "fqdn", "there is no such application");
}

int reg_app_conf(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a = { 0 };
	int rc = app_given(o, db, &a);

	if (rc > 0)
		rc = answer_conf(o, &a);
	reg_app_clear(&a);
	return rc;
}

int reg_app_show(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a = { 0 };
	int64_t grants = 0;
	int rc = app_given(o, db, &a);

	if (rc > 0)
		rc = reg_db_int(db, &grants, "SELECT count(*) FROM granted WHERE app = ?1", "i", a.id);
	if (rc > 0)
		o->answer = json_pack("{sssssssssI}", "app", a.fqdn, "asp", a.asp, "gsid", a.gsid, "from", a.nets,
				      "grants", (json_int_t)grants);
	if (rc > 0 && a.profile)
		json_object_set_new(o->answer, "profile", json_string(a.profile));
	reg_app_clear(&a);
	return rc < 0 ? rc : 0;
}

int reg_app_list(struct reg_order *o, struct reg_db *db)
{
	const char *behind = reg_in(o, "after");
	json_t *list = json_array();
	sqlite3_stmt *q;
	size_t n = 0;
	int rc = reg_db_ask(db, &q, "SELECT fqdn, asp, gsid FROM application WHERE fqdn > ?1 ORDER BY fqdn LIMIT 100",
			    "t", behind ? behind : "");

	for (int got = rc > 0 ? SQLITE_ROW : SQLITE_DONE; got == SQLITE_ROW; got = sqlite3_step(q), n++)
		json_array_append_new(list, json_pack("{ssssss}", "app", sqlite3_column_text(q, 0), "asp",
						      sqlite3_column_text(q, 1), "gsid", sqlite3_column_text(q, 2)));
	if (rc > 0)
		sqlite3_finalize(q);
	o->answer = json_pack("{so}", "apps", list);
	if (n == 100)
		json_object_set(o->answer, "next", json_object_get(json_array_get(list, n - 1), "app"));
	return rc < 0 ? rc : 0;
}

/* Its grants end with it, each for its device. */
static int end_grants(struct reg_order *o, struct reg_db *db, int64_t app)
{
	int64_t device = 0;
	int rc;

	while ((rc = reg_db_int(db, &device, "SELECT device FROM granted WHERE app = ?1 LIMIT 1", "i", app)) > 0) {
		rc = reg_db_do(db, "DELETE FROM granted WHERE app = ?1 AND device = ?2", "ii", app, device);
		if (rc == 0)
			rc = reg_device_changed(o, db, device);
		if (rc < 0)
			break;
	}
	return rc;
}

int reg_app_delete(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a = { 0 };
	char fqdn[FQDN_MAX + 1];
	int rc = fqdn_given(o, fqdn);

	if (rc == 0)
		rc = reg_app_get(db, fqdn, &a);
	if (rc <= 0) {
		o->answer = rc == 0 ? json_pack("{sb}", "deleted", 0) : NULL;
		return rc;
	}
	rc = reg_outbox_app(db, fqdn); /* before its devices: from then on nobody has a key */
	if (rc == 0)
		rc = end_grants(o, db, a.id);
	if (rc == 0)
		rc = reg_db_do(db, "DELETE FROM application WHERE id = ?1", "i", a.id);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "app delete", 0, fqdn);
	reg_app_clear(&a);
	o->sends = true;
	if (rc == 0)
		o->answer = json_pack("{sb}", "deleted", 1);
	return rc;
}
