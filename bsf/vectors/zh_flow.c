/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/zh_flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include "bsf/vectors/zh_sent_on.h"
#include "common/base/clock.h"
#include "common/crypto/rng.h"

#define TIMES     2   /* what one HSS may take, so long in all: a device that waits longer has gone */
#define MARGIN_MS 500 /* who asked is told before its own patience ends */
static uint32_t draw(struct zh_flow *zc)
{
	zc->chance ^= zc->chance << 13;
	zc->chance ^= zc->chance >> 7;
	zc->chance ^= zc->chance << 17;
	return (uint32_t)(zc->chance >> 16);
}

static void run_free(struct zh_run *r)
{
	txn_end(&r->txn);
	hss_put(r->now);
	zh_sent_on_clear(r);
	free(r);
}

static void run_end(struct zh_run *r, const struct zh_result *result)
{
	struct zh_flow *zc = r->zc;
	uint64_t asker = r->asker;

	run_free(r);
	zc->cfg.done(zc->cfg.owner, asker, result);
}

static void run_fail(struct zh_run *r, int rc)
{
	struct zh_result result = { .rc = rc };

	snprintf(result.said.origin, sizeof(result.said.origin), "%s", r->now ? r->now->identity : "");
	run_end(r, &result);
}

/* Whom can we ask, and how do they do? */
static size_t hss_look(const struct zh_run *r, const struct policy *p, struct hss_seen seen[BSF_HSS_MAX], uint64_t now)
{
	for (size_t i = 0; i < p->n_hss; i++) {
		struct hss_state *s = p->hss[i]->state;

		seen[i] = (struct hss_seen){ .open = atomic_load(&s->open),
					     .tried = zh_run_asked(r, p->hss[i]->id),
					     .priority = p->hss[i]->priority,
					     .load = p->hss[i]->load,
					     .busy = now < atomic_load(&s->busy_until_ms),
					     .silent = atomic_load(&s->silent) >= HSS_SILENT };
		seen[i].trial = seen[i].silent && seen[i].open && hss_state_try(s, now);
	}
	return p->n_hss;
}

static uint64_t left_ms(const struct zh_run *r, uint64_t now)
{
	return !r->until_ms ? UINT64_MAX : r->until_ms > now ? r->until_ms - now : 0;
}

static void run_expires(struct zh_run *r, uint64_t now)
{
	uint64_t left = left_ms(r, now);

	txn_extend(&r->txn, left < r->now->timeout_ms ? left : r->now->timeout_ms);
}

/* \returns 0: it is on its way; -errno */
static int run_send(struct zh_run *r, struct hss *h, const char *host)
{
	struct zh_dia_ask ask = { .hss = h,
				  .host = host,
				  .mar = &r->mar,
				  .session_id = r->session_id,
				  .end_to_end = r->end_to_end,
				  .repeated = r->again,
				  .run = r->txn.id,
				  .no = ++r->no };
	uint64_t now = clock_mono_ms();
	int rc;

	r->asked[r->n_asked++] = host ? hss_id(host) : h->id;
	hss_put(r->now);
	r->now = hss_get(h);
	if (!r->until_ms)
		r->until_ms = now + (uint64_t)TIMES * h->timeout_ms;
	rc = zh_dia_send(r->zc->dia, &ask);
	if (rc < 0)
		return rc;
	atomic_fetch_add(&h->state->asked, 1);
	run_expires(r, now);
	return 0;
}

/* One who holds a redirect of before: \returns 0 it is asked; -errno what was said does not hold, and the SLF is to be asked. */
static int follow_former(struct zh_run *r, const struct policy *p, struct hss_seen *seen)
{
	struct zh_aim aim = { .q.wanted = -1 };
	int rc = zh_sent_on_aim(r, p, seen, &aim);

	if (rc == 0)
		rc = run_send(r, p->hss[aim.q.wanted], aim.host);
	if (rc == 0)
		zh_sent_on_done(r, NULL);
	else
		zh_sent_on_void(r);
	return rc;
}

/* Ask the next one. \returns 0: it is on its way; -errno: there is none, and rc says what there was before */
static int run_next(struct zh_run *r, enum hss_so_far so_far, int rc)
{
	const struct policy *p = policy_current();
	struct hss_seen seen[BSF_HSS_MAX];

	r->again = r->repeated && so_far != HSS_REDIRECTED;
	while (r->n_asked < ZH_ASKED_MAX) {
		uint64_t now = clock_mono_ms();
		size_t n = hss_look(r, p, seen, now);
		struct zh_aim aim = { .q = { so_far, zh_run_hss(p, r->gave), false, left_ms(r, now), draw(r->zc) } };
		int named = r->named ? zh_sent_on_aim(r, p, seen, &aim) : 0, i;

		if (named < 0) {
			if (so_far !=
			    HSS_REDIRECTED) /* whom it named does not answer: the next run asks again who it is */
				redirects_forget(r->zc->redirects, r->named_by->id, r->mar.impi.s);
			return so_far == HSS_REDIRECTED ? named : rc;
		}
		i = hss_pick(seen, n, &aim.q);
		if (i < 0)
			return rc;
		if (zh_sent_on_before(r, p->hss[i]) && follow_former(r, p, seen) == 0)
			return 0;
		rc = run_send(r, p->hss[i], aim.host);
		if (rc == 0)
			return 0;
		so_far = HSS_UNSENT;
	}
	return rc;
}

static void go_on(struct zh_run *r, enum hss_so_far so_far, int rc)
{
	rc = run_next(r, so_far, rc);
	if (rc < 0)
		run_fail(r, rc);
}

