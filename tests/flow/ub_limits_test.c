/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is kept out by whom: challenges and resynchronisations of one IMPI, sources, requests in flight. */
#include <errno.h>
#include <stdio.h>
#include <osmocom/core/select.h>
#include "tests/flow/ub_world.h"
#include "tests/unit/suite.h"

#define STRANGER "198.51.100.66"

static void limited(struct ue *ue)
{
	ue_first(ue);
	ended(ue, CAUSE_ub_limit_impi, 503);
	ck_assert(ue->run.answer.retry_after);
}

/* As many challenges as there are, then one too many. \returns how many */
static int use_up(struct ue *ue, uint8_t *n)
{
	for (int i = 0;; i++) {
		ue_first(ue);
		if (!waits_for_hss(ue)) {
			limited(ue);
			return i;
		}
		hss_gives(ue, (*n)++, NULL);
	}
}

static void bootstrapped(struct ue *ue, uint8_t vector)
{
	ue_challenged(ue, vector);
	ue_answer(ue);
	ended(ue, CAUSE_ub_ok, 200);
}

/* Who has not proven himself shares the tokens of the IMPI, and has at most half of them from one source. */
START_TEST(strangers)
{
	struct ue one, two, three, other;
	uint8_t n = 1;

	ue_init(&one, IMPI);
	ue_init(&two, IMPI);
	ue_init(&three, IMPI);
	ue_init(&other, OTHER);
	two.from = STRANGER;
	three.from = "198.51.100.67";
	ck_assert_int_eq(use_up(&one, &n), 3);
	ck_assert_int_eq(use_up(&two, &n), 3);
	for (int i = 0; i < 3; i++)
		limited(&three); /* the vectors of one IMPI have their limit whoever asks */
	ck_assert_uint_eq(w.hss.asked, 6);
	ue_challenged(&other, n++);
	/* what the third source did not get it did not pay for */
	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], (uint64_t)9 << 32 | 90);
	ck_assert_int_eq(use_up(&three, &n), 3);
	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], (uint64_t)6 << 32 | 60);
	/* IMPIs differ by case in nothing (their domain is a DNS name) */
	other.user = "234150999999998@IMS.mnc015.mcc234.3gppnetwork.org";
	ck_assert_int_eq(use_up(&other, &n), 2);
}
END_TEST

/* "Who knows an IMPI locks the subscriber out": not from another source than the one that has proven who it is. */
START_TEST(proven_source)
{
	struct ue owner, stranger, moved;
	uint8_t n = 1;

	ue_init(&owner, IMPI);
	ue_init(&stranger, IMPI);
	ue_init(&moved, IMPI);
	stranger.from = STRANGER;
	moved.from = "10.0.0.2";
	owner.agent = "old"; /* no TMPI */
	ck_assert_int_eq(use_up(&stranger, &n), 3);
	bootstrapped(&owner, n++);
	for (int i = 0; i < 6; i++)
		bootstrapped(&owner, n++);
	limited(&owner); /* a limit there is all the same */
	ck_assert_int_eq(use_up(&moved, &n), 2);
	ck_assert_int_eq(use_up(&stranger, &n), 0);
}
END_TEST

/* "... a live TMPI does not help": it has a purse of its own, from wherever it comes. */
START_TEST(live_tmpi)
{
	char tmpi[TMPI_MAX + 1];
	struct ue owner, stranger;
	struct gba_session s;
	uint8_t n = 1;

	ue_init(&owner, IMPI);
	ue_init(&stranger, IMPI);
	bootstrapped(&owner, n++);
	/* the same NAT: nothing but the TMPI tells the two apart */
	ck_assert_int_eq(use_up(&stranger, &n), 6);
	limited(&owner);
	owner.user = tmpi;
	for (int i = 0; i < 8; i++) {
		ck_assert(session_of(i ? n - 1 : 1, &s));
		tmpi_format(tmpi, s.tmpi);
		gba_session_clear(&s);
		owner.from = i % 2 ? "10.0.0.1" : "10.9.9.9";
		bootstrapped(&owner, n++);
	}
	/* and its own limit */
	ck_assert(session_of(n - 1, &s));
	tmpi_format(tmpi, s.tmpi);
	gba_session_clear(&s);
	ck_assert_int_eq(use_up(&owner, &n), 6);
}
END_TEST

/* "two AUTS of random octets per ten minutes block every resynchronisation": only those the HSS has accepted count */
START_TEST(resyncs)
{
	struct ue owner, stranger;
	uint8_t n = 1;

	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&owner, IMPI);
	ue_init(&stranger, IMPI);
	stranger.from = STRANGER;
	for (int i = 0; i < 5; i++) {
		ue_challenged(&stranger, n++);
		ue_auts(&stranger);
		hss_refuses(&stranger, RESULT_UNABLE_TO_COMPLY, false);
		ended(&stranger, CAUSE_ub_auts_refused, 403);
	}
	for (int i = 0; i < 2; i++) {
		ue_challenged(&owner, n++);
		ue_auts(&owner);
		hss_gives(&owner, n++, NULL);
		ended(&owner, CAUSE_ub_challenged, 401);
		ue_take_challenge(&owner);
		ue_answer(&owner);
		ended(&owner, CAUSE_ub_ok, 200);
	}
	ue_challenged(&owner, n++);
	ue_auts(&owner);
	ended(&owner, CAUSE_ub_limit_resync, 503);
	ck_assert(owner.run.answer.retry_after);
}
END_TEST

