/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file txn.h
 *  Transactions of one shard: what is waiting for a store or an HSS, found again by a number. Foreign libraries and
 * other threads get the number, never a pointer, so an answer that comes too late finds nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "bsf/store/store.h"
#include "common/rt/deadline.h"

struct txn;
struct txn_table;
struct zh_result;

/*! What a kind of transaction does when something comes for it; all on the shard's thread. */
struct txn_ops {
	void (*store_done)(struct txn *t, const struct store_answer *a);
	void (*zh_done)(struct txn *t, const struct zh_result *r);
	void (*expired)(struct txn *t);
	/*! The shard stops: end it now (this must call txn_end()). */
	void (*stop)(struct txn *t);
};

/*! First member of every transaction. */
struct txn {
	uint64_t id; /* 0: not in the table */
	const struct txn_ops *ops;
	struct txn_table *table;
	struct txn *next;
	struct deadline deadline;
};

/*! \param[in] shard goes into the numbers, so that no two shards of a process use the same
 *  \returns new object owned by ctx; NULL no memory */
struct txn_table *txn_table_new(void *ctx, unsigned shard, struct deadline_set *deadlines);

/*! Give t a number and let it live for in_ms. t stays the caller's memory until txn_end(). */
void txn_start(struct txn_table *tt, struct txn *t, const struct txn_ops *ops, uint64_t in_ms);
/*! A new step, a new deadline. */
void txn_extend(struct txn *t, uint64_t in_ms);
/*! Forget it; harmless if it is not in the table. */
void txn_end(struct txn *t);

/*! \returns NULL: over or never ours */
struct txn *txn_find(struct txn_table *tt, uint64_t id);
size_t txn_count(const struct txn_table *tt);
/*! Call ops->stop of each. */
void txn_stop_all(struct txn_table *tt);
