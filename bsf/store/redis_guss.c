/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_guss.c
 *  A newer GUSS for the sessions of a subscriber on Redis. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>

/* One session of them. */
struct guss_step {
	struct store_req *r;
	uint8_t rand[AKA_RAND_LEN];
};

static int session_read(struct redis_part *p, struct guss_step *s);

static void swapped(void *step, const struct redisReply *reply)
{
	struct guss_step *s = step;
	struct store_req *r = s->r;
	int rc = redis_errno(reply);

	r->revoked += rc == 0 && reply->integer == 1;
	/* it has changed meanwhile: read it again */
	if (rc == 0 && reply->integer == 0 && session_read(r->st->part, s) == 0)
		return;
	free(s);
	redis_step_end(r, rc);
}

static int session_swap(struct redis_part *p, struct guss_step *s, struct span old, const struct gba_session *new)
{
	BUFFER_UNCLEARED uint8_t buf[RECORD_MAX];
	uint8_t key[REDIS_KEY_LEN];
	struct record_head h;
	int n = record_head_read(&h, old);

	if (n == 0)
		n = record_write(buf, sizeof(buf), &p->keys, &h, s->rand, new);
	if (n < 0)
		return -ENOSPC;
	return redis_script_call(p->link, REDIS_SWAP, redis_key_session(key, s->rand), 2,
				 (struct span[]){ old, span_of(buf, (size_t)n) }, swapped, s);
}

/* \returns 1: nothing to do; else as session_swap() */
static int session_renew(struct redis_part *p, struct guss_step *s, struct span value)
{
	struct store_req *r = s->r;
	struct record_head h;
	struct gba_session now;
	int rc;

	if (record_head_read(&h, value) < 0 || !record_head_lives(&h, store_now_s(p->st)) ||
	    record_read(&now, &p->keys, s->rand, value) < 0)
		return 1;
	if (r->op == STORE_FIND_GUSS) {
		store_guss_found(r, now.guss);
		rc = 1;
	} else if (guss_push_replace(&now.guss, r->session.guss, guss_push_when(guss_blob_span(r->session.guss)))) {
		rc = session_swap(p, s, value, &now);
	} else {
		r->as_new++;
		rc = 1;
	}
	gba_session_clear(&now);
	return rc;
}

static void session_got(void *step, const struct redisReply *reply)
{
	struct guss_step *s = step;
	struct store_req *r = s->r;
	int rc = redis_errno(reply);

	if (rc == 0)
		rc = session_renew(r->st->part, s, redis_string(reply));
	if (rc == 0)
		return;
	free(s);
	redis_step_end(r, rc < 0 ? rc : 0);
}

static int session_read(struct redis_part *p, struct guss_step *s)
{
	uint8_t key[REDIS_KEY_LEN];

	return redis_ask_key(p, redis_key_session(key, s->rand), session_got, s);
}

static int session_begin(struct redis_part *p, struct store_req *r, const uint8_t *rand)
{
	struct guss_step *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOSPC;
	s->r = r;
	memcpy(s->rand, rand, AKA_RAND_LEN);
	rc = session_read(p, s);
	if (rc < 0)
		free(s);
	r->waiting += rc == 0;
	return rc;
}

static void subscriber_got(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);
	struct redis_subscriber who = { .entry_len = REDIS_ENTRY_LEN };

	(void)redis_subscriber_read(&who, redis_string(reply)); /* there may be none */
	rc = redis_steps_begin(r, rc, &who, session_begin);
	redis_step_end(r, rc < 0 && r->waiting > 1 ? -EIO : rc);
}

int redis_guss(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN], tag[RECORD_IMPI_TAG_LEN];

	if (record_impi_tag(tag, &p->keys, r->session.impi.s) < 0)
		return -ENOSPC;
	return redis_ask_key(p, redis_key_subscriber(key, tag), subscriber_got, r);
}
