/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bootstrapping runs from request to answer: what a device sends. Each test looks at answer, counter, and at what the
 * HSS was asked. */
#include <stdio.h>
#include <osmocom/core/select.h>
#include "bsf/policy/policy.h"
#include "common/base/clock.h"
#include "common/gba/gba_time.h"
#include "tests/flow/ub_world.h"
#include "tests/unit/suite.h"

/* 220-4.2.1-1, 220-4.4.4-2, 220-4.4.4-3, 220-4.5.2-11, 220-4.5.2-20, 220-4.5.2-21, 220-4.5.2-22, 220-4.4.5-3 */
START_TEST(bootstrap)
{
	struct gba_session s;
	char when[DATE_TIME_LEN + 1];
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ended(&ue, CAUSE_ub_challenged, 401);
	ck_assert_uint_eq(w.hss.asked, 1);
	ck_assert_str_eq(w.hss.impi.s, IMPI);
	ck_assert(!w.hss.resync);
	ck_assert_str_eq(w.hss.scheme, ZH_SCHEME_AKAV1);
	ck_assert(no_session(1));
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ck_assert_uint_eq(w.hss.asked, 1);
	ck_assert(session_of(1, &s));
	ck_assert_secret(s.ks, "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441");
	ck_assert_str_eq(s.impi.s, IMPI);
	ck_assert_int_eq(s.expires_at - s.created_at, 3600);
	ck_assert_int_eq(ue.run.answer.expires_at, s.expires_at);
	date_time_format(when, s.expires_at);
	ck_assert_ptr_nonnull(strstr(ue.run.answer.body, when));
	ck_assert(s.has_tmpi);
	gba_session_clear(&s);
	/* what was secret does not stay in the run */
	ck_assert_uint_eq(ue.run.challenge.aka.xres.len + ue.run.session.ks.len, 0);
}
END_TEST

/* 220-4.5.2-9, 220-4.5.2-21, 220-4.4.4-5, 220-4.5.2-10, 220-4.5.2-24 */
START_TEST(with_tmpi)
{
	char tmpi[TMPI_MAX + 1];
	struct gba_session s;
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue_answer(&ue);
	ck_assert(session_of(1, &s));
	tmpi_format(tmpi, s.tmpi);
	gba_session_clear(&s);

	ue.user = tmpi;
	ue_challenged(&ue, 2);
	ck_assert_str_eq(w.hss.impi.s, IMPI);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ck_assert(session_of(2, &s));
	ck_assert_str_eq(s.impi.s, IMPI);
	gba_session_clear(&s);
	/* the former one is over: an error, no challenge, nothing asked */
	ue_first(&ue);
	ended(&ue, CAUSE_ub_tmpi_unknown, 403);
	ck_assert_uint_eq(w.hss.asked, 2);
	/* a device that does not know the token gets no TMPI (220-4.4.4-7) */
	ue_init(&ue, IMPI);
	ue.agent = "old";
	ue_challenged(&ue, 3);
	ue_answer(&ue);
	ck_assert(session_of(3, &s));
	ck_assert(!s.has_tmpi);
	gba_session_clear(&s);
}
END_TEST

/* 102-6.3.3-5, 220-I.5.2-6 */
START_TEST(nonces)
{
	struct ue ue;

	atomic_store(&w.cfg.limits.number[LIM_NONCE_LIFETIME], 1);
	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_nonce_taken, 403);
	ck_assert(!no_session(1));
	/* never ours: a fresh challenge */
	strcpy(ue.nonce, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	ue_answer(&ue);
	hss_gives(&ue, 2, NULL);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	ck_assert_ptr_null(strstr(ue.run.answer.www_authenticate, "stale"));
	ue_take_challenge(&ue);
	/* its time is over */
	for (uint64_t until = clock_mono_ms() + 1100; clock_mono_ms() < until;) {
		struct deadline d = { 0 };

		deadline_start(w.deadlines, &d, 50, (void (*)(void *))deadline_stop, &d);
		osmo_select_main(0);
		deadline_stop(&d);
	}
	ue_answer(&ue);
	ck_assert(waits_for_hss(&ue));
	hss_gives(&ue, 3, NULL);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	ck_assert(no_session(2));
	/* something else than a nonce of ours */
	strcpy(ue.nonce, "abc");
	ue_answer(&ue);
	hss_gives(&ue, 4, NULL);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
}
END_TEST

