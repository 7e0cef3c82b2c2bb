/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/flow/ub_world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "common/base/clock.h"
#include "common/rt/counters.h"
#include "tests/unit/suite.h"

#define CNONCE  "0123456789abcdef"
#define WAIT_MS 5000

struct ub_world w;

static void on_store(void *owner, uint64_t id, const struct store_answer *a)
{
	txn_store_done(w.env.txns, id, a);
}

static void on_answered(void *owner, struct ub_run *run)
{
	w.answers++;
}

void world_open(void)
{
	static const char names[2][BSF_NAME_MAX + 1] = { NAME, "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org" };
	struct err err;

	memset(&w, 0, sizeof(w));
	w.ctx = talloc_named_const(NULL, 0, "test");
	bsf_cfg = &w.cfg;
	bsf_limits_default(&w.cfg);
	w.deadlines = deadline_set_new(w.ctx);
	way_init(&w.store, store_shared_mem_new(&err));
	zh_fake_init(&w.hss);
	w.hss.timeout_ms = 5000;
	w.env = (struct ub_flow_env){
		.self = { names, 2, NULL },
		.store = store_new(w.ctx, &w.store.sh, on_store, NULL),
		.zh = &w.hss.client,
		.overload = overload_new(),
		.limits = &w.cfg.limits,
		.history = ub_history_new(),
		.txns = txn_table_new(w.ctx, 0, w.deadlines),
		.answered = on_answered,
	};
	w.flow = ub_flow_new(w.ctx, &w.env);
	for (int i = 0; i < CAUSE_COUNT; i++)
		w.before[i] = counter_get(i);
}

void world_open_later(void)
{
	world_open();
	w.store.later = true;
}

int world_run(const char *name, const TTest *const *tests, size_t n)
{
	static void (*const open[])(void) = { world_open, world_open_later };
	static const char *const way[] = { "the store answers at once", "the store answers later" };
	TCase *cases[2];

	for (size_t i = 0; i < 2; i++) {
		cases[i] = tcase_create(way[i]);
		tcase_add_checked_fixture(cases[i], open[i], world_close);
		for (size_t k = 0; k < n; k++)
			tcase_add_test(cases[i], tests[k]);
	}
	return suite_run_cases(name, cases, 2);
}

/* A place that a run has kept is one that nobody gets any more. */
static void nothing_in_flight(const char *impi)
{
	struct impi key;
	size_t ticket;

	impi_key(&key, impi);
	ck_assert_msg(overload_enter(w.env.overload, span_str(key.s), 1, &ticket), "%s is in flight for ever", impi);
}

void world_close(void)
{
	ck_assert_uint_eq(txn_count(w.env.txns), 0);
	nothing_in_flight(IMPI);
	nothing_in_flight(OTHER);
	talloc_free(w.env.store);
	way_free(&w.store);
	overload_free(w.env.overload);
	ub_history_free(w.env.history);
	talloc_free(w.ctx);
}

uint64_t counted(enum cause c)
{
	return counter_get(c) - w.before[c];
}

void ue_init(struct ue *ue, const char *user)
{
	memset(ue, 0, sizeof(*ue));
	ue->user = user;
	ue->agent = "test 3gpp-gba-tmpi";
	ue->from = "10.0.0.1";
	ue->body = "";
}

void ue_send(struct ue *ue)
{
	struct sockaddr_in from = { .sin_family = AF_INET };

	memset(&ue->run, 0, sizeof(ue->run));
	inet_pton(AF_INET, ue->from, &from.sin_addr);
	memcpy(&ue->run.from, &from, sizeof(from));
	ue->run.request = (struct ub_request){
		.method = span_str("GET"),
		.target = span_str("/"),
		.host = span_str(NAME),
		.authorization = span_str(ue->authorization),
		.n_authorization = 1,
		.user_agent = span_str(ue->agent),
		.body = span_str(ue->put_in ? ue->put_in : ue->body),
	};
	ue->put_in = NULL;
	ub_flow_begin(w.flow, &ue->run);
}

