/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The network's counter never gives a number that is not covered by a durable mark, and an AUTS moves it only in the order
 * of 33.102 6.3.5. */
#include <errno.h>

#include "hss-sim/auc.h"
#include "tests/unit/suite.h"

static const struct sqn_scheme usual = SQN_SCHEME_USUAL;
static const struct sqn_scheme fixed = { .ind_bits = SQN_IND_BITS, .ind_from = 5, .ind_to = 5 };

static struct aka_cred card(void)
{
	struct aka_cred c = { 0 };

	c.k = secret_of("fec86ba6eb707ed08905757b1bb44b8f");
	c.opc = secret_of("1006020f0a478bf6b699f15c062e42b3");
	return c;
}

/* 102-6.3.2-1: nothing above the mark, also before the first mark */
START_TEST(never_above_the_mark)
{
	struct auc_counter c;
	uint64_t sqn, mark;

	auc_counter_init(&c, 100, &usual, 0);
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -EAGAIN);
	ck_assert(auc_counter_ask(&c, 0, &mark));
	ck_assert_uint_eq(mark, 100 + AUC_MARK_STEP);
	ck_assert(!auc_counter_ask(&c, 0, &mark)); /* asked already */
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -EAGAIN);
	auc_counter_moved(&c, 100 + AUC_MARK_STEP, true);
	for (int i = 1; i <= AUC_MARK_STEP; i++) {
		ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), 0);
		ck_assert_uint_eq(sqn_seq(sqn), 100u + i);
	}
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -EAGAIN);
}
END_TEST

/* 102-C.1.1.2-1, 102-C.1.2-1: SEQ and IND by one for each vector; the mark runs ahead, so nobody waits again */
START_TEST(runs_ahead)
{
	struct auc_counter c;
	uint64_t sqn, last = 0, mark;
	unsigned asked = 0;

	auc_counter_init(&c, 0, &usual, 0);
	ck_assert(auc_counter_ask(&c, 0, &mark));
	auc_counter_moved(&c, mark, true);
	for (int i = 1; i <= 1000; i++) {
		ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), 0);
		ck_assert_uint_eq(sqn_seq(sqn), (uint64_t)i);
		ck_assert_uint_eq(sqn_ind(sqn), i % 32u);
		ck_assert_uint_gt(sqn, last);
		last = sqn;
		if (auc_counter_ask(&c, 0, &mark)) {
			asked++;
			auc_counter_moved(&c, mark, true);
		}
	}
	ck_assert_uint_le(asked, 1000 / (AUC_MARK_STEP - AUC_MARK_AHEAD) + 1); /* most vectors cost no write */
}
END_TEST

START_TEST(fixed_index)
{
	struct auc_counter c;
	uint64_t sqn, mark;

	auc_counter_init(&c, 7, &fixed, 0);
	auc_counter_ask(&c, 0, &mark);
	auc_counter_moved(&c, mark, true);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), 0);
		ck_assert_uint_eq(sqn_ind(sqn), 5);
	}
}
END_TEST

START_TEST(failed_mark_is_asked_again)
{
	struct auc_counter c;
	uint64_t sqn, mark;

	auc_counter_init(&c, 0, &usual, 0);
	ck_assert(auc_counter_ask(&c, 0, &mark));
	auc_counter_moved(&c, mark, false);
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -EAGAIN);
	ck_assert(auc_counter_ask(&c, 0, &mark));
}
END_TEST

START_TEST(exhausted)
{
	struct auc_counter c;
	uint64_t sqn, mark;

	auc_counter_init(&c, SQN_SEQ_MAX - 1, &usual, 0);
	ck_assert(auc_counter_ask(&c, 0, &mark));
	ck_assert_uint_eq(mark, SQN_SEQ_MAX);
	auc_counter_moved(&c, mark, true);
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), 0);
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -ERANGE);
	auc_counter_init(&c, SQN_SEQ_MAX, &usual, 0);
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -ERANGE);
	ck_assert(!auc_counter_ask(&c, 0, &mark));
}
END_TEST

/* 102-6.3.5-3, 102-6.3.5-4, 102-6.3.5-5 */
START_TEST(auts_in_order)
{
	static const struct {
		const char *what;
		uint64_t home_seq, ms_seq;
		bool forged;
		enum auc_auts want;
	} cases[] = {
		{ "the card is ahead, MAC-S right", 10, 500, false, AUC_AUTS_SET },
		{ "the card is ahead, MAC-S wrong", 10, 500, true, AUC_AUTS_REFUSED },
		{ "next number fits: MAC-S right but old", 500, 10, false, AUC_AUTS_KEEP },
		{ "next number fits: MAC-S is not even looked at", 500, 10, true, AUC_AUTS_KEEP },
		{ "the very last number was accepted: the next one fits", 10, 10, false, AUC_AUTS_KEEP },
		{ "one ahead", 10, 11, false, AUC_AUTS_SET },
	};
	struct aka_cred cred = card();
	uint8_t rand[AKA_RAND_LEN] = { 1, 2, 3 }, auts[AKA_AUTS_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct auc_counter c, before;
		uint64_t ms = 0;

		auc_counter_init(&c, cases[i].home_seq, &usual, 0);
		before = c;
		ck_assert_int_eq(aka_auts_make(auts, &cred, rand, sqn_make(cases[i].ms_seq, 3)), 0);
		auts[13] ^= cases[i].forged;
		ck_assert_msg(auc_auts_check(&c, &cred, 0, rand, auts, &ms) == cases[i].want, "%s", cases[i].what);
		ck_assert_mem_eq(&c, &before, sizeof(c)); /* judging changes nothing */
		if (cases[i].want != AUC_AUTS_SET)
			continue;
		ck_assert_uint_eq(sqn_seq(ms), cases[i].ms_seq);
		auc_counter_resync(&c, 0, ms);
		ck_assert_uint_eq(c.home.seq, cases[i].ms_seq);
	}
}
END_TEST

