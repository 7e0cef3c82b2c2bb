/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is asked one after the other, with what marks, until when: the flow of a question, with HSSs made of this file. */
#include <errno.h>
#include <stdio.h>
#include <talloc.h>
#include <osmocom/core/select.h>
#include <osmocom/core/application.h>
#include "bsf/run/cfg.h"
#include "bsf/vectors/zh_flow.h"
#include "common/base/clock.h"
#include "common/rt/counters.h"
#include "common/rt/deadline.h"
#include "tests/unit/suite.h"

#define IMPI_A "a@example.com"
#define ASKS   16

/* The link: remembers what it was asked. */
static struct {
	struct hss *hss;
	char host[64];
	uint32_t end_to_end;
	bool repeated, resync;
	uint64_t run;
	unsigned no;
} asks[ASKS];
static unsigned n_asks, ids;
static const char *unsendable; /* an identity */
static struct zh_dia_cfg link_cfg;

struct zh_dia *zh_dia_new(void *ctx, const struct zh_dia_cfg *cfg)
{
	link_cfg = *cfg;
	return talloc_zero_size(ctx, 1);
}

uint32_t zh_dia_ids(struct zh_dia *d, char *session_id)
{
	sprintf(session_id, "bsf.example;%u", ++ids);
	return 100 + ids;
}

int zh_dia_send(struct zh_dia *d, const struct zh_dia_ask *ask)
{
	if (unsendable && strcmp(ask->hss->identity, unsendable) == 0)
		return -EBUSY;
	ck_assert_uint_lt(n_asks, ASKS);
	asks[n_asks].hss = hss_get(ask->hss);
	snprintf(asks[n_asks].host, sizeof(asks[n_asks].host), "%s", ask->host ? ask->host : "");
	asks[n_asks].end_to_end = ask->end_to_end;
	asks[n_asks].repeated = ask->repeated;
	asks[n_asks].resync = ask->mar->has_resync;
	asks[n_asks].run = ask->run;
	asks[n_asks++].no = ask->no;
	return 0;
}

static void *ctx;
static struct zh_client *zc;
static struct policy *policy;
static unsigned done;
static struct zh_result last;
static uint64_t before[CAUSE_COUNT];

static void on_done(void *owner, uint64_t txn, const struct zh_result *r)
{
	ck_assert_uint_eq(txn, 77);
	last = *r;
	done++;
}

static void add(const char *identity, uint32_t priority, uint32_t load, bool relayed)
{
	struct hss_state *s = hss_state_new();

	hss_state_ready(s, true);
	policy->hss[policy->n_hss++] = hss_new(&(struct hss){ .identity = identity,
							      .realm = "example",
							      .via = relayed ? "dra" : identity,
							      .relayed = relayed,
							      .timeout_ms = 60,
							      .priority = priority,
							      .load = load,
							      .state = s });
	hss_state_put(s);
}

static struct hss_state *state(const char *identity)
{
	for (size_t i = 0; i < policy->n_hss; i++)
		if (strcmp(policy->hss[i]->identity, identity) == 0)
			return policy->hss[i]->state;
	ck_abort_msg("no hss %s", identity);
}

static void world_up(void)
{
	struct zh_flow_cfg cfg = { .done = on_done };

	ctx = talloc_named_const(NULL, 0, "test");
	cfg.deadlines = deadline_set_new(ctx);
	zc = zh_flow_new(ctx, &cfg);
	policy = calloc(1, sizeof(*policy));
	policy->hss = calloc(BSF_HSS_MAX, sizeof(*policy->hss));
	add("one", 1, 1, false);
	add("two", 2, 1, false);
	add("three", 3, 1, false);
	policy_publish(policy);
	n_asks = done = 0;
	unsendable = NULL;
	for (int i = 0; i < CAUSE_COUNT; i++)
		before[i] = counter_get(i);
}