/* Whatever answer names a live nonce takes it, and a wrong one gains nothing (220-4.2.1-1). */
START_TEST(wrong_answers)
{
	struct ue ue;

	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue_answer_with(&ue, span_str("a54211d5e3ba50bf"), "");
	ended(&ue, CAUSE_ub_response, 403);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_nonce_taken, 403);

	ue_challenged(&ue, 2);
	ue.user = OTHER;
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_user_mismatch, 403);
	ue.user = IMPI;

	ue_challenged(&ue, 3);
	strcpy(ue.opaque, "00000000000000000000000000000000");
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_opaque, 403);

	ue_challenged(&ue, 4);
	snprintf(ue.authorization, sizeof(ue.authorization),
		 "Digest username=\"" IMPI "\", realm=\"" NAME "\", nonce=\"%s\", uri=\"/\", response=\"\"", ue.nonce);
	ue_send(&ue);
	turn(&ue);
	ended(&ue, CAUSE_ub_mac_failure, 403);

	ue_challenged(&ue, 5);
	ue_auts(&ue); /* first only look: an honest AUTS asks the HSS again */
	ck_assert(waits_for_hss(&ue));
	ck_assert(w.hss.resync);
	txn_stop_all(w.env.txns);
	ended(&ue, CAUSE_ub_busy, 503);

	ue_challenged(&ue, 6);
	ue_answer_with(&ue, span_str("x"), ", auts=\"uoU/PBIbHULnlDBfgb0=\"");
	ended(&ue, CAUSE_ub_auts_response, 403);
	for (uint8_t i = 1; i <= 6; i++)
		ck_assert(no_session(i));
}
END_TEST

#define GUSS_U "<guss><bsfInfo><uiccType>GBA_U</uiccType></bsfInfo></guss>"

static void mac_failure(struct ue *ue)
{
	snprintf(ue->authorization, sizeof(ue->authorization),
		 "Digest username=\"" IMPI "\", realm=\"" NAME "\", nonce=\"%s\", uri=\"/\", response=\"\"", ue->nonce);
	ue_send(ue);
	turn(ue);
}

/* 220-5.3.2-4, 220-5.2.2-1, 220-5.3.2-10: a card that can GBA_U; plain RES is not right; a failure changes no variant */
START_TEST(gba_u)
{
	static const uint8_t turned[] = { 0xa5, 0x42, 0x11, 0xd5, 0xe3, 0xba, 0x50, 0xbe };
	struct gba_session s;
	struct ue ue;

	ue_init(&ue, IMPI);
	for (uint8_t n = 1; n <= 3; n++) {
		ue_first(&ue);
		hss_gives(&ue, n, GUSS_U);
		ue_take_challenge(&ue);
		ck_assert_str_eq(ue.nonce + 20, "NVXzKLQ1d7m5jH8/DXI/skQ="); /* AUTN* each time */
		if (n == 1) {
			ue_answer(&ue);
			ended(&ue, CAUSE_ub_response, 403);
		} else if (n == 2) {
			mac_failure(&ue);
			ended(&ue, CAUSE_ub_mac_context, 403);
		} else {
			ue_answer_with(&ue, span_of(turned, sizeof(turned)), "");
			ended(&ue, CAUSE_ub_ok, 200);
		}
		ck_assert(no_session(n) == (n < 3));
	}
	ck_assert(session_of(3, &s));
	ck_assert_int_eq(s.variant, GBA_VARIANT_U);
	ck_assert_secret(s.ks, "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441");
	gba_session_clear(&s);
	/* the operator stays with GBA_ME, from the next run on */
	atomic_store(&w.cfg.limits.gba_u_off, true);
	ue_first(&ue);
	hss_gives(&ue, 4, GUSS_U);
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ck_assert(session_of(4, &s));
	ck_assert_int_eq(s.variant, GBA_VARIANT_ME);
	gba_session_clear(&s);
}
END_TEST

