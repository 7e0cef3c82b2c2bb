/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/flow.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>
#include <time.h>
#include <osmocom/core/utils.h>
#include "bsf/run/cfg.h"
#include "bsf/vectors/guss_facts.h"
#include "common/base/clock.h"
#include "common/crypto/keyed_hash.h"
#include "common/base/hex.h"
#include "common/crypto/rng.h"
#include "common/gba/key_lifetime.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define STORE_TIMEOUT_MS 5000

struct ub_flow {
	struct ub_flow_env env;
	struct guss_memo *guss;
	uint64_t opaque_key[2][2];
};

struct ub_flow *ub_flow_new(void *ctx, const struct ub_flow_env *env)
{
	struct ub_flow *f = talloc_zero(ctx, struct ub_flow);

	if (!f)
		return NULL;
	f->env = *env;
	f->guss = guss_memo_new(f);
	if (f->guss && rng_fill(f->opaque_key, sizeof(f->opaque_key)) == 0)
		return f;
	talloc_free(f);
	return NULL;
}

/* One line per transaction. Before there is a vector the Session-Id names the run; an IMPI is whole at DEBUG only. */
static void log_run(const struct ub_run *run)
{
	static const uint8_t none[NONCE_LEN];
	const uint8_t *rand = memcmp(run->challenge.nonce, none, NONCE_LEN) ? run->challenge.nonce : NULL;
	enum cause cause = run->answer.cause;
	int level = cause == CAUSE_store_failed ? LOGL_ERROR : LOGL_INFO;
	struct log_line l;

	if ((level == LOGL_ERROR && !log_rate_ok(DUB)) || !log_line_begin(&l, DUB, level, cause))
		return;
	log_line_num(&l, "status", run->answer.status);
	log_line_run(&l, rand);
	log_line_str(&l, "session", rand ? NULL : run->session_id);
	log_line_impi(&l, run->impi.s);
	log_line_from(&l, &run->from);
	log_line_str(&l, "hss", run->said.origin);
	log_line_result(&l, &run->hss_result);
	log_line_str(&l, "error", run->said.error);
	log_line_num(&l, "ms", clock_mono_ms() - run->begun_ms);
	log_line_end(&l);
	LOGT(DUB, LOGL_DEBUG, "impi=%s is of the line before\n", run->impi.s);
}

/* The one place where a run ends. The answer is made; count, log, forget what was secret. */
static void end(struct ub_run *run)
{
	ub_cost_end(&run->cost);
	run->step = UB_STEP_END;
	counter_inc(run->answer.cause);
	if (run->answer.status == 401 && run->answer.cause != CAUSE_ub_challenged)
		counter_inc(CAUSE_ub_challenged); /* the other one says why it was due */
	log_run(run);
	gba_challenge_clear(&run->challenge);
	gba_session_clear(&run->session);
	txn_end(&run->txn);
	if (!run->inside)
		run->flow->env.answered(run->flow->env.owner, run);
}

static void fail(struct ub_run *run, enum cause cause)
{
	ub_answer_cause(&run->answer, cause);
	end(run);
}

/* The store was asked, or had too much to do. */
static void wait_store(struct ub_run *run, enum ub_step step, int rc)
{
	if (rc < 0)
		return fail(run, CAUSE_ub_busy);
	run->step = step;
	txn_extend(&run->txn, STORE_TIMEOUT_MS);
}

static bool source_allowed(struct ub_run *run)
{
	if (overload_source_private((const struct sockaddr *)&run->from) && !atomic_load(&bsf_cfg->source_all))
		return true;
	return ub_cost_source(&run->cost);
}

