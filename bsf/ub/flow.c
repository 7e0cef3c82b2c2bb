/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/flow.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>
#include <time.h>
#include <osmocom/core/utils.h>
#include "bsf/policy/policy.h"
#include "bsf/ub/guss.h"
#include "bsf/ub/trace.h"
#include "common/base/clock.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
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

static void run_event(struct txn *t, const struct txn_event *e);

static uint32_t limit(const struct ub_run *run, enum bsf_limit which)
{
	return limits_number(run->flow->env.limits, which);
}

/* The run ends with this. */
static enum ub_step fail(struct ub_run *run, enum cause cause)
{
	ub_answer_cause(&run->answer, cause);
	return UB_STEP_END;
}

/* The store was asked. \param[in] a what it answers at once, for answer(); NULL: it comes as an event */
static enum ub_step asked_store(struct ub_run *run, const struct store_answer *a,
				enum ub_step (*answer)(struct ub_run *run, const struct store_answer *a))
{
	enum ub_step next;

	if (!a) {
		txn_extend(&run->txn, STORE_TIMEOUT_MS);
		return UB_STEP_WAIT;
	}
	next = answer(run, a);
	store_forget(run->flow->env.store);
	return next;
}

/* Why a run ends with an answer of the store that no step expects. */
static enum cause store_cause(const struct store_answer *a)
{
	switch (a->rc) {
	case -ENOTCONN:
		return CAUSE_store_away;
	case -ESTALE:
		return CAUSE_store_lease;
	case -ENOSPC:
		return CAUSE_store_full;
	case -EBUSY:
	case -ESHUTDOWN:
		return CAUSE_ub_busy;
	default:
		return CAUSE_store_failed;
	}
}

/* run->impi is known. \param[in] tmpi the live one it came with, or NULL */
static void identified(struct ub_run *run, const uint8_t *tmpi)
{
	ub_cost_who(&run->cost, run->impi.s, tmpi);
	run->traced = ub_history_traced(run->flow->env.history, run->impi.s);
	ub_trace_request(run);
}

/* A first request, or an answer to a nonce that is not ours (any more): challenge this user. */
static enum ub_step want_challenge(struct ub_run *run)
{
	if (!ub_cost_source(&run->cost))
		return fail(run, CAUSE_ub_limit_source);
	if (run->wish.is_tmpi)
		return UB_STEP_FIND_TMPI;
	run->impi = run->wish.impi;
	identified(run, NULL);
	return UB_STEP_COST;
}

static enum ub_step unknown_nonce(struct ub_run *run)
{
	run->wish.cause = CAUSE_ub_nonce_unknown;
	return want_challenge(run);
}

/* Every run begins here. */
static enum ub_step judge_request(struct ub_run *run)
{
	struct ub_flow_env *env = &run->flow->env;
	size_t n = txn_count(env->txns), max = limit(run, LIM_IN_FLIGHT);

	ub_decide_request(&run->wish, &run->request, &env->self);
	if (run->wish.want == UB_REFUSE)
		return fail(run, run->wish.cause);
	ub_cost_begin(&run->cost, env->overload, env->limits, &run->from);
	if (n >= max || !ub_cost_place(&run->cost, run->flow, max - n))
		return fail(run, CAUSE_ub_busy);
	txn_start(env->txns, &run->txn, run_event, STORE_TIMEOUT_MS);
	if (run->wish.want == UB_CHALLENGE)
		return want_challenge(run);
	return run->wish.key_len ? UB_STEP_TAKE : unknown_nonce(run);
}

static enum ub_step tmpi_found(struct ub_run *run, const struct store_answer *a)
{
	if (a->rc == -ENOENT)
		return fail(run, CAUSE_ub_tmpi_unknown);
	if (a->rc < 0 || strlen(a->impi) > IMPI_MAX)
		return fail(run, store_cause(a));
	strcpy(run->impi.s, a->impi);
	identified(run, run->wish.tmpi);
	return UB_STEP_COST;
}

