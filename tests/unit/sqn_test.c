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
	struct sqn_card c = { 0 };

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
	struct sqn_card c = { 0 };

	c.seq[0] = 100;
	c.seq[31] = 300;
	c.seq[7] = 299;
	ck_assert_uint_eq(sqn_card_highest(&c), sqn_make(300, 31));
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(200, 7)), -ERANGE);
	ck_assert_uint_eq(sqn_card_highest(&c), sqn_make(300, 31)); /* a refusal changes nothing */
	ck_assert_uint_eq(c.seq[7], 299);
}
END_TEST

/* 102-C.2.1-1, 102-6.3.2-4: a jump is measured from the highest number, and may be delta but no more */
START_TEST(card_delta)
{
	struct sqn_card c = { 0 };

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
	struct sqn_home h = { .scheme = SQN_SCHEME_USUAL, .ind = SQN_IND_MAX };
	struct sqn_card card = { 0 };
	uint64_t sqn, before = 0;

	for (uint64_t i = 1; i <= 100; i++) {
		ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), 0);
		ck_assert_uint_eq(sqn_seq(sqn), i);
		ck_assert_uint_eq(sqn_ind(sqn), (i - 1) % 32);
		ck_assert_uint_gt(sqn, before);
		ck_assert_int_eq(sqn_card_accept(&card, sqn), 0);
		before = sqn;
	}
	h = (struct sqn_home){ .scheme = { .ind_bits = 5, .ind_from = 6, .ind_to = 6 }, .seq = 41 };
	ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), 0);
	ck_assert_uint_eq(sqn, sqn_make(42, 6));
	ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), 0);
	ck_assert_uint_eq(sqn, sqn_make(43, 6));
	ck_assert_uint_eq(sqn_seq_max(SQN_IND_BITS), SQN_SEQ_MAX);
	h.seq = SQN_SEQ_MAX;
	ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), -ERANGE);
	ck_assert_uint_eq(sqn, sqn_make(43, 6));
}
END_TEST

/* 102-6.3.5-3: the counter is left alone where the card would take the next number */
START_TEST(home_fits)
{
	struct sqn_home h = { .scheme = SQN_SCHEME_USUAL, .seq = 1000 };

	ck_assert(sqn_home_next_fits(&h, 0, sqn_make(1000, 31)));
	ck_assert(sqn_home_next_fits(&h, 0, sqn_make(12, 0)));
	ck_assert(!sqn_home_next_fits(&h, 0, sqn_make(1001, 0)));
	ck_assert(!sqn_home_next_fits(&h, 0, sqn_make(5000, 0)));
	h.seq = SQN_DELTA + 12;
	ck_assert(!sqn_home_next_fits(&h, 0, sqn_make(12, 0))); /* a jump the card refuses */
	ck_assert(sqn_home_next_fits(&h, 0, sqn_make(13, 0)));
}
END_TEST

/* 102-6.3.5-4, 102-6.3.5-5: after the reset the card takes the next number, whatever it has seen */
START_TEST(resynchronised)
{
	for (unsigned ind = 0; ind <= SQN_IND_MAX; ind++) {
		struct sqn_home h = { .scheme = SQN_SCHEME_USUAL, .seq = 3, .ind = 2 };
		struct sqn_card card = { 0 };
		uint64_t sqn;

		for (unsigned i = 0; i <= SQN_IND_MAX; i++)
			card.seq[i] = 7000 - i;
		card.seq[ind] = 9000;
		ck_assert(!sqn_home_next_fits(&h, 0, sqn_card_highest(&card)));
		sqn_home_resync(&h, 0, sqn_card_highest(&card));
		ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), 0);
		ck_assert_uint_eq(sqn_seq(sqn), 9001);
		ck_assert_int_eq(sqn_card_accept(&card, sqn), 0);
	}
}
END_TEST

/* 102-6.3.2-1: never back, and that wins over 102-6.3.5-4: a card more than delta behind stays out of step */
START_TEST(never_back)
{
	struct sqn_home h = { .scheme = SQN_SCHEME_USUAL, .seq = 1000 };
	struct sqn_card card = { 0 };
	uint64_t sqn;

	sqn_home_resync(&h, 0, sqn_make(999, 0));
	ck_assert_uint_eq(h.seq, 1000);
	h.seq = SQN_DELTA + 12;
	card.seq[0] = 12;
	ck_assert(!sqn_home_next_fits(&h, 0, sqn_card_highest(&card)));
	sqn_home_resync(&h, 0, sqn_card_highest(&card));
	ck_assert_uint_eq(h.seq, SQN_DELTA + 12);
	ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), 0);
	ck_assert_int_eq(sqn_card_accept(&card, sqn), -ERANGE);
}
END_TEST

