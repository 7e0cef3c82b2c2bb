/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_put.c
 *  A new session on Redis: first it is listed with its subscriber, unless that was revoked; then it is written, unless something is
 *  there; then its TMPI is the subscriber's, and the session it takes the place of goes. Wherever that stops, what was written is listed, so
 *  a revocation finds it. What is left behind is an entry without a session, or the former session until it is over. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>

struct former {
	struct redis_part *p;
	uint8_t rand[AKA_RAND_LEN], impi_tag[RECORD_IMPI_TAG_LEN];
};

static int64_t until_ms(const struct store_req *r)
{
	return r->session.expires_at * 1000;
}

static int64_t keep_until_ms(const struct store_req *r)
{
	return until_ms(r) + (r->session.has_tmpi ? REDIS_TMPI_MS : 0);
}

static const char *ms_text(char text[24], int64_t n)
{
	snprintf(text, 24, "%" PRId64, n);
	return text;
}

/* It is gone, so the list need not have it. Whatever else is said leaves it there: it may be written yet, by who has listed it. */
static void former_gone(void *owner, const struct redisReply *r)
{
	struct former *f = owner;
	uint8_t key[REDIS_KEY_LEN];

	if (redis_errno(r) == 0 && r->integer == 1)
		(void)redis_script_call(f->p->link, REDIS_UNLIST, redis_key_subscriber(key, f->impi_tag), 1,
					(struct span[]){ span_of(f->rand, AKA_RAND_LEN) }, NULL, NULL);
	free(f);
}

static void former_end(struct redis_part *p, const struct store_req *r, const uint8_t *rand)
{
	struct former *f = calloc(1, sizeof(*f));
	struct span none = span_of("", 0);
	uint8_t key[REDIS_KEY_LEN];

	if (!f)
		return;
	f->p = p;
	memcpy(f->rand, rand, AKA_RAND_LEN);
	memcpy(f->impi_tag, r->head.impi_tag, RECORD_IMPI_TAG_LEN);
	if (redis_script_call(p->link, REDIS_END, redis_key_session(key, rand), 6,
			      (struct span[]){ span_str("D"), span_str("8"), span_of(f->impi_tag, RECORD_IMPI_TAG_LEN),
					       none, none, none },
			      former_gone, f) < 0)
		free(f);
}

static void tmpi_end(struct redis_part *p, struct span tmpi)
{
	uint8_t key[REDIS_KEY_LEN];

	(void)redis_link_call(p->link, 2, (struct span[]){ span_str("DEL"), redis_key(key, 't', tmpi) }, NULL, NULL);
}

/* The answer waits for none of this; what asks next on this link comes after it. */
static void formers_end(struct redis_part *p, const struct store_req *r, struct span rands, struct span tmpi)
{
	while (rands.len >= AKA_RAND_LEN) {
		former_end(p, r, rands.p);
		rands = span_of(rands.p + AKA_RAND_LEN, rands.len - AKA_RAND_LEN);
	}
	if (tmpi.len == REDIS_TMPI_LEN && tmpi.p[0] == '1' &&
	    !(r->session.has_tmpi && !memcmp(tmpi.p + 1, r->session.tmpi, TMPI_LEN)))
		tmpi_end(p, span_of(tmpi.p + 1, TMPI_LEN));
}

static void committed(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	struct redis_part *p = r->st->part;
	int rc = redis_errno(reply);

	if (rc < 0 || (reply->type == REDIS_REPLY_ARRAY && reply->elements != 2)) {
		redis_end(r, -EIO); /* the session is there, but who has it is not known */
		return;
	}
	/* not listed any more: a later run has taken its place already */
	if (reply->type == REDIS_REPLY_ARRAY)
		formers_end(p, r, redis_string(reply->element[0]), redis_string(reply->element[1]));
	atomic_fetch_add(&p->shared->puts, 1);
	redis_end(r, 0);
}

/* The tag of the IMPI under the TMPI, in the same go as the step that says whose it is. */
static int tmpi_put(struct redis_part *p, const struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN];
	char until[24];

	if (!r->session.has_tmpi)
		return 0;
	return redis_link_call(p->link, 5,
			       (struct span[]){ span_str("SET"),
						redis_key(key, 't', span_of(r->session.tmpi, TMPI_LEN)),
						span_of(r->head.impi_tag, RECORD_IMPI_TAG_LEN), span_str("PXAT"),
						span_str(ms_text(until, keep_until_ms(r))) },
			       NULL, NULL);
}

static int commit(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN], tmpi[REDIS_TMPI_LEN] = { r->session.has_tmpi ? '1' : '0' };
	char keep[24];
	int rc = tmpi_put(p, r);

	if (rc < 0)
		return rc;
	memcpy(tmpi + 1, r->session.tmpi, TMPI_LEN);
	return redis_script_call(p->link, REDIS_COMMIT, redis_key_subscriber(key, r->head.impi_tag), 3,
				 (struct span[]){ span_of(r->session.rand, AKA_RAND_LEN), span_of(tmpi, sizeof(tmpi)),
						  span_str(ms_text(keep, keep_until_ms(r))) },
				 committed, r);
}

/* Something is there: of a tombstone that stood before anything else it is known that it was revoked meanwhile. */
static int there(const struct redisReply *reply)
{
	struct record_head h;

	if (record_head_read(&h, redis_string(reply)) == 0 && h.kind == RECORD_TOMBSTONE && h.expires_at == 0)
		return -EKEYREVOKED;
	return -EEXIST;
}

static void written(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0 && reply->type != REDIS_REPLY_NIL)
		rc = there(reply);
	else if (rc == 0 && commit(r->st->part, r) < 0)
		rc = -EIO; /* it is there */
	if (rc < 0)
		redis_end(r, rc);
}

static int session_write(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN];
	char until[24];

	return redis_link_call(p->link, 7,
			       (struct span[]){ span_str("SET"), redis_key_session(key, r->session.rand),
						span_of(r->record, r->record_len), span_str("NX"), span_str("GET"),
						span_str("PXAT"), span_str(ms_text(until, until_ms(r))) },
			       written, r);
}

static void intended(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	if (rc == 0 && reply->integer == 1)
		rc = session_write(r->st->part, r);
	else if (rc == 0)
		rc = reply->integer == 0 ? -EKEYREVOKED : -ENOSPC;
	if (rc < 0)
		redis_end(r, rc);
}

int redis_put(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN], sealed[IMPI_MAX + SEAL_OVERHEAD], name_tag[4];
	char impi[IMPI_MAX + 1];
	char made[24], until[24], keep[24];
	struct span k;
	int n;

	guss_pushes_take(p->shared->sh.pushes, r->session.impi.s, &r->session.guss);
	r->session.maker = p->shared->sh.maker;
	if (store_record_make(r, &p->keys) < 0)
		return -ENOSPC; /* whatever it was, nothing is there yet */
	k = redis_key_subscriber(key, r->head.impi_tag);
	n = seal_put(p->keys.seal, sealed, sizeof(sealed), span_of(impi, gba_impi_short(impi, r->session.impi.s)), k);
	if (n < 0)
		return -ENOSPC;
	be32_put(name_tag, r->head.name_tag);
	return redis_script_call(p->link, REDIS_INTEND, k, 6,
				 (struct span[]){ span_str(ms_text(made, r->session.made_ms)),
						  span_of(r->session.rand, AKA_RAND_LEN), span_of(name_tag, 4),
						  span_str(ms_text(until, until_ms(r))), span_of(sealed, (size_t)n),
						  span_str(ms_text(keep, keep_until_ms(r))) },
				 intended, r);
}
