/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Decisions about the connections of one peer, each rule by itself: who is let in, election, those that are asked, reopening,
 * when to connect next. What was done is read as text. */
#include <errno.h>
#include <stdio.h>
#include "common/dia/dia_base.h"
#include "common/dia/dia_peer.h"
#include "tests/unit/suite.h"

#define TW 30000
#define TC 30000

static char did[4096];
static uint32_t dwr_id[32];
static struct dia_peer_machine *p;
static uint64_t now;

/* "LINK ACT ARG;" but the id of a DWR, which is kept */
static void on_act(void *owner, unsigned link, unsigned act, uint32_t arg)
{
	size_t n = strlen(did);

	if (act == DIA_BIT_SEND_DWR) {
		dwr_id[link] = arg;
		arg = 0;
	}
	if (act == DIA_BIT_DIAL)
		snprintf(did + n, sizeof(did) - n, "%u DIAL;", link);
	else if (arg)
		snprintf(did + n, sizeof(did) - n, "%u %s %u;", link, dia_sm_act(act), arg);
	else
		snprintf(did + n, sizeof(did) - n, "%u %s;", link, dia_sm_act(act));
}

static void expect(const char *what)
{
	ck_assert_str_eq(did, what);
	did[0] = '\0';
}

static void forget(void)
{
	did[0] = '\0';
}

static struct dia_peer_cfg config(void)
{
	return (struct dia_peer_cfg){ .self = "m.example",
				      .name = "b.example",
				      .dial = true,
				      .connections = 1,
				      .tw_ms = TW,
				      .tc_ms = TC,
				      .seed = 42 };
}

static void begin(struct dia_peer_cfg cfg)
{
	now = 1000000;
	p = dia_peer_new(&cfg, on_act, NULL, now);
	ck_assert_ptr_nonnull(p);
	forget();
}

static void teardown(void)
{
	dia_peer_free(p);
	p = NULL;
}

static void at(uint64_t ms)
{
	now += ms;
	dia_peer_tick(p, now);
}

static void on(unsigned link, enum dia_on event, uint32_t arg)
{
	dia_peer_event(p, now, link, event, arg);
}

static int cer(void)
{
	return dia_peer_cer(p, now, false, 0);
}

/* As long as it takes for the next thing to be due. */
static uint64_t wait_due(void)
{
	uint64_t next = dia_peer_next(p), ms;

	ck_assert_uint_ne(next, UINT64_MAX);
	ms = next > now ? next - now : 0;
	at(ms);
	return ms;
}

/* Link 0 is open, by an attempt of ours. */
static void begin_open(struct dia_peer_cfg cfg)
{
	begin(cfg);
	at(0);
	on(0, DIA_ON_UP, 0);
	on(0, DIA_ON_CEA_OK, 0);
	forget();
}

START_TEST(we_connect)
{
	begin(config());
	at(0);
	expect("0 DIAL;");
	ck_assert_uint_eq(dia_peer_next(p), now + DIA_CONNECT_MS);
	on(0, DIA_ON_UP, 0);
	expect("0 SEND_CER;");
	ck_assert(!dia_peer_usable(p, 0));
	on(0, DIA_ON_CEA_OK, 0);
	expect("0 OPENED;");
	ck_assert(dia_peer_usable(p, 0));
	at(1000);
	expect("");
}
END_TEST

START_TEST(it_comes)
{
	struct dia_peer_cfg cfg = config();

	cfg.dial = false;
	begin(cfg);
	at(100000);
	expect("");
	ck_assert_uint_eq(dia_peer_next(p), UINT64_MAX);
	ck_assert_int_eq(cer(), 0);
	expect("0 SEND_CEA;0 OPENED;");
}
END_TEST

START_TEST(attempt_without_cer_gives_way)
{
	begin(config());
	at(0);
	forget();
	ck_assert_int_eq(cer(), 1);
	expect("0 CLOSE;1 SEND_CEA;1 OPENED;");
	at(100);
	expect(""); /* no other attempt beside the one that was accepted */
}
END_TEST

START_TEST(election_greater_name_wins) /* RFC 6733 5.6.4 */
{
	begin(config());
	at(0);
	on(0, DIA_ON_UP, 0);
	forget();
	ck_assert_int_eq(cer(), 1);
	expect("0 CLOSE;1 SEND_CEA;1 OPENED;");
}
END_TEST

static void begin_lower(void)
{
	struct dia_peer_cfg cfg = config();

	cfg.self = "A.example"; /* no case: else it stood before all small letters anyway */
	begin(cfg);
	at(0);
	on(0, DIA_ON_UP, 0);
	forget();
	ck_assert_int_eq(cer(), 1);
	expect("");
	ck_assert_int_eq(dia_peer_state(p, 1), DIA_ST_HELD);
}