bool waits_for_hss(const struct ue *ue)
{
	return ue->run.step == UB_STEP_ZH;
}

void turn(struct ue *ue)
{
	uint64_t until = clock_mono_ms() + WAIT_MS;

	while (ue->run.step != UB_STEP_END && !waits_for_hss(ue)) {
		osmo_select_main(0);
		ck_assert_msg(clock_mono_ms() < until, "stuck in step %d", ue->run.step);
	}
}

void hss_says(struct ue *ue, struct zh_result *r)
{
	struct txn *t = txn_find(w.env.txns, w.hss.txn);

	ck_assert(waits_for_hss(ue));
	ck_assert_ptr_eq(t, &ue->run.txn);
	txn_zh_done(w.env.txns, w.hss.txn, r);
	zh_fake_clear(r);
	turn(ue);
}

void hss_gives(struct ue *ue, uint8_t vector, const char *guss_xml)
{
	struct zh_result r;

	zh_fake_vector(&r, vector, guss_xml);
	hss_says(ue, &r);
}

void hss_refuses(struct ue *ue, uint32_t code, bool experimental)
{
	struct zh_result r;

	zh_fake_code(&r, code, experimental);
	hss_says(ue, &r);
}

void ended(const struct ue *ue, enum cause cause, int status)
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

void ue_first(struct ue *ue)
{
	snprintf(ue->authorization, sizeof(ue->authorization),
		 "Digest username=\"%s\", realm=\"" NAME "\", nonce=\"\", uri=\"/\", response=\"\"", ue->user);
	ue_send(ue);
	turn(ue);
}

void ue_take_challenge(struct ue *ue)
{
	ck_assert_int_eq(ue->run.answer.status, 401);
	param(ue->nonce, sizeof(ue->nonce), ue->run.answer.www_authenticate, "nonce=\"");
	param(ue->opaque, sizeof(ue->opaque), ue->run.answer.www_authenticate, "opaque=\"");
}

void ue_challenged(struct ue *ue, uint8_t vector)
{
	ue_first(ue);
	hss_gives(ue, vector, NULL);
	ue_take_challenge(ue);
}

void ue_answer_with(struct ue *ue, struct span password, const char *more)
{
	struct digest_input in = {
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH_INT,
		.method = span_str("GET"),
		.uri = span_str("/"),
		.nonce = span_str(ue->nonce),
		.nc = span_str("00000001"),
		.cnonce = span_str(CNONCE),
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

void ue_answer(struct ue *ue)
{
	static const uint8_t res[] = { 0xa5, 0x42, 0x11, 0xd5, 0xe3, 0xba, 0x50, 0xbf };

	ue_answer_with(ue, span_of(res, sizeof(res)), "");
}

void ue_auts(struct ue *ue)
{
	ue_answer_with(ue, span_of("", 0), ", auts=\"uoU/PBIbHULnlDBfgb0=\"");
}

static void btid_of(struct btid *out, uint8_t vector)
{
	struct zh_result r;

	zh_fake_vector(&r, vector, NULL);
	memcpy(out->rand, r.vector.aka.rand, sizeof(out->rand));
	strcpy(out->domain, NAME);
}

static void ignore(void *owner, uint64_t txn, const struct store_answer *a)
{
}

/* Past the way, so at once. */
static bool session_read(const struct btid *id, struct gba_session *s)
{
	struct store *st = store_new(NULL, w.store.inner, ignore, NULL);
	const struct store_answer *a = store_get(st, id, 1);
	bool is = a->rc == 0;

	if (is)
		gba_session_copy(s, a->session);
	talloc_free(st);
	return is;
}

bool session_of(uint8_t vector, struct gba_session *s)
{
	struct btid id;

	btid_of(&id, vector);
	memset(s, 0, sizeof(*s));
	return session_read(&id, s);
}

bool no_session(uint8_t vector)
{
	struct gba_session s;

	if (!session_of(vector, &s))
		return true;
	gba_session_clear(&s);
	return false;
}
