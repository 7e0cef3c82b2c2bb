/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_revoke.c
 *  Revocation on Redis: a mark (redis_marks.h). Then, as a second line, tombstones: the subscriber's record says when, and gives its
 *  sessions, written or not. All of it also where its memory is full. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>

static void ended(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	int rc = redis_errno(reply);

	r->revoked += rc == 0 && reply->integer == 1;
	/* of a subscriber some is done already */
	redis_step_end(r, rc < 0 && r->op == STORE_REVOKE_IMPI ? -EIO : rc);
}

/* A tombstone until the session would have been over. \param[in] until_ms where there is none yet: of the tombstone
 *  \param[in] from where in a record these octets stand, from 1 */
static int tombstone(struct redis_part *p, struct store_req *r, const uint8_t *rand, const char *from,
		     struct span octets, const char *until_ms)
{
	uint8_t key[REDIS_KEY_LEN], was[RECORD_HEAD_LEN], none[RECORD_HEAD_LEN];
	struct record_head h = { .kind = RECORD_TOMBSTONE };
	int rc;

	(void)record_write(none, sizeof(none), &p->keys, &h, rand, NULL);
	h.expires_at = 1;
	(void)record_write(was, sizeof(was), &p->keys, &h, rand, NULL);
	rc = redis_script_call(p->link, REDIS_END, redis_key_session(key, rand), 6,
			       (struct span[]){ span_str("T"), span_str(from), octets, span_of(was, sizeof(was)),
						span_of(none, sizeof(none)), span_str(until_ms) },
			       ended, r);
	r->waiting += rc == 0;
	return rc;
}

static int entry_end(struct redis_part *p, struct store_req *r, const uint8_t *entry)
{
	int64_t ms = (int64_t)be48_get(entry + AKA_RAND_LEN + 4);
	char until[24];

	if (ms <= store_clock_ms(r->st))
		return 0;
	snprintf(until, sizeof(until), "%" PRId64, ms);
	return tombstone(p, r, entry, "8", span_of(r->head.impi_tag, RECORD_IMPI_TAG_LEN), until);
}

/* Of these sessions. */
static void revoked_at(void *req, const struct redisReply *reply)
{
	struct store_req *r = req;
	const struct redis_subscriber who = { .list = redis_string(reply), .entry_len = REDIS_ENTRY_LEN };
	int rc = redis_errno(reply), begun = redis_steps_begin(r, rc, &who, entry_end);

	redis_step_end(r, rc == 0 && begun < 0 ? -EIO : rc);
}

static int revoke_impi(struct redis_part *p, struct store_req *r)
{
	uint8_t key[REDIS_KEY_LEN];
	char keep[24];

	if (record_impi_tag(r->head.impi_tag, &p->keys, r->impi.s) < 0)
		return -ENOSPC;
	snprintf(keep, sizeof(keep), "%lld", REDIS_REVOKE_MS);
	return redis_script_call(p->link, REDIS_REVOKE, redis_key_subscriber(key, r->head.impi_tag), 1,
				 (struct span[]){ span_str(keep) }, revoked_at, r);
}

static int revoke_btid(struct redis_part *p, struct store_req *r)
{
	struct gba_session s = { .has_tmpi = false };
	uint8_t name_tag[4];
	char until[24];

	strcpy(s.bsf_name, r->key.btid.domain);
	if (record_head_make(&r->head, &p->keys, RECORD_SESSION, &s) < 0)
		return -ENOSPC;
	be32_put(name_tag, r->head.name_tag);
	snprintf(until, sizeof(until), "%" PRId64, (int64_t)(store_clock_ms(r->st) + REDIS_REVOKE_MS));
	return tombstone(p, r, r->key.btid.rand, "20", span_of(name_tag, 4), until);
}

/* The mark is there and everybody has it: that revokes. Now the second line, where there is one. */
static void revoke_marked(struct store_req *r)
{
	struct redis_part *p = r->st->part;
	int rc;

	r->step = NULL;
	if (r->rc < 0 || r->op == STORE_REVOKE_NAF || r->op == STORE_REVOKE_ALL) {
		redis_end(r, r->rc);
		return;
	}
	rc = r->op == STORE_REVOKE_IMPI ? revoke_impi(p, r) : revoke_btid(p, r);
	if (rc < 0)
		redis_end(r, -EIO);
}

int redis_revoke(struct redis_part *p, struct store_req *r)
{
	store_mark_now(&p->shared->sh, r, 0); /* when, says Redis */
	r->step = revoke_marked;
	redis_marks_put(p->shared->marks, r);
	return 0;
}
