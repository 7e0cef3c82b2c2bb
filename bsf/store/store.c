/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file store.c
 *  The front that all back ends share: requests out, answers back on the thread of the shard. */
#include "bsf/store/store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "bsf/store/backend.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

/* Calls of one shard under way. Each owns about 2 KiB. */
#define PENDING_MAX 8192

/* A challenge may wait so long for its answer. */
#define MARK_CHALLENGE_MS (3600ll * 1000)

/* As new: what its operation does not use was never filled. */
static void req_wipe(struct store_req *r)
{
	if (r->op == STORE_CHALLENGE_PUT || r->op == STORE_CHALLENGE_TAKE)
		gba_challenge_clear(&r->challenge);
	else
		gba_session_clear(&r->session);
	free(r->record);
	r->record = NULL;
	r->record_len = 0;
	r->impi.s[0] = '\0';
	r->rc = 0;
	r->revoked = r->as_new = r->uses = r->waiting = 0;
	r->count_len = 0;
	r->spread = (struct store_spread){ 0 };
	r->step = NULL;
}

static void req_free(struct store_req *r)
{
	req_wipe(r);
	free(r);
}

/* What was found, or written, is looked at once more before anybody hears of it. */
static void last_look(struct store_req *r)
{
	bool serves = r->op == STORE_GET || r->op == STORE_USE;

	if (r->rc == 0 && serves && !store_may_serve(r->st->sh, &r->session))
		r->rc = -ESTALE;
	if (r->rc == 0 && r->op == STORE_PUT && store_lease_over(r->st->sh))
		r->rc = -ESTALE;
	if (r->rc == 0 && serves && marks_fit(r->st->sh->marks, &r->session))
		r->rc = -ENOENT;
	if (r->rc == 0 && r->op == STORE_PUT && marks_fit(r->st->sh->marks, &r->session))
		r->rc = -EKEYREVOKED;
}

static void answer_of(struct store_answer *a, struct store_req *r)
{
	last_look(r);
	*a = (struct store_answer){ .op = r->op, .rc = r->rc, .revoked = r->revoked, .as_new = r->as_new };
	a->uses = r->uses;
	if (r->rc == 0 && (r->op == STORE_GET || r->op == STORE_USE))
		a->session = &r->session;
	if (r->rc == 0 && r->op == STORE_CHALLENGE_TAKE)
		a->challenge = &r->challenge;
	if (r->rc == 0 && r->op == STORE_FIND_TMPI)
		a->impi = r->impi.s;
	if (r->rc == 0 && r->op == STORE_FIND_GUSS)
		a->guss = r->session.guss;
	if (r->rc == 0 && store_revokes(r->op) && r->spread.bsfs)
		a->spread = &r->spread;
}

void store_reply_here(struct store_req *r)
{
	struct store_answer a;

	r->st->pending--;
	answer_of(&a, r);
	if (r->st->done) /* not while it is being freed */
		r->st->done(r->st->owner, r->txn, &a);
	req_free(r);
}

/* The last step of a request that was answered elsewhere. */
static void req_run(void *owner, struct inbox_item *item, bool stopping)
{
	struct store_req *r = (struct store_req *)item;

	if (!stopping) {
		r->step ? r->step(r) : store_reply_here(r);
		return;
	}
	r->st->pending--;
	req_free(r);
}

void store_reply(struct store_req *r)
{
	r->item.run = req_run;
	/* refused only while the inbox is being freed, which store_destroy() does after close() */
	if (inbox_post_always(r->st->inbox, &r->item) < 0)
		req_free(r);
}

static int store_destroy(struct store *st)
{
	st->done = NULL;
	if (st->sh->be->close)
		st->sh->be->close(st);
	inbox_free(st->inbox);
	if (st->spare)
		req_free(st->spare);
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
	if (inbox_attach(st->inbox) < 0 || (sh->be->open && sh->be->open(st) < 0)) {
		inbox_free(st->inbox);
		goto fail;
	}
	talloc_set_destructor(st, store_destroy);
	return st;
fail:
	talloc_free(st);
	return NULL;
}

void store_stop(struct store *st)
{
	st->stopped = true;
}

bool store_idle(const struct store *st)
{
	return st->pending == 0;
}

enum store_end store_end(int rc)
{
	static const int refused[] = { -EBUSY, -ENOSPC, -ENOTCONN, -ESTALE, -ESHUTDOWN };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (rc == refused[i])
			return STORE_REFUSED;
	return rc == -EIO ? STORE_UNKNOWN : STORE_DONE;
}

