/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_discovery.h"
#include "reg/reg_inbox.h"
#include "reg/reg_returns.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

/* --- as it is shown: to an ASP its state and its pseudonym, to others the device */

#define SHOWN(device, state) \
	"SELECT r.name AS request, r.id AS _key, a.fqdn, a.asp, nullif(a.title, '') AS title, " device \
	" AS device, " state \
	" r.return_to AS 'return', CASE WHEN r.result IS NOT NULL THEN r.result WHEN r.expires <= unixepoch() THEN 'expired'" \
	" ELSE 'waiting' END AS result, r.since, r.expires FROM request r JOIN application a ON a.id = r.app" \
	" LEFT JOIN device d ON d.id = r.device LEFT JOIN pseudonym p ON p.device = r.device AND p.asp = a.asp"
#define FOR_OTHERS SHOWN("d.name", "")
#define FOR_ASP    SHOWN("p.value", "r.state,")

/* Whose it is: the user who has answered it, else the one whose device it is for. + so that those of his devices are looked for,
 * not all that nobody has answered. */
#define MINE "(r.user = ?3 OR (+r.user IS NULL AND r.device IN (SELECT id FROM device WHERE custodian = ?3)))"

struct found {
	int64_t id, app, device, user; /* device, user 0: none yet */
	int64_t expires;
	char *fqdn, *state, *return_to, *result;
};

static void clear(struct found *r)
{
	free(r->fqdn);
	free(r->state);
	free(r->return_to);
	free(r->result);
	*r = (struct found){ 0 };
}

/* Who asks for one that is not his, is told that there is none. \param[out] r for clear(), also on error */
static int request_named(struct reg_order *o, struct reg_db *db, struct found *r)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(
		db, &q,
		"SELECT r.id, r.app, ifnull(r.device, 0), ifnull(r.user, 0), r.expires, a.fqdn, r.state, r.return_to, r.result"
		" FROM request r JOIN application a ON a.id = r.app JOIN asp s ON s.name = a.asp"
		" WHERE r.name = ?1 AND (?2 = 0 OR s.id = ?2) AND (?3 = 0 OR " MINE
		" OR (r.user IS NULL AND r.device IS NULL))",
		"tii", reg_in(o, "request"), reg_scope_asp(o), reg_scope_user(o));

	*r = (struct found){ 0 };
	if (rc <= 0)
		return rc < 0 ? rc : reg_refuse(o, CTL_UNKNOWN, "request", "there is no such request");
	*r = (struct found){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2),
			     sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4), reg_db_text(q, 5),
			     reg_db_text(q, 6),          reg_db_text(q, 7),          reg_db_text(q, 8) };
	reg_db_end(q);
	return r->fqdn && r->state && r->return_to ? 0 : -ENOMEM;
}

static int answer_request(struct reg_order *o, struct reg_db *db, int64_t id)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q,
			    o->caller.role == REG_ASP ? FOR_ASP " WHERE r.id = ?1" : FOR_OTHERS " WHERE r.id = ?1", "i",
			    id);

	return rc > 0 ? reg_answer_row(o, q) : rc < 0 ? rc : -EIO;
}

/* --- begun */

/* The page there is what a user sees; an answer is given by the API alone, as long as there is none. */
static int add_link(struct reg_order *o, const char *name)
{
	char *link = reg_discovery_link("grants/begin?request=", name);

	if (!link)
		return 0; /* where the registry is, is not configured */
	json_object_set_new(o->answer, "link", json_string(link));
	free(link);
	return 0;
}

static int check_begun(struct reg_order *o, struct reg_db *db, const struct reg_app *a)
{
	const char *state = reg_in(o, "state");
	int64_t n = 0;
	int rc = a->usable ? reg_return_known(db, a->id, reg_in(o, "return"))
			   : reg_refuse(o, CTL_CONFLICT, "fqdn", "the application, or its ASP, is not approved");

	if (rc == 0)
		return reg_refuse(o, CTL_INVALID, "return",
				  "it is not registered with the application; allowed: one of its return "
				  "addresses, octet for octet");
	if (rc > 0 && (!*state || strlen(state) > REG_STATE_MAX))
		return reg_refuse(o, CTL_INVALID, "state", "allowed: 1 to %d octets", REG_STATE_MAX);
	if (rc > 0)
		rc = reg_db_int(db, &n,
				"SELECT count(*) FROM request WHERE app = ?1 AND result IS NULL AND expires > ?2", "ii",
				a->id, (int64_t)time(NULL));
	if (rc > 0 && n >= REG_WAITING_MAX)
		return reg_refuse(o, CTL_CONFLICT, "fqdn", "%d requests wait for an answer; allowed: so many", (int)n);
	return rc < 0 ? rc : 0;
}

