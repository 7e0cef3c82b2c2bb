/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Applications: who may be one, what it is given. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/base/ascii.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_cert.h"
#include "reg/reg_alias.h"
#include "reg/reg_audit.h"
#include "reg/reg_cfg.h"
#include "reg/reg_inbox.h"
#include "reg/reg_names.h"
#include "reg/reg_own.h"
#include "reg/reg_orders.h"
#include "reg/reg_profile.h"
#include "reg/reg_proof.h"
#include "reg/reg_reach.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define NETS_TEXT     (REG_NETS_MAX * SOCKADDR_TEXT)
#define WORD_TEXT     (SOCKADDR_TEXT > DIA_CERT_KEY ? SOCKADDR_TEXT : DIA_CERT_KEY)
#define UA_DIGITS     10
#define UA_TEXT       (16 * (UA_DIGITS + 1))
#define KEYS_MAX      4
#define KEYS_TEXT     (KEYS_MAX * DIA_CERT_KEY)
#define TITLE_MAX     128 /* octets */
#define ASSURANCE_MAX 4

/* --- rows */

int reg_app_get(struct reg_db *db, const char *fqdn, struct reg_app *out)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT a.id, a.fqdn, a.asp, a.gsid, a.nets, a.ua, a.state, a.state = 'approved' AND"
		" s.state = 'approved', a.assurance_min, a.rev, a.profile, ifnull(a.tls_key, ''), a.wildcard FROM application a LEFT JOIN asp s ON"
		" s.name = a.asp WHERE a.fqdn = ?1",
		"t", fqdn);

	if (rc <= 0)
		return rc;
	*out = (struct reg_app){ .id = sqlite3_column_int64(q, 0),
				 .fqdn = reg_db_text(q, 1),
				 .asp = reg_db_text(q, 2),
				 .gsid = reg_db_text(q, 3),
				 .nets = reg_db_text(q, 4),
				 .ua = reg_db_text(q, 5),
				 .state = reg_db_text(q, 6),
				 .usable = sqlite3_column_int(q, 7),
				 .assurance_min = sqlite3_column_int(q, 8),
				 .rev = sqlite3_column_int64(q, 9),
				 .profile = reg_db_text(q, 10),
				 .keys = reg_db_text(q, 11),
				 .wildcard = sqlite3_column_int(q, 12) };
	reg_db_end(q);
	if (out->fqdn && out->asp && out->gsid && out->nets && out->ua && out->state && out->keys)
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
	free(a->keys);
	free(a->ua);
	free(a->state);
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

/* A list of words as it is kept, a blank between two. \param[in] keep one of them to text of WORD_TEXT; NULL: it is none
 *  \returns 0 and out, or it is not given and out is ""; -EINVAL: refused */
static int list_given(struct reg_order *o, const char *name, char *out, size_t size,
		      const char *(*keep)(char *text, const char *word), const char *what)
{
	char text[WORD_TEXT];
	struct writer w;
	json_t *one;
	size_t i;

	writer_init(&w, out, size);
	json_array_foreach(json_object_get(o->in, name), i, one)
	{
		const char *word = json_string_value(one);

		if (!word || !keep(text, word))
			return reg_refuse(o, CTL_INVALID, name, "'%.64s' is %s", word ? word : "", what);
		writer_printf(&w, "%s%s", i ? " " : "", text);
	}
	return writer_end(&w) < 0 ? reg_refuse(o, CTL_INVALID, name, "too many") : 0;
}

static const char *keep_net(char *text, const char *word)
{
	struct sockaddr_net net;

	if (sockaddr_net_parse(&net, word) < 0)
		return NULL;
	sockaddr_net_text(text, &net);
	return text;
}

static const char *keep_ua(char *text, const char *word)
{
	if (strlen(word) != UA_DIGITS || strspn(word, "0123456789abcdef") != UA_DIGITS)
		return NULL;
	return strcpy(text, word);
}

static const char *keep_key(char *text, const char *word)
{
	if (!dia_cert_key_valid(word))
		return NULL;
	ascii_lower_copy((uint8_t *)text, word, DIA_CERT_KEY);
	return text;
}

