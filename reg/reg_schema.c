/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_schema.h"

#include <errno.h>
#include <stdio.h>

/* What may be a state, in the words of the API. */
#define STATES "CHECK (state IN ('applied', 'approved', 'suspended', 'deleted'))"

static const char first[] =
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	"CREATE TABLE application (id INTEGER PRIMARY KEY AUTOINCREMENT, fqdn TEXT NOT NULL UNIQUE, asp TEXT NOT NULL,"
	" gsid TEXT NOT NULL UNIQUE, nets TEXT NOT NULL, since INTEGER NOT NULL);"
	/* guss_at: when its GUSS was changed last, and later than any target has said; the revision of the targets */
	"CREATE TABLE device (id INTEGER PRIMARY KEY AUTOINCREMENT, guss_at INTEGER NOT NULL, since INTEGER NOT NULL);"
	"CREATE TABLE identifier (kind INTEGER NOT NULL, hash BLOB NOT NULL, device INTEGER NOT NULL, sealed BLOB NOT NULL,"
	" PRIMARY KEY (kind, hash)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX identifier_of ON identifier (device, kind);"
	"CREATE TABLE pseudonym (device INTEGER NOT NULL, asp TEXT NOT NULL, value BLOB NOT NULL UNIQUE,"
	" PRIMARY KEY (device, asp)) WITHOUT ROWID;"
	"CREATE TABLE granted (device INTEGER NOT NULL, app INTEGER NOT NULL, since INTEGER NOT NULL,"
	" PRIMARY KEY (device, app)) WITHOUT ROWID;"
	"CREATE INDEX granted_of_app ON granted (app, device);"
	/* AUTOINCREMENT: a number is never used again, so what was sent is told from what came later */
	"CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, device INTEGER, fqdn TEXT,"
	" at INTEGER NOT NULL, refused TEXT);"
	"CREATE INDEX outbox_of ON outbox (target, id);"
	"CREATE TABLE audit (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, json TEXT NOT NULL);"
	"PRAGMA application_id = 0x47424152;";

