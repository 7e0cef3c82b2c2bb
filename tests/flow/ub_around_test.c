/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bootstrapping runs and what stands around them: answers of the HSS, GUSS, a store that is lost. */
#include <errno.h>
#include <osmocom/core/select.h>
#include "common/gba/guss_copy.h"
#include "tests/flow/ub_world.h"
#include "tests/unit/suite.h"
#include "tests/unit/provoked.h"

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

	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&ue, IMPI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ue_first(&ue);
		hss_refuses(&ue, rows[i].code, rows[i].experimental);
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
	hss_gives(&ue, 9, NULL);
	ended(&ue, CAUSE_zh_no_vector, 503);
}
END_TEST

START_TEST(hss_silent)
{
	struct ue ue;
	uint64_t txn;

	w.hss.timeout_ms = 30;
	ue_init(&ue, IMPI);
	ue_first(&ue);
	txn = w.hss.txn;
	w.answers = 0;
	while (!w.answers)
		osmo_select_main(0);
	ended(&ue, CAUSE_zh_timeout, 503);
	ck_assert_ptr_null(txn_find(w.env.txns, txn)); /* a late answer finds nothing */
}
END_TEST

START_TEST(guss)
{
	struct guss_copy_uss uss;
	struct guss_copy kept;
	struct gba_session s;
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_first(&ue);
	hss_gives(&ue, 1, "<guss><bsfInfo><lifeTime>");
	ended(&ue, CAUSE_zh_guss_bad, 503);
	ue_first(&ue);
	hss_gives(&ue, 2,
		  "<guss><bsfInfo><lifeTime>99999999</lifeTime></bsfInfo><ussList><uss id=\"7\"/></ussList></guss>");
	ck_assert_uint_eq(counted(CAUSE_zh_guss_lifetime), 1);
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ck_assert(session_of(2, &s));
	ck_assert_int_eq(s.expires_at - s.created_at, 2592000);
	ck_assert_int_eq(guss_copy_open(&kept, guss_blob_span(s.guss)), 0);
	ck_assert(!kept.made &&
		  guss_copy_find(&kept, &uss, span_str("7"), NULL)); /* as a NAF gets it: nothing is parsed for a BIR */
	gba_session_clear(&s);
	/* 0 is no life a key can have: the configured one, not one second, and it is counted */
	ue_first(&ue);
	hss_gives(&ue, 4, "<guss><bsfInfo><lifeTime>0</lifeTime></bsfInfo></guss>");
	ck_assert_uint_eq(counted(CAUSE_zh_guss_lifetime), 2);
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ck_assert(session_of(4, &s));
	ck_assert_int_eq(s.expires_at - s.created_at, bsf_limit(LIM_KEY_LIFETIME));
	gba_session_clear(&s);
	/* the life the GUSS gives wins over the configured one */
	ue_first(&ue);
	hss_gives(&ue, 3, "<guss><bsfInfo><uiccType>GBA</uiccType><lifeTime>77</lifeTime></bsfInfo></guss>");
	ue_take_challenge(&ue);
	ue_answer(&ue);
	ck_assert(session_of(3, &s));
	ck_assert_int_eq(s.expires_at - s.created_at, 77);
	gba_session_clear(&s);
}
END_TEST

