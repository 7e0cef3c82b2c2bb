/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_challenge.c
 *  Challenges on Redis: put once, taken once by whichever process asks. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <hiredis/hiredis.h>

#include "common/base/clock.h"

#define CHALLENGE_MAX (GBA_RECORD_MAX + 1024)

static const char taken[] = "T";

static void put_done(void *req, const struct redisReply *r)
{
	int rc = redis_errno(r);

	if (rc == 0 && r->type == REDIS_REPLY_NIL)
		rc = -EEXIST;
	redis_step_end(req, rc);
}

static void challenge_counted(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0 && reply->integer > (long long)r->count_max)
		rc = -EDQUOT;
	redis_step_end(r, rc);
}

static int challenge_count(struct redis_part *p, struct store_req *r)
{
	int rc = r->count_len ? redis_count(p, r, (int64_t)r->count_s * 1000, challenge_counted) : 0;

	r->waiting += r->count_len && rc == 0;
	return rc;
}

int redis_challenge_put(struct redis_part *p, struct store_req *r)
{
	BUFFER_UNCLEARED uint8_t plain[CHALLENGE_MAX], sealed[CHALLENGE_MAX + SEAL_OVERHEAD];
	struct span nonce = gba_challenge_key(&r->challenge);
	uint8_t key[REDIS_KEY_LEN];
	char until[24];
	int n, len;

	r->challenge.expires_mono_ms += (uint64_t)p->clock_ms; /* as the store counts it */
	n = gba_challenge_pack(plain, sizeof(plain), &r->challenge);
	if (n < 0)
		return -ENOSPC;
	len = seal_put(p->keys.seal, sealed, sizeof(sealed), span_of(plain, (size_t)n), nonce);
	OPENSSL_cleanse(plain, (size_t)n);
	if (len < 0)
		return -ENOSPC;
	/* there it is over after this ms, here with it */
	snprintf(until, sizeof(until), "%" PRIu64, r->challenge.expires_mono_ms - 1);
	n = redis_link_call(p->link, 6,
			    (struct span[]){ span_str("SET"), redis_key_challenge(key, nonce),
					     span_of(sealed, (size_t)len), span_str("PXAT"), span_str(until),
					     span_str("NX") },
			    put_done, r);
	if (n < 0)
		return n;
	r->waiting = 1;
	if (challenge_count(p, r) < 0)
		r->rc = -EBUSY; /* it is put, and not sent to anybody */
	return 0;
}

/* \returns as store_challenge_take() */
static int challenge_open(struct store_req *r, struct span value)
{
	BUFFER_UNCLEARED uint8_t plain[CHALLENGE_MAX];
	struct redis_part *p = r->st->part;
	struct gba_challenge c;
	int len = seal_content_len(value), rc;

	if (span_eq(value, span_str(taken)))
		return -EALREADY;
	if (len < 0 || (size_t)len > sizeof(plain))
		return -ENOENT;
	rc = seal_open(p->keys.seal, plain, sizeof(plain), value, gba_challenge_key(&r->challenge));
	if (rc >= 0)
		rc = gba_challenge_unpack(&c, plain, (size_t)len);
	OPENSSL_cleanse(plain, (size_t)len);
	if (rc < 0)
		return rc == -ENOMEM ? -EIO : -ENOENT;
	c.expires_mono_ms -= (uint64_t)p->clock_ms;
	if (c.expires_mono_ms <= clock_mono_ms()) {
		gba_challenge_clear(&c);
		return -ENOENT;
	}
	memcpy(c.key, r->challenge.key, r->challenge.key_len);
	c.key_len = r->challenge.key_len;
	r->challenge = c; /* with its reference */
	secret_clear(&c.aka.ks);
	secret_clear(&c.aka.xres);
	return 0;
}

static void take_done(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0)
		rc = reply->type == REDIS_REPLY_NIL ? -ENOENT : challenge_open(r, redis_string(reply));
	redis_end(r, rc);
}

int redis_challenge_take(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN];

	return redis_link_call(p->link, 6,
			       (struct span[]){ span_str("SET"),
						redis_key_challenge(key, gba_challenge_key(&r->challenge)),
						span_str(taken), span_str("XX"), span_str("GET"), span_str("KEEPTTL") },
			       take_done, r);
}