/* Who takes part, and grants by consent. What was there stays true: all of it was the operator's word. */
static const char parties[] =
	/* Of all that a revision is asked of: it only grows, also over what was deleted and is there again. */
	"CREATE TABLE revision (n INTEGER NOT NULL);"
	"INSERT INTO revision VALUES (1);"
	"CREATE TABLE asp (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, contact TEXT NOT NULL DEFAULT '',"
	" public_id TEXT UNIQUE, state TEXT NOT NULL " STATES ", since INTEGER NOT NULL, rev INTEGER NOT NULL);"
	"INSERT INTO asp (name, state, since, rev) SELECT asp, 'approved', max(since), 1 FROM"
	" (SELECT asp, since FROM application UNION ALL SELECT DISTINCT asp, 0 FROM pseudonym) GROUP BY asp;"
	"ALTER TABLE application ADD COLUMN state TEXT NOT NULL DEFAULT 'approved' " STATES ";"
	"ALTER TABLE application ADD COLUMN title TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE application ADD COLUMN profile TEXT;"
	"ALTER TABLE application ADD COLUMN assurance_min INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE application ADD COLUMN published INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE application ADD COLUMN ua TEXT NOT NULL DEFAULT '';" /* ten hex digits each, a blank between two */
	"ALTER TABLE application ADD COLUMN tls_key TEXT;"
	"ALTER TABLE application ADD COLUMN rev INTEGER NOT NULL DEFAULT 1;"
	"CREATE INDEX application_of ON application (asp, fqdn);"
	"CREATE TABLE alias (scheme TEXT NOT NULL, value TEXT NOT NULL, app INTEGER NOT NULL,"
	" PRIMARY KEY (scheme, value, app)) WITHOUT ROWID;"
	"CREATE INDEX alias_of ON alias (app);"
	"CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, kyc_ref TEXT NOT NULL UNIQUE,"
	" assurance INTEGER NOT NULL, since INTEGER NOT NULL, rev INTEGER NOT NULL);"
	"ALTER TABLE device ADD COLUMN name TEXT NOT NULL DEFAULT '';"
	"UPDATE device SET name = lower(hex(randomblob(16)));"
	"CREATE UNIQUE INDEX device_name ON device (name);"
	"ALTER TABLE device ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'lost'));"
	"ALTER TABLE device ADD COLUMN custodian INTEGER;" /* user; NULL: the operator himself */
	"ALTER TABLE device ADD COLUMN rev INTEGER NOT NULL DEFAULT 1;"
	"CREATE INDEX device_of ON device (custodian, name);"
	"UPDATE pseudonym SET value = lower(hex(value));"
	"CREATE INDEX pseudonym_of ON pseudonym (asp, value);"
	"ALTER TABLE granted ADD COLUMN asp_agrees INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE granted ADD COLUMN user_agrees INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE granted ADD COLUMN operator_objects INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE granted ADD COLUMN rev INTEGER NOT NULL DEFAULT 1;"
	"CREATE TABLE crowd (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, since INTEGER NOT NULL,"
	" rev INTEGER NOT NULL);"
	"CREATE TABLE member (crowd INTEGER NOT NULL, device INTEGER NOT NULL, PRIMARY KEY (crowd, device)) WITHOUT ROWID;"
	"CREATE INDEX member_of ON member (device);"
	/* Other realms and who runs them. Nobody reads it yet: it is the place for a device that changes its operator. */
	"CREATE TABLE realm (name TEXT PRIMARY KEY, operator TEXT NOT NULL, bsf TEXT NOT NULL, hss TEXT NOT NULL) WITHOUT ROWID;"
	"ALTER TABLE outbox ADD COLUMN of_state INTEGER NOT NULL DEFAULT 0;"
	/* What of all this an application may rely on now: the one place that says so. */
	"CREATE VIEW live AS SELECT g.device, g.app, a.asp, a.gsid, a.fqdn FROM granted g"
	" JOIN application a ON a.id = g.app AND a.state = 'approved' JOIN asp s ON s.name = a.asp AND s.state = 'approved'"
	" JOIN device d ON d.id = g.device AND d.state = 'active' LEFT JOIN user u ON u.id = d.custodian"
	" WHERE g.asp_agrees AND g.user_agrees AND NOT g.operator_objects"
	" AND (d.custodian IS NULL OR u.assurance >= a.assurance_min);";

/* Who asks over HTTPS, and what was answered to whom that may be asked again. */
static const char callers[] =
	/* role: enum reg_role; owner: row of the asp or user, 0 of an operator; hash: reg_token.h */
	"CREATE TABLE token (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL UNIQUE,"
	" role INTEGER NOT NULL, owner INTEGER NOT NULL, label TEXT, certificate TEXT, since INTEGER NOT NULL,"
	" expires INTEGER, used INTEGER);"
	"CREATE INDEX token_of ON token (role, owner, name);"
	/* answer: sealed, since there may be a token in it */
	"CREATE TABLE kept (who TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, answer BLOB NOT NULL,"
	" at INTEGER NOT NULL, PRIMARY KEY (who, key)) WITHOUT ROWID;"
	"CREATE INDEX kept_at ON kept (at);";

/* A request that an application's side has begun, where a user goes back to, and what he is told. */
static const char requests[] =
	"CREATE TABLE return_address (app INTEGER NOT NULL, url TEXT NOT NULL, PRIMARY KEY (app, url)) WITHOUT ROWID;"
	/* device: the one it is for, NULL whichever; user: who has answered it; result: agreed or refused */
	"CREATE TABLE request (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, app INTEGER NOT NULL, device INTEGER,"
	" user INTEGER, state TEXT NOT NULL, return_to TEXT NOT NULL, since INTEGER NOT NULL, expires INTEGER NOT NULL, result TEXT);"
	"CREATE INDEX request_of_app ON request (app, expires);"
	"CREATE INDEX request_of_user ON request (user, id);"
	"CREATE INDEX request_of_device ON request (device, id);"
	"CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, user INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,"
	" device TEXT NOT NULL, fqdn TEXT);"
	"CREATE INDEX inbox_of ON inbox (user, id);";