const char *store_words(int rc)
{
	static const struct {
		int rc;
		const char *words;
	} rows[] = {
		{ -EIO, "it is not known whether it was done: order it again" },
		{ -ETIMEDOUT, "it is not known whether it was done: order it again" },
		{ -EBUSY, "nothing was done: the store has too much to do" },
		{ -ENOSPC, "nothing was done: the store is full" },
		{ -ENOTCONN, "nothing was done: Redis cannot be asked" },
		{ -ESHUTDOWN, "nothing was done: it is being stopped" },
		{ -ENOTSUP, "nothing was done: nothing is sealed in this store" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].rc == rc)
			return rows[i].words;
	return strerror(-rc);
}

bool store_revokes(enum store_op op)
{
	return op >= STORE_REVOKE_IMPI && op <= STORE_REVOKE_ALL;
}

void store_mark_now(const struct store_shared *sh, struct store_req *r, int64_t now_ms)
{
	int64_t (*max_s)(void) = sh->life_max_s;

	r->mark.at_ms = now_ms;
	r->mark.until_ms = now_ms + (max_s ? max_s() : MARK_LIFE_S) * 1000 + MARK_CHALLENGE_MS;
}

void store_forget(struct store *st)
{
	if (st->spare)
		req_wipe(st->spare);
}

static const struct store_answer *answer_now(struct store *st, enum store_op op, int rc)
{
	st->now = (struct store_answer){ .op = op, .rc = rc };
	return &st->now;
}

/* \returns NULL: st->now says why */
static struct store_req *req_new(struct store *st, enum store_op op, uint64_t txn)
{
	struct store_req *r = st->spare;

	store_forget(st);
	st->spare = NULL;
	if (!r)
		r = calloc(1, sizeof(*r));
	if (st->stopped || st->pending >= PENDING_MAX || !r) {
		st->spare = r;
		answer_now(st, op, st->stopped ? -ESHUTDOWN : -EBUSY);
		return NULL;
	}
	r->item.run = req_run;
	r->st = st;
	r->op = op;
	r->txn = txn;
	return r;
}

static const struct store_answer *submit(struct store_req *r)
{
	struct store *st = r->st;

	st->pending++;
	if (!st->sh->be->submit(st->sh, r))
		return NULL;
	st->pending--;
	st->spare = r;
	answer_of(&st->now, r);
	return &st->now;
}

const struct store_answer *store_challenge_put(struct store *st, const struct gba_challenge *c,
					       const struct store_count *count, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_CHALLENGE_PUT, txn);

	if (!r)
		return &st->now;
	gba_challenge_copy(&r->challenge, c);
	r->challenge.made_ms = store_clock_ms(st);
	if (count && count->n && count->per_s && st->sh->be->count)
		st->sh->be->count(r, count);
	return submit(r);
}

const struct store_answer *store_challenge_take(struct store *st, struct span key, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_CHALLENGE_TAKE, txn);

	if (!r)
		return &st->now;
	r->challenge.key_len = key.len;
	memcpy(r->challenge.key, key.p, key.len);
	return submit(r);
}

const struct store_answer *store_put(struct store *st, const struct gba_session *s, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_PUT, txn);

	if (!r)
		return &st->now;
	gba_session_copy(&r->session, s);
	if (!marks_fit(st->sh->marks, s))
		return submit(r);
	st->spare = r;
	return answer_now(st, STORE_PUT, -EKEYREVOKED);
}

const struct store_answer *store_get(struct store *st, const struct btid *id, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_GET, txn);

	if (!r)
		return &st->now;
	r->key.btid = *id;
	return submit(r);
}

static const struct store_answer *use(struct store *st, const struct gba_session *s, const char *naf, uint64_t txn,
				      bool look)
{
	struct store_req *r = req_new(st, STORE_USE, txn);
	uint8_t name[USES_NAME_MAX];

	if (!r)
		return &st->now;
	gba_session_copy(&r->session, s);
	r->look = look;
	(void)span_to_str(r->key.naf, sizeof(r->key.naf), span_str(naf));
	if (st->sh->be->count)
		st->sh->be->count(r, &(struct store_count){ .of = uses_name(name, s, naf) });
	return submit(r);
}

const struct store_answer *store_use(struct store *st, const struct gba_session *s, const char *naf, uint64_t txn)
{
	return use(st, s, naf, txn, false);
}

const struct store_answer *store_use_look(struct store *st, const struct gba_session *s, const char *naf, uint64_t txn)
{
	return use(st, s, naf, txn, true);
}

void store_use_here(struct store_shared *sh, struct store_req *r)
{
	r->uses = (r->look ? uses_look : uses_count)(sh->uses, &r->session, r->key.naf, store_clock_here_ms(),
						     store_wall_s());
	r->rc = r->uses ? 0 : -EBUSY;
}

const struct store_answer *store_find_tmpi(struct store *st, const uint8_t tmpi[TMPI_LEN], uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_FIND_TMPI, txn);

	if (!r)
		return &st->now;
	memcpy(r->key.tmpi, tmpi, TMPI_LEN);
	return submit(r);
}