/* After a resynchronisation beyond the mark the next number waits for a mark beyond it. */
START_TEST(resync_beyond_the_mark)
{
	struct auc_counter c;
	uint64_t sqn, mark;

	auc_counter_init(&c, 0, &usual, 0);
	auc_counter_ask(&c, 0, &mark);
	auc_counter_moved(&c, mark, true);
	auc_counter_resync(&c, 0, sqn_make(100000, 9));
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), -EAGAIN);
	ck_assert(auc_counter_ask(&c, 0, &mark));
	ck_assert_uint_gt(mark, 100000);
	auc_counter_moved(&c, mark, true);
	ck_assert_int_eq(auc_counter_next(&c, 0, &sqn), 0);
	ck_assert_uint_eq(sqn_seq(sqn), 100001);
}
END_TEST

/* 102-6.3.2-1, 102-6.3.2-2, 102-H-1: a card opens the vector; RANDs differ; the AMF is the subscriber's */
START_TEST(vector_opens)
{
	struct aka_cred cred = card();
	struct aka_vector a = { 0 }, b = { 0 };
	struct secret res = { 0 }, ck = { 0 }, ik = { 0 };
	uint64_t sqn = 0;

	ck_assert_int_eq(auc_vector(&a, &cred, sqn_make(77, 4)), 0);
	ck_assert_int_eq(auc_vector(&b, &cred, sqn_make(78, 5)), 0);
	ck_assert_mem_ne(a.rand, b.rand, AKA_RAND_LEN);
	ck_assert_int_eq(aka_autn_open(&sqn, &cred, a.rand, a.autn), 0);
	ck_assert_uint_eq(sqn, sqn_make(77, 4));
	ck_assert_uint_eq(a.autn[6], 0);
	ck_assert_int_eq(aka_f2345(&res, &ck, &ik, NULL, NULL, &cred, a.rand), 0);
	ck_assert(secret_equal(&res, &a.res));
	ck_assert(secret_equal(&ck, &a.ck));
	ck_assert(secret_equal(&ik, &a.ik));
}
END_TEST

/* 102-H-1 */
START_TEST(amf)
{
	static const struct {
		uint8_t amf[2];
		bool good;
	} cases[] = {
		{ { 0x00, 0x00 }, true },  { { 0x00, 0xff }, true },  { { 0x80, 0x00 }, false },
		{ { 0x40, 0x00 }, false }, { { 0x01, 0x00 }, false }, { { 0xb9, 0xb9 }, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(auc_amf_wrong(cases[i].amf) == NULL, cases[i].good);
}
END_TEST

/* 102-6.3.2-1, 102-C.1.1.1-2, 102-C.1.1.3-1: numbers that follow a clock are covered by a mark too, and few wait for it */
START_TEST(clock_under_the_mark)
{
	const uint64_t start = 1700000000000ull, hour = 3600000;

	for (int p = SQN_PART_TIME; p < SQN_PROFILES; p++) {
		struct sqn_scheme s = usual;
		struct auc_counter c;
		uint64_t sqn, mark, highest_mark = 0;
		unsigned waits = 0;

		s.profile = (enum sqn_profile)p;
		s.dif = sqn_home_dif(0, start);
		auc_counter_init(&c, 0, &s, start);
		for (uint64_t now = start; now < start + 12 * hour; now += 20000) {
			int rc = auc_counter_next(&c, now, &sqn);

			waits += rc == -EAGAIN;
			if (auc_counter_ask(&c, now, &mark)) {
				auc_counter_moved(&c, mark, true);
				highest_mark = mark;
			}
			if (rc == -EAGAIN)
				rc = auc_counter_next(&c, now, &sqn);
			ck_assert_int_eq(rc, 0);
			ck_assert_uint_le(sqn_seq(sqn), highest_mark);
		}
		ck_assert_uint_eq(waits, 1);                               /* the first */
		auc_counter_init(&c, highest_mark, &s, start + 12 * hour); /* killed, begun again */
		ck_assert(auc_counter_ask(&c, start + 12 * hour, &mark));
		auc_counter_moved(&c, mark, true);
		ck_assert_int_eq(auc_counter_next(&c, start + 12 * hour, &sqn), 0);
		ck_assert_uint_gt(sqn_seq(sqn), highest_mark);
	}
}
END_TEST

SUITE("auc", clock_under_the_mark, never_above_the_mark, runs_ahead, fixed_index, failed_mark_is_asked_again, exhausted,
      auts_in_order, resync_beyond_the_mark, vector_opens, amf)