/* Whose name an application has. What was there is there by the operator's word, and so is what he registers himself. */
static const char proofs[] =
	/* since: when it was first asked for; due_at: when it is to be asked for next; wishes: how often somebody wanted that at
	 * once; lapsed: it is suspended for want of it */
	"CREATE TABLE proof (app INTEGER PRIMARY KEY, token TEXT NOT NULL, by_word INTEGER NOT NULL, since INTEGER NOT NULL,"
	" due_at INTEGER NOT NULL DEFAULT 0, asked_at INTEGER NOT NULL DEFAULT 0, proven_at INTEGER NOT NULL DEFAULT 0,"
	" wishes INTEGER NOT NULL DEFAULT 0, said TEXT, why TEXT, lapsed INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX proof_due ON proof (by_word, due_at);"
	"INSERT INTO proof (app, token, by_word, since) SELECT id, lower(hex(randomblob(16))), 1, since FROM application;"
	"CREATE TRIGGER proof_of AFTER INSERT ON application BEGIN INSERT INTO proof (app, token, by_word, since)"
	" VALUES (NEW.id, lower(hex(randomblob(16))), NEW.state = 'approved', NEW.since); END;"
	"CREATE TRIGGER proof_of_none AFTER DELETE ON application BEGIN DELETE FROM proof WHERE app = OLD.id; END;";

/* Which application got a key of which bootstrap of a device. By its name: what was used stays known when the application is gone. */
static const char uses[] =
	"CREATE TABLE usage (device INTEGER NOT NULL, bootstrapped_at INTEGER NOT NULL, fqdn TEXT NOT NULL,"
	" first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, PRIMARY KEY (device, bootstrapped_at, fqdn)) WITHOUT ROWID;"
	"CREATE INDEX usage_at ON usage (last_at);"
	"CREATE TRIGGER usage_of_none AFTER DELETE ON device BEGIN DELETE FROM usage WHERE device = OLD.id; END;";

/* Who has said what of a device and of an application: each takes back his own, and `state` is what comes of all. What was said before is
 * the operator's; who had a device before is not known, so its user is shown what is used from now on. */
static const char words[] =
	"ALTER TABLE device ADD COLUMN by_operator TEXT NOT NULL DEFAULT 'active' CHECK (by_operator IN ('active', 'suspended', 'lost'));"
	"ALTER TABLE device ADD COLUMN by_user TEXT NOT NULL DEFAULT 'active' CHECK (by_user IN ('active', 'suspended', 'lost'));"
	"UPDATE device SET by_operator = state WHERE state <> 'active';"
	"CREATE TRIGGER device_state AFTER UPDATE OF by_operator, by_user ON device BEGIN UPDATE device SET state = CASE"
	" WHEN 'lost' IN (NEW.by_operator, NEW.by_user) THEN 'lost' WHEN 'suspended' IN (NEW.by_operator, NEW.by_user)"
	" THEN 'suspended' ELSE 'active' END WHERE id = NEW.id; END;"
	"ALTER TABLE device ADD COLUMN custodian_since INTEGER NOT NULL DEFAULT 0;"
	"UPDATE device SET custodian_since = unixepoch() WHERE custodian IS NOT NULL;"
	/* beside it proof.lapsed */
	"ALTER TABLE application ADD COLUMN by_operator TEXT NOT NULL DEFAULT 'approved' CHECK (by_operator IN ('applied', 'approved',"
	" 'suspended'));"
	"UPDATE application SET by_operator = state WHERE state <> 'approved' AND NOT EXISTS (SELECT 1 FROM proof WHERE app = id AND"
	" lapsed);"
	"CREATE TRIGGER application_state AFTER UPDATE OF by_operator ON application BEGIN UPDATE application SET state = CASE"
	" WHEN NEW.by_operator = 'approved' AND (SELECT lapsed FROM proof WHERE app = NEW.id) THEN 'suspended'"
	" ELSE NEW.by_operator END WHERE id = NEW.id; END;"
	"CREATE TRIGGER application_lapse AFTER UPDATE OF lapsed ON proof BEGIN UPDATE application SET by_operator = by_operator"
	" WHERE id = NEW.app; END;";