static enum ub_step find_tmpi(struct ub_run *run)
{
	return asked_store(run, store_find_tmpi(run->flow->env.store, run->wish.tmpi, run->txn.id), tmpi_found);
}

/* run->impi is known: pay for a vector. For a resynchronisation run->challenge is the one that was answered. */
static enum ub_step pay(struct ub_run *run)
{
	enum cause allowed = run->resync ? ub_cost_resync(&run->cost) : ub_cost_challenge(&run->cost);

	if (allowed != CAUSE_ub_ok)
		return fail(run, allowed);
	if (policy_suspended(policy_current(), run->impi.s))
		return fail(run, CAUSE_ub_suspended);
	return atomic_load(&run->flow->env.limits->guss_timestamp) && !run->guss_kept ? UB_STEP_GUSS : UB_STEP_ZH;
}

/* Where the store does not say whether there is a copy, the run goes on without. */
static enum ub_step guss_found(struct ub_run *run, const struct store_answer *a)
{
	if (a->rc == 0 && a->guss)
		ub_guss_take(run, a->guss);
	return UB_STEP_ZH;
}

static enum ub_step find_guss(struct ub_run *run)
{
	return asked_store(run, store_find_guss(run->flow->env.store, run->impi.s, run->txn.id), guss_found);
}

static enum ub_step ask_hss(struct ub_run *run)
{
	struct zh_ask ask = { .impi = &run->impi,
			      .scheme = ZH_SCHEME_AKAV1,
			      .has_guss_timestamp = run->guss_kept,
			      .guss_timestamp = run->guss_when };
	uint32_t timeout_ms;
	int rc;

	if (run->resync) {
		ask.rand = run->challenge.key;
		ask.auts = run->wish.auts;
		ask.gave = run->challenge.hss;
	}
	rc = zh_client_ask(run->flow->env.zh, &ask, run->txn.id, &timeout_ms, run->session_id);
	snprintf(run->said.origin, sizeof(run->said.origin), "%s", zh_client_asked(run->flow->env.zh));
	if (rc < 0) {
		ub_cost_unasked(&run->cost);
		return fail(run, rc == -ENOTCONN ? CAUSE_zh_down : CAUSE_ub_busy);
	}
	txn_extend(&run->txn, timeout_ms);
	return UB_STEP_WAIT;
}

/* Nobody but us can tell it from the vector; getting fresh ones costs more. */
static void make_random(const struct ub_flow *f, const struct zh_vector *v, uint8_t out[UB_RANDOM_LEN])
{
	for (int i = 0; i < 2; i++) {
		uint64_t h = keyed_hash(f->opaque_key[i], span_of(v->aka.rand, AKA_RAND_LEN));

		memcpy(out + i * sizeof(h), &h, sizeof(h));
	}
}

/* Whose challenge it is, by which names the two sides go, and the GUSS, which it owns from now on. */
static void address(const struct ub_run *run, struct gba_challenge *c, const struct zh_result *z,
		    struct guss_blob *guss)
{
	struct span user = run->wish.auth.username;

	c->impi = run->impi;
	memcpy(c->username, user.p, user.len);
	c->username[user.len] = 0;
	strcpy(c->bsf_name, run->wish.bsf_name);
	c->guss = guss;
	c->hss = z->hss;
}

