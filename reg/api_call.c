/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/rt/log_cat.h"
#include "reg/reg_ahead.h"
#include "reg/reg_bound.h"
#include "reg/reg_operations.h"
#include "reg/reg_work.h"

struct api_call *api_call_new(void)
{
	struct api_call *c = calloc(1, sizeof(*c));

	if (c)
		c->if_match = REG_MATCH_NONE;
	return c;
}

void api_call_free(struct api_call *c)
{
	if (!c)
		return;
	json_decref(c->in);
	json_decref(c->answer.body);
	free(c);
}

void api_answer_problem(struct api_answer *a, unsigned status, const char *field, const char *detail,
			const char *allowed)
{
	if (a->status)
		return;
	a->status = status;
	snprintf(a->field, sizeof(a->field), "%s", field);
	snprintf(a->detail, sizeof(a->detail), "%s", detail);
	snprintf(a->allowed, sizeof(a->allowed), "%s", allowed);
}

/* On the thread of the database: refused by this file, with a status of its own. */
static int no(struct reg_order *o, unsigned status, const char *field, const char *detail, const char *allowed)
{
	struct api_call *c = o->data;

	api_answer_problem(&c->answer, status, field, detail, allowed);
	return reg_refuse(o, CTL_FORBIDDEN, NULL, "%s", detail);
}

/* --- who asks, and may he */

static int find_caller(struct api_call *c, struct reg_order *o, struct reg_db *db)
{
	bool stale = false;
	int64_t token;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->n_proofs; i++)
		rc = reg_token_find(db, c->proof[i], &o->caller, &token, &stale);
	if (rc < 0)
		return rc;
	if (rc == 0 && c->shown)
		return no(o, 401, "Authorization", "what was shown stands for nobody: never given, revoked, or over",
			  "");
	if (rc == 0)
		snprintf(o->caller.name, sizeof(o->caller.name), "anyone");
	c->known = rc > 0;
	c->used = rc > 0 && stale ? token : 0;
	return 0;
}

static int may_call(struct api_call *c, struct reg_order *o)
{
	if (c->op->roles & (1u | 1u << o->caller.role))
		return 0;
	return c->known ? no(o, 403, "", "the role of who asks may not call this operation", "")
			: no(o, 401, "Authorization", "this operation wants to know who asks", "");
}

/* --- sent again */

#define KEPT_MAX 1048576 /* octets of an answer */

static int open_kept(struct reg_order *o, struct reg_db *db, struct span sealed, struct span aad)
{
	uint8_t *text = malloc(sealed.len + 1);
	int n = text ? seal_open(db->seal, text, sealed.len, sealed, aad) : -ENOMEM;
	json_t *kept = n >= 0 ? json_loadb((char *)text, (size_t)n, 0, NULL) : NULL;

	free(text);
	if (!kept)
		return -EIO;
	o->revision = json_integer_value(json_object_get(kept, "revision"));
	o->answer = json_incref(json_object_get(kept, "answer"));
	json_decref(kept);
	return 1;
}

/* \returns 1: answered as before; 0: it is new */
static int find_kept(struct api_call *c, struct reg_order *o, struct reg_db *db)
{
	char aad[REG_BOUND_MAX];
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT digest, answer FROM kept WHERE who = ?1 AND key = ?2 AND at > ?3", "tti",
			    o->caller.name, c->key, (int64_t)time(NULL) - API_KEPT_S);

	if (rc <= 0)
		return rc;
	if (sqlite3_column_bytes(q, 0) != sizeof(c->digest) ||
	    memcmp(sqlite3_column_blob(q, 0), c->digest, sizeof(c->digest)) != 0)
		rc = no(o, 422, "Idempotency-Key", "the key came with another request within 24 hours", "another key");
	else
		rc = open_kept(o, db, span_of(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1)),
			       reg_db_bound_answer(aad, o->caller.name, c->key));
	reg_db_end(q);
	return rc;
}