/* 102-C.2.2-2: L of the card, looked at before the array; off by default */
START_TEST(card_age)
{
	struct sqn_card c = { .limits = { .delta = SQN_DELTA, .age = 100, .ind_bits = 5 } };

	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1000, 3)), 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(900, 4)), -ERANGE);
	ck_assert_uint_eq(c.seq[4], 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(901, 4)), 0);
	c.limits.age = 0;
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1, 5)), 0);
	c.limits = (struct sqn_limits){ 0 }; /* zeroed: the usual ones */
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(2, 6)), 0);
	ck_assert_int_eq(sqn_card_accept(&c, sqn_make(1001 + SQN_DELTA, 6)), -ERANGE);
}
END_TEST

/* 102-6.3.2-3: the last 32 vectors in reverse order are all accepted, each once, whatever the length of IND */
START_TEST(card_out_of_order)
{
	for (unsigned bits = 0; bits <= SQN_IND_BITS_MAX; bits++) {
		struct sqn_home h = { .scheme = { .ind_bits = (uint8_t)bits, .ind_to = (uint8_t)((1u << bits) - 1) } };
		struct sqn_card c = { .limits = { .delta = SQN_DELTA, .ind_bits = (uint8_t)bits } };
		uint64_t sqn[1 << SQN_IND_BITS_MAX];
		unsigned n = 1u << bits;

		for (unsigned i = 0; i < n; i++)
			ck_assert_int_eq(sqn_home_next(&h, 0, &sqn[i]), 0);
		for (unsigned i = n; i-- > 0;)
			ck_assert_msg(sqn_card_accept(&c, sqn[i]) == 0, "%u bits, %u", bits, i);
		for (unsigned i = 0; i < n; i++)
			ck_assert_int_eq(sqn_card_accept(&c, sqn[i]), -ERANGE);
		ck_assert_uint_eq(sqn_card_highest(&c), sqn[n - 1]);
	}
}
END_TEST

/* 102-C.2.1-1: delta of the card's own */
START_TEST(card_own_delta)
{
	struct sqn_card c = { .limits = { .delta = 50, .ind_bits = 2 } };

	ck_assert_int_eq(sqn_card_accept(&c, 51 << 2), -ERANGE);
	ck_assert_int_eq(sqn_card_accept(&c, 50 << 2 | 3), 0);
	ck_assert_uint_eq(sqn_card_highest(&c), 50 << 2 | 3);
}
END_TEST

#define DAY_MS 86400000ull
#define NOW_MS (20100 * DAY_MS)
#define GLC    (NOW_MS / 1000 & 0xffffff) /* the clock of the partly time-based profile */

/* 102-C.1.1.1-2: SEQ2 is the clock; a burst counts on from there; D tells a clock behind from one that went round */
START_TEST(part_time)
{
	static const struct {
		uint64_t before, want;
	} rows[] = {
		{ 0, GLC },
		{ GLC - 1, GLC },
		{ GLC, GLC + 1 },                               /* the second vector of this second */
		{ GLC + 65535, GLC + 65536 },                   /* less than D ahead of the clock */
		{ GLC + 65536, (1ull << 24) + GLC },            /* D ahead: the clock has gone round */
		{ (7ull << 24) + GLC - 5, (7ull << 24) + GLC }, /* SEQ1 stays */
		{ (7ull << 24) + 0xffffff, (8ull << 24) + GLC },
	};
	struct sqn_scheme s = SQN_SCHEME_USUAL;
	struct sqn_home h;
	uint64_t sqn;

	s.profile = SQN_PART_TIME;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sqn_home_init(&h, &s, rows[i].before, NOW_MS);
		ck_assert_msg(sqn_home_peek(&h, NOW_MS) == rows[i].want, "row %zu: %llu", i,
			      (unsigned long long)sqn_home_peek(&h, NOW_MS));
	}
	/* SEQ wrapped a little before the clock does: by one, no whole round lost */
	sqn_home_init(&h, &s, 5, NOW_MS);
	ck_assert_uint_eq(sqn_home_peek(&h, 0xffffffull * 1000), 6);
	/* a card follows for two years of use once a day, and through bursts */
	sqn_home_init(&h, &s, 0, NOW_MS);
	struct sqn_card card = { 0 };
	for (uint64_t day = 0; day < 730; day++) {
		for (int i = 0; i < 5; i++) {
			ck_assert_int_eq(sqn_home_next(&h, NOW_MS + day * DAY_MS, &sqn), 0);
			ck_assert_int_eq(sqn_card_accept(&card, sqn), 0);
		}
	}
	ck_assert_uint_eq(sqn_seq(sqn) >> 24, 4); /* the clock went round four times */
}
END_TEST