static void ignore(void *owner, uint64_t txn, const struct store_answer *a)
{
}

/* Revoked between 401 and answer: the key of that challenge never lives, the device begins again and has one */
START_TEST(revoked_meanwhile)
{
	struct store *st = store_new(w.ctx, w.store.inner, ignore, NULL);
	int64_t at;
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ck_assert_int_eq(store_revoke_impi(st, IMPI, 1)->rc, 0);
	at = store_clock_ms(st);
	while (store_clock_ms(st) <= at)
		;
	talloc_free(st);
	ue_answer(&ue);
	hss_gives(&ue, 2, NULL);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	ck_assert(no_session(1));
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ck_assert(no_session(1) && !no_session(2));
}
END_TEST

static void suspend(const char *impi)
{
	struct policy *p = calloc(1, sizeof(*p));

	p->suspended = name_table_new();
	ck_assert_int_eq(name_table_put(p->suspended, impi, p), 0);
	ck_assert_int_eq(policy_index(p), 0);
	policy_publish(p);
}

/* From the word on: no challenge, and no session of one that was made before */
START_TEST(suspended)
{
	struct ue ue, other;

	ue_init(&ue, IMPI);
	ue_init(&other, OTHER);
	ue_challenged(&ue, 1);
	suspend(IMPI);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_suspended, 403);
	ck_assert(no_session(1));
	ue_first(&ue);
	turn(&ue);
	ended(&ue, CAUSE_ub_suspended, 403);
	ck_assert_uint_eq(w.hss.asked, 1);
	ue_challenged(&other, 2);
	ue_answer(&other);
	ended(&other, CAUSE_ub_ok, 200);
	policy_publish(NULL);
	ue_challenged(&ue, 3);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
}
END_TEST

/* A vector that the HSS gives a second time is none (33.102 6.3.3), be its challenge open or its key alive */
START_TEST(vector_twice)
{
	struct ue ue;

	ue_init(&ue, IMPI);
	for (int proven = 0; proven <= 1; proven++) {
		ue_challenged(&ue, 1 + (uint8_t)proven);
		if (proven)
			ue_answer(&ue);
		ue_first(&ue);
		hss_gives(&ue, 1 + (uint8_t)proven, NULL);
		ended(&ue, CAUSE_zh_no_vector, 503);
	}
}
END_TEST

/* What a run does not wait for is nothing to it: a second answer of the HSS while the challenge is being put */
START_TEST(strays)
{
	struct zh_result first, second;
	struct ue ue;

	w.store.later = true;
	ue_init(&ue, IMPI);
	ue_first(&ue);
	zh_fake_vector(&first, 1, NULL);
	zh_fake_vector(&second, 2, NULL);
	txn_zh_done(w.env.txns, w.hss.txn, &first);
	ck_assert_int_eq(ue.run.step, UB_STEP_CHALLENGE_PUT);
	txn_zh_done(w.env.txns, w.hss.txn, &second);
	ck_assert_int_eq(ue.run.step, UB_STEP_CHALLENGE_PUT);
	turn(&ue);
	ended(&ue, CAUSE_ub_challenged, 401);
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ck_assert(!no_session(1) && no_session(2));
	zh_fake_clear(&first);
	zh_fake_clear(&second);
}
END_TEST

/* auth-int: the body that came is the one that was signed */
START_TEST(body)
{
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue.body = "signed";
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ue.body = "";
	ue_challenged(&ue, 2);
	ue.put_in = "slipped in";
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_body_digest, 403);
	ue.body = "signed";
	ue_challenged(&ue, 3);
	ue.put_in = "exchanged";
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_response, 403);
}
END_TEST

