/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "common/base/b64.h"
#include "common/crypto/evp.h"
#include "common/crypto/rng.h"
#include "common/gba/btid.h"
#include "reg/reg_audit.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define STALE_S 600

static const char *const roles[] = { "anyone", "operator", "asp", "user" };

/* --- hashes */

static int proof_of(uint8_t out[REG_PROOF_LEN], const char *kind, const char *what)
{
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();

	return a && t && EVP_DigestInit_ex2(t->md, a->sha256, NULL) && EVP_DigestUpdate(t->md, kind, strlen(kind)) &&
			       EVP_DigestUpdate(t->md, what, strlen(what)) && EVP_DigestFinal_ex(t->md, out, NULL)
		       ? 0
		       : -EIO;
}

int reg_proof_of_token(uint8_t out[REG_PROOF_LEN], const char *token)
{
	return proof_of(out, "token ", token);
}

int reg_proof_of_name(uint8_t out[REG_PROOF_LEN], const char *name)
{
	return proof_of(out, "certificate ", name);
}

/* --- who is it */

int reg_token_find(struct reg_db *db, const uint8_t proof[REG_PROOF_LEN], struct reg_caller *out, int64_t *token,
		   bool *stale)
{
	struct span p = span_of(proof, REG_PROOF_LEN);
	int64_t now = time(NULL), role;
	sqlite3_stmt *q;
	int rc =
		reg_db_ask(db, &q,
			   "SELECT t.id, t.role, t.owner, coalesce(a.name, u.name, t.name), coalesce(t.used, 0), t.hash"
			   " FROM token t LEFT JOIN asp a ON t.role = 2 AND a.id = t.owner AND a.state <> 'deleted'"
			   " LEFT JOIN user u ON t.role = 3 AND u.id = t.owner WHERE t.hash = ?1 AND"
			   " (t.expires IS NULL OR t.expires > ?2) AND (t.role = 1 OR a.id OR u.id)",
			   "bi", &p, now);

	if (rc <= 0)
		return rc;
	*token = sqlite3_column_int64(q, 0);
	role = sqlite3_column_int64(q, 1);
	*out = (struct reg_caller){ .role = (enum reg_role)role, .id = sqlite3_column_int64(q, 2) };
	snprintf(out->name, sizeof(out->name), "%s %s", roles[role], (const char *)sqlite3_column_text(q, 3));
	*stale = sqlite3_column_int64(q, 4) < now - STALE_S;
	rc = sqlite3_column_bytes(q, 5) == REG_PROOF_LEN &&
	     CRYPTO_memcmp(sqlite3_column_blob(q, 5), proof, REG_PROOF_LEN) == 0;
	reg_db_end(q);
	return rc;
}

int reg_token_used(struct reg_order *o, struct reg_db *db)
{
	return reg_db_do(db, "UPDATE token SET used = ?2 WHERE id = ?1", "ii", (int64_t)(intptr_t)o->data,
			 (int64_t)time(NULL));
}

/* --- one more */

