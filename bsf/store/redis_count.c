/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_count.c
 *  What all processes count together on Redis: challenges of a subscriber, and uses of a session where an application's are bounded. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <hiredis/hiredis.h>

#define COUNT_TAG_LEN 12
#define USE_SLACK_MS  (3600ll * 1000) /* by whichever clock the session is judged, its uses are there */

void redis_count_key(struct store_req *r, const struct store_count *count)
{
	struct redis_part *p = r->st->part;
	uint8_t mac[32];

	if (!p->keys.index_key.len || seal_index(mac, &p->keys.index_key, count->of) < 0)
		return; /* nothing can be asked either */
	r->count_len = redis_key(r->count_key, 'n', span_of(mac, COUNT_TAG_LEN)).len;
	r->count_max = count->n;
	r->count_s = count->per_s;
}

/* The first of a window says how long it is; one that came without is given its end by the next. */
int redis_count(struct redis_part *p, struct store_req *r, int64_t for_ms, redis_reply_fn *fn)
{
	struct span key = span_of(r->count_key, r->count_len);
	char ms[24];
	int rc = redis_link_call(p->link, 2, (struct span[]){ span_str("INCR"), key }, fn, r);

	if (rc < 0)
		return rc;
	snprintf(ms, sizeof(ms), "%" PRId64, for_ms);
	(void)redis_link_call(p->link, 4, (struct span[]){ span_str("PEXPIRE"), key, span_str(ms), span_str("NX") },
			      NULL, NULL);
	return 0;
}

static void use_counted(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0 && (reply->type != REDIS_REPLY_INTEGER || reply->integer < 1))
		rc = -EIO;
	if (rc == 0)
		r->uses = reply->integer < UINT32_MAX ? (uint32_t)reply->integer : UINT32_MAX;
	redis_end(r, rc);
}

int redis_use(struct redis_part *p, struct store_req *r)
{
	int64_t left_ms = (r->session.expires_at - store_now_s(r->st)) * 1000;

	if (left_ms <= 0)
		return -ENOENT;
	return r->count_len ? redis_count(p, r, left_ms + USE_SLACK_MS, use_counted) : -ENOTCONN;
}