const struct store_answer *store_find_guss(struct store *st, const char *impi, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_FIND_GUSS, txn);

	if (!r)
		return &st->now;
	(void)span_to_str(r->session.impi.s, sizeof(r->session.impi.s), span_str(impi));
	return submit(r);
}

void store_guss_found(struct store_req *r, struct guss_blob *guss)
{
	guss_push_replace(&r->session.guss, guss, guss_push_when(guss_blob_span(guss)));
}

/* \param[in] rc of naming whom */
static const struct store_answer *revoke(struct store_req *r, int rc)
{
	struct store *st = r->st;

	if (rc == 0)
		return submit(r);
	st->spare = r;
	return answer_now(st, r->op, rc);
}

const struct store_answer *store_revoke_impi(struct store *st, const char *impi, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_REVOKE_IMPI, txn);

	if (!r)
		return &st->now;
	/* a name that is too long is nobody's: it stays empty and revokes nothing */
	(void)span_to_str(r->impi.s, sizeof(r->impi.s), span_str(impi));
	return revoke(r, marks_of_impi(st->sh->marks, &r->mark, r->impi.s));
}

const struct store_answer *store_revoke_btid(struct store *st, const struct btid *id, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_REVOKE_BTID, txn);

	if (!r)
		return &st->now;
	r->key.btid = *id;
	return revoke(r, marks_of_btid(st->sh->marks, &r->mark, id));
}

const struct store_answer *store_revoke_naf(struct store *st, const char *fqdn, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_REVOKE_NAF, txn);

	return r ? revoke(r, marks_of_naf(st->sh->marks, &r->mark, fqdn)) : &st->now;
}

const struct store_answer *store_revoke_all(struct store *st, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_REVOKE_ALL, txn);

	if (!r)
		return &st->now;
	marks_of_all(&r->mark);
	return submit(r);
}

bool store_naf_revoked(const struct store *st, const char *fqdn, const struct gba_session *s)
{
	return marks_fit_naf(st->sh->marks, fqdn, s->made_ms);
}

const struct store_answer *store_guss(struct store *st, const char *impi, struct guss_blob *guss, uint64_t keep_ms,
				      uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_GUSS, txn);
	int rc;

	if (!r)
		return &st->now;
	/* first this: a session that is put from now on takes it, one that was put before is found */
	rc = guss_pushes_put(st->sh->pushes, impi, guss_blob_get(guss), keep_ms);
	if (rc < 0) {
		req_free(r);
		return answer_now(st, STORE_GUSS, -EBUSY);
	}
	(void)span_to_str(r->session.impi.s, sizeof(r->session.impi.s), span_str(impi));
	r->session.guss = guss_blob_get(guss);
	return submit(r);
}

const struct store_answer *store_reseal(struct store *st, struct reseal_step *step, uint64_t txn)
{
	struct store_req *r = req_new(st, STORE_RESEAL, txn);

	if (!r)
		return &st->now;
	r->reseal = step;
	step->came = (struct reseal_came){ .why = NULL };
	return submit(r);
}

int store_record_make(struct store_req *r, const struct record_keys *k)
{
	BUFFER_UNCLEARED uint8_t buf[RECORD_MAX];
	int n = record_head_make(&r->head, k, RECORD_SESSION, &r->session);

	if (n == 0)
		n = record_write(buf, sizeof(buf), k, &r->head, r->session.rand, &r->session);
	if (n < 0)
		return n == -ENOSPC ? n : -EIO;
	free(r->record);
	r->record = malloc((size_t)n);
	if (!r->record)
		return -ENOSPC;
	memcpy(r->record, buf, (size_t)n);
	r->record_len = (size_t)n;
	return 0;
}

void store_shared_figures(struct store_shared *sh, struct store_figures *out)
{
	struct store_figures f = { 0 };
	struct marks_figures m;

	sh->be->figures(sh, &f);
	marks_figures(sh->marks, &m);
	f.marks = m.marks;
	f.marks_max = m.max;
	f.marks_octets = m.octets;
	*out = f;
}

struct seal *store_shared_beside(struct store_shared *sh)
{
	return sh->beside;
}

void store_shared_free(struct store_shared *sh)
{
	if (sh)
		sh->be->free(sh);
}

void store_unreadable(const uint8_t rand[AKA_RAND_LEN])
{
	struct log_line line;

	counter_inc(CAUSE_store_unreadable);
	if (!log_rate_ok(DSTORE) || !log_line_begin(&line, DSTORE, LOGL_ERROR, CAUSE_store_unreadable))
		return;
	log_line_run(&line, rand);
	log_line_str(&line, "reason", "the record does not open: damaged, or its KEK is not configured");
	log_line_end(&line);
}