static int random_text(char out[REG_TOKEN_TEXT + 1])
{
	char padded[B64_LEN(REG_PROOF_LEN) + 1];
	SECRET_AUTO s = { .len = REG_PROOF_LEN };

	if (rng_fill(s.b, s.len) < 0 || b64_encode(padded, sizeof(padded), s.b, s.len) < 0)
		return -EIO;
	for (char *p = padded; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	memcpy(out, padded, REG_TOKEN_TEXT);
	out[REG_TOKEN_TEXT] = '\0';
	OPENSSL_cleanse(padded, sizeof(padded));
	return 0;
}

struct row {
	char id[REG_NAME + 1];
	enum reg_role role;
	int64_t owner;
	const char *label, *certificate; /* NULL: none */
	int64_t expires;                 /* 0: never */
};

static int row_insert(struct reg_db *db, struct row *r, const uint8_t proof[REG_PROOF_LEN])
{
	struct span p = span_of(proof, REG_PROOF_LEN);

	if (reg_name_make(r->id) < 0)
		return -EIO;
	return reg_db_do(db,
			 "INSERT INTO token (name, hash, role, owner, label, certificate, since, expires)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0))",
			 "tbiittii", r->id, &p, (int64_t)r->role, r->owner, r->label, r->certificate,
			 (int64_t)time(NULL), r->expires);
}

static int token_insert(struct reg_db *db, struct row *r, char out[REG_TOKEN_TEXT + 1])
{
	uint8_t proof[REG_PROOF_LEN];
	int rc = random_text(out);

	if (rc == 0)
		rc = reg_proof_of_token(proof, out);
	return rc == 0 ? row_insert(db, r, proof) : rc;
}

int reg_token_make(struct reg_db *db, enum reg_role role, int64_t owner, const char *label,
		   char out[REG_TOKEN_TEXT + 1])
{
	struct row r = { .role = role, .owner = owner, .label = label };

	return token_insert(db, &r, out);
}

/* --- whose */

static int role_named(const char *name)
{
	for (int i = REG_OPERATOR; i <= REG_USER; i++) {
		if (strcmp(roles[i], name) == 0)
			return i;
	}
	return -1;
}

/* Of an owner that an operator names. */
static int owner_named(struct reg_order *o, struct reg_db *db, struct row *r, const char *owner)
{
	int rc;

	if (r->role == REG_OPERATOR)
		return owner ? reg_refuse(o, CTL_INVALID, "owner", "an operator's token has no owner; allowed: none")
			     : 0;
	if (!owner)
		return reg_refuse(o, CTL_INVALID, "owner",
				  "whose it is is missing; allowed: name of an ASP, id of a user");
	rc = reg_db_int(db, &r->owner,
			r->role == REG_ASP ? "SELECT id FROM asp WHERE name = ?1 AND state <> 'deleted'"
					   : "SELECT id FROM user WHERE name = ?1",
			"t", owner);
	return rc == 0 ? reg_refuse(o, CTL_UNKNOWN, "owner", "there is no such %s", roles[r->role]) : rc;
}

/* For itself anybody; for others, and by certificate, an operator. */
static int whose(struct reg_order *o, struct reg_db *db, struct row *r)
{
	const char *role = reg_in(o, "role"), *owner = reg_in(o, "owner");
	int is = role ? role_named(role) : (int)o->caller.role;

	if (is < 0)
		return reg_refuse(o, CTL_INVALID, "role", "that is no role; allowed: operator, asp, user");
	r->role = (enum reg_role)is;
	if (o->caller.role == REG_OPERATOR)
		return owner_named(o, db, r, owner);
	if (r->role != o->caller.role || owner || r->certificate)
		return reg_refuse(o, CTL_FORBIDDEN,
				  r->role != o->caller.role ? "role"
				  : owner                   ? "owner"
							    : "certificate",
				  "only an operator gives that; allowed: a token for yourself");
	r->owner = o->caller.id;
	return 0;
}

/* Those that are over are none any more. */
static int not_too_many(struct reg_order *o, struct reg_db *db, const struct row *r)
{
	int64_t n = 0;
	int rc = reg_db_do(db, "DELETE FROM token WHERE role = ?1 AND owner = ?2 AND expires <= ?3", "iii",
			   (int64_t)r->role, r->owner, (int64_t)time(NULL));

	if (rc == 0)
		rc = reg_db_int(db, &n, "SELECT count(*) FROM token WHERE role = ?1 AND owner = ?2", "ii",
				(int64_t)r->role, r->owner);

	if (rc > 0 && n >= REG_TOKENS_MAX)
		return reg_refuse(o, CTL_EXISTS, NULL, "it has %d tokens; allowed: revoke one", REG_TOKENS_MAX);
	return rc < 0 ? rc : 0;
}

static int by_name(struct reg_order *o, struct reg_db *db, struct row *r)
{
	uint8_t proof[REG_PROOF_LEN];
	int rc;

	if (!fqdn_valid(span_str(r->certificate), 253) || strpbrk(r->certificate, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return reg_refuse(o, CTL_INVALID, "certificate",
				  "that is no dNSName; allowed: a DNS name in lower case");
	rc = reg_proof_of_name(proof, r->certificate);
	if (rc == 0)
		rc = row_insert(db, r, proof);
	if (rc == -EEXIST)
		return reg_refuse(o, CTL_EXISTS, "certificate",
				  "that name stands for somebody; allowed: another one, or revoke it");
	if (rc == 0)
		o->answer = json_pack("{ssss}", "id", r->id, "role", roles[r->role]);
	return rc;
}

static int by_token(struct reg_order *o, struct reg_db *db, struct row *r)
{
	char text[REG_TOKEN_TEXT + 1];
	int rc = token_insert(db, r, text);

	if (rc == 0)
		o->answer = json_pack("{ssssss}", "id", r->id, "role", roles[r->role], "token", text);
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

int reg_token_add(struct reg_order *o, struct reg_db *db)
{
	struct row r = { .label = reg_in(o, "name"), .certificate = reg_in(o, "certificate") };
	json_int_t in_s = json_integer_value(json_object_get(o->in, "expires_in"));
	char what[64 + REG_NAME];
	int rc = reg_scope_not_applied(o, db);

	if (rc == 0)
		rc = whose(o, db, &r);
	r.expires = in_s ? time(NULL) + in_s : 0;
	if (rc >= 0)
		rc = not_too_many(o, db, &r);
	if (rc == 0)
		rc = r.certificate ? by_name(o, db, &r) : by_token(o, db, &r);
	snprintf(what, sizeof(what), "%s add %s %s", r.certificate ? "certificate" : "token", roles[r.role], r.id);
	return rc < 0 ? rc : reg_audit_add(db, o->caller.name, what, 0, NULL);
}

/* --- list and revoke: one's own; an operator's all */

#define LISTED \
	"SELECT t.name AS id, t.name AS _key, CASE t.role WHEN 1 THEN 'operator' WHEN 2 THEN 'asp' ELSE 'user' END AS role," \
	" coalesce(a.name, u.name) AS owner, t.label AS name, t.certificate, t.since, t.expires, t.used FROM token t" \
	" LEFT JOIN asp a ON t.role = 2 AND a.id = t.owner LEFT JOIN user u ON t.role = 3 AND u.id = t.owner" \
	" WHERE t.name > ?1"
#define IN_PAGES " ORDER BY t.name LIMIT ?2"

int reg_token_list(struct reg_order *o, struct reg_db *db)
{
	if (o->caller.role == REG_OPERATOR)
		return reg_answer_page(o, db, "tokens", LISTED IN_PAGES, 0);
	return reg_answer_page(o, db, "tokens",
			       o->caller.role == REG_ASP ? LISTED " AND t.role = 2 AND t.owner = ?3" IN_PAGES
							 : LISTED " AND t.role = 3 AND t.owner = ?3" IN_PAGES,
			       o->caller.id);
}

int reg_token_revoke(struct reg_order *o, struct reg_db *db)
{
	const char *id = reg_in(o, "token");
	char what[64 + REG_NAME];
	int64_t row;
	int rc = reg_db_int(db, &row, "SELECT id FROM token WHERE name = ?1 AND (?2 = 1 OR (role = ?2 AND owner = ?3))",
			    "tii", id, (int64_t)o->caller.role, o->caller.id);

	if (rc == 0)
		return reg_refuse(o, CTL_UNKNOWN, "token", "there is no such token");
	if (rc > 0)
		rc = reg_db_do(db, "DELETE FROM token WHERE id = ?1", "i", row);
	snprintf(what, sizeof(what), "token revoke %.*s", REG_NAME, id);
	return rc < 0 ? rc : reg_audit_add(db, o->caller.name, what, 0, NULL);
}
