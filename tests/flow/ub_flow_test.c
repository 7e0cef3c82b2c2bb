/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bootstrapping runs from request to answer: the real flow and the real store in memory, with an HSS and a device of
 * the test. Each test looks at answer, counter, and at what the HSS was asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "bsf/bsf_cfg.h"
#include "bsf/ub_flow.h"
#include "common/base/b64.h"
#include "common/gba/gba_time.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "tests/flow/zh_fake.h"
#include "tests/unit/suite.h"

#define IMPI  "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
#define OTHER "234150999999998@ims.mnc015.mcc234.3gppnetwork.org"
#define NAME  "bsf.mnc015.mcc234.pub.3gppnetwork.org"
#define CNONCE "0123456789abcdef"
#define WAIT_MS 5000

static struct {
	void *ctx;
	struct bsf_cfg cfg;
	struct deadline_set *deadlines;
	struct store_shared *shared;
	struct ub_flow_env env;
	struct ub_flow *flow;
	struct zh_client hss;
	int store_rc;            /* what the store answers instead, or 0 */
	enum store_op store_op;  /* to this */
	uint64_t before[CAUSE_COUNT];
} w;

static void on_store(void *owner, uint64_t id, const struct store_answer *a)
{
	struct txn *t = txn_find(w.env.txns, id);
	struct store_answer mine = *a;

	if (w.store_rc && a->op == w.store_op)
		mine = (struct store_answer){ .op = a->op, .rc = w.store_rc };
	if (t)
		t->ops->store_done(t, &mine);
}

static unsigned answers;

static void on_answered(void *owner, struct ub_run *run)
{
	answers++;
}

static void world_open(void)
{
	static const char names[2][BSF_NAME_MAX + 1] = { NAME, "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org" };
	struct err err;

	memset(&w, 0, sizeof(w));
	w.ctx = talloc_named_const(NULL, 0, "test");
	bsf_cfg = &w.cfg;
	bsf_limits_default(&w.cfg);
	w.deadlines = deadline_set_new(w.ctx);
	w.shared = store_shared_mem_new(&err);
	w.hss.timeout_ms = 5000;
	w.env = (struct ub_flow_env){
		.self = { names, 2, NULL }, .store = store_new(w.ctx, w.shared, on_store, NULL), .zh = &w.hss,
		.overload = overload_new(), .txns = txn_table_new(w.ctx, 0, w.deadlines), .answered = on_answered,
	};
	w.flow = ub_flow_new(w.ctx, &w.env);
	for (int i = 0; i < CAUSE_COUNT; i++)
		w.before[i] = counter_get(i);
}

static void world_close(void)
{
	ck_assert_uint_eq(txn_count(w.env.txns), 0);
	talloc_free(w.env.store);
	store_shared_free(w.shared);
	overload_free(w.env.overload);
	talloc_free(w.ctx);
}

static uint64_t counted(enum cause c)
{
	return counter_get(c) - w.before[c];
}

/* A device and its request. */
struct ue {
	struct ub_run run;
	const char *user, *agent, *from, *body;
	const char *put_in;      /* body that goes out instead of the signed one */
	char nonce[64], opaque[64], authorization[1024];
};

static void ue_init(struct ue *ue, const char *user)
{
	memset(ue, 0, sizeof(*ue));
	ue->user = user;
	ue->agent = "test 3gpp-gba-tmpi";
	ue->from = "10.0.0.1";
	ue->body = "";
}

/* Send; the run may still wait for the HSS afterwards. */
static void ue_send(struct ue *ue)
{
	struct sockaddr_in from = { .sin_family = AF_INET };

	memset(&ue->run, 0, sizeof(ue->run));
	inet_pton(AF_INET, ue->from, &from.sin_addr);
	memcpy(&ue->run.from, &from, sizeof(from));
	ue->run.request = (struct ub_request){
		.method = span_str("GET"), .target = span_str("/"), .host = span_str(NAME),
		.authorization = span_str(ue->authorization), .n_authorization = 1, .user_agent = span_str(ue->agent),
		.body = span_str(ue->put_in ? ue->put_in : ue->body),
	};
	ue->put_in = NULL;
	ub_flow_begin(w.flow, &ue->run);
}

static bool waits_for_hss(const struct ue *ue)
{
	return ue->run.step == UB_STEP_ZH;
}

/* Turn the loop until the run has ended or waits for the HSS. */
static void turn(struct ue *ue)
{
	uint64_t until = monotonic_ms() + WAIT_MS;

	while (ue->run.step != UB_STEP_END && !waits_for_hss(ue)) {
		osmo_select_main(0);
		ck_assert_msg(monotonic_ms() < until, "stuck in step %d", ue->run.step);
	}
}