/* The new challenge, from the vector. \returns CAUSE_ub_challenged or why there is none */
static enum cause make_challenge(struct ub_run *run, const struct zh_result *z)
{
	const struct ub_policy policy = { limit(run, LIM_KEY_LIFETIME), limit(run, LIM_KEY_LIFETIME_MAX),
					  limit(run, LIM_NONCE_LIFETIME),
					  !atomic_load(&run->flow->env.limits->gba_u_off),
					  policy_form(policy_current(), run->impi.s, run->request.user_agent) };
	enum guss_bad_uss rule =
		atomic_load(&run->flow->env.limits->bad_uss_left_out) ? GUSS_BAD_USS_LEFT_OUT : GUSS_BAD_USS_FAILS;
	const struct ub_now now = { store_now_s(run->flow->env.store), clock_mono_ms() };
	struct gba_challenge *c = &run->challenge;
	uint8_t random[UB_RANDOM_LEN];
	struct guss_facts facts;
	struct guss_blob *guss;
	enum cause cause;

	gba_challenge_clear(c);
	cause = ub_guss_weigh(run, z, run->flow->guss, rule, &facts, &guss);
	if (cause != CAUSE_ub_challenged)
		return cause;
	make_random(run->flow, &z->vector, random);
	cause = ub_make_challenge(c, &z->vector, &facts, &policy, random, &now);
	if (cause != CAUSE_ub_challenged) {
		guss_blob_put(guss);
		return cause;
	}
	address(run, c, z, guss);
	if (ub_life_changed(c, &facts))
		ub_guss_tell_clamped(c, facts.life_time_s);
	return cause;
}

static enum ub_step hss_said(struct ub_run *run, const struct zh_result *z)
{
	enum cause cause = ub_decide_zh(z, run->resync);

	if (cause == CAUSE_zh_down)
		ub_cost_unasked(&run->cost);
	run->said = z->said;
	run->hss_result = z->result;
	ub_trace_hss(run);
	if (cause != CAUSE_ub_challenged)
		return fail(run, cause);
	memcpy(run->rand, z->vector.aka.rand, sizeof(run->rand));
	run->has_rand = true;
	if (run->resync)
		ub_cost_resynced(&run->cost);
	cause = make_challenge(run, z);
	return cause == CAUSE_ub_challenged ? UB_STEP_CHALLENGE_PUT : fail(run, cause);
}

static enum ub_step challenge_is_put(struct ub_run *run, const struct store_answer *a)
{
	if (a->rc == -EDQUOT) {
		ub_cost_spent(&run->cost);
		return fail(run, CAUSE_ub_limit_impi);
	}
	/* a vector that was given before is none (33.102 6.3.3) */
	if (a->rc < 0)
		return fail(run, a->rc == -EEXIST ? CAUSE_zh_no_vector : store_cause(a));
	if (ub_answer_challenge(&run->answer, &run->challenge, run->wish.cause) < 0)
		return fail(run, CAUSE_ub_busy);
	return UB_STEP_END;
}

static enum ub_step put_challenge(struct ub_run *run)
{
	struct store *st = run->flow->env.store;
	struct bucket_rate rate = { 0 };
	struct span of = ub_cost_purse(&run->cost, &rate);
	struct store_count count = { of, rate.n, rate.per_s };

	return asked_store(run, store_challenge_put(st, &run->challenge, &count, run->txn.id), challenge_is_put);
}

/* The second request: run->challenge is what was taken. */
static enum ub_step judge_answer(struct ub_run *run)
{
	enum cause cause;

	memcpy(run->rand, run->challenge.key, sizeof(run->rand));
	run->has_rand = true;
	run->impi = run->challenge.impi;
	identified(run, NULL);
	if (policy_suspended(policy_current(), run->impi.s)) /* its challenge may be younger than the revocation */
		return fail(run, CAUSE_ub_suspended);
	cause = ub_decide_answer(&run->wish, &run->request, &run->challenge);
	if (cause == CAUSE_ub_ok)
		return UB_STEP_SESSION_PUT;
	if (cause != CAUSE_ub_challenged)
		return fail(run, cause);
	if (ub_cost_resynced_before(&run->cost))
		return fail(run, CAUSE_ub_auts_repeated);
	run->resync = true;
	return UB_STEP_COST;
}