/* run->impi is known and paid for: fetch a vector. For a resynchronisation run->challenge is the one that was answered. */
static void ask_hss(struct ub_run *run, enum cause allowed)
{
	struct zh_ask ask = { .impi = &run->impi, .scheme = ZH_SCHEME_AKAV1 };
	uint32_t timeout_ms;
	int rc;

	if (allowed != CAUSE_ub_ok)
		return fail(run, allowed);
	if (run->resync) {
		ask.rand = run->challenge.nonce;
		ask.auts = run->wish.auts;
	}
	rc = zh_client_ask(run->flow->env.zh, &ask, run->txn.id, &timeout_ms, run->session_id);
	if (rc < 0) {
		ub_cost_unasked(&run->cost);
		return fail(run, rc == -ENOTCONN ? CAUSE_zh_down : CAUSE_ub_busy);
	}
	run->step = UB_STEP_ZH;
	txn_extend(&run->txn, timeout_ms);
}

static void ask_for(struct ub_run *run, const uint8_t *tmpi)
{
	ub_cost_who(&run->cost, run->impi.s, tmpi);
	ask_hss(run, ub_cost_challenge(&run->cost));
}

/* A first request, or an answer to a nonce that is not ours (any more): challenge this user. */
static void want_challenge(struct ub_run *run)
{
	if (!source_allowed(run))
		return fail(run, CAUSE_ub_limit_source);
	if (run->wish.is_tmpi)
		return wait_store(run, UB_STEP_FIND_TMPI,
				  store_find_tmpi(run->flow->env.store, run->wish.tmpi, run->txn.id));
	run->impi = run->wish.impi;
	ask_for(run, NULL);
}

static void on_tmpi(struct ub_run *run, const struct store_answer *a)
{
	if (a->rc == -ENOENT)
		return fail(run, CAUSE_ub_tmpi_unknown);
	if (a->rc < 0 || strlen(a->impi) > IMPI_MAX)
		return fail(run, CAUSE_store_failed);
	strcpy(run->impi.s, a->impi);
	ask_for(run, run->wish.tmpi);
}

static void on_right_answer(struct ub_run *run)
{
	if (ub_make_session(&run->session, &run->challenge, run->wish.knows_tmpi, time(NULL)) < 0)
		return fail(run, CAUSE_ub_busy);
	wait_store(run, UB_STEP_SESSION_PUT, store_put(run->flow->env.store, &run->session, run->txn.id));
}

/* run->challenge is what was taken, if rc is 0. */
static void on_taken(struct ub_run *run, int rc)
{
	enum cause cause;

	if (rc == -ENOENT) {
		run->wish.cause = CAUSE_ub_nonce_unknown;
		return want_challenge(run);
	}
	if (rc < 0)
		return fail(run, rc == -EALREADY ? CAUSE_ub_nonce_taken : CAUSE_store_failed);
	run->impi = run->challenge.impi;
	ub_cost_who(&run->cost, run->impi.s, NULL);
	cause = ub_decide_answer(&run->wish, &run->request, &run->challenge);
	if (cause == CAUSE_ub_ok)
		return on_right_answer(run);
	if (cause != CAUSE_ub_challenged)
		return fail(run, cause);
	if (ub_cost_resynced_before(&run->cost))
		return fail(run, CAUSE_ub_auts_repeated);
	run->resync = true;
	ask_hss(run, ub_cost_resync(&run->cost));
}

static void log_gba_u_once(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said))
		LOGT(DUB, LOGL_NOTICE, "a subscriber has a GBA_U card; such are served as GBA_ME (said once)\n");
}

/* Somebody has to mend the GUSS, so the usual log level shows it. */
static void tell_clamped(const struct gba_challenge *c, int64_t guss_s)
{
	struct log_line l;
	char asked[24];

	counter_inc(CAUSE_zh_guss_lifetime);
	if (!log_rate_ok(DZH) || !log_line_begin(&l, DZH, LOGL_NOTICE, CAUSE_zh_guss_lifetime))
		return;
	snprintf(asked, sizeof(asked), "%lld", (long long)guss_s);
	log_line_run(&l, c->nonce);
	log_line_impi(&l, c->impi.s);
	log_line_str(&l, "asked_s", asked);
	log_line_num(&l, "given_s", (uint64_t)c->key_life_s);
	log_line_end(&l);
}

