/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_reseal.c
 *  A pass over all that is sealed in Redis, by SCAN. A subscriber's record lists the whole RAND of each of its sessions, which is bound to
 *  what is sealed there, so sealing anew goes by subscribers. A challenge cannot be sealed anew, only waited for: its nonce is not kept.
 *  Whatever has changed between reading and writing is left to the next pass. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>

#define SCAN_SEAL  "64"
#define SCAN_COUNT "512"
#define CURSOR_MAX 20 /* digits */
/* What is asked for of a record that is counted: as far as its KEK, whatever it is. */
#define COUNT_LAST "44" /* REDIS_SUBSCRIBER_AT - 1 */

static const char kept_key[] = "r";

/* One record of a step. */
struct one {
	struct store_req *r;
	char kind;
	uint8_t name[AKA_RAND_LEN]; /* s: its RAND; i: tag; others: nothing */
};

static struct reseal_came *came_of(const struct store_req *r)
{
	return &r->reseal->came;
}

/* What is sealed in a value. Empty: nothing is. */
static struct span sealed_in(char kind, struct span value)
{
	if (kind == 's')
		return record_sealed(value);
	return kind == 'i' ? redis_subscriber_sealed(value) : value;
}

static struct span reseal_key(uint8_t *key, const struct one *o)
{
	switch (o->kind) {
	case 's':
		return redis_key_session(key, o->name);
	case 'i':
		return redis_key_subscriber(key, o->name);
	default:
		return span_str(redis_meta_key);
	}
}

/* --- the end of a step */