static int nets_given(struct reg_order *o, char out[NETS_TEXT])
{
	return list_given(o, "addresses", out, NETS_TEXT, keep_net,
			  "no address it connects from; allowed: A.B.C.D/N, X:X::X/N");
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

/* The number of a service is the operator's own, and as unique as the application's. */
static int insert_app(struct reg_order *o, struct reg_db *db, const char *asp, const char *fqdn)
{
	int64_t id = 0, rev = reg_revision(db);
	char gsid[24];
	int rc = reg_db_int(db, &id,
			    "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'application'), 0) + 1", "");

	if (rc <= 0 || rev < 0)
		return -EIO;
	snprintf(gsid, sizeof(gsid), "%lld", REG_GSID_FROM + (long long)id);
	return reg_db_do(db,
			 "INSERT INTO application (id, fqdn, asp, gsid, nets, since, state, by_operator, rev)"
			 " VALUES (?1, ?2, ?3, ?4, '', ?5, ?6, ?6, ?7)",
			 "itttiti", id, fqdn, asp, gsid, (int64_t)time(NULL),
			 o->caller.role == REG_OPERATOR ? "approved" : "applied", rev);
}

static int put_aliases(struct reg_order *o, struct reg_db *db, const char *fqdn)
{
	const json_t *list = json_object_get(o->in, "aliases"), *one;
	char value[REG_ALIAS_MAX + 1];
	size_t i;
	int rc = list ? reg_db_do(db, "DELETE FROM alias WHERE app = (SELECT id FROM application WHERE fqdn = ?1)", "t",
				  fqdn)
		      : 0;

	json_array_foreach(list, i, one)
	{
		const char *scheme = json_string_value(json_object_get(one, "scheme"));
		const char *text = json_string_value(json_object_get(one, "value")), *allowed;
		const struct reg_alias_scheme *s = scheme ? reg_alias_scheme(scheme, REG_OF_APP) : NULL;

		allowed = !s || !text ? "scheme and value, of url, ip, onem2m, gs1" : reg_alias_parse(value, s, text);
		if (rc == 0 && allowed)
			rc = reg_refuse(o, CTL_INVALID, "aliases", "alias %zu is none; allowed: %s", i + 1, allowed);
		if (rc == 0)
			rc = reg_db_do(
				db,
				"INSERT OR IGNORE INTO alias (scheme, value, app) SELECT ?1, ?2, id FROM application"
				" WHERE fqdn = ?3",
				"ttt", scheme, value, fqdn);
	}
	return rc;
}

/* What is a word of the operator's. */
static int check_role(struct reg_order *o)
{
	static const char *const of_operator[] = { "state", "profile", "wildcard" };

	for (size_t i = 0; i < sizeof(of_operator) / sizeof(of_operator[0]); i++) {
		if (o->caller.role != REG_OPERATOR && json_object_get(o->in, of_operator[i]))
			return reg_refuse(o, CTL_FORBIDDEN, of_operator[i], "that is for the operator to say");
	}
	return 0;
}

/* \returns 1 yes; 0 no; -1 it is not said */
static int flag_in(const struct reg_order *o, const char *name)
{
	const json_t *v = json_object_get(o->in, name);

	if (json_is_string(v)) /* typed */
		return strcmp(json_string_value(v), "yes") == 0;
	return v ? json_is_true(v) : -1;
}

/* Of two applications that speak for one name the BSF serves neither. */
static int check_wildcard(struct reg_order *o, struct reg_db *db, const char *fqdn)
{
	int64_t one;
	int rc = reg_db_int(db, &one,
			    "SELECT 1 FROM application WHERE wildcard AND fqdn = substr(?1, instr(?1, '.') + 1)", "t",
			    fqdn);

	if (rc > 0)
		return reg_refuse(o, CTL_EXISTS, "fqdn", "the wildcard of another application stands for that name");
	if (rc == 0 && flag_in(o, "wildcard") == 1)
		rc = reg_db_int(db, &one, "SELECT 1 FROM application WHERE substr(fqdn, instr(fqdn, '.') + 1) = ?1",
				"t", fqdn);
	return rc > 0 ? reg_refuse(o, CTL_EXISTS, "wildcard", "there is another application one label under that name")
		      : rc;
}

static int check_details(struct reg_order *o)
{
	const char *state = reg_in(o, "state"), *title = reg_in(o, "title");
	const char *profile = reg_in(o, "profile"), *wildcard = reg_in(o, "wildcard");
	int64_t assurance = reg_in_int(o, "assurance_min", 0);

	if (profile && !reg_profile_named(profile))
		return reg_refuse(o, CTL_INVALID, "profile", "no such security degree; allowed: those of profiles");
	if (wildcard && strcmp(wildcard, "yes") != 0 && strcmp(wildcard, "no") != 0)
		return reg_refuse(o, CTL_INVALID, "wildcard", "allowed: yes, no");
	if (state && strcmp(state, "approved") != 0 && strcmp(state, "suspended") != 0)
		return reg_refuse(o, CTL_INVALID, "state", "no such state; allowed: approved, suspended");
	if (title && strlen(title) > TITLE_MAX)
		return reg_refuse(o, CTL_INVALID, "title", "too long; allowed: up to %d octets", TITLE_MAX);
	if (assurance < 0 || assurance > ASSURANCE_MAX)
		return reg_refuse(o, CTL_INVALID, "assurance_min", "no such assurance; allowed: 0 to %d",
				  ASSURANCE_MAX);
	return 0;
}

/* Members that are not given stay as they are. */
static int write_details(struct reg_order *o, struct reg_db *db, const char *fqdn)
{
	char nets[NETS_TEXT] = "", ua[UA_TEXT] = "", keys[KEYS_TEXT] = "";
	int64_t rev = reg_revision(db);
	int rc = rev < 0 ? (int)rev : check_role(o);

	if (rc == 0)
		rc = check_details(o);
	if (rc == 0)
		rc = check_wildcard(o, db, fqdn);
	if (rc == 0)
		rc = nets_given(o, nets);
	if (rc == 0)
		rc = list_given(o, "ua_protocols", ua, sizeof(ua), keep_ua,
				"no Ua security protocol; allowed: 10 hex digits in lower case");
	if (rc == 0)
		rc = list_given(o, "tls_keys", keys, sizeof(keys), keep_key,
				"no public key; allowed: sha256: and 64 hex digits");
	if (rc == 0)
		rc = reg_db_do(
			db,
			"UPDATE application SET nets = ifnull(?2, nets), ua = ifnull(?3, ua), title = ifnull(?4, title),"
			" tls_key = ifnull(?5, tls_key), profile = ifnull(?6, profile), by_operator = ifnull(?7, by_operator),"
			" assurance_min = CASE WHEN ?8 < 0 THEN assurance_min ELSE ?8 END,"
			" published = CASE WHEN ?9 < 0 THEN published ELSE ?9 END,"
			" wildcard = CASE WHEN ?10 < 0 THEN wildcard ELSE ?10 END, rev = ?11 WHERE fqdn = ?1",
			"tttttttiiii", fqdn, json_object_get(o->in, "addresses") ? nets : NULL,
			json_object_get(o->in, "ua_protocols") ? ua : NULL, reg_in(o, "title"),
			json_object_get(o->in, "tls_keys") ? keys : NULL, reg_in(o, "profile"), reg_in(o, "state"),
			reg_in_int(o, "assurance_min", -1), (int64_t)flag_in(o, "published"),
			(int64_t)flag_in(o, "wildcard"), rev);
	return rc == 0 ? put_aliases(o, db, fqdn) : rc;
}

/* Of whom it is to be: an ASP's own, or the one that the operator names. */
static int asp_given(struct reg_order *o, struct reg_db *db, char asp[REG_ASP_MAX + 1])
{
	const char *named = reg_in(o, "asp");
	int rc;

	if (o->caller.role != REG_OPERATOR) {
		rc = reg_scope_asp_name(o, db, asp);
		return rc == 0 && named && strcmp(named, asp) != 0
			       ? reg_refuse(o, CTL_FORBIDDEN, "asp", "that is another one; allowed: %s", asp)
			       : rc;
	}
	if (!named)
		return reg_refuse(o, CTL_INVALID, "asp", "of whom; allowed: an ASP");
	rc = reg_asp_check_name(o, named);
	if (rc < 0)
		return rc;
	strcpy(asp, named);
	return reg_asp_need(db, asp);
}

/* \returns 1 it is there from now on; 0 it was, and is the same ASP's; refused */
static int need_app(struct reg_order *o, struct reg_db *db, char fqdn[FQDN_MAX + 1])
{
	char asp[REG_ASP_MAX + 1];
	int64_t one;
	int rc = fqdn_given(o, fqdn);

	if (rc == 0)
		rc = asp_given(o, db, asp);
	if (rc == 0)
		rc = check_asp_owns(o, db, fqdn, asp);
	if (rc == 0)
		rc = reg_db_int(db, &one, "SELECT 1 FROM application WHERE fqdn = ?1", "t", fqdn);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = insert_app(o, db, asp, fqdn);
	if (rc == 0)
		rc = write_details(o, db, fqdn);
	if (rc == 0)
		rc = reg_reach_app(o, db, fqdn);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "app add", 0, fqdn);
	return rc < 0 ? rc : 1;
}