/* Nobody but us can tell it from the nonce. */
static void make_opaque(const struct ub_flow *f, struct gba_challenge *c)
{
	uint64_t h[2];

	for (int i = 0; i < 2; i++)
		h[i] = keyed_hash(f->opaque_key[i], span_of(c->nonce, sizeof(c->nonce)));
	hex_encode(c->opaque, sizeof(c->opaque), h, sizeof(h));
}

/* The new challenge, from the vector. \returns CAUSE_ub_ok or why there is none */
static enum cause make_challenge(struct ub_run *run, const struct zh_result *z)
{
	struct gba_challenge *c = &run->challenge;
	struct guss_facts facts;
	bool clamped;
	int rc;

	gba_challenge_clear(c);
	rc = guss_memo_read(run->flow->guss, &facts, guss_blob_span(z->guss));
	memcpy(c->nonce, z->vector.aka.rand, AKA_RAND_LEN);
	memcpy(c->nonce + AKA_RAND_LEN, z->vector.aka.autn, AKA_AUTN_LEN);
	if (rc < 0)
		return rc == -ENOMEM ? CAUSE_ub_busy : CAUSE_zh_guss_bad;
	/* 33.220 4.2.3: what the GUSS says goes before the configuration */
	c->key_life_s = key_lifetime_s(bsf_limit(LIM_KEY_LIFETIME), bsf_limit(LIM_KEY_LIFETIME_MAX),
				       facts.has_life_time, facts.life_time_s, &clamped);
	if (clamped)
		tell_clamped(c, facts.life_time_s);
	if (facts.gba_u)
		log_gba_u_once();
	make_opaque(run->flow, c);
	c->variant = GBA_VARIANT_ME;
	c->impi = run->impi;
	memcpy(c->username, run->wish.auth.username.p, run->wish.auth.username.len);
	c->username[run->wish.auth.username.len] = 0;
	strcpy(c->bsf_name, run->wish.bsf_name);
	c->xres = z->vector.aka.res;
	c->ck = z->vector.aka.ck;
	c->ik = z->vector.aka.ik;
	c->guss = guss_blob_get(z->guss);
	c->created_at = time(NULL);
	c->expires_mono_ms = clock_mono_ms() + bsf_limit(LIM_NONCE_LIFETIME) * UINT64_C(1000);
	return CAUSE_ub_ok;
}

static void on_challenge_put(struct ub_run *run, int rc)
{
	/* a vector that was given before is none (33.102 6.3.3) */
	if (rc < 0)
		return fail(run, rc == -EEXIST ? CAUSE_zh_no_vector : CAUSE_store_failed);
	if (ub_answer_challenge(&run->answer, &run->challenge, run->wish.cause) < 0)
		return fail(run, CAUSE_ub_busy);
	end(run);
}

static void put_challenge(struct ub_run *run)
{
	struct ub_flow_env *env = &run->flow->env;
	int rc = env->store_now ? store_challenge_put_now(env->store_now, &run->challenge) : -EAGAIN;

	if (rc != -EAGAIN)
		return on_challenge_put(run, rc);
	wait_store(run, UB_STEP_CHALLENGE_PUT, store_challenge_put(env->store, &run->challenge, run->txn.id));
}

static void take_challenge(struct ub_run *run)
{
	struct ub_flow_env *env = &run->flow->env;
	int rc = env->store_now ? store_challenge_take_now(env->store_now, run->wish.nonce, &run->challenge) : -EAGAIN;

	if (rc != -EAGAIN)
		return on_taken(run, rc);
	wait_store(run, UB_STEP_TAKE, store_challenge_take(env->store, run->wish.nonce, run->txn.id));
}