/* So that nobody's inbox is filled, and nobody asked until he gives in. */
static int check_asked(struct reg_order *o, struct reg_db *db, const struct reg_app *a, int64_t device)
{
	int64_t since = (int64_t)time(NULL) - REG_AGAIN_S, n = 0;
	int rc = reg_db_int(
		db, &n,
		"SELECT count(*) FROM request WHERE device = ?1 AND app = ?2 AND result IS NOT 'agreed' AND since > ?3",
		"iii", device, a->id, since);

	if (rc > 0 && n)
		return reg_refuse(o, CTL_CONFLICT, "device",
				  "it was asked for and is not agreed to; allowed: once in %d seconds", REG_AGAIN_S);
	if (rc > 0)
		rc = reg_db_int(
			db, &n,
			"SELECT count(*) FROM device o JOIN device d ON d.custodian = o.custodian JOIN request r ON"
			" r.device = d.id JOIN application a ON a.id = r.app WHERE o.id = ?1 AND a.asp = ?2 AND"
			" r.result IS NOT 'agreed' AND r.since > ?3",
			"iti", device, a->asp, since);
	if (rc > 0 && n >= REG_ASKED_MAX)
		return reg_refuse(
			o, CTL_CONFLICT, "device",
			"its user was asked %d times; allowed: so often in %d seconds, by all applications of an ASP",
			(int)n, REG_AGAIN_S);
	return rc < 0 ? rc : 0;
}

/* \param[in] device 0: whichever the user has */
static int begin_request(struct reg_order *o, struct reg_db *db, const struct reg_app *a, int64_t device)
{
	int64_t now = (int64_t)time(NULL);
	char name[REG_NAME + 1];
	int rc = reg_name_make(name);

	if (rc == 0)
		rc = reg_db_do(db, "DELETE FROM request WHERE app = ?1 AND expires < iif(result IS NULL, ?3, ?2)",
			       "iii", a->id, now - REG_REQUEST_KEPT_S, now - REG_AGAIN_S);
	if (rc == 0)
		rc = reg_db_do(db,
			       "INSERT INTO request (name, app, device, state, return_to, since, expires) VALUES"
			       " (?1, ?2, nullif(?3, 0), ?4, ?5, ?6, ?7)",
			       "tiittii", name, a->id, device, reg_in(o, "state"), reg_in(o, "return"), now,
			       now + REG_REQUEST_S);
	if (rc == 0)
		rc = answer_request(o, db, sqlite3_last_insert_rowid(db->sql));
	if (rc == 0 && device)
		rc = reg_inbox_tell(db, device, "request", a->fqdn);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "request", device, a->fqdn);
	return rc == 0 ? add_link(o, name) : rc;
}

int reg_request_add(struct reg_order *o, struct reg_db *db)
{
	int64_t device = 0;
	struct reg_app a;
	int rc = reg_scope_app(o, db, &a);

	if (rc == 0)
		rc = check_begun(o, db, &a);
	if (rc == 0 && reg_in(o, "device"))
		rc = reg_scope_device(o, db, &device);
	if (rc == 0 && device)
		rc = check_asked(o, db, &a, device);
	if (rc == 0)
		rc = begin_request(o, db, &a, device);
	reg_app_clear(&a);
	return rc;
}

/* --- looked at */

int reg_request_get(struct reg_order *o, struct reg_db *db)
{
	struct found r;
	int rc = request_named(o, db, &r);

	if (rc == 0)
		rc = answer_request(o, db, r.id);
	clear(&r);
	return rc;
}

int reg_request_list(struct reg_order *o, struct reg_db *db)
{
	if (reg_scope_asp(o))
		return reg_answer_page(o, db, "requests",
				       FOR_ASP
				       " JOIN asp s ON s.name = a.asp WHERE s.id = ?3 AND r.id > CAST(?1 AS INTEGER)"
				       " ORDER BY r.id LIMIT ?2",
				       reg_scope_asp(o));
	if (reg_scope_user(o))
		return reg_answer_page(o, db, "requests",
				       FOR_OTHERS " WHERE " MINE
						  " AND r.id > CAST(?1 AS INTEGER) ORDER BY r.id LIMIT ?2",
				       reg_scope_user(o));
	return reg_answer_page(o, db, "requests", FOR_OTHERS " WHERE r.id > CAST(?1 AS INTEGER) ORDER BY r.id LIMIT ?2",
			       0);
}