static void world_down(void)
{
	zh_flow_stop(zc);
	talloc_free(ctx);
	for (unsigned i = 0; i < n_asks; i++)
		hss_put(asks[i].hss);
	policy_publish(NULL);
}

static int ask_with(uint32_t gave, bool auts)
{
	static const uint8_t octets[16];
	struct impi impi = { IMPI_A };
	struct zh_ask ask = { .impi = &impi, .scheme = ZH_SCHEME_AKAV1, .gave = gave };
	char session_id[ZH_SESSION_ID_MAX + 1];
	uint32_t ms = 0;

	if (auts)
		ask.rand = ask.auts = octets;
	return zh_client_ask(zc, &ask, 77, &ms, session_id);
}

static int ask(void)
{
	return ask_with(0, false);
}

/* The answer to ask number i. */
static void answer(unsigned i, enum hss_so_far so_far, int rc, uint32_t code, const struct zh_redirect *to)
{
	struct zh_answer a = { .r = { .rc = rc, .hss = asks[i].hss->id, .result.code = code },
			       .so_far = so_far,
			       .hss = asks[i].hss,
			       .no = asks[i].no,
			       .redirect = (struct zh_redirect *)to };

	link_cfg.done(link_cfg.owner, asks[i].run, &a);
}

static void good(unsigned i)
{
	answer(i, HSS_ANSWERED, 0, RESULT_SUCCESS, NULL);
}

static void sent_to(unsigned i, const char *host, uint32_t usage)
{
	struct zh_redirect z = { .n = 1, .usage = usage, .cache_s = 60 };

	snprintf(z.hosts[0], sizeof(z.hosts[0]), "%s", host);
	answer(i, HSS_REDIRECTED, 0, RESULT_REDIRECT, &z);
}

static void turn_until(unsigned n, const unsigned *what)
{
	uint64_t until = clock_mono_ms() + 10000;

	while (*what < n && clock_mono_ms() < until)
		osmo_select_main(1), usleep(1000);
	ck_assert_uint_eq(*what, n);
}

#define ck_asked(i, who) ck_assert_str_eq(asks[i].hss->identity, who)

START_TEST(one_answers)
{
	ck_assert_int_eq(ask(), 0);
	ck_asked(0, "one");
	ck_assert_str_eq(zh_client_asked(zc), "one");
	ck_assert(!asks[0].repeated);
	good(0);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(last.rc, 0);
	ck_assert_uint_eq(last.hss, hss_id("ONE"));
	ck_assert_uint_eq(state("one")->asked, 1);
	ck_assert_uint_eq(state("one")->answered, 1);
}
END_TEST

START_TEST(lost_goes_to_the_next)
{
	ck_assert_int_eq(ask(), 0);
	answer(0, HSS_LOST, -ENOTCONN, 0, NULL);
	ck_asked(1, "two");
	ck_assert(asks[1].repeated);
	ck_assert_uint_eq(asks[1].end_to_end, asks[0].end_to_end);
	answer(1, HSS_LOST, -ENOTCONN, 0, NULL);
	ck_asked(2, "three");
	answer(2, HSS_LOST, -ENOTCONN, 0, NULL);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(last.rc, -ENOTCONN);
	ck_assert_uint_eq(n_asks, 3);
	ck_assert_uint_eq(state("one")->lost, 1);
}
END_TEST

START_TEST(unsent_goes_to_the_next_without_t)
{
	unsendable = "one";
	ck_assert_int_eq(ask(), 0);
	ck_asked(0, "two");
	ck_assert(!asks[0].repeated);
	answer(0, HSS_UNSENT, -ENOTCONN, 0, NULL);
	ck_asked(1, "three");
	ck_assert(!asks[1].repeated);
	good(1);
	ck_assert_uint_eq(done, 1);
	for (size_t i = 0; i < policy->n_hss; i++)
		hss_state_ready(policy->hss[i]->state, false);
	ck_assert_int_eq(ask(), -ENOTCONN);
	ck_assert_uint_eq(done, 1);
	hss_state_ready(state("one"), true);
	ck_assert_int_eq(ask(), -EBUSY);
}
END_TEST