static void on_zh(struct ub_run *run, const struct zh_result *z)
{
	enum cause cause = ub_decide_zh(z, run->resync);

	if (cause == CAUSE_zh_down)
		ub_cost_unasked(&run->cost);
	run->said = z->said;
	run->hss_result = z->result;
	if (cause != CAUSE_ub_challenged)
		return fail(run, cause);
	if (run->resync)
		ub_cost_resynced(&run->cost);
	cause = make_challenge(run, z);
	if (cause != CAUSE_ub_ok)
		return fail(run, cause);
	put_challenge(run);
}

static void on_session_put(struct ub_run *run, const struct store_answer *a)
{
	/* the HSS gave the RAND of a key that lives: its vectors are not usable */
	if (a->rc == -EEXIST)
		return fail(run, CAUSE_zh_no_vector);
	if (a->rc < 0)
		return fail(run, CAUSE_store_failed);
	if (ub_answer_ok(&run->answer, &run->wish, &run->challenge, &run->session) < 0)
		return fail(run, CAUSE_ub_busy);
	ub_cost_proven(&run->cost);
	end(run);
}

/* Something came that the run waits for. */
static void advance(struct ub_run *run, const struct store_answer *a, const struct zh_result *z)
{
	switch (run->step) {
	case UB_STEP_FIND_TMPI:
		return on_tmpi(run, a);
	case UB_STEP_TAKE:
		if (a->rc == 0)
			gba_challenge_copy(&run->challenge, a->challenge);
		return on_taken(run, a->rc);
	case UB_STEP_ZH:
		return on_zh(run, z);
	case UB_STEP_CHALLENGE_PUT:
		return on_challenge_put(run, a->rc);
	case UB_STEP_SESSION_PUT:
		return on_session_put(run, a);
	case UB_STEP_END:
		break;
	}
}

static struct ub_run *run_of(struct txn *t)
{
	return container_of(t, struct ub_run, txn);
}

static void run_store_done(struct txn *t, const struct store_answer *a)
{
	if (run_of(t)->step != UB_STEP_ZH)
		advance(run_of(t), a, NULL);
}

static void run_zh_done(struct txn *t, const struct zh_result *z)
{
	if (run_of(t)->step == UB_STEP_ZH)
		advance(run_of(t), NULL, z);
}

static void run_expired(struct txn *t)
{
	struct ub_run *run = run_of(t);

	fail(run, run->step == UB_STEP_ZH ? CAUSE_zh_timeout : CAUSE_store_failed);
}

static void run_stop(struct txn *t)
{
	fail(run_of(t), CAUSE_ub_busy);
}

static const struct txn_ops run_ops = { run_store_done, run_zh_done, run_expired, run_stop };

static void begin(struct ub_flow *f, struct ub_run *run)
{
	size_t n = txn_count(f->env.txns), max = bsf_limit(LIM_IN_FLIGHT);

	ub_decide_request(&run->wish, &run->request, &f->env.self);
	if (run->wish.want == UB_REFUSE)
		return fail(run, run->wish.cause);
	ub_cost_begin(&run->cost, f->env.overload, &run->from);
	if (n >= max || !ub_cost_place(&run->cost, f, max - n))
		return fail(run, CAUSE_ub_busy);
	txn_start(f->env.txns, &run->txn, &run_ops, STORE_TIMEOUT_MS);
	if (run->wish.want == UB_ANSWER && run->wish.nonce_ours)
		return take_challenge(run);
	if (run->wish.want == UB_ANSWER)
		run->wish.cause = CAUSE_ub_nonce_unknown;
	want_challenge(run);
}

bool ub_flow_begin(struct ub_flow *f, struct ub_run *run)
{
	run->flow = f;
	run->begun_ms = clock_mono_ms();
	run->inside = true;
	begin(f, run);
	run->inside = false;
	return run->step == UB_STEP_END;
}

void ub_flow_refuse(struct ub_flow *f, struct ub_run *run, enum cause cause)
{
	run->flow = f;
	run->begun_ms = clock_mono_ms();
	run->inside = true;
	fail(run, cause);
	run->inside = false;
}
