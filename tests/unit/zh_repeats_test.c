/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A request that comes again is known by all that names it, for a time, and for no more requests than there is room. */
#include <stdio.h>
#include "common/dia/zh_wire.h"
#include "hss-sim/zh_repeats.h"
#include "tests/unit/suite.h"

#define AGE 30000

static struct zh_repeats *r;
static uint8_t octets[2048];

static void open_one(void)
{
	r = zh_repeats_new(64, AGE);
	ck_assert(r);
}

static void close_one(void)
{
	zh_repeats_free(r);
}

struct request {
	const char *peer, *origin, *session, *impi;
	uint32_t end_to_end;
};

#define USUAL \
	{ \
		"bsf", "bsf", "bsf;1", "a@x", 7 \
	}

static struct span mar_of(const struct request *q, bool repeated)
{
	struct dia_self self = { q->origin, "x" };
	struct dia_address to = {
		.self = &self, .session_id = q->session, .realm = "x", .end_to_end = q->end_to_end, .repeated = repeated
	};
	struct zh_mar mar = { .scheme = ZH_SCHEME_AKAV1 };
	struct writer w;

	snprintf(mar.impi.s, sizeof(mar.impi.s), "%s", q->impi);
	writer_init(&w, octets, sizeof(octets));
	return span_of(octets, (size_t)zh_wire_mar_put(&w, &to, &mar));
}

static struct zh_repeat_key key_of(const struct request *q)
{
	struct zh_repeat_key key;

	zh_repeats_key(r, &key, q->peer, mar_of(q, false));
	return key;
}

static struct zh_given given(uint8_t n)
{
	struct zh_given g = { .sqn = n, .spoilt = { true, FAULT_XRES_LENGTH, n } };

	memset(g.rand, n, sizeof(g.rand));
	return g;
}

START_TEST(known_by_all_of_it)
{
	static const struct request others[] = { { "dra", "bsf", "bsf;1", "a@x", 7 },
						 { "bsf", "bsf2", "bsf;1", "a@x", 7 },
						 { "bsf", "bsf", "bsf;2", "a@x", 7 },
						 { "bsf", "bsf", "bsf;1", "b@x", 7 },
						 { "bsf", "bsf", "bsf;1", "a@x", 8 } };
	const struct request usual = USUAL;
	struct zh_repeat_key key = key_of(&usual), other;
	struct zh_given v = given(5), got = { 0 };

	ck_assert(!zh_repeats_get(r, &key, 1000, &got));
	zh_repeats_put(r, &key, &v, 1000);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		other = key_of(&others[i]);
		ck_assert_msg(!zh_repeats_get(r, &other, 1000, &got), "%zu", i);
	}
	key = key_of(&usual);
	ck_assert(zh_repeats_get(r, &key, 1000, &got));
	ck_assert_mem_eq(got.rand, v.rand, sizeof(v.rand));
	ck_assert_uint_eq(got.sqn, v.sqn);
	ck_assert_int_eq(got.spoilt.kind, v.spoilt.kind);
	ck_assert_uint_eq(got.spoilt.value, v.spoilt.value);
	ck_assert(zh_repeats_marked(mar_of(&usual, true)) && !zh_repeats_marked(mar_of(&usual, false)));
}
END_TEST

START_TEST(for_a_time)
{
	const struct request usual = USUAL;
	struct zh_repeat_key key = key_of(&usual);
	struct zh_given v = given(5), got;

	zh_repeats_put(r, &key, &v, 1000);
	ck_assert(zh_repeats_get(r, &key, 1000 + AGE - 1, &got));
	ck_assert(!zh_repeats_get(r, &key, 1000 + AGE, &got));
	zh_repeats_put(r, &(struct zh_repeat_key){ { 1, 2 } }, &v, 1000 + AGE);
	ck_assert_uint_eq(zh_repeats_count(r), 1); /* what is too old went */
}
END_TEST

START_TEST(the_oldest_goes)
{
	struct zh_given v, got;

	/* many of them in one bucket */
	for (uint64_t i = 0; i < 1000; i++) {
		v = given((uint8_t)i);
		zh_repeats_put(r, &(struct zh_repeat_key){ { i % 3, i } }, &v, i);
		ck_assert_uint_eq(zh_repeats_count(r), i < 64 ? i + 1 : 64);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		ck_assert(zh_repeats_get(r, &(struct zh_repeat_key){ { i % 3, i } }, 1000, &got) == (i >= 1000 - 64));
		if (i >= 1000 - 64)
			ck_assert_uint_eq(got.rand[0], (uint8_t)i);
	}
}
END_TEST

/* One that is asked again without T has its next vector, and stands in one place: else whoever asks so all the time has all the
 * others' places, and a chain without end to look through. */
START_TEST(asked_again_without_t)
{
	struct zh_repeat_key other = { { 2, 2 } }, same = { { 1, 1 } };
	struct zh_given v = given(1), got;

	zh_repeats_put(r, &other, &v, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		v = given((uint8_t)i);
		zh_repeats_put(r, &same, &v, 1000 + i);
		ck_assert_uint_eq(zh_repeats_count(r), 2);
		ck_assert(zh_repeats_get(r, &same, 1000 + i, &got));
		ck_assert_uint_eq(got.rand[0], (uint8_t)i);
	}
	ck_assert(zh_repeats_get(r, &other, 2000, &got));
	ck_assert_uint_eq(got.rand[0], 1);
}
END_TEST

SUITE_WITH_FIXTURE("zh_repeats", open_one, close_one, known_by_all_of_it, for_a_time, the_oldest_goes,
		   asked_again_without_t)