static enum ub_step challenge_taken(struct ub_run *run, const struct store_answer *a)
{
	if (a->rc == -ENOENT)
		return unknown_nonce(run);
	if (a->rc < 0)
		return fail(run, a->rc == -EALREADY ? CAUSE_ub_nonce_taken : store_cause(a));
	gba_challenge_copy(&run->challenge, a->challenge);
	return judge_answer(run);
}

static enum ub_step take_challenge(struct ub_run *run)
{
	struct span key = span_of(run->wish.key, run->wish.key_len);

	return asked_store(run, store_challenge_take(run->flow->env.store, key, run->txn.id), challenge_taken);
}

/* Its keys, or all of its subscriber's, were revoked after its challenge was made: it begins again. */
static enum ub_step revoked_meanwhile(struct ub_run *run)
{
	gba_session_clear(&run->session);
	run->wish.cause = CAUSE_ub_nonce_unknown;
	return UB_STEP_COST;
}

static enum ub_step session_is_put(struct ub_run *run, const struct store_answer *a)
{
	if (a->rc == -EKEYREVOKED)
		return revoked_meanwhile(run);
	/* the HSS gave the RAND of a key that lives: its vectors are not usable */
	if (a->rc < 0)
		return fail(run, a->rc == -EEXIST ? CAUSE_zh_no_vector : store_cause(a));
	if (ub_answer_ok(&run->answer, &run->wish, &run->challenge, &run->session) < 0)
		return fail(run, CAUSE_ub_busy);
	ub_cost_proven(&run->cost);
	return UB_STEP_END;
}

static enum ub_step put_session(struct ub_run *run)
{
	struct store *st = run->flow->env.store;

	if (ub_make_session(&run->session, &run->challenge, run->wish.knows_tmpi, store_now_s(st)) < 0)
		return fail(run, CAUSE_ub_busy);
	return asked_store(run, store_put(st, &run->session, run->txn.id), session_is_put);
}

/* Nothing on Ub tells which context the device used (33.220 5.3.2), so all that can be at fault is named. */
static const char *suspect(const struct gba_challenge *c)
{
	if (c->variant == GBA_VARIANT_U)
		return "AUTN* was sent: card or device uses the 3G context, or macStar is not the card's, or the key is wrong";
	return "AUTN was sent: card and device use the GBA context (uiccType or gba-u say otherwise), or the key is wrong";
}

/* One line per transaction. Before there is a vector the Session-Id names the run; an IMPI is whole at DEBUG only. */
static void log_run(const struct ub_run *run)
{
	const uint8_t *rand = run->has_rand ? run->rand : NULL;
	enum cause cause = run->answer.cause;
	int level = cause == CAUSE_store_failed ? LOGL_ERROR : LOGL_INFO;
	struct log_line l;

	if ((level == LOGL_ERROR && !log_rate_ok(DUB)) || !log_line_begin(&l, DUB, level, cause))
		return;
	log_line_num(&l, "status", run->answer.status);
	log_line_run(&l, rand);
	log_line_str(&l, "session", rand ? NULL : run->session_id);
	log_line_str(&l, "variant", gba_variant_name(run->challenge.variant));
	log_line_impi(&l, run->impi.s);
	log_line_from(&l, &run->from);
	log_line_str(&l, "hss", run->said.origin);
	log_line_result(&l, &run->hss_result);
	log_line_str(&l, "error", run->said.error);
	log_line_str(&l, "guss", run->guss_said);
	if (cause == CAUSE_ub_mac_failure || cause == CAUSE_ub_mac_context)
		log_line_str(&l, "suspect", suspect(&run->challenge));
	log_line_num(&l, "ms", clock_mono_ms() - run->begun_ms);
	log_line_end(&l);
	LOGT(DUB, LOGL_DEBUG, "impi=%s is of the line before\n", run->impi.s);
}