/* --- answered */

/* The ASP has asked and the user agrees: that is both. What is said of it in the audit is the user's. */
static int grant_both(struct reg_order *o, struct reg_db *db, const struct found *r, const char *device)
{
	const enum reg_role role = o->caller.role;
	json_t *in = o->in;
	int rc;

	o->in = json_pack("{ss ss sb sb}", "device", device, "fqdn", r->fqdn, "asp_agrees", 1, "user_agrees", 1);
	o->caller.role = REG_OPERATOR;
	rc = o->in ? reg_grant_put(o, db) : -ENOMEM;
	o->caller.role = role;
	json_decref(o->in);
	o->in = in;
	json_decref(o->answer);
	o->answer = NULL;
	return rc;
}

/* \param[out] name REG_NAME + 1 */
static int name_of(struct reg_db *db, int64_t device, char *name)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT name FROM device WHERE id = ?1", "i", device);

	if (rc <= 0)
		return rc < 0 ? rc : -EIO;
	snprintf(name, REG_NAME + 1, "%s", (const char *)sqlite3_column_text(q, 0));
	reg_db_end(q);
	return 0;
}

/* Is it still to be answered? \returns 1; 0 it was, and the same way; -EEXIST, -EINVAL: refused */
static int is_open(struct reg_order *o, const struct found *r, const char *result)
{
	if (r->result && strcmp(r->result, result) == 0)
		return 0;
	if (r->result)
		return reg_refuse(o, CTL_CONFLICT, "agree", "it was %s; allowed: the same", r->result);
	if (r->expires <= (int64_t)time(NULL))
		return reg_refuse(o, CTL_CONFLICT, "request", "it is over; allowed: a new one, from the application");
	return 1;
}

/* The device it is for: that of the request, if it has one. \param[out] name REG_NAME + 1 */
static int device_meant(struct reg_order *o, struct reg_db *db, const struct found *r, int64_t *device, char *name)
{
	int rc = 0;

	*device = r->device;
	if (!reg_in(o, "device") && !r->device)
		return reg_refuse(o, CTL_INVALID, "device", "which one is not said; allowed: one of yours");
	if (reg_in(o, "device"))
		rc = reg_scope_device(o, db, device);
	if (rc == 0 && r->device && *device != r->device)
		return reg_refuse(o, CTL_CONFLICT, "device", "it is for another device; allowed: that one");
	return rc == 0 ? name_of(db, *device, name) : rc;
}

static int settle(struct reg_order *o, struct reg_db *db, const struct found *r, bool agree, const char *result)
{
	char name[REG_NAME + 1];
	int64_t device = 0;
	int rc = agree ? device_meant(o, db, r, &device, name) : 0;

	if (agree && rc == 0)
		rc = grant_both(o, db, r, name);
	if (rc == 0)
		rc = reg_db_do(db, "UPDATE request SET result = ?2, user = ?3, device = nullif(?4, 0) WHERE id = ?1",
			       "itii", r->id, result, o->caller.id, agree ? device : r->device);
	return rc == 0 ? reg_audit_add(db, o->caller.name, agree ? "request agreed" : "request refused", device,
				       r->fqdn)
		       : rc;
}

int reg_request_answer(struct reg_order *o, struct reg_db *db)
{
	const bool agree = json_is_true(json_object_get(o->in, "agree"));
	const char *result = agree ? "agreed" : "refused";
	char *back = NULL;
	struct found r;
	int rc = request_named(o, db, &r);

	if (rc == 0)
		rc = is_open(o, &r, result);
	if (rc > 0)
		rc = settle(o, db, &r, agree, result);
	if (rc == 0)
		rc = answer_request(o, db, r.id);
	if (rc == 0) {
		back = reg_return_with(r.return_to, r.state, result);
		json_object_set_new(o->answer, "go_to", json_string(back));
		rc = back ? 0 : -ENOMEM;
	}
	free(back);
	clear(&r);
	return rc;
}