static int seal_answer(struct reg_order *o, struct reg_db *db, struct span aad, uint8_t **out, size_t *len)
{
	json_t *kept = json_pack("{sO?sI}", "answer", o->answer, "revision", (json_int_t)o->revision);
	char *text = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
	size_t cap = text ? strlen(text) + SEAL_OVERHEAD : 0;
	int n = -ENOMEM;

	*out = text && cap <= KEPT_MAX ? malloc(cap) : NULL;
	if (*out)
		n = seal_put(db->seal, *out, cap, span_str(text), aad);
	free(text);
	json_decref(kept);
	*len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? n : 0;
}

static int keep_answer(struct api_call *c, struct reg_order *o, struct reg_db *db)
{
	struct span digest = span_of(c->digest, sizeof(c->digest)), sealed;
	char aad[REG_BOUND_MAX];
	uint8_t *octets = NULL;
	size_t len;
	int rc = seal_answer(o, db, reg_db_bound_answer(aad, o->caller.name, c->key), &octets, &len);

	sealed = span_of(octets, len);
	if (rc == 0)
		rc = reg_db_do(db,
			       "INSERT OR REPLACE INTO kept (who, key, digest, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)",
			       "ttbbi", o->caller.name, c->key, &digest, &sealed, (int64_t)time(NULL));
	free(octets);
	return rc;
}

int api_call_expire(struct reg_db *db)
{
	return reg_db_do(db, "DELETE FROM kept WHERE at <= ?1", "i", (int64_t)time(NULL) - API_KEPT_S);
}

/* Those of yesterday go, and there are not too many. */
static int room_to_keep(struct reg_order *o, struct reg_db *db)
{
	int64_t n = 0;
	int rc = api_call_expire(db);

	if (rc == 0)
		rc = reg_db_int(db, &n, "SELECT count(*) FROM kept WHERE who = ?1", "t", o->caller.name);
	if (rc > 0 && n >= API_KEPT_MAX)
		return no(o, 429, "Idempotency-Key", "too many keys within 24 hours", "requests without a key");
	return rc < 0 ? rc : 0;
}

/* There is no more of what ends something than of what began; and it is refused to nobody. What a POST calls state is the text of an
 * ASP that comes back to it (POST /requests), not what something becomes. */
static bool only_ends(const struct api_call *c, const struct reg_order *o)
{
	static const char *const agrees[] = { "agree", "asp_agrees", "user_agrees" };
	const char *state = strcmp(c->op->method, "PUT") == 0 ? reg_in(o, "state") : NULL;

	if (strcmp(c->op->method, "DELETE") == 0 || (state && strcmp(state, "active") != 0))
		return true;
	for (size_t i = 0; i < sizeof(agrees) / sizeof(agrees[0]); i++) {
		if (json_is_false(json_object_get(o->in, agrees[i])))
			return true;
	}
	return false;
}

static int work_within_bound(struct api_call *c, struct reg_order *o, struct reg_db *db)
{
	const struct reg_operation *op = c->op->order;
	int rc;

	if (!op->writes || only_ends(c, o))
		return op->work(o, db);
	rc = reg_bound_work(o, db, op->work);
	if (rc != -EDQUOT)
		return rc;
	c->answer.retry_s = (unsigned)(REG_BOUND_DAY_S - time(NULL) % REG_BOUND_DAY_S);
	return no(o, 429, "", "as many changes were made today as may be",
		  "what ends something, and all of it tomorrow");
}

static int once(struct api_call *c, struct reg_order *o, struct reg_db *db)
{
	int rc;

	if (!c->key[0])
		return work_within_bound(c, o, db);
	if (!c->known)
		return no(o, 400, "Idempotency-Key", "nobody is known for whom it could be kept",
			  "no key without a token");
	rc = find_kept(c, o, db);
	if (rc == 0) {
		rc = room_to_keep(o, db);
		if (rc == 0)
			rc = work_within_bound(c, o, db);
		if (rc >= 0)
			rc = keep_answer(c, o, db);
	}
	return rc < 0 ? rc : 0;
}

/* --- the order */

