/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Sequence numbers, TS 33.102 annex C and 6.3.5. */
#include <errno.h>

#include "common/crypto/sqn.h"
#include "tests/unit/suite.h"

/* 102-C.1.1.1-1 */
START_TEST(parts)
{
	ck_assert_uint_eq(sqn_make(0x123, 7), 0x123 << 5 | 7);
	ck_assert_uint_eq(sqn_seq(0xff9bb4d0b607), 0xff9bb4d0b607 >> 5);
	ck_assert_uint_eq(sqn_ind(0xff9bb4d0b607), 7);
	ck_assert_uint_eq(sqn_make(SQN_SEQ_MAX, 31), 0xffffffffffff);
}
END_TEST

/* 102-C.2.2-1: one entry per IND, start zero; above the entry is fresh, equal is not */
START_TEST(card_per_ind)
{
	struct sqn_card c = { { 0 } };

	ck_assert_uint_eq(sqn_card_highest(&c), 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(0, 3)), -ERANGE);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(5, 3)), 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(5, 3)), -ERANGE);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(4, 3)), -ERANGE);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(4, 9)), 0); /* late, but of another IND */
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1, 31)), 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(6, 3)), 0);
	for (unsigned i = 0; i <= SQN_IND_MAX; i++)
		ck_assert_uint_eq(c.seq[i], i == 3 ? 6 : i == 9 ? 4 : i == 31 ? 1 : 0);
}
END_TEST

/* 102-6.3.3-2, 102-6.3.3-3: what the AUTS carries is the highest accepted number, whatever its IND */
START_TEST(card_highest)
{
	struct sqn_card c = { { 0 } };

	c.seq[0] = 100;
	c.seq[31] = 300;
	c.seq[7] = 299;
	ck_assert_uint_eq(sqn_card_highest(&c), sqn_make(300, 31));
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(200, 7)), -ERANGE);
	ck_assert_uint_eq(sqn_card_highest(&c), sqn_make(300, 31)); /* a refusal changes nothing */
	ck_assert_uint_eq(c.seq[7], 299);
}
END_TEST

/* C.2.1: a jump is measured from the highest number, and may be delta but no more */
START_TEST(card_delta)
{
	struct sqn_card c = { { 0 } };

	c.seq[1] = 1000;
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1000 + SQN_DELTA + 1, 2)), -ERANGE);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1000 + SQN_DELTA, 2)), 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1000 + 2 * SQN_DELTA, 1)), 0);
	memset(&c, 0, sizeof(c));
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(SQN_SEQ_MAX, 0)),
			 -ERANGE); /* cannot be driven to the end at once */
}
END_TEST

/* 102-6.3.2-1, 102-C.1.1.2-1, 102-C.1.2-1: SEQ by one per vector from zero, IND round and round */
START_TEST(home_profile)
{
	struct sqn_home h = { .ind_fixed = -1, .ind = SQN_IND_MAX };
	struct sqn_card card = { { 0 } };
	uint64_t sqn, before = 0;

	for (uint64_t i = 1; i <= 100; i++) {
		ck_assert_int_eq(sqn_home_next(&h, &sqn), 0);
		ck_assert_uint_eq(sqn_seq(sqn), i);
		ck_assert_uint_eq(sqn_ind(sqn), (i - 1) % 32);
		ck_assert_uint_gt(sqn, before);
		ck_assert_int_eq(sqn_card_accept(&card, sqn), 0);
		before = sqn;
	}
	h = (struct sqn_home){ .ind_fixed = 6, .seq = 41 };
	ck_assert_int_eq(sqn_home_next(&h, &sqn), 0);
	ck_assert_uint_eq(sqn, sqn_make(42, 6));
	ck_assert_int_eq(sqn_home_next(&h, &sqn), 0);
	ck_assert_uint_eq(sqn, sqn_make(43, 6));
	h.seq = SQN_SEQ_MAX;
	ck_assert_int_eq(sqn_home_next(&h, &sqn), -ERANGE);
	ck_assert_uint_eq(sqn, sqn_make(43, 6));
}
END_TEST

/* 102-6.3.5-3: the counter is left alone where the card would take the next number */
START_TEST(home_fits)
{
	struct sqn_home h = { .ind_fixed = -1, .seq = 1000 };

	ck_assert(sqn_home_next_fits(&h, sqn_make(1000, 31)));
	ck_assert(sqn_home_next_fits(&h, sqn_make(12, 0)));
	ck_assert(!sqn_home_next_fits(&h, sqn_make(1001, 0)));
	ck_assert(!sqn_home_next_fits(&h, sqn_make(5000, 0)));
	h.seq = SQN_DELTA + 12;
	ck_assert(!sqn_home_next_fits(&h, sqn_make(12, 0))); /* a jump the card refuses */
	ck_assert(sqn_home_next_fits(&h, sqn_make(13, 0)));
}
END_TEST

/* 102-6.3.5-4, 102-6.3.5-5: after the reset the card takes the next number, whatever it has seen */
START_TEST(resynchronised)
{
	for (unsigned ind = 0; ind <= SQN_IND_MAX; ind++) {
		struct sqn_home h = { .ind_fixed = -1, .seq = 3, .ind = 2 };
		struct sqn_card card = { { 0 } };
		uint64_t sqn;

		for (unsigned i = 0; i <= SQN_IND_MAX; i++)
			card.seq[i] = 7000 - i;
		card.seq[ind] = 9000;
		ck_assert(!sqn_home_next_fits(&h, sqn_card_highest(&card)));
		sqn_home_resync(&h, sqn_card_highest(&card));
		ck_assert_int_eq(sqn_home_next(&h, &sqn), 0);
		ck_assert_uint_eq(sqn_seq(sqn), 9001);
		ck_assert_int_eq(sqn_card_accept(&card, sqn), 0);
	}
}
END_TEST

/* 102-6.3.2-1: never back, and that wins over 102-6.3.5-4: a card more than delta behind stays out of step */
START_TEST(never_back)
{
	struct sqn_home h = { .ind_fixed = -1, .seq = 1000 };
	struct sqn_card card = { { 0 } };
	uint64_t sqn;

	sqn_home_resync(&h, sqn_make(999, 0));
	ck_assert_uint_eq(h.seq, 1000);
	h.seq = SQN_DELTA + 12;
	card.seq[0] = 12;
	ck_assert(!sqn_home_next_fits(&h, sqn_card_highest(&card)));
	sqn_home_resync(&h, sqn_card_highest(&card));
	ck_assert_uint_eq(h.seq, SQN_DELTA + 12);
	ck_assert_int_eq(sqn_home_next(&h, &sqn), 0);
	ck_assert_int_eq(sqn_card_accept(&card, sqn), -ERANGE);
}
END_TEST

SUITE("sqn", parts, card_per_ind, card_highest, card_delta, home_profile, home_fits, resynchronised, never_back)
