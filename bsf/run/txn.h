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

enum txn_event_kind {
	TXN_STORE,
	TXN_ZH,
	TXN_EXPIRED, /* its deadline has passed */
	TXN_STOP,    /* the shard stops: end it now (this must call txn_end()) */
};

/*! Something came for a transaction; lent for the duration of the call. */
struct txn_event {
	enum txn_event_kind kind;
	union {
		const struct store_answer *store;
		const struct zh_result *zh;
	};
};

/*! On the shard's thread. */
typedef void txn_event_fn(struct txn *t, const struct txn_event *e);

/*! First member of every transaction. */
struct txn {
	uint64_t id; /* 0: not in the table */
	txn_event_fn *event;
	struct txn_table *table;
	struct txn *next;
	struct deadline deadline;
};

/*! \param[in] shard goes into the numbers, so that no two shards of a process use the same
 *  \returns new object owned by ctx; NULL no memory */
struct txn_table *txn_table_new(void *ctx, unsigned shard, struct deadline_set *deadlines);

/*! Give t a number and let it live for in_ms. t stays the caller's memory until txn_end(). */
void txn_start(struct txn_table *tt, struct txn *t, txn_event_fn *event, uint64_t in_ms);
/*! A new step, a new deadline. */
void txn_extend(struct txn *t, uint64_t in_ms);
/*! Forget it; harmless if it is not in the table. */
void txn_end(struct txn *t);

/*! \returns NULL: over or never ours */
struct txn *txn_find(struct txn_table *tt, uint64_t id);
/*! An answer for the transaction of this number, where there still is one: what a store and an HSS call themselves
 *  (store_done_fn, zh_done_fn). An HSS whose answer nobody waits for any more is counted as late. */
void txn_store_done(void *txn_table, uint64_t id, const struct store_answer *a);
void txn_zh_done(void *txn_table, uint64_t id, const struct zh_result *r);
size_t txn_count(const struct txn_table *tt);
/*! TXN_STOP to each. */
void txn_stop_all(struct txn_table *tt);
