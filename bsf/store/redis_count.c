/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_count.c
 *  What all processes count together on Redis: challenges of a subscriber, and uses of a session where an application's are bounded. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>

#define COUNT_TAG_LEN 12
#define USE_SLACK_MS  (3600 * 1000) /* by whichever clock the session is judged, its uses are there */
#define USE_AHEAD_MS  5000          /* more no two clocks differ that are used */

static const char uses_key[] = "bu";

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

/* What the last master had counted last, this one may never have heard of. What is to be made yet was
 * made by a clock that was wrong. */
static bool use_is_known(const struct redis_part *p, const struct store_req *r)
{
	return r->session.made_ms >= p->uses_since_ms && r->session.made_ms <= store_clock_ms(r->st) + USE_AHEAD_MS;
}

/* \param[in] n this one too */
static uint32_t use_number(const struct store_req *r, long long n)
{
	return n < UINT32_MAX && use_is_known(r->st->part, r) ? (uint32_t)n : UINT32_MAX;
}

/* Not there: the first would be the next. */
static void use_looked(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);
	char text[24] = "0";

	if (rc == 0 && reply->type != REDIS_REPLY_NIL && span_to_str(text, sizeof(text), redis_string(reply)) < 0)
		rc = -EIO;
	if (rc == 0)
		r->uses = use_number(r, strtoll(text, NULL, 10) + 1);
	redis_end(r, rc);
}

static void use_counted(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0 && (reply->type != REDIS_REPLY_INTEGER || reply->integer < 1))
		rc = -EIO;
	if (rc == 0)
		r->uses = use_number(r, reply->integer);
	redis_end(r, rc);
}

int redis_use(struct redis_part *p, struct store_req *r)
{
	int64_t left_ms = (r->session.expires_at - store_now_s(r->st)) * 1000;
	char ms[24];

	if (left_ms <= 0)
		return -ENOENT;
	if (!r->count_len)
		return -ENOTCONN;
	if (r->look)
		return redis_ask_key(p, span_of(r->count_key, r->count_len), use_looked, r);
	snprintf(ms, sizeof(ms), "%" PRId64, left_ms + USE_SLACK_MS);
	return redis_script_call(p->link, REDIS_USE, span_of(r->count_key, r->count_len), 1,
				 (struct span[]){ span_str(ms) }, use_counted, r);
}

static void uses_since(void *part, const struct redisReply *reply)
{
	struct redis_part *p = part;
	char text[24];

	if (redis_errno(reply) == 0 && span_to_str(text, sizeof(text), redis_string(reply)) == 0 && text[0])
		p->uses_since_ms = strtoll(text, NULL, 10);
}

void redis_uses_ask(struct redis_part *p)
{
	const char *text = redis_script_texts[REDIS_USES_SINCE];
	char now[24], ahead[24];

	p->uses_since_ms = INT64_MAX;
	snprintf(now, sizeof(now), "%" PRId64, store_clock_ms(p->st));
	snprintf(ahead, sizeof(ahead), "%d", USE_AHEAD_MS);
	(void)redis_link_greet(p->link, 7,
			       (struct span[]){ span_str("EVAL"), span_str(text), span_str("1"), span_str(uses_key),
						span_str(p->run_id), span_str(now), span_str(ahead) },
			       uses_since, p);
}