/* -EIO is an error, never a key. */
START_TEST(store_lost)
{
	static const struct {
		enum store_op op;
		int rc;
		bool answering;
		enum cause cause;
	} rows[] = {
		{ STORE_CHALLENGE_PUT, -EIO, false, CAUSE_store_failed },
		{ STORE_CHALLENGE_PUT, -ENOSPC, false, CAUSE_store_full },
		{ STORE_CHALLENGE_PUT, -ENOTCONN, false, CAUSE_store_away },
		{ STORE_CHALLENGE_PUT, -ESTALE, false, CAUSE_store_lease },
		{ STORE_CHALLENGE_PUT, -EBUSY, false, CAUSE_ub_busy },
		{ STORE_CHALLENGE_TAKE, -EIO, true, CAUSE_store_failed },
		{ STORE_CHALLENGE_TAKE, -ENOTCONN, true, CAUSE_store_away },
		{ STORE_PUT, -EIO, true, CAUSE_store_failed },
		{ STORE_PUT, -ENOSPC, true, CAUSE_store_full },
		{ STORE_PUT, -ENOTCONN, true, CAUSE_store_away },
	};
	struct ue ue;

	atomic_store(&w.cfg.limits.bucket[BUCKET_CHALLENGES_IMPI], 0);
	ue_init(&ue, IMPI);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w.store.fail_rc = 0;
		if (rows[i].answering)
			ue_challenged(&ue, i);
		w.store.fail_op = rows[i].op;
		w.store.fail_rc = rows[i].rc;
		if (rows[i].answering) {
			ue_answer(&ue);
		} else {
			ue_first(&ue);
			hss_gives(&ue, i, NULL);
		}
		ended(&ue, rows[i].cause, 503);
		ck_assert(!ue.run.answer.body_len && !ue.run.answer.auth_info[0] && !ue.run.answer.www_authenticate[0]);
	}
	ue.user = "2rBy9bL8T/1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.org";
	w.store.fail_op = STORE_FIND_TMPI;
	w.store.fail_rc = -EIO;
	ue_first(&ue);
	ended(&ue, CAUSE_store_failed, 503);
	provoked("store_failed");
}
END_TEST

#define STAMPED(info, uss) \
	"<guss><bsfInfo>" info \
	"</bsfInfo><Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension><ussList>" uss \
	"</ussList></guss>"

static struct gba_session got(struct ue *ue, uint8_t vector)
{
	struct gba_session s;

	ue_take_challenge(ue);
	ue_answer(ue);
	ck_assert(session_of(vector, &s));
	return s;
}

/* 220-4.4.5-6, 220-4.5.2-2: the HSS is told the timestamp of what is kept. Equal: all of that goes on, its life, too; whatever else it says takes its place, no GUSS
 * as well; and nothing is told where the operator does not want it, or nothing is kept (33.220 4.5.2) */
START_TEST(guss_timestamp)
{
	const char stamped[] = STAMPED("<lifeTime>77</lifeTime>", "<uss id=\"7\"/>");
	struct zh_result equal;
	struct gba_session s;
	struct guss_blob *first;
	struct ue ue;

	ue_init(&ue, IMPI);
	ue_first(&ue);
	hss_gives(&ue, 1, stamped);
	s = got(&ue, 1);
	gba_session_clear(&s);
	ue_first(&ue);
	ck_assert_int_eq(w.hss.guss_timestamp, 0);
	hss_gives(&ue, 2, stamped);
	s = got(&ue, 2);
	first = guss_blob_get(s.guss);
	gba_session_clear(&s);
	atomic_store(&w.cfg.limits.guss_timestamp, true);
	ue_first(&ue);
	ck_assert_int_eq(w.hss.guss_timestamp, 1767323045);
	zh_fake_vector(&equal, 3, NULL);
	equal.guss_equal = true;
	hss_says(&ue, &equal);
	s = got(&ue, 3);
	ck_assert(span_eq(guss_blob_span(s.guss), guss_blob_span(first)));
	ck_assert_int_eq(s.expires_at - s.created_at, 77);
	gba_session_clear(&s);
	guss_blob_put(first);
	ue_first(&ue);
	hss_gives(&ue, 4, NULL); /* of a source that does not compare */
	s = got(&ue, 4);
	ck_assert_ptr_null(s.guss);
	gba_session_clear(&s);
	ue_first(&ue);
	ck_assert_int_eq(w.hss.guss_timestamp, 0);
	hss_gives(&ue, 5, NULL);
}
END_TEST

WORLD_SUITE("ub_around", hss_answers, hss_silent, guss, guss_timestamp, store_lost)