START_TEST(election_smaller_name_waits_for_its_cea)
{
	begin_lower();
	on(0, DIA_ON_CEA_OK, 0);
	expect("0 OPENED;1 CLOSE;"); /* without a word */
}
END_TEST

START_TEST(election_smaller_name_whose_attempt_ends)
{
	begin_lower();
	on(0, DIA_ON_CEA_BAD, DIA_ELECTION_LOST);
	expect("0 CLOSE;1 SEND_CEA;1 OPENED;");
	teardown();
	begin_lower();
	on(0, DIA_ON_FAIL, 0);
	expect("0 CLOSE;1 SEND_CEA;1 OPENED;");
}
END_TEST

START_TEST(case_does_not_decide)
{
	struct dia_peer_cfg cfg = config();

	cfg.self = "B.example";
	cfg.name = "a.EXAMPLE";
	begin(cfg);
	at(0);
	on(0, DIA_ON_UP, 0);
	forget();
	cer();
	expect("0 CLOSE;1 SEND_CEA;1 OPENED;");
}
END_TEST

START_TEST(full_and_just_heard)
{
	begin_open(config());
	now += DIA_HEARD_MS - 1;
	cer();
	expect("1 SEND_REFUSAL 5012;1 CLOSE;");
}
END_TEST

START_TEST(full_and_told_what_nobody_asked)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	on(0, DIA_ON_DWA, 77);
	cer();
	expect("0 SEND_DWR;");
}
END_TEST

START_TEST(full_and_asked_and_alive)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	cer();
	expect("0 SEND_DWR;");
	on(0, DIA_ON_DWA, dwr_id[0] + 1); /* of no request: says nothing */
	on(0, DIA_ON_REQUEST, 0);         /* nor do octets that were under way */
	expect("0 DELIVER;");
	on(0, DIA_ON_DWA, dwr_id[0]);
	expect("1 SEND_REFUSAL 5012;1 CLOSE;");
	ck_assert_int_eq(dia_peer_state(p, 0), DIA_ST_OPEN);
}
END_TEST

START_TEST(dwa_of_another_request_is_no_sign_of_life)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	cer();
	on(0, DIA_ON_DWA, dwr_id[0] + 1);
	forget();
	at(DIA_ROUND_MS);
	expect("0 FAILOVER;0 RESET;1 SEND_CEA;1 OPENED 3;1 SEND_DWR;");
}
END_TEST

START_TEST(full_and_asked_and_silent)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	cer();
	forget();
	at(DIA_ROUND_MS - 1);
	expect("");
	at(1);
	expect("0 FAILOVER;0 RESET;1 SEND_CEA;1 OPENED 3;1 SEND_DWR;");
}
END_TEST

START_TEST(full_and_asked_and_closed)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	cer();
	forget();
	on(0, DIA_ON_FAIL, 0);
	expect("0 FAILOVER;0 CLOSE;1 SEND_CEA;1 OPENED 3;1 SEND_DWR;");
}
END_TEST

/* Several workers come back after a power loss: one round for all of them, begun by the first. */
START_TEST(one_round_for_all_that_are_held)
{
	struct dia_peer_cfg cfg = config();

	cfg.dial = false;
	cfg.connections = 4;
	begin(cfg);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(cer(), i);
	at(TW + 2 * DIA_TW_JITTER_MS); /* all probed */
	ck_assert_int_eq(dia_peer_state(p, 3), DIA_ST_PROBED);
	on(0, DIA_ON_DWA, dwr_id[0]);
	on(1, DIA_ON_DWA, dwr_id[1]);
	at(DIA_HEARD_MS);
	forget();
	cer();
	expect("0 SEND_DWR;1 SEND_DWR;"); /* 2 and 3 have one out */
	at(DIA_ROUND_MS - 500);
	cer();
	cer();
	expect("");
	on(0, DIA_ON_DWA, dwr_id[0]);
	on(1, DIA_ON_DWA, dwr_id[1]);
	expect("");
	at(500); /* three seconds after the first, not after the last */
	expect("2 FAILOVER;2 RESET;3 FAILOVER;3 RESET;4 SEND_CEA;4 OPENED;5 SEND_CEA;5 OPENED;"
	       "6 SEND_REFUSAL 5012;6 CLOSE;");
}
END_TEST

