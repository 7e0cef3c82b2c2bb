/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A transaction is found by its number until it ends, ends once, and its deadline ends it. */
#include <osmocom/core/select.h>
#include <talloc.h>
#include "bsf/run/txn.h"
#include "tests/unit/suite.h"

static unsigned expired, stopped;

static void on_event(struct txn *t, const struct txn_event *e)
{
	expired += e->kind == TXN_EXPIRED;
	stopped += e->kind == TXN_STOP;
	txn_end(t);
}

START_TEST(by_number)
{
	void *ctx = talloc_named_const(NULL, 0, "test");
	struct txn_table *a = txn_table_new(ctx, 0, deadline_set_new(ctx)),
			 *b = txn_table_new(ctx, 1, deadline_set_new(ctx));
	struct txn t[3000] = { 0 }, other = { 0 };
	uint64_t first;

	for (int i = 0; i < 3000; i++)
		txn_start(a, &t[i], on_event, 10000);
	txn_start(b, &other, on_event, 10000);
	ck_assert_ptr_null(txn_find(a, other.id)); /* no two shards share a number */
	for (int i = 0; i < 3000; i++)
		ck_assert_ptr_eq(txn_find(a, t[i].id), &t[i]);
	first = t[0].id;
	txn_end(&t[0]);
	ck_assert_uint_eq(t[0].id, 0);
	txn_end(&t[0]); /* harmless */
	ck_assert_uint_eq(txn_count(a), 2999);
	ck_assert_ptr_null(txn_find(a, first));
	txn_start(a, &t[0], on_event, 10000);
	ck_assert_uint_ne(t[0].id, first); /* a number is never used again */
	txn_stop_all(a);
	ck_assert_uint_eq(stopped, 3000);
	ck_assert_uint_eq(txn_count(a), 0);
	txn_end(&other);
	talloc_free(ctx);
}
END_TEST

START_TEST(deadline)
{
	void *ctx = talloc_named_const(NULL, 0, "test");
	struct txn_table *tt = txn_table_new(ctx, 0, deadline_set_new(ctx));
	struct txn t = { 0 }, kept = { 0 };

	txn_start(tt, &kept, on_event, 20);
	txn_extend(&kept, 10000);
	txn_start(tt, &t, on_event, 10);
	while (!expired)
		osmo_select_main(0);
	ck_assert_uint_eq(t.id, 0);
	ck_assert_uint_eq(txn_count(tt), 1);
	ck_assert_uint_eq(expired, 1);
	txn_end(&kept);
	talloc_free(ctx);
}
END_TEST

SUITE("txn", by_number, deadline)