/* What is looked for as often as there are rows, found without looking at those of others: an ASP's page of one application, by the
 * pseudonyms it sees; what waits of one device or application, behind however many others. */
static const char pages[] =
	"ALTER TABLE granted ADD COLUMN uid TEXT;" /* the pseudonym, for its order */
	"UPDATE granted SET uid = (SELECT p.value FROM pseudonym p JOIN application a ON a.asp = p.asp WHERE a.id = granted.app"
	" AND p.device = granted.device);"
	"CREATE INDEX granted_of_uid ON granted (app, uid);"
	"CREATE TRIGGER granted_uid AFTER INSERT ON granted BEGIN UPDATE granted SET uid = (SELECT p.value FROM pseudonym p"
	" JOIN application a ON a.asp = p.asp WHERE a.id = NEW.app AND p.device = NEW.device) WHERE device = NEW.device"
	" AND app = NEW.app; END;"
	"CREATE TRIGGER pseudonym_uid AFTER UPDATE OF value ON pseudonym BEGIN UPDATE granted SET uid = NEW.value"
	" WHERE device = NEW.device AND app IN (SELECT id FROM application WHERE asp = NEW.asp); END;"
	"CREATE INDEX outbox_same ON outbox (device, fqdn, target, of_state, id);"
	"CREATE INDEX outbox_waiting ON outbox (target, id) WHERE refused IS NULL;";

/* It speaks for each name with one label more, too: a word of the operator's. */
static const char wildcards[] = "ALTER TABLE application ADD COLUMN wildcard INTEGER NOT NULL DEFAULT 0;";

/* Which application an event is about, whoever has its name later, and what it was called when it was deleted; and how many changes
 * an ASP or a user has made today. */
static const char events[] =
	"ALTER TABLE inbox ADD COLUMN app INTEGER;"
	"UPDATE inbox SET app = (SELECT a.id FROM application a WHERE a.fqdn = inbox.fqdn AND a.since <= inbox.at);"
	"CREATE INDEX inbox_of_app ON inbox (app) WHERE app IS NOT NULL;"
	"CREATE TABLE app_was (app INTEGER PRIMARY KEY, asp TEXT NOT NULL, title TEXT NOT NULL, gsid TEXT NOT NULL, public_id TEXT,"
	" aliases TEXT);"
	"CREATE TRIGGER application_was BEFORE DELETE ON application BEGIN INSERT INTO app_was SELECT OLD.id, OLD.asp, OLD.title,"
	" OLD.gsid, (SELECT public_id FROM asp WHERE name = OLD.asp), (SELECT group_concat(scheme || ':' || value, ' ') FROM alias"
	" WHERE app = OLD.id); DELETE FROM alias WHERE app = OLD.id; END;"
	"CREATE TABLE changes (role INTEGER NOT NULL, owner INTEGER NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY (role, owner)) WITHOUT ROWID;";

static const char *const steps[] = {
	first, parties, callers, requests, proofs, uses, words, pages, wildcards, events
}; /* from version N to N + 1 */
#define VERSION ((int64_t)(sizeof(steps) / sizeof(steps[0])))

int reg_schema_differs(sqlite3 *sql)
{
	int64_t is = 0;
	int rc = sql_int(sql, "PRAGMA user_version", &is);

	return rc < 0 ? rc : is > VERSION ? -ENOTSUP : is != VERSION;
}

int reg_schema_raise(sqlite3 *sql)
{
	char now[40];
	int64_t is = 0;
	int rc = sql_int(sql, "PRAGMA user_version", &is);

	if (rc == 0 && is > VERSION)
		return -ENOTSUP;
	for (; rc == 0 && is < VERSION; is++)
		rc = sql_exec(sql, steps[is]);
	snprintf(now, sizeof(now), "PRAGMA user_version = %d", (int)VERSION);
	return rc == 0 ? sql_exec(sql, now) : rc;
}