static void hss_says(struct ue *ue, struct zh_result *r)
{
	struct txn *t = txn_find(w.env.txns, w.hss.txn);

	ck_assert(waits_for_hss(ue));
	ck_assert_ptr_eq(t, &ue->run.txn);
	t->ops->zh_done(t, r);
	zh_fake_clear(r);
	turn(ue);
}

static void ended(const struct ue *ue, enum cause cause, int status)
{
	ck_assert_msg(ue->run.step == UB_STEP_END, "not ended");
	ck_assert_msg(ue->run.answer.cause == cause && ue->run.answer.status == status, "%s %d instead of %s %d",
		      cause_name(ue->run.answer.cause), ue->run.answer.status, cause_name(cause), status);
	ck_assert_uint_ge(counted(cause), 1);
}

static void param(char *out, size_t cap, const char *header, const char *name)
{
	const char *p = strstr(header, name), *end;

	ck_assert_ptr_nonnull(p);
	p += strlen(name);
	end = strchr(p, '"');
	ck_assert(end && (size_t)(end - p) < cap);
	memcpy(out, p, end - p);
	out[end - p] = 0;
}

static void ue_first(struct ue *ue)
{
	snprintf(ue->authorization, sizeof(ue->authorization),
		 "Digest username=\"%s\", realm=\"" NAME "\", nonce=\"\", uri=\"/\", response=\"\"", ue->user);
	ue_send(ue);
	turn(ue);
}

static void ue_take_challenge(struct ue *ue)
{
	ck_assert_int_eq(ue->run.answer.status, 401);
	param(ue->nonce, sizeof(ue->nonce), ue->run.answer.www_authenticate, "nonce=\"");
	param(ue->opaque, sizeof(ue->opaque), ue->run.answer.www_authenticate, "opaque=\"");
}

/* First request, and a vector for it. */
static void ue_challenged(struct ue *ue, uint8_t vector)
{
	struct zh_result r;

	ue_first(ue);
	zh_fake_vector(&r, vector, NULL);
	hss_says(ue, &r);
	ue_take_challenge(ue);
}

/* The answer, made with a password. more: parameters to add. */
static void ue_answer_with(struct ue *ue, struct span password, const char *more)
{
	struct digest_input in = {
		.hash = DIGEST_MD5, .qop = DIGEST_QOP_AUTH_INT, .method = span_str("GET"), .uri = span_str("/"),
		.nonce = span_str(ue->nonce), .nc = span_str("00000001"), .cnonce = span_str(CNONCE),
		.body = span_str(ue->body),
	};
	struct digest_text text;
	struct secret ha1 = { 0 };

	ck_assert_int_eq(digest_ha1(&ha1, DIGEST_MD5, span_str(ue->user), span_str(NAME), password), 0);
	ck_assert_int_eq(digest_response(&text, &in, &ha1), 0);
	snprintf(ue->authorization, sizeof(ue->authorization),
		 "Digest username=\"%s\", realm=\"" NAME "\", nonce=\"%s\", uri=\"/\", qop=auth-int, nc=00000001, "
		 "cnonce=\"" CNONCE "\", response=\"%s\", opaque=\"%s\", algorithm=AKAv1-MD5%s",
		 ue->user, ue->nonce, text.hex, ue->opaque, more);
	ue_send(ue);
	turn(ue);
}

static void ue_answer(struct ue *ue)
{
	static const uint8_t res[] = { 0xa5, 0x42, 0x11, 0xd5, 0xe3, 0xba, 0x50, 0xbf };

	ue_answer_with(ue, span_of(res, sizeof(res)), "");
}

static void ue_auts(struct ue *ue)
{
	ue_answer_with(ue, span_of("", 0), ", auts=\"uoU/PBIbHULnlDBfgb0=\"");
}

static void btid_of(struct btid *out, uint8_t vector)
{
	struct zh_result r;

	zh_fake_vector(&r, vector, NULL);
	memcpy(out->rand, r.vector.rand, sizeof(out->rand));
	strcpy(out->domain, NAME);
}

static bool session_of(uint8_t vector, struct gba_session *s)
{
	struct btid id;

	btid_of(&id, vector);
	memset(s, 0, sizeof(*s));
	return store_get_now(w.shared, &id, s) == 0;
}

static bool no_session(uint8_t vector)
{
	struct gba_session s;

	if (!session_of(vector, &s))
		return true;
	gba_session_clear(&s);
	return false;
}