static int api_work(struct reg_order *o, struct reg_db *db)
{
	struct api_call *c = o->data;
	int rc = find_caller(c, o, db);

	if (rc == 0)
		rc = may_call(c, o);
	if (rc == 0 && c->refused.status) {
		c->answer = c->refused;
		rc = reg_refuse(o, CTL_INVALID, NULL, "%s", c->refused.detail);
	}
	return rc < 0 ? rc : once(c, o, db);
}

/* What others are asked before is nothing for who may not order it. */
static int api_ahead(struct reg_order *o, struct reg_db *db)
{
	struct api_call *c = o->data;
	const struct reg_operation *op = c->op->order;
	int rc = find_caller(c, o, db);

	if (rc == 0)
		rc = may_call(c, o);
	return rc == 0 ? reg_ahead_of(op->work)(o, db) : rc;
}

int api_openapi_show(struct reg_order *o, struct reg_db *db)
{
	o->answer = json_loads(api_openapi, 0, NULL);
	return o->answer ? 0 : -ENOMEM;
}

int api_call_give(struct api_call *c, struct reg_work *writer, struct reg_work *reader,
		  void (*ended)(struct reg_order *o))
{
	const struct reg_operation *op = c->op->order;
	struct reg_order *o = reg_order_new(api_work, c->in);
	int rc;

	c->in = NULL;
	if (!o)
		return -ENOMEM;
	o->if_match = c->if_match;
	o->data = c;
	o->ended = ended;
	/* what is refused anyway keeps nobody's change waiting */
	if (reg_ahead_of(op->work) && !c->refused.status)
		rc = reg_ahead_give(api_ahead, o);
	else
		rc = reg_work_give(op->writes && !c->refused.status ? writer : reader, o);
	if (rc < 0)
		reg_order_free(o);
	return rc;
}

/* --- what came out of it */

static unsigned status_of(enum ctl_word word)
{
	static const unsigned statuses[] = {
		[CTL_SYNTAX] = 400, [CTL_INVALID] = 422,   [CTL_UNKNOWN] = 404, [CTL_EXISTS] = 409,   [CTL_BUSY] = 503,
		[CTL_FAILED] = 500, [CTL_FORBIDDEN] = 403, [CTL_CHANGED] = 412, [CTL_CONFLICT] = 409,
	};

	return word < sizeof(statuses) / sizeof(statuses[0]) && statuses[word] ? statuses[word] : 500;
}

/* Is it a parameter? Then its name is the field; of the body a pointer is. */
static bool is_param(const struct api_op *op, const char *name)
{
	for (size_t i = 0; i < op->n_params; i++) {
		if (strcmp(op->params[i].name, name) == 0)
			return true;
	}
	return false;
}

static void refused_by_order(struct api_call *c, const struct reg_order *o)
{
	const char *allowed = strstr(o->err.text, "; allowed: ");
	char field[256] = "", detail[ERR_MAX];

	if (o->word == CTL_FAILED) { /* for the operator, not for who asks */
		LOGT(DSTORE, LOGL_ERROR, "api: %s: %s\n", c->op->id, o->err.text);
		api_answer_problem(&c->answer, 500, "", "the registry cannot do it now; its log says why", "");
		return;
	}
	if (o->field)
		snprintf(field, sizeof(field), "%s%s", is_param(c->op, o->field) ? "" : "/", o->field);
	snprintf(detail, sizeof(detail), "%.*s", (int)(allowed ? allowed - o->err.text : ERR_MAX), o->err.text);
	api_answer_problem(&c->answer, status_of(o->word), field, detail,
			   allowed ? allowed + strlen("; allowed: ") : "");
	if (c->answer.status == 503)
		c->answer.retry_s = 1;
}

void api_call_ended(struct api_call *c, struct reg_order *o)
{
	if (o->rc < 0) {
		refused_by_order(c, o);
		return;
	}
	c->answer.status = c->op->status;
	c->answer.body = o->answer;
	o->answer = NULL;
	c->answer.revision = o->revision;
}