START_TEST(two_held_one_place)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	cer();
	at(100);
	cer();
	forget();
	at(DIA_ROUND_MS - 100);
	expect("0 FAILOVER;0 RESET;1 SEND_CEA;1 OPENED 3;1 SEND_DWR;2 SEND_REFUSAL 5012;2 CLOSE;");
}
END_TEST

START_TEST(held_that_leaves_ends_the_round)
{
	begin_open(config());
	at(DIA_HEARD_MS);
	cer();
	on(1, DIA_ON_FAIL, 0);
	forget();
	at(DIA_ROUND_MS); /* the one that was asked is not dropped for nobody */
	expect("");
	ck_assert_int_eq(dia_peer_state(p, 0), DIA_ST_OPEN);
}
END_TEST

static void begin_with_state(bool proof)
{
	struct dia_peer_cfg cfg = config();

	cfg.dial = false;
	cfg.restart_is_proof = proof;
	begin(cfg);
	dia_peer_cer(p, now, true, 1000);
	at(DIA_HEARD_MS);
	forget();
}

START_TEST(new_start_of_the_peer)
{
	begin_with_state(true);
	dia_peer_cer(p, now, true, 1001);
	expect("0 FAILOVER;0 RESET;1 SEND_CEA;1 OPENED;");
	at(DIA_HEARD_MS);
	forget();
	dia_peer_cer(p, now, true, 1001);
	expect("1 SEND_DWR;"); /* the same: ask */
	teardown();
	begin_with_state(false); /* anybody may say a number */
	dia_peer_cer(p, now, true, UINT32_MAX);
	expect("0 SEND_DWR;");
	on(0, DIA_ON_DWA, dwr_id[0]);
	forget();
	at(DIA_HEARD_MS);
	dia_peer_cer(p, now, true, 1001); /* what was refused left no number behind */
	expect("0 SEND_DWR;");
}
END_TEST

START_TEST(reopened_after_a_failure) /* RFC 3539 3.4.1: three DWAs, one after the other */
{
	begin_open(config());
	on(0, DIA_ON_FAIL, 0);
	wait_due();
	on(0, DIA_ON_UP, 0);
	forget();
	on(0, DIA_ON_CEA_OK, 0);
	expect("0 OPENED 3;0 SEND_DWR;");
	for (int i = 0; i < 2; i++) {
		ck_assert(!dia_peer_usable(p, 0));
		on(0, DIA_ON_DWA, dwr_id[0]);
		expect("0 SEND_DWR;");
	}
	on(0, DIA_ON_REQUEST, 0); /* the peer's own flow */
	expect("0 DELIVER;");
	ck_assert(!dia_peer_usable(p, 0));
	on(0, DIA_ON_DWA, dwr_id[0]);
	expect("0 FAILBACK;");
	ck_assert(dia_peer_usable(p, 0));
}
END_TEST

START_TEST(not_reopened_after_a_good_bye)
{
	begin_open(config());
	on(0, DIA_ON_DPR, DIA_REBOOTING);
	expect("0 SEND_DPA;");
	on(0, DIA_ON_FAIL, 0);
	wait_due();
	on(0, DIA_ON_UP, 0);
	forget();
	on(0, DIA_ON_CEA_OK, 0);
	expect("0 OPENED;");
}
END_TEST

START_TEST(watchdog)
{
	uint64_t ms;

	begin_open(config());
	ms = wait_due();
	ck_assert_uint_ge(ms, TW - DIA_TW_JITTER_MS);
	ck_assert_uint_le(ms, TW + DIA_TW_JITTER_MS);
	expect("0 SEND_DWR;");
	on(0, DIA_ON_DWA, dwr_id[0]);
	on(0, DIA_ON_DWA, dwr_id[0]); /* a second answer to one request is of none */
	ck_assert_int_eq(dia_peer_state(p, 0), DIA_ST_OPEN);
	wait_due();
	expect("0 SEND_DWR;");
	wait_due();
	expect("0 FAILOVER;");
	ck_assert(!dia_peer_usable(p, 0));
	on(0, DIA_ON_DWA, dwr_id[0]);
	expect("0 FAILBACK;");
	wait_due();
	wait_due();
	expect("0 SEND_DWR;0 FAILOVER;");
	wait_due();
	expect("0 RESET;");
}
END_TEST

START_TEST(next_try)
{
	uint64_t ms, wanted = DIA_TRY_FIRST_MS;

	begin_open(config());
	on(0, DIA_ON_FAIL, 0);
	for (int i = 0; i < 8; i++) {
		forget();
		ms = wait_due();
		expect("0 DIAL;");
		ck_assert_msg(ms >= wanted && ms <= wanted + wanted / 4, "%d: %u ms", i, (unsigned)ms);
		on(0, DIA_ON_FAIL, 0);
		if (i)
			wanted = 2 * wanted < TC ? 2 * wanted : TC;
	}
}
END_TEST