/* 220-4.2.1-1, 220-4.4.4-2, 220-4.4.4-3, 220-4.5.2-11, 220-4.5.2-20, 220-4.5.2-21, 220-4.5.2-22, 220-4.4.5-3 */
START_TEST(bootstrap)
{
	struct gba_session s;
	char when[DATE_TIME_LEN + 1];
	struct ue ue;

	world_open();
	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ended(&ue, CAUSE_ub_challenged, 401);
	ck_assert_uint_eq(w.hss.asked, 1);
	ck_assert_str_eq(w.hss.impi.s, IMPI);
	ck_assert(!w.hss.resync);
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
	ck_assert_uint_eq(ue.run.challenge.xres.len + ue.run.session.ks.len, 0);
	world_close();
}
END_TEST

/* 220-4.5.2-9, 220-4.5.2-21, 220-4.4.4-5, 220-4.5.2-10, 220-4.5.2-24 */
START_TEST(with_tmpi)
{
	char tmpi[TMPI_MAX + 1];
	struct gba_session s;
	struct ue ue;

	world_open();
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
	world_close();
}
END_TEST

/* 102-6.3.3-5, 220-I.5.2-6 */
START_TEST(nonces)
{
	struct zh_result r;
	struct ue ue;

	world_open();
	atomic_store(&w.cfg.limit[LIM_NONCE_LIFETIME], 1);
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
	zh_fake_vector(&r, 2, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	ck_assert_ptr_null(strstr(ue.run.answer.www_authenticate, "stale"));
	ue_take_challenge(&ue);
	/* its time is over */
	for (uint64_t until = monotonic_ms() + 1100; monotonic_ms() < until;) {
		struct deadline d = { 0 };

		deadline_start(w.deadlines, &d, 50, (void (*)(void *))deadline_stop, &d);
		osmo_select_main(0);
		deadline_stop(&d);
	}
	ue_answer(&ue);
	ck_assert(waits_for_hss(&ue));
	zh_fake_vector(&r, 3, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	ck_assert(no_session(2));
	/* something else than a nonce of ours */
	strcpy(ue.nonce, "abc");
	ue_answer(&ue);
	zh_fake_vector(&r, 4, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	world_close();
}
END_TEST

/* Whatever answer names a live nonce takes it, and a wrong one gains nothing (220-4.2.1-1). */
START_TEST(wrong_answers)
{
	struct ue ue;

	world_open();
	atomic_store(&w.cfg.bucket[BUCKET_CHALLENGES_IMPI], 0);
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
	snprintf(ue.authorization, sizeof(ue.authorization), "Digest username=\"" IMPI "\", realm=\"" NAME
		 "\", nonce=\"%s\", uri=\"/\", response=\"\"", ue.nonce);
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
	world_close();
}
END_TEST

/* auth-int: the body that came is the one that was signed */
START_TEST(body)
{
	struct ue ue;

	world_open();
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
	world_close();
}
END_TEST

/* 102-6.3.5-1, 102-6.3.5-2 */
START_TEST(resync)
{
	struct zh_result r;
	struct ue ue;

	world_open();
	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue_auts(&ue);
	ck_assert_uint_eq(w.hss.asked, 2);
	ck_assert(w.hss.resync);
	ck_assert_octets(w.hss.rand, "01553cbe9637a89d218ae64dae47bf35");
	ck_assert_octets(w.hss.auts, "ba853f3c121b1d42e794305f81bd");
	zh_fake_vector(&r, 2, NULL);
	hss_says(&ue, &r);
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
	zh_fake_code(&r, DIA_UNABLE_TO_COMPLY, false);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_ub_auts_refused, 403);
	/* two in ten minutes */
	ue_challenged(&ue, 5);
	ue_auts(&ue);
	ended(&ue, CAUSE_ub_limit_resync, 503);
	ck_assert(ue.run.answer.retry_after);
	ck_assert_uint_eq(w.hss.asked, 6);
	world_close();
}
END_TEST

/* Beside a resynchronisation another run of the IMPI is let in, unless it may have one request at the HSS only; what
 * was challenged before can still be answered (conformance.md on 102-6.3.5-2) */
START_TEST(beside_resync)
{
	struct ue ue, before, beside;
	struct zh_result r;

	world_open();
	ue_init(&ue, IMPI);
	ue_init(&before, IMPI);
	ue_init(&beside, IMPI);
	ue_challenged(&before, 1);
	ue_challenged(&ue, 2);
	atomic_store(&w.cfg.limit[LIM_IN_FLIGHT_IMPI], 1);
	ue_auts(&ue);
	ck_assert(waits_for_hss(&ue));
	ue_first(&beside);
	ended(&beside, CAUSE_ub_busy, 503);
	zh_fake_vector(&r, 3, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_ub_challenged, 401);
	ue_answer(&before);
	ended(&before, CAUSE_ub_ok, 200);
	world_close();
}
END_TEST

START_TEST(hss_answers)
{
	static const struct {
		uint32_t code;
		bool experimental;
		enum cause cause;
		int status;
	} rows[] = {
		{ 5401, true, CAUSE_ub_user_unknown, 403 }, { 5001, true, CAUSE_ub_user_unknown, 403 },
		{ 3004, false, CAUSE_zh_busy, 503 },        { 5012, false, CAUSE_zh_error, 503 },
		{ 2001, false, CAUSE_zh_no_vector, 503 },   { 0, false, CAUSE_zh_malformed, 503 },
	};
	struct zh_result r;
	struct ue ue;

	world_open();
	atomic_store(&w.cfg.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&ue, IMPI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ue_first(&ue);
		zh_fake_code(&r, rows[i].code, rows[i].experimental);
		hss_says(&ue, &r);
		ended(&ue, rows[i].cause, rows[i].status);
	}
	ue_first(&ue);
	zh_fake_code(&r, 3002, false);
	r.rc = -ENOTCONN;
	hss_says(&ue, &r);
	ended(&ue, CAUSE_zh_down, 503);
	w.hss.refuse = -ENOTCONN;
	ue_first(&ue);
	ended(&ue, CAUSE_zh_down, 503);
	w.hss.refuse = -EBUSY;
	ue_first(&ue);
	ended(&ue, CAUSE_ub_busy, 503);
	w.hss.refuse = 0;
	/* the same vector twice: used once */
	ue_challenged(&ue, 9);
	ue_first(&ue);
	zh_fake_vector(&r, 9, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_zh_no_vector, 503);
	world_close();
}
END_TEST

/* The same where the store answers at once, as memory and LMDB do. */
START_TEST(store_at_once)
{
	struct zh_result r;
	struct ue ue;

	world_open();
	w.env.store_now = w.shared;
	w.flow = ub_flow_new(w.ctx, &w.env);
	ue_init(&ue, IMPI);
	ue_challenged(&ue, 1);
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_ok, 200);
	ck_assert(!no_session(1));
	ue_answer(&ue);
	ended(&ue, CAUSE_ub_nonce_taken, 403);
	ue_challenged(&ue, 2);
	ue_answer_with(&ue, span_str("x"), "");
	ended(&ue, CAUSE_ub_response, 403);
	strcpy(ue.nonce, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	ue_answer(&ue);
	zh_fake_vector(&r, 3, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_ub_nonce_unknown, 401);
	ue_first(&ue);
	zh_fake_vector(&r, 3, NULL);
	hss_says(&ue, &r);
	ended(&ue, CAUSE_zh_no_vector, 503);
	world_close();
}
END_TEST

START_TEST(hss_silent)
{
	struct ue ue;
	uint64_t txn;

	world_open();
	w.hss.timeout_ms = 30;
	ue_init(&ue, IMPI);
	ue_first(&ue);
	txn = w.hss.txn;
	answers = 0;
	while (!answers)
		osmo_select_main(0);
	ended(&ue, CAUSE_zh_timeout, 503);
	ck_assert_ptr_null(txn_find(w.env.txns, txn)); /* a late answer finds nothing */
	world_close();
}
END_TEST

START_TEST(guss)
{
	struct gba_session s;
	struct zh_result r;
	struct ue ue;

	world_open();
	ue_init(&ue, IMPI);
	ue_first(&ue);
	zh_fake_vector(&r, 1, "<guss><bsfInfo><lifeTime>");
	hss_says(&ue, &r);
	ended(&ue, CAUSE_zh_guss_bad, 503);
	ue_first(&ue);
	zh_fake_vector(&r, 2, "<guss><bsfInfo><lifeTime>99999999</lifeTime></bsfInfo></guss>");
	hss_says(&ue, &r);
	ck_assert_uint_eq(counted(CAUSE_zh_guss_lifetime), 1);
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ck_assert(session_of(2, &s));
	ck_assert_int_eq(s.expires_at - s.created_at, 2592000);
	ck_assert_uint_eq(guss_blob_span(s.guss).len, 61);
	gba_session_clear(&s);
	/* the life the GUSS gives wins over the configured one */
	ue_first(&ue);
	zh_fake_vector(&r, 3, "<guss><bsfInfo><uiccType>GBA_U</uiccType><lifeTime>77</lifeTime></bsfInfo></guss>");
	hss_says(&ue, &r);
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ck_assert(session_of(3, &s));
	ck_assert_int_eq(s.expires_at - s.created_at, 77);
	ck_assert_int_eq(s.variant, GBA_VARIANT_ME);
	gba_session_clear(&s);
	world_close();
}
END_TEST

START_TEST(buckets)
{
	struct ue ue, other;
	uint8_t n = 1;

	world_open();
	ue_init(&ue, IMPI);
	ue_init(&other, OTHER);
	for (int i = 0; i < 6; i++)
		ue_challenged(&ue, n++);
	ue_first(&ue);
	ended(&ue, CAUSE_ub_limit_impi, 503);
	ck_assert(ue.run.answer.retry_after);
	ue_challenged(&other, n++);
	ck_assert_uint_eq(w.hss.asked, 7);
	/* of one source: private addresses do not count unless told so */
	atomic_store(&w.cfg.bucket[BUCKET_CHALLENGES_SOURCE], (uint64_t)1 << 32 | 3600);
	ue_challenged(&other, n++);
	ue_challenged(&other, n++);
	other.from = "198.51.100.1";
	ue_challenged(&other, n++);
	ue_first(&other);
	ended(&other, CAUSE_ub_limit_source, 503);
	other.from = "198.51.100.2";
	ue_challenged(&other, n++);
	atomic_store(&w.cfg.source_all, true);
	other.from = "10.0.0.1";
	ue_challenged(&other, n++);
	ue_first(&other);
	ended(&other, CAUSE_ub_limit_source, 503);
	world_close();
}
END_TEST

START_TEST(in_flight)
{
	struct ue ue[4];

	world_open();
	atomic_store(&w.cfg.limit[LIM_IN_FLIGHT], 3);
	for (int i = 0; i < 4; i++)
		ue_init(&ue[i], i < 3 ? IMPI : OTHER);
	ue_first(&ue[0]);
	ue_first(&ue[1]);
	ue_first(&ue[2]);
	ended(&ue[2], CAUSE_ub_busy, 503); /* two of one IMPI */
	ue_first(&ue[3]);
	ck_assert(waits_for_hss(&ue[3]));
	ue[2].user = "234150999999997@ims.mnc015.mcc234.3gppnetwork.org";
	ue_first(&ue[2]);
	ended(&ue[2], CAUSE_ub_busy, 503); /* three of the shard */
	ck_assert_uint_eq(w.hss.asked, 3);
	/* the shard stops: each gets its answer */
	answers = 0;
	txn_stop_all(w.env.txns);
	ck_assert_uint_eq(answers, 3);
	ended(&ue[0], CAUSE_ub_busy, 503);
	/* and nothing is left that counts */
	ue_challenged(&ue[0], 1);
	world_close();
}
END_TEST

/* -EIO is an error, never a key. */
START_TEST(store_lost)
{
	static const struct {
		enum store_op op;
		int rc;
		bool answering;
	} rows[] = {
		{ STORE_CHALLENGE_PUT, -EIO, false }, { STORE_CHALLENGE_PUT, -ENOSPC, false },
		{ STORE_CHALLENGE_TAKE, -EIO, true }, { STORE_PUT, -EIO, true }, { STORE_PUT, -ENOSPC, true },
	};
	struct zh_result r;
	struct ue ue;

	world_open();
	atomic_store(&w.cfg.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&ue, IMPI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w.store_rc = 0;
		if (rows[i].answering)
			ue_challenged(&ue, i);
		w.store_op = rows[i].op;
		w.store_rc = rows[i].rc;
		if (rows[i].answering) {
			ue_answer(&ue);
		} else {
			ue_first(&ue);
			zh_fake_vector(&r, i, NULL);
			hss_says(&ue, &r);
		}
		ended(&ue, CAUSE_store_failed, 503);
		ck_assert(!ue.run.answer.body_len && !ue.run.answer.auth_info[0] && !ue.run.answer.www_authenticate[0]);
	}
	ue.user = "2rBy9bL8T/1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.org";
	w.store_op = STORE_FIND_TMPI;
	ue_first(&ue);
	ended(&ue, CAUSE_store_failed, 503);
	world_close();
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

	world_open();
	answers = 0;
	ue_init(&ue, IMPI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(ue.authorization, rows[i].authorization);
		ue_send(&ue);
		ended(&ue, rows[i].cause, rows[i].status);
	}
	ck_assert_uint_eq(answers + w.hss.asked, 0);
	world_close();
}
END_TEST

SUITE("ub_flow", bootstrap, with_tmpi, nonces, wrong_answers, body, resync, beside_resync, hss_answers, store_at_once, hss_silent,
      guss, buckets, in_flight, store_lost, refused_at_once)