START_TEST(silent_goes_to_the_next_once)
{
	uint64_t began = clock_mono_ms();

	ck_assert_int_eq(ask(), 0);
	turn_until(2, &n_asks);
	ck_asked(1, "two");
	ck_assert(asks[1].repeated);
	ck_assert_uint_ge(clock_mono_ms() - began, 55);
	turn_until(1, &done); /* its time is over: twice what an HSS may take */
	ck_assert_int_eq(last.rc, -ETIMEDOUT);
	ck_assert_str_eq(last.said.origin, "two");
	ck_assert_uint_eq(n_asks, 2);
	ck_assert_uint_ge(clock_mono_ms() - began, 115);
	ck_assert_uint_eq(state("one")->silent, 1);
	good(0); /* late: it answers, and that is all */
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(state("one")->silent, 0);
	ck_assert_uint_eq(counter_get(CAUSE_zh_late) - before[CAUSE_zh_late], 1);
}
END_TEST

START_TEST(a_late_vector_is_not_thrown_away)
{
	ck_assert_int_eq(ask(), 0);
	turn_until(2, &n_asks);
	answer(0, HSS_ANSWERED, 0, RESULT_UNABLE_TO_COMPLY,
	       NULL); /* of one that was given up: the other may do better */
	answer(0, HSS_LOST, -ENOTCONN, 0, NULL);
	ck_assert_uint_eq(done, 0);
	good(0);
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(last.hss, hss_id("one"));
}
END_TEST

START_TEST(an_error_is_an_answer)
{
	ck_assert_int_eq(ask(), 0);
	answer(0, HSS_ANSWERED, 0, RESULT_UNABLE_TO_COMPLY, NULL);
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(n_asks, 1);
	ck_assert_int_eq(ask(), 0);
	answer(1, HSS_ANSWERED, -EBADMSG, 0, NULL);
	ck_assert_uint_eq(done, 2);
	ck_assert_int_eq(ask(), 0);
	answer(2, HSS_ANSWERED, 0, RESULT_TOO_BUSY, NULL);
	ck_assert_uint_eq(done, 3);
	ck_assert_int_eq(ask(), 0); /* that one is spared */
	ck_asked(3, "two");
	good(3);
}
END_TEST

START_TEST(three_time_outs_and_it_is_asked_last)
{
	for (int i = 0; i < HSS_SILENT; i++)
		hss_state_timed_out(state("one"), clock_mono_ms());
	ck_assert_int_eq(ask(), 0);
	ck_asked(0, "two");
	good(0);
	hss_state_answered(state("one"), false, clock_mono_ms());
	ck_assert_int_eq(ask(), 0);
	ck_asked(1, "one");
	good(1);
}
END_TEST

START_TEST(auts_goes_to_who_gave)
{
	ck_assert_int_eq(ask_with(hss_id("three"), true), 0);
	ck_asked(0, "three");
	ck_assert(asks[0].resync);
	answer(0, HSS_LOST, -ENOTCONN, 0, NULL);
	ck_asked(1, "one");
	ck_assert(asks[1].resync);
	good(1);
	hss_state_ready(state("three"), false);
	ck_assert_int_eq(ask_with(hss_id("three"), true), 0);
	ck_asked(2, "one");
	good(2);
	ck_assert_int_eq(ask_with(hss_id("gone.example"), true), 0);
	ck_asked(3, "one");
	good(3);
}
END_TEST

