/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file store.c
 *  The front that all back ends share: requests out, answers back on the thread of the shard, never inside the call. */
#include "bsf/store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "bsf/store/backend.h"
#include "bsf/store/challenges.h"
#include "common/base/clock.h"
#include "common/rt/deadline.h"

/* Calls of one shard under way. Each owns about 2 KiB. */
#define PENDING_MAX 8192

#define CLOCK_SLACK_S 60

struct store {
	struct store_shared *sh;
	struct inbox *inbox;
	store_done_fn *done;
	void *owner;
	size_t pending; /* accepted, done() not called yet; only on the shard's thread */
};

static void req_free(struct store_req *r)
{
	gba_session_clear(&r->session);
	gba_challenge_clear(&r->challenge);
	free(r->record);
	free(r);
}

/* The last step of a request, on the shard's thread. */
static void req_run(void *owner, struct inbox_item *item, bool stopping)
{
	struct store_req *r = (struct store_req *)item;
	struct store *st = owner;

	st->pending--;
	if (!stopping) {
		struct store_answer a = { .op = r->op, .rc = r->rc, .revoked = r->revoked, .as_new = r->as_new };

		if (r->rc == 0 && r->op == STORE_GET)
			a.session = &r->session;
		if (r->rc == 0 && r->op == STORE_CHALLENGE_TAKE)
			a.challenge = &r->challenge;
		if (r->rc == 0 && r->op == STORE_FIND_TMPI)
			a.impi = r->impi.s;
		st->done(st->owner, r->txn, &a);
	}
	req_free(r);
}

void store_reply(struct store_req *r)
{
	/* refused only while the inbox is being freed, which store_destroy() does after drain() */
	if (inbox_post_always(r->st->inbox, &r->item) < 0)
		req_free(r);
}

static int store_destroy(struct store *st)
{
	st->sh->be->drain(st->sh);
	inbox_free(st->inbox);
	return 0;
}

struct store *store_new(void *ctx, struct store_shared *sh, store_done_fn *done, void *owner)
{
	struct store *st = talloc_zero(ctx, struct store);

	if (!st)
		return NULL;
	st->sh = sh;
	st->done = done;
	st->owner = owner;
	st->inbox = inbox_new(PENDING_MAX, st);
	if (!st->inbox)
		goto fail;
	if (inbox_attach(st->inbox) < 0) {
		inbox_free(st->inbox);
		goto fail;
	}
	talloc_set_destructor(st, store_destroy);
	return st;
fail:
	talloc_free(st);
	return NULL;
}

static struct store_req *req_new(struct store *st, enum store_op op, uint64_t txn)
{
	struct store_req *r;

	if (st->pending >= PENDING_MAX)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->item.run = req_run;
	r->st = st;
	r->op = op;
	r->txn = txn;
	return r;
}

static int submit(struct store_req *r)
{
	r->st->pending++;
	r->st->sh->be->submit(r->st->sh, r);
	return 0;
}

int store_challenge_put(struct store *st, const struct gba_challenge *c, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_CHALLENGE_PUT, txn);

	if (!r)
		return -EBUSY;
	gba_challenge_copy(&r->challenge, c);
	return submit(r);
}

int store_challenge_take(struct store *st, struct span key, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_CHALLENGE_TAKE, txn);

	if (!r)
		return -EBUSY;
	r->challenge.key_len = key.len;
	memcpy(r->challenge.key, key.p, key.len);
	return submit(r);
}

int store_challenge_put_now(struct store_shared *sh, const struct gba_challenge *c)
{
	return sh->challenges ? challenges_put(sh->challenges, c) : -EAGAIN;
}

int store_challenge_take_now(struct store_shared *sh, struct span key, struct gba_challenge *out)
{
	return sh->challenges ? challenges_take(sh->challenges, key, clock_mono_ms(), out) : -EAGAIN;
}

int store_put(struct store *st, const struct gba_session *s, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_PUT, txn);

	if (!r)
		return -EBUSY;
	gba_session_copy(&r->session, s);
	return submit(r);
}

int store_get(struct store *st, const struct btid *id, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_GET, txn);

	if (!r)
		return -EBUSY;
	r->key.btid = *id;
	return submit(r);
}

int store_find_tmpi(struct store *st, const uint8_t tmpi[TMPI_LEN], uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_FIND_TMPI, txn);

	if (!r)
		return -EBUSY;
	memcpy(r->key.tmpi, tmpi, TMPI_LEN);
	return submit(r);
}

int store_revoke_impi(struct store *st, const char *impi, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_REVOKE_IMPI, txn);

	if (!r)
		return -EBUSY;
	/* a name that is too long is nobody's: it stays empty and revokes nothing */
	(void)span_to_str(r->impi.s, sizeof(r->impi.s), span_str(impi));
	return submit(r);
}

int store_revoke_btid(struct store *st, const struct btid *id, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_REVOKE_BTID, txn);

	if (!r)
		return -EBUSY;
	r->key.btid = *id;
	return submit(r);
}

int store_guss(struct store *st, const char *impi, struct guss_blob *guss, uint64_t keep_ms, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_GUSS, txn);
	int rc;

	if (!r)
		return -EBUSY;
	/* first this: a session that is put from now on takes it, one that was put before is found */
	rc = guss_pushes_put(st->sh->pushes, impi, guss_blob_get(guss), keep_ms);
	if (rc < 0) {
		req_free(r);
		return -EBUSY;
	}
	(void)span_to_str(r->session.impi.s, sizeof(r->session.impi.s), span_str(impi));
	r->session.guss = guss_blob_get(guss);
	return submit(r);
}

int store_get_now(struct store_shared *sh, const struct btid *id, struct gba_session *out)
{
	return sh->be->get_now(sh, id, out);
}

void store_shared_figures(struct store_shared *sh, struct store_figures *out)
{
	struct store_figures f = { 0 };

	sh->be->figures(sh, &f);
	*out = f;
}

void store_shared_free(struct store_shared *sh)
{
	if (sh)
		sh->be->free(sh);
}

int64_t store_wall_s(void)
{
	return (int64_t)time(NULL);
}

void store_shared_life_max(struct store_shared *sh, int64_t (*max_s)(void))
{
	sh->life_max_s = max_s;
}

int64_t store_expiry_max(const struct store_shared *sh, int64_t now_s)
{
	int64_t (*max_s)(void) = sh->life_max_s;

	return max_s ? now_s + max_s() + CLOCK_SLACK_S : INT64_MAX;
}

bool store_session_is(const struct store_shared *sh, const struct gba_session *s, const struct btid *id, int64_t now_s)
{
	return s->expires_at > now_s && s->expires_at <= store_expiry_max(sh, now_s) &&
	       span_ieq(span_str(s->bsf_name), span_str(id->domain));
}
