/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Answers find their request and no other. */
#include <errno.h>
#include "common/dia/dia_pending.h"
#include "tests/unit/suite.h"

static const int conn_a, conn_b;

/* In loops of a million: each ck_assert writes to a file that it was reached. */
#define MUST(x) \
	do { \
		if (!(x)) \
			ck_abort_msg("%s", #x); \
	} while (0)

static struct dia_wait wait_on(const void *conn)
{
	return (struct dia_wait){ .conn = conn };
}

START_TEST(test_all_must_fit)
{
	struct dia_pending *p = dia_pending_new();
	struct dia_wait w = wait_on(&conn_a);
	uint32_t hop;

	ck_assert_int_eq(dia_pending_add(p, &w), 0);
	hop = w.hop_by_hop;
	ck_assert_uint_ne(hop, 0);
	ck_assert_ptr_null(dia_pending_take(p, hop + 1, &conn_a));
	ck_assert_ptr_null(dia_pending_take(p, hop + DIA_PENDING_MAX, &conn_a)); /* the slot's next use */
	ck_assert_ptr_null(dia_pending_take(p, hop, &conn_b));
	ck_assert_ptr_null(dia_pending_take(p, 0, &conn_a));
	ck_assert_ptr_eq(dia_pending_take(p, hop, &conn_a), &w);
	ck_assert_ptr_null(dia_pending_take(p, hop, &conn_a)); /* once */
	ck_assert_uint_eq(w.hop_by_hop, 0);
	ck_assert_uint_eq(dia_pending_count(p), 0);
	dia_pending_free(p);
}
END_TEST

START_TEST(test_full)
{
	static struct dia_wait w[DIA_PENDING_MAX + 1];
	struct dia_pending *p = dia_pending_new();

	for (size_t i = 0; i < DIA_PENDING_MAX; i++) {
		w[i] = wait_on(i % 2 ? &conn_a : &conn_b);
		ck_assert_int_eq(dia_pending_add(p, &w[i]), 0);
	}
	w[DIA_PENDING_MAX] = wait_on(&conn_a);
	ck_assert_int_eq(dia_pending_add(p, &w[DIA_PENDING_MAX]), -EBUSY);
	for (size_t i = 0; i < DIA_PENDING_MAX; i += 2)
		ck_assert_ptr_eq(dia_pending_take(p, w[i].hop_by_hop, &conn_b), &w[i]);
	for (size_t i = 1; i < DIA_PENDING_MAX; i += 2)
		ck_assert_ptr_nonnull(dia_pending_take_any(p, &conn_a));
	ck_assert_ptr_null(dia_pending_take_any(p, &conn_a));
	ck_assert_uint_eq(dia_pending_count(p), 0);
	dia_pending_free(p);
}
END_TEST

/* With few in flight an id comes back only after as many requests as there are ids for the slots in use. */
START_TEST(test_ids_come_back_late)
{
	static uint8_t seen[1 << 20];
	struct dia_pending *p = dia_pending_new();
	uint32_t first = 0;

	for (uint32_t i = 0; i < 1000000; i++) {
		struct dia_wait w = wait_on(&conn_a);

		MUST(dia_pending_add(p, &w) == 0);
		MUST(w.hop_by_hop != first);
		if (!first)
			first = w.hop_by_hop;
		seen[i] = (uint8_t)w.hop_by_hop % 64;
		MUST(i < 64 || seen[i] == seen[i - 64]); /* oldest slot first */
		dia_pending_del(p, &w);
	}
	dia_pending_free(p);
}
END_TEST

/* Random orders against a plain list. */
START_TEST(test_many_orders)
{
	static struct dia_wait w[500];
	struct dia_pending *p = dia_pending_new();
	size_t in = 0;

	srand(3);
	for (int step = 0; step < 200000; step++) {
		struct dia_wait *x = &w[rand() % 500];

		if (!x->hop_by_hop) {
			*x = wait_on(x);
			MUST(dia_pending_add(p, x) == 0);
			in++;
		} else if (rand() % 2) {
			MUST(dia_pending_take(p, x->hop_by_hop, x) == x);
			in--;
		} else {
			dia_pending_del(p, x);
			in--;
		}
		MUST(dia_pending_count(p) == in);
	}
	for (size_t i = 0; i < 500; i++)
		dia_pending_del(p, &w[i]);
	dia_pending_free(p);
}
END_TEST

SUITE("dia_pending", test_all_must_fit, test_full, test_ids_come_back_late, test_many_orders)