int reg_app_register(struct reg_order *o, struct reg_db *db)
{
	char fqdn[FQDN_MAX + 1];
	int rc = need_app(o, db, fqdn);

	if (rc == 0)
		return reg_refuse(o, CTL_EXISTS, "fqdn", "it is there; allowed: to change it");
	return rc < 0 ? rc : reg_app_answer(o, db, fqdn);
}

/* gbactl: the same once more is no fault, and the answer is what the application starts with. */
int reg_app_add(struct reg_order *o, struct reg_db *db)
{
	char fqdn[FQDN_MAX + 1], nets[NETS_TEXT];
	struct reg_app a = { 0 };
	int rc = need_app(o, db, fqdn);

	if (rc >= 0)
		rc = nets_given(o, nets);
	if (rc == 0)
		rc = reg_app_get(db, fqdn, &a);
	if (rc > 0 && strcmp(a.nets, nets) != 0)
		rc = reg_refuse(o, CTL_EXISTS, "addresses",
				"it is there, and connects from %s; allowed: the same, or app delete first", a.nets);
	else if (rc > 0)
		rc = reg_app_answer_conf(o, &a);
	reg_app_clear(&a);
	return rc;
}

int reg_app_put(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a;
	char what[32] = "app change";
	int rc = reg_scope_app_change(o, db, &a);

	if (rc == 0 && o->caller.role == REG_OPERATOR && reg_in(o, "state"))
		rc = reg_proof_decided(o, db, &a, reg_in(o, "state"));
	if (rc == 0)
		rc = reg_inbox_before(db, REG_OF_FQDN, a.fqdn);
	if (rc == 0)
		rc = write_details(o, db, a.fqdn);
	if (rc == 0)
		rc = reg_reach_app(o, db, a.fqdn);
	if (rc == 0)
		rc = reg_inbox_after(db, REG_OF_FQDN, a.fqdn);
	if (rc == 0 && reg_in(o, "state") && strcmp(reg_in(o, "state"), a.state) != 0)
		snprintf(what, sizeof(what), "app %s", reg_in(o, "state"));
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, what, 0, a.fqdn);
	if (rc == 0)
		rc = reg_app_answer(o, db, a.fqdn);
	reg_app_clear(&a);
	return rc;
}