/* 102-C.1.1.3-1: clock of 0.1 s plus the difference, which a resynchronisation sets */
START_TEST(time_based)
{
	struct sqn_scheme s = SQN_SCHEME_USUAL;
	struct sqn_home h;
	uint64_t sqn;

	s.profile = SQN_TIME;
	s.dif = sqn_home_dif(0, NOW_MS);
	sqn_home_init(&h, &s, 0, NOW_MS);
	ck_assert_int_eq(sqn_home_next(&h, NOW_MS + 1000, &sqn), 0);
	ck_assert_uint_eq(sqn_seq(sqn), 10);
	ck_assert_int_eq(sqn_home_next(&h, NOW_MS + 1000, &sqn), 0); /* in the same tenth */
	ck_assert_uint_eq(sqn_seq(sqn), 11);
	ck_assert_int_eq(sqn_home_next(&h, NOW_MS + DAY_MS, &sqn), 0);
	ck_assert_uint_eq(sqn_seq(sqn), 864000);
	sqn_home_resync(&h, NOW_MS + DAY_MS, sqn_make(5000000, 3));
	ck_assert(!sqn_home_next_fits(&h, NOW_MS + DAY_MS, sqn_make(5000001, 0)));
	ck_assert_int_eq(sqn_home_next(&h, NOW_MS + DAY_MS + 200, &sqn), 0);
	ck_assert_uint_eq(sqn_seq(sqn), 5000002);
	/* begun again behind a mark: clock plus the difference that the mark says */
	sqn_home_init(&h, &s, 5036000, NOW_MS + DAY_MS + 300);
	ck_assert_uint_eq(sqn_home_peek(&h, NOW_MS + DAY_MS + 1300), 5036010);
}
END_TEST

/* 102-6.3.2-1: the clock set back by a year, forward and back again: no number twice, none below */
START_TEST(clock_moves)
{
	static const uint64_t at[] = { NOW_MS, NOW_MS - 365 * DAY_MS, 0, NOW_MS + 365 * DAY_MS, NOW_MS, UINT32_MAX };

	for (int p = 0; p < SQN_PROFILES; p++) {
		struct sqn_scheme s = SQN_SCHEME_USUAL;
		uint64_t last = 0, sqn;
		struct sqn_home h;

		s.profile = (enum sqn_profile)p;
		sqn_home_init(&h, &s, 77, NOW_MS);
		for (size_t i = 0; i < 200; i++) {
			ck_assert_int_eq(sqn_home_next(&h, at[i % 6], &sqn), 0);
			ck_assert_uint_gt(sqn_seq(sqn), sqn_seq(last));
			last = sqn;
		}
	}
}
END_TEST

/* 102-C.1.2-1: a range of IND of one's own, for one of several AuCs */
START_TEST(own_range)
{
	struct sqn_scheme s = { .ind_bits = 5, .ind_from = 16, .ind_to = 18 };
	struct sqn_home h;
	uint64_t sqn;

	sqn_home_init(&h, &s, 2, 0); /* as after vector 2: IND 18 */
	for (unsigned i = 0; i < 9; i++) {
		ck_assert_int_eq(sqn_home_next(&h, 0, &sqn), 0);
		ck_assert_uint_eq(sqn_ind(sqn), 16 + i % 3);
	}
}
END_TEST

START_TEST(profile_names)
{
	enum sqn_profile p = SQN_PROFILES;

	for (int i = 0; i < SQN_PROFILES; i++) {
		const char *name = sqn_profile_name((enum sqn_profile)i);

		ck_assert_int_eq(sqn_profile_find(&p, name, strlen(name)), 0);
		ck_assert_int_eq(p, i);
	}
	ck_assert_int_eq(sqn_profile_find(&p, "clock", 5), -ENOENT);
	ck_assert_int_eq(sqn_profile_find(&p, "", 0), -ENOENT);
}
END_TEST

SUITE("sqn", card_age, card_out_of_order, card_own_delta, part_time, time_based, clock_moves, own_range, profile_names,
      parts, card_per_ind, card_highest, card_delta, home_profile, home_fits, resynchronised, never_back)
