/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_find.c
 *  Looking for a session by its B-TID, and for a subscriber by its TMPI, on Redis. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>

static int session_open(struct store_req *r, struct span value)
{
	struct redis_part *p = r->st->part;
	struct record_head h;
	struct gba_session s;
	int rc = record_head_read(&h, value);

	if (rc == 0 && h.kind != RECORD_SESSION)
		return -ENOENT;
	if (rc == 0)
		rc = record_read(&s, &p->keys, r->key.btid.rand, value);
	if (rc == -ENOMEM)
		return -EIO;
	if (rc < 0) {
		atomic_fetch_add(&p->shared->corrupt, 1);
		store_unreadable(r->key.btid.rand);
		return -ENOENT;
	}
	if (!s.ks.len || !store_session_is(&p->shared->sh, &s, &r->key.btid, store_now_s(r->st))) {
		gba_session_clear(&s);
		return -ENOENT;
	}
	r->session = s; /* with its reference */
	secret_clear(&s.ks);
	return 0;
}

static void got(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0)
		rc = reply->type == REDIS_REPLY_NIL ? -ENOENT : session_open(r, redis_string(reply));
	redis_end(r, rc);
}

int redis_get(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN];

	return redis_ask_key(p, redis_key_session(key, r->key.btid.rand), got, r);
}

/* A subscriber's record: is it the one with this TMPI? */
static int subscriber_open(struct store_req *r, struct span v)
{
	struct redis_part *p = r->st->part;
	uint8_t key[REDIS_KEY_LEN], plain[IMPI_MAX + 1];
	struct span k = redis_key_subscriber(key, r->head.impi_tag);
	struct redis_subscriber who;
	int n;

	if (!redis_subscriber_read(&who, v) || !who.tmpi || memcmp(who.tmpi, r->key.tmpi, TMPI_LEN))
		return -ENOENT;
	n = seal_open(p->keys.seal, plain, sizeof(plain) - 1, who.sealed, k);
	return n > 0 && gba_impi_whole(&r->impi, span_of(plain, (size_t)n)) == 0 ? 0 : -ENOENT;
}

static void subscriber(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	redis_end(r, rc < 0 ? rc : subscriber_open(r, redis_string(reply)));
}

static void tag_found(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	struct span tag = redis_string(reply);
	uint8_t key[REDIS_KEY_LEN];
	int rc = redis_errno(reply);

	if (rc == 0 && tag.len != RECORD_IMPI_TAG_LEN)
		rc = -ENOENT;
	if (rc == 0) {
		memcpy(r->head.impi_tag, tag.p, tag.len);
		rc = redis_ask_key(r->st->part, redis_key_subscriber(key, r->head.impi_tag), subscriber, r);
	}
	if (rc < 0)
		redis_end(r, rc);
}

int redis_find_tmpi(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN];

	return redis_ask_key(p, redis_key(key, 't', span_of(r->key.tmpi, TMPI_LEN)), tag_found, r);
}