/* 102-6.3.5-1, 102-6.3.5-2 */
START_TEST(resync)
{
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue_auts(&ue);
	ck_assert_uint_eq(w.hss.asked, 2);
	ck_assert(w.hss.resync);
	ck_assert_octets(w.hss.rand, "01553cbe9637a89d218ae64dae47bf35");
	ck_assert_octets(w.hss.auts, "ba853f3c121b1d42e794305f81bd");
	hss_gives(&ue, 2, NULL);
	ended(&ue, CAUSE_ub_challenged, 401);
	ue_take_challenge(&ue);
	/* a second one without a success between */
	ue_auts(&ue);
	ended(&ue, CAUSE_ub_auts_repeated, 403);
	ck_assert_uint_eq(w.hss.asked, 2);
	/* a success clears that */
	ue_challenged(&ue, 3);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ue_challenged(&ue, 4);
	ue_auts(&ue);
	hss_refuses(&ue, RESULT_UNABLE_TO_COMPLY, false);
	ended(&ue, CAUSE_ub_auts_refused, 403);
}
END_TEST

/* Beside a resynchronisation another run of the IMPI is let in, unless it may have one request at the HSS only; what
 * was challenged before can still be answered (conformance.md on 102-6.3.5-2) */
START_TEST(beside_resync)
{
	struct ue ue, before, beside;

	ue_init(&ue, IMPI);
	ue_init(&before, IMPI);
	ue_init(&beside, IMPI);
	ue_challenged(&before, 1);
	ue_challenged(&ue, 2);
	atomic_store(&w.cfg.limits.number[LIM_IN_FLIGHT_IMPI], 1);
	ue_auts(&ue);
	ck_assert(waits_for_hss(&ue));
	ue_first(&beside);
	ended(&beside, CAUSE_ub_busy, 503);
	hss_gives(&ue, 3, NULL);
	ended(&ue, CAUSE_ub_challenged, 401);
	ue_answer(&before);
	ended(&before, CAUSE_ub_ok, 200);
}
END_TEST

/* What needs no state is refused at once, and costs neither store nor HSS. */
START_TEST(refused_at_once)
{
	static const struct {
		const char *authorization;
		enum cause cause;
		int status;
	} rows[] = {
		{ "Digest", CAUSE_ub_syntax, 400 },
		{ "Basic abc", CAUSE_ub_scheme, 400 },
		{ "Digest username=\"" IMPI "\", uri=\"/x\"", CAUSE_ub_uri_mismatch, 400 },
		{ "Digest username=\"nobody\", uri=\"/\"", CAUSE_ub_impi_syntax, 403 },
		{ "Digest username=\"" IMPI "\", realm=\"x.example\", uri=\"/\", nonce=\"abc\", response=\"\"",
		  CAUSE_ub_realm_unknown, 400 },
		{ "Digest username=\"" IMPI "\", realm=\"" NAME
		  "\", uri=\"/\", nonce=\"abc\", response=\"a\", qop=auth",
		  CAUSE_ub_algorithm, 400 },
		{ "Digest username=\"" IMPI "\", realm=\"" NAME
		  "\", uri=\"/\", nonce=\"abc\", response=\"\", auts=\"a\"",
		  CAUSE_ub_auts_syntax, 400 },
	};
	struct ue ue;

	w.answers = 0;
	ue_init(&ue, IMPI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(ue.authorization, rows[i].authorization);
		ue_send(&ue);
		ended(&ue, rows[i].cause, rows[i].status);
	}
	ck_assert_uint_eq(w.answers + w.hss.asked, 0);
}
END_TEST

WORLD_SUITE("ub_flow", bootstrap, with_tmpi, nonces, wrong_answers, gba_u, strays, body, resync, beside_resync,
	    refused_at_once, revoked_meanwhile, suspended, vector_twice)