START_TEST(sent_on_and_remembered)
{
	add("hidden", 1, 0, false);
	ck_assert_int_eq(ask(), 0);
	sent_to(0, "hidden", ZH_REDIRECT_USER);
	ck_asked(1, "hidden");
	ck_assert(!asks[1].repeated); /* the other one has answered */
	ck_assert_uint_eq(asks[1].end_to_end, asks[0].end_to_end);
	good(1);
	ck_assert_uint_eq(last.hss, hss_id("hidden"));
	ck_assert_uint_eq(counter_get(CAUSE_zh_redirected) - before[CAUSE_zh_redirected], 1);
	ck_assert_int_eq(ask(), 0);
	ck_asked(2, "hidden"); /* at once */
	ck_assert_uint_eq(counter_get(CAUSE_zh_redirect_cached) - before[CAUSE_zh_redirect_cached], 1);
	answer(2, HSS_LOST, -ENOTCONN, 0, NULL);
	ck_assert_uint_eq(done, 2); /* nobody else has this user */
	ck_assert_int_eq(last.rc, -ENOTCONN);
	ck_assert_int_eq(ask(), 0); /* what was said died with it */
	ck_asked(3, "one");
	sent_to(3, "hidden", ZH_REDIRECT_USER);
	good(4);
	hss_state_ready(state("hidden"), false);
	ck_assert_int_eq(ask(), 0);
	ck_asked(5, "one");
	sent_to(5, "hidden", ZH_REDIRECT_USER);
	ck_assert_int_eq(last.rc, -ENOTCONN);
	ck_assert_uint_eq(n_asks, 6);
}
END_TEST

START_TEST(never_in_circles)
{
	add("hidden", 1, 0, false);
	ck_assert_int_eq(ask(), 0);
	sent_to(0, "one", ZH_REDIRECT_USER); /* itself */
	ck_assert_int_eq(last.rc, -ELOOP);
	ck_assert_int_eq(ask(), 0);
	sent_to(1, "two", ZH_REDIRECT_USER);
	sent_to(2, "ONE", ZH_REDIRECT_USER);
	ck_assert_int_eq(last.rc, -ELOOP);
	ck_assert_uint_eq(n_asks, 3);
	/* and no chain */
	ck_assert_int_eq(ask(), 0);
	ck_asked(3, "two"); /* of before */
	sent_to(3, "three", ZH_REDIRECT_ONCE);
	sent_to(4, "hidden", ZH_REDIRECT_ONCE);
	ck_asked(5, "hidden");
	sent_to(5, "one", ZH_REDIRECT_ONCE);
	ck_assert_int_eq(last.rc, -ELOOP);
	ck_assert_uint_eq(n_asks, 6);
	ck_assert_uint_eq(done, 3);
}
END_TEST

START_TEST(only_to_ours_or_through_the_relay)
{
	ck_assert_int_eq(ask(), 0);
	sent_to(0, "evil.example", ZH_REDIRECT_HOST);
	ck_assert_int_eq(last.rc, -EACCES);
	ck_assert_uint_eq(n_asks, 1);
	ck_assert_int_eq(ask(), 0); /* and that is not kept */
	ck_asked(1, "one");
	good(1);
	add("behind", 0, 1, true);
	ck_assert_int_eq(ask(), 0);
	ck_asked(2, "behind");
	sent_to(2, "far.example", ZH_REDIRECT_USER);
	ck_asked(3, "behind");
	ck_assert_str_eq(asks[3].host, "far.example");
	sent_to(3, "FAR.example", ZH_REDIRECT_USER);
	ck_assert_int_eq(last.rc, -ELOOP);
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(asks[4].host, "far.example"); /* kept */
	good(4);
	ck_assert_uint_eq(done, 4);
}
END_TEST

SUITE_WITH_FIXTURE("zh_flow", world_up, world_down, one_answers, lost_goes_to_the_next,
		   unsent_goes_to_the_next_without_t, silent_goes_to_the_next_once, a_late_vector_is_not_thrown_away,
		   an_error_is_an_answer, three_time_outs_and_it_is_asked_last, auts_goes_to_who_gave,
		   sent_on_and_remembered, never_in_circles, only_to_ours_or_through_the_relay)