/* It knows better who has this user. */
static void sent_on(struct zh_run *r, const struct zh_answer *a)
{
	int rc = zh_sent_on_by(r, a);

	if (rc == 0)
		rc = run_next(r, HSS_REDIRECTED, -ENOTCONN);
	if (rc < 0)
		return run_fail(r, rc);
	zh_sent_on_done(r, a);
}

static bool is_good(const struct zh_result *r)
{
	return r->rc == 0 && r->result.code == RESULT_SUCCESS && !r->result.experimental;
}

static void run_answered(struct zh_run *r, const struct zh_answer *a)
{
	if (a->no != r->no && !(a->so_far == HSS_ANSWERED && is_good(&a->r)))
		return; /* of one that was given up; but a vector, if it comes before another's, is not thrown away */
	if (a->so_far == HSS_REDIRECTED)
		return sent_on(r, a);
	if (a->so_far == HSS_ANSWERED)
		return run_end(r, &a->r);
	r->repeated |= a->so_far == HSS_LOST;
	go_on(r, a->so_far, a->r.rc);
}

static void zh_run_event(struct txn *t, const struct txn_event *e)
{
	struct zh_run *r = (struct zh_run *)t;

	if (e->kind == TXN_STOP)
		return run_free(r);
	if (e->kind == TXN_ZH)
		return run_answered(r, (const struct zh_answer *)e->zh);
	hss_state_timed_out(r->now->state, clock_mono_ms());
	r->repeated = true;
	go_on(r, HSS_TIMED_OUT, -ETIMEDOUT);
}

/* Of whoever it was and whenever: it says how that HSS does. */
static void note(const struct zh_answer *a)
{
	const struct result *d = &a->r.result;

	if (a->so_far == HSS_LOST)
		atomic_fetch_add(&a->hss->state->lost, 1);
	else if (a->so_far != HSS_UNSENT)
		hss_state_answered(a->hss->state, d->code == RESULT_TOO_BUSY && !d->experimental, clock_mono_ms());
}

static void zh_flow_on_answer(void *owner, uint64_t run, const struct zh_answer *a)
{
	struct zh_flow *zc = owner;

	note(a);
	txn_zh_done(zc->runs, run, &a->r);
}

#define UNSENT_MS 60000 /* run_send() says how long; until then no instant so near that a timer is set for nothing */

static struct zh_run *run_new(struct zh_flow *zc, const struct zh_ask *ask, uint64_t txn)
{
	struct zh_run *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->zc = zc;
	r->asker = txn;
	r->gave = ask->gave;
	r->mar.impi = *ask->impi;
	snprintf(r->mar.scheme, sizeof(r->mar.scheme), "%s", ask->scheme);
	if (ask->auts) {
		r->mar.has_resync = true;
		memcpy(r->mar.rand, ask->rand, sizeof(r->mar.rand));
		memcpy(r->mar.auts, ask->auts, sizeof(r->mar.auts));
	}
	r->mar.has_guss_timestamp = ask->has_guss_timestamp;
	r->mar.guss_timestamp = ask->guss_timestamp;
	r->end_to_end = zh_dia_ids(zc->dia, r->session_id);
	txn_start(zc->runs, &r->txn, zh_run_event, UNSENT_MS);
	return r;
}

static int zh_flow_ask(struct zh_client *client, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms,
		       char *session_id)
{
	struct zh_flow *zc = (struct zh_flow *)client;
	const struct policy *p = policy_current();
	struct zh_run *r = run_new(zc, ask, txn);
	int rc;

	snprintf(zc->asked, sizeof(zc->asked), "%s", p->n_hss ? p->hss[0]->identity : "");
	if (!r)
		return -ENOMEM;
	rc = run_next(r, HSS_NOT_ASKED, -ENOTCONN);
	if (r->now)
		snprintf(zc->asked, sizeof(zc->asked), "%s", r->now->identity);
	if (rc < 0) {
		run_free(r);
		return rc;
	}
	*timeout_ms = (uint32_t)(r->until_ms - clock_mono_ms()) + MARGIN_MS;
	snprintf(session_id, ZH_SESSION_ID_MAX + 1, "%.*s", ZH_SESSION_ID_MAX, r->session_id);
	return 0;
}

static const char *zh_flow_asked(const struct zh_client *client)
{
	return ((const struct zh_flow *)client)->asked;
}

static int zh_flow_free(struct zh_flow *zc)
{
	redirects_free(zc->redirects);
	return 0;
}

struct zh_client *zh_flow_new(void *ctx, const struct zh_flow_cfg *cfg)
{
	static const struct zh_client_ops ops = { zh_flow_ask, zh_flow_asked };
	struct zh_flow *zc = talloc_zero(ctx, struct zh_flow);

	if (!zc)
		return NULL;
	talloc_set_destructor(zc, zh_flow_free);
	zc->client.ops = &ops;
	zc->cfg = *cfg;
	zc->cfg.dia.done = zh_flow_on_answer;
	zc->cfg.dia.owner = zc;
	zc->dia = zh_dia_new(zc, &zc->cfg.dia);
	zc->runs = txn_table_new(zc, cfg->shard, cfg->deadlines);
	if (zc->dia && zc->runs && rng_fill(&zc->chance, sizeof(zc->chance)) == 0) {
		zc->chance |= 1;
		return &zc->client;
	}
	talloc_free(zc);
	return NULL;
}

void zh_flow_stop(struct zh_client *client)
{
	if (client)
		txn_stop_all(((struct zh_flow *)client)->runs);
}