static void refused(struct store_req *r, const struct redisReply *reply)
{
	if (reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOPERM", 6) == 0)
		came_of(r)->why = "the user of Redis may not: SCAN, GETRANGE, SET and DEL on r*";
}

static void step_kept(void *req, const struct redisReply *reply)
{
	refused(req, reply);
	redis_end(req, redis_errno(reply));
}

/* All of it is done: where it got to is kept. */
static void step_over(struct store_req *r)
{
	struct redis_part *p = r->st->part;
	struct reseal_came *came = came_of(r);
	char text[8 + CURSOR_MAX];
	int rc = r->rc;

	if (rc == 0 && r->reseal->what == RESEAL_SEAL) {
		snprintf(text, sizeof(text), "%u %.*s", seal_first(p->keys.seal), (int)came->at_len,
			 (const char *)came->at);
		rc = redis_link_call(p->link, 3, (struct span[]){ span_str("SET"), span_str(kept_key), span_str(text) },
				     step_kept, r);
		if (rc == 0)
			return;
	}
	redis_end(r, rc);
}

static void one_end(struct store_req *r, int rc)
{
	if (rc < 0 && r->rc == 0)
		r->rc = rc;
	if (--r->waiting == 0)
		step_over(r);
}

static int one_begin(struct store_req *r, char kind, struct span name, redis_reply_fn *got);

/* --- sealing anew */

static void swapped(void *one, const struct redisReply *reply)
{
	struct one *o = one;
	struct store_req *r = o->r;
	int rc = redis_errno(reply);

	came_of(r)->sealed += rc == 0 && reply->integer == 1;
	free(o);
	one_end(r, rc);
}

static int subscriber_again(struct redis_part *p, uint8_t *out, size_t cap, struct span value, struct span key)
{
	uint8_t sealed[IMPI_MAX + SEAL_OVERHEAD];
	struct redis_subscriber who;
	int n;

	if (!redis_subscriber_read(&who, value))
		return -EBADMSG;
	n = seal_again(p->keys.seal, sealed, sizeof(sealed), who.sealed, key);
	return n < 0 ? n : redis_subscriber_write(out, cap, &who, span_of(sealed, (size_t)n));
}

/* The same value with what is sealed in it sealed anew. \returns octets; as seal_again() */
static int value_again(const struct one *o, uint8_t *out, size_t cap, struct span value)
{
	struct redis_part *p = o->r->st->part;
	uint8_t key[REDIS_KEY_LEN];

	if (o->kind == 's')
		return record_reseal(out, cap, &p->keys, o->name, value);
	if (o->kind == 'm')
		return seal_again(p->keys.seal, out, cap, value, span_str(redis_meta_aad));
	return subscriber_again(p, out, cap, value, reseal_key(key, o));
}

/* \returns 0: swapped() comes; 1: it is lost; -errno */
static int swap(struct one *o, struct span value)
{
	struct redis_part *p = o->r->st->part;
	size_t cap = value.len + SEAL_OVERHEAD;
	uint8_t *new = malloc(cap), key[REDIS_KEY_LEN];
	int n = new ? value_again(o, new, cap, value) : -ENOMEM, rc = n;

	if (n >= 0)
		rc = redis_script_call(p->link, REDIS_SWAP, reseal_key(key, o), 2,
				       (struct span[]){ value, span_of(new, (size_t)n) }, swapped, o);
	free(new);
	return rc == -EBADMSG || rc == -ENOKEY ? 1 : rc;
}

/* Its sessions, first: they are found by it only. */
static int sessions_begin(struct store_req *r, struct span value, redis_reply_fn *got)
{
	struct redis_subscriber who;
	int rc = 0;

	if (!redis_subscriber_read(&who, value))
		return 0;
	for (size_t at = 0; rc == 0 && at + who.entry_len <= who.list.len; at += who.entry_len)
		rc = one_begin(r, 's', span_of(who.list.p + at, AKA_RAND_LEN), got);
	return rc;
}

static void seal_got(void *one, const struct redisReply *reply)
{
	struct one *o = one;
	struct store_req *r = o->r;
	struct redis_part *p = r->st->part;
	struct span value = redis_string(reply);
	int rc = redis_errno(reply);

	if (rc == 0 && o->kind == 'i')
		rc = sessions_begin(r, value, seal_got);
	if (rc == 0 && seal_is_due(p->keys.seal, sealed_in(o->kind, value))) {
		rc = swap(o, value);
		if (rc == 0)
			return;
		came_of(r)->lost += rc > 0 && seal_kek_id(sealed_in(o->kind, value)) != seal_first(p->keys.seal);
	}
	free(o);
	one_end(r, rc < 0 ? rc : 0);
}

/* --- counting */

static void count_got(void *one, const struct redisReply *reply)
{
	struct one *o = one;
	struct store_req *r = o->r;
	uint8_t kek = seal_kek_id(sealed_in(o->kind, redis_string(reply)));
	int rc = redis_errno(reply);

	refused(r, reply);
	if (rc == 0 && kek)
		came_of(r)->under[kek]++;
	free(o);
	one_end(r, rc);
}

/* --- walking */

static int one_begin(struct store_req *r, char kind, struct span name, redis_reply_fn *got)
{
	struct redis_part *p = r->st->part;
	struct one *o = calloc(1, sizeof(*o));
	uint8_t key[REDIS_KEY_LEN];
	int rc;

	if (!o)
		return -ENOMEM;
	o->r = r;
	o->kind = kind;
	memcpy(o->name, name.p, name.len < sizeof(o->name) ? name.len : sizeof(o->name));
	rc = redis_ask_key(p, reseal_key(key, o), got, o);
	if (rc < 0)
		free(o);
	r->waiting += rc == 0;
	return rc;
}

static int count_begin(struct store_req *r, struct span key)
{
	struct redis_part *p = r->st->part;
	struct one *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	o->r = r;
	o->kind = (char)key.p[0];
	rc = redis_link_call(p->link, 4,
			     (struct span[]){ span_str("GETRANGE"), key, span_str("0"), span_str(COUNT_LAST) },
			     count_got, o);
	if (rc < 0)
		free(o);
	r->waiting += rc == 0;
	return rc;
}

/* In "marks" nothing is sealed, and it is no string. */
static bool has_sealed(struct span key)
{
	return key.len > 1 ? memchr("sic", key.p[0], 3) != NULL : key.len && key.p[0] == 'm';
}

/* \returns 0, also where it is nothing of ours; -errno */
static int key_begin(struct store_req *r, struct span key)
{
	bool seals = r->reseal->what == RESEAL_SEAL;

	if (!has_sealed(key) || (seals && key.p[0] != 'i'))
		return 0;
	if (!seals)
		return count_begin(r, key);
	return key.len == 1 + RECORD_IMPI_TAG_LEN ? one_begin(r, 'i', span_of(key.p + 1, key.len - 1), seal_got) : 0;
}

static void scanned(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	struct reseal_came *came = came_of(r);
	struct span at = span_of(NULL, 0);
	int rc = redis_errno(reply);

	refused(r, reply);
	if (rc == 0 && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
		at = redis_string(reply->element[0]);
	if (rc == 0 && (at.len == 0 || at.len > CURSOR_MAX))
		rc = -EIO;
	for (size_t i = 0; rc == 0 && i < reply->element[1]->elements; i++)
		rc = key_begin(r, redis_string(reply->element[1]->element[i]));
	came->over = rc == 0 && span_eq(at, span_str("0"));
	came->at_len = came->over ? 0 : at.len;
	if (at.len)
		memcpy(came->at, at.p, came->at_len);
	one_end(r, rc);
}

static int scan(struct redis_part *p, struct store_req *r)
{
	struct span at = r->reseal->at_len ? span_of(r->reseal->at, r->reseal->at_len) : span_str("0");

	if (r->reseal->what == RESEAL_COUNT)
		return redis_link_call(p->link, 4,
				       (struct span[]){ span_str("SCAN"), at, span_str("COUNT"), span_str(SCAN_COUNT) },
				       scanned, r);
	return redis_link_call(p->link, 6,
			       (struct span[]){ span_str("SCAN"), at, span_str("COUNT"), span_str(SCAN_SEAL),
						span_str("MATCH"), span_str("i*") },
			       scanned, r);
}

/* --- what is kept */

static void loaded(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	struct reseal_came *came = came_of(r);
	struct span s = redis_string(reply);
	char text[8 + CURSOR_MAX], *cursor;

	refused(r, reply);
	came->begun = s.len != 0;
	/* a pass to another KEK begins anew */
	if (span_to_str(text, sizeof(text), s) == 0 &&
	    strtoul(text, &cursor, 10) == seal_first(((struct redis_part *)r->st->part)->keys.seal) && *cursor == ' ') {
		came->at_len = strlen(cursor + 1);
		memcpy(came->at, cursor + 1, came->at_len);
	}
	redis_end(r, redis_errno(reply));
}

static void kept_deleted(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	struct redis_part *p = r->st->part;
	uint8_t ids[SEAL_KEKS_MAX];
	int rc = redis_errno(reply);

	refused(r, reply);
	if (rc == 0)
		rc = redis_script_call(p->link, REDIS_KEKS, span_str(redis_keks_key), 2,
				       (struct span[]){ redis_keks(p, ids), span_str("only") }, step_kept, r);
	if (rc < 0)
		redis_end(r, rc);
}

int redis_reseal(struct redis_part *p, struct store_req *r)
{
	char id[17];
	int rc = 0;

	snprintf(id, sizeof(id), "%.16s", p->run_id);
	came_of(r)->master = strtoull(id, NULL, 16);
	if (r->reseal->what == RESEAL_LOAD)
		return redis_ask_key(p, span_str(kept_key), loaded, r);
	if (r->reseal->what == RESEAL_END)
		return redis_link_call(p->link, 2, (struct span[]){ span_str("DEL"), span_str(kept_key) }, kept_deleted,
				       r);
	r->waiting = 1;
	rc = scan(p, r);
	if (rc == 0 && r->reseal->what == RESEAL_SEAL && r->reseal->at_len == 0)
		(void)one_begin(r, 'm', span_of("", 0), seal_got);
	return rc;
}