/* "With the HSS down a device's tries use up its tokens": not where nobody was there to make a vector. */
START_TEST(hss_away)
{
	struct zh_result r;
	struct ue ue;
	uint8_t n = 1;

	ue_init(&ue, IMPI);
	for (int i = 0; i < 10; i++) {
		w.hss.refuse = i % 2 ? -ENOTCONN : -EBUSY;
		ue_first(&ue);
		ended(&ue, i % 2 ? CAUSE_zh_down : CAUSE_ub_busy, 503);
	}
	w.hss.refuse = 0;
	for (int i = 0; i < 10; i++) {
		ue_first(&ue);
		zh_fake_code(&r, 3002, false);
		r.rc = -ENOTCONN; /* lost while it was asked */
		hss_says(&ue, &r);
		ended(&ue, CAUSE_zh_down, 503);
	}
	ck_assert_int_eq(use_up(&ue, &n), 3);
	/* an HSS that says no has been asked */
	ue_init(&ue, OTHER);
	for (int i = 0; i < 3; i++) {
		ue_first(&ue);
		hss_refuses(&ue, 3004, false);
		ended(&ue, CAUSE_zh_busy, 503);
	}
	limited(&ue);
}
END_TEST

START_TEST(sources)
{
	struct ue ue;
	uint8_t n = 1;

	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&ue, OTHER);
	/* private addresses do not count unless told so */
	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_SOURCE], (uint64_t)1 << 32 | 3600);
	ue_challenged(&ue, n++);
	ue_challenged(&ue, n++);
	ue.from = "198.51.100.1";
	ue_challenged(&ue, n++);
	ue_first(&ue);
	ended(&ue, CAUSE_ub_limit_source, 503);
	ue.from = "198.51.100.2";
	ue_challenged(&ue, n++);
	atomic_store(&w.cfg.limits.source_all, true);
	ue.from = "10.0.0.1";
	ue_challenged(&ue, n++);
	ue_first(&ue);
	ended(&ue, CAUSE_ub_limit_source, 503);
}
END_TEST

START_TEST(in_flight)
{
	struct ue ue[4];

	atomic_store(&w.cfg.limits.number[LIM_IN_FLIGHT], 3);
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
	w.answers = 0;
	txn_stop_all(w.env.txns);
	ck_assert_uint_eq(w.answers, 3);
	ended(&ue[0], CAUSE_ub_busy, 503);
	/* and nothing is left that counts */
	ue_challenged(&ue[0], 1);
}
END_TEST

/* Another BSF has given the last challenge of this user: what is counted by all of them has the word, and is believed from then on */
START_TEST(counted_by_all)
{
	const struct store_answer spent = { .op = STORE_CHALLENGE_PUT, .rc = -EDQUOT };
	struct zh_result r;
	struct ue ue;

	w.store.later = true;
	ue_init(&ue, IMPI);
	ue_first(&ue);
	zh_fake_vector(&r, 1, NULL);
	txn_zh_done(w.env.txns, w.hss.txn, &r);
	ck_assert_int_eq(ue.run.step, UB_STEP_CHALLENGE_PUT);
	txn_store_done(w.env.txns, ue.run.txn.id, &spent);
	ended(&ue, CAUSE_ub_limit_impi, 503);
	ue_first(&ue);
	turn(&ue);
	ended(&ue, CAUSE_ub_limit_impi, 503);
	ck_assert_uint_eq(w.hss.asked, 1);
	zh_fake_clear(&r);
}
END_TEST

/* "One private source can fill in-flight of a shard while the HSS is slow": three quarters of it. */
START_TEST(in_flight_of_a_source)
{
	char name[16][64];
	struct ue many[16], other;
	int n = 0;

	atomic_store(&w.cfg.limits.number[LIM_IN_FLIGHT], 16);
	for (int i = 0; i < 16; i++) {
		snprintf(name[i], sizeof(name[i]), "2341509999999%02d@ims.mnc015.mcc234.3gppnetwork.org", i);
		ue_init(&many[i], name[i]);
		ue_first(&many[i]);
		n += waits_for_hss(&many[i]);
	}
	ck_assert_int_eq(n, 12);
	ended(&many[12], CAUSE_ub_busy, 503);
	ue_init(&other, OTHER);
	other.from = "10.0.0.2";
	ue_first(&other);
	ck_assert(waits_for_hss(&other));
	/* what ended counts no more */
	txn_stop_all(w.env.txns);
	for (int i = 0; i < 12; i++) {
		ue_first(&many[i]);
		ck_assert(waits_for_hss(&many[i]));
	}
	txn_stop_all(w.env.txns);
}
END_TEST

WORLD_SUITE("ub_limits", strangers, proven_source, live_tmpi, resyncs, hss_away, sources, in_flight, counted_by_all,
	    in_flight_of_a_source)