static int take_app(struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	static const char *const of_app[] = { "DELETE FROM granted WHERE app = ?1",
					      "DELETE FROM return_address WHERE app = ?1",
					      "DELETE FROM request WHERE app = ?1",
					      "DELETE FROM application WHERE id = ?1" };
	int rc = reg_reach_app(o, db, a->fqdn);

	if (rc == 0)
		rc = reg_own_leave(db, "SELECT id FROM application WHERE fqdn = ?1", a->fqdn);
	if (rc == 0)
		rc = reg_inbox_before(db, REG_OF_FQDN, a->fqdn);
	for (size_t i = 0; rc == 0 && i < sizeof(of_app) / sizeof(of_app[0]); i++)
		rc = reg_db_do(db, of_app[i], "i", a->id);
	if (rc == 0)
		rc = reg_inbox_after(db, REG_OF_FQDN, a->fqdn);
	return rc == 0 ? reg_audit_add(db, o->caller.name, "app delete", 0, a->fqdn) : rc;
}

int reg_app_remove(struct reg_order *o, struct reg_db *db)
{
	struct reg_app a;
	int rc = reg_scope_app_change(o, db, &a);

	if (rc == 0)
		rc = take_app(o, db, &a);
	reg_app_clear(&a);
	return rc;
}

/* gbactl: what is gone already is no fault. */
int reg_app_delete(struct reg_order *o, struct reg_db *db)
{
	int rc = reg_app_remove(o, db);
	bool was = rc != -ENOENT;

	if (rc < 0 && was)
		return rc;
	o->err.text[0] = '\0';
	o->answer = json_pack("{sb}", "deleted", was);
	return 0;
}