/* In each step something is asked for, and one kind of answer goes on; late is why the run ends if it does not come. */
static const struct {
	const char *name; /* for people */
	enum ub_step (*enter)(struct ub_run *run);
	enum ub_step (*stored)(struct ub_run *run, const struct store_answer *a); /* or: it waits for the HSS */
	enum cause late;
} steps[] = {
	[UB_STEP_BEGIN] = { .name = "request", .enter = judge_request },
	[UB_STEP_FIND_TMPI] = { "tmpi", find_tmpi, tmpi_found, CAUSE_store_failed },
	[UB_STEP_COST] = { .name = "hss", .enter = pay },
	[UB_STEP_GUSS] = { "guss", find_guss, guss_found, CAUSE_store_failed },
	[UB_STEP_ZH] = { "hss", ask_hss, NULL, CAUSE_zh_timeout },
	[UB_STEP_CHALLENGE_PUT] = { "challenge", put_challenge, challenge_is_put, CAUSE_store_failed },
	[UB_STEP_TAKE] = { "answer", take_challenge, challenge_taken, CAUSE_store_failed },
	[UB_STEP_SESSION_PUT] = { "session", put_session, session_is_put, CAUSE_store_failed },
};

static void remember(const struct ub_run *run)
{
	struct ub_note n = {
		.at_s = time(NULL),
		.rand = run->has_rand ? run->rand : NULL,
		.step = steps[run->step].name,
		.cause = run->answer.cause,
		.variant = run->challenge.variant,
		.agent = run->request.user_agent,
		.hss = run->said.origin,
		.impi = run->impi.s,
	};

	ub_history_add(run->flow->env.history, &n);
	ub_trace_end(run);
}

/* The one place where a run ends, in run->step. The answer is made; count, log, forget what was secret. */
static void end(struct ub_run *run)
{
	ub_cost_end(&run->cost);
	counter_inc(run->answer.cause);
	if (run->answer.status == 401 && run->answer.cause != CAUSE_ub_challenged)
		counter_inc(CAUSE_ub_challenged); /* the other one says why it was due */
	log_run(run);
	remember(run);
	run->step = UB_STEP_END;
	gba_challenge_clear(&run->challenge);
	gba_session_clear(&run->session);
	ub_guss_forget(run);
	txn_end(&run->txn);
	if (!run->inside)
		run->flow->env.answered(run->flow->env.owner, run);
}

static void go(struct ub_run *run, enum ub_step next)
{
	while (next < UB_STEP_END) {
		run->step = next;
		if (next != UB_STEP_COST) /* for people it begins the step after it */
			ub_trace_step(run, steps[next].name);
		next = steps[next].enter(run);
	}
	if (next == UB_STEP_END)
		end(run);
}

/* Something came for the run; an answer to what it does not wait for (any more) is nothing to it. */
static void run_event(struct txn *t, const struct txn_event *e)
{
	struct ub_run *run = container_of(t, struct ub_run, txn);

	if (e->kind == TXN_STOP)
		go(run, fail(run, CAUSE_ub_busy));
	else if (e->kind == TXN_EXPIRED)
		go(run, fail(run, steps[run->step].late));
	else if (e->kind == TXN_STORE && steps[run->step].stored)
		go(run, steps[run->step].stored(run, e->store));
	else if (e->kind == TXN_ZH && run->step == UB_STEP_ZH)
		go(run, hss_said(run, e->zh));
}

static void start(struct ub_flow *f, struct ub_run *run)
{
	run->flow = f;
	run->begun_ms = clock_mono_ms();
	run->inside = true;
}

bool ub_flow_begin(struct ub_flow *f, struct ub_run *run)
{
	start(f, run);
	go(run, UB_STEP_BEGIN);
	run->inside = false;
	return run->step == UB_STEP_END;
}

void ub_flow_refuse(struct ub_flow *f, struct ub_run *run, enum cause cause)
{
	start(f, run);
	go(run, fail(run, cause));
	run->inside = false;
}