START_TEST(next_try_after_a_good_bye)
{
	static const struct {
		enum dia_cause cause;
		uint64_t ms;
	} causes[] = { { DIA_REBOOTING, TC }, { DIA_BUSY, DIA_TRY_BUSY_MS }, { DIA_DO_NOT_WANT, DIA_TRY_UNWANTED_MS } };

	for (size_t i = 0; i < 3; i++) {
		begin_open(config());
		on(0, DIA_ON_DPR, causes[i].cause);
		on(0, DIA_ON_FAIL, 0);
		ck_assert_uint_ge(dia_peer_next(p), now + causes[i].ms);
		ck_assert_uint_le(dia_peer_next(p), now + causes[i].ms * 5 / 4);
		forget();
		cer(); /* at once when it comes to us */
		expect("0 SEND_CEA;0 OPENED;");
		teardown();
	}
}
END_TEST

START_TEST(lost_election_is_no_failure) /* our attempt was cancelled: no back-off */
{
	begin(config());
	at(0);
	on(0, DIA_ON_UP, 0);
	on(0, DIA_ON_CEA_BAD, DIA_ELECTION_LOST);
	ck_assert_uint_le(dia_peer_next(p), now + DIA_TRY_FIRST_MS * 5 / 4);
	wait_due();
	on(0, DIA_ON_UP, 0);
	on(0, DIA_ON_CEA_BAD, DIA_ELECTION_LOST);
	ck_assert_uint_le(dia_peer_next(p), now + DIA_TRY_FIRST_MS * 5 / 4);
}
END_TEST

START_TEST(tls_after_cer)
{
	struct dia_peer_cfg cfg = config();

	cfg.dial = false;
	cfg.tls_after_cer = true;
	begin(cfg);
	cer();
	expect("0 SEND_CEA;0 HANDSHAKE;");
	ck_assert(!dia_peer_usable(p, 0));
	on(0, DIA_ON_UP, 0);
	expect("0 OPENED;");
}
END_TEST

START_TEST(stop)
{
	struct dia_peer_cfg cfg = config();

	cfg.connections = 2;
	begin_open(cfg);
	cer();
	at(DIA_HEARD_MS);
	cer();
	forget();
	dia_peer_stop(p, now, DIA_ON_STOP, DIA_DO_NOT_WANT);
	expect("0 DRAIN;1 DRAIN;2 CLOSE;");
	ck_assert(!dia_peer_usable(p, 0));
	on(0, DIA_ON_ANSWER, 0);
	expect("0 DELIVER;");
	on(0, DIA_ON_DRAINED, 0);
	on(0, DIA_ON_DPA, 0);
	expect("0 SEND_DPR 2;0 FAILOVER;0 CLOSE;");
	at(now + DIA_DRAIN_MS);
	expect("1 SEND_DPR 2;");
	on(1, DIA_ON_ANSWER, 0);
	expect("1 DELIVER;");
	on(1, DIA_ON_FAIL, 0);
	expect("1 FAILOVER;1 CLOSE;");
	ck_assert_int_ge(cer(), 0);
	expect("0 CLOSE;");
	ck_assert_uint_eq(dia_peer_next(p), UINT64_MAX);
	at(1000000);
	expect("");
}
END_TEST

START_TEST(no_room)
{
	int n = 0;

	begin_open(config());
	at(DIA_HEARD_MS);
	while (n < 100 && cer() >= 0)
		n++;
	ck_assert_int_eq(n, (int)dia_peer_links(p) - 1);
	ck_assert_int_eq(cer(), -EBUSY);
	ck_assert_uint_le(dia_peer_links(p), 8);
}
END_TEST

SUITE_WITH_FIXTURE("dia_peer", NULL, teardown, we_connect, it_comes, attempt_without_cer_gives_way,
		   election_greater_name_wins, election_smaller_name_waits_for_its_cea,
		   election_smaller_name_whose_attempt_ends, case_does_not_decide, full_and_just_heard,
		   full_and_told_what_nobody_asked, full_and_asked_and_alive, dwa_of_another_request_is_no_sign_of_life,
		   full_and_asked_and_silent, full_and_asked_and_closed, one_round_for_all_that_are_held,
		   two_held_one_place, held_that_leaves_ends_the_round, new_start_of_the_peer, reopened_after_a_failure,
		   not_reopened_after_a_good_bye, watchdog, next_try, next_try_after_a_good_bye,
		   lost_election_is_no_failure, tls_after_cer, stop, no_room)
