/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/txn.h"

#include <assert.h>
#include <talloc.h>

#define BUCKETS     1024 /* power of two; a shard has 1,000 in flight by default */
#define SHARD_SHIFT 48

struct txn_table {
	struct deadline_set *deadlines;
	uint64_t next_id;
	size_t n;
	struct txn *bucket[BUCKETS];
};

struct txn_table *txn_table_new(void *ctx, unsigned shard, struct deadline_set *deadlines)
{
	struct txn_table *tt = talloc_zero(ctx, struct txn_table);

	if (!tt)
		return NULL;
	tt->deadlines = deadlines;
	tt->next_id = ((uint64_t)shard + 1) << SHARD_SHIFT;
	return tt;
}

static struct txn **bucket_of(struct txn_table *tt, uint64_t id)
{
	return &tt->bucket[id & (BUCKETS - 1)];
}

static void on_expired(void *data)
{
	struct txn *t = data;

	t->ops->expired(t);
}

void txn_start(struct txn_table *tt, struct txn *t, const struct txn_ops *ops, uint64_t in_ms)
{
	struct txn **b;

	assert(t->id == 0);
	t->id = ++tt->next_id;
	t->ops = ops;
	t->table = tt;
	b = bucket_of(tt, t->id);
	t->next = *b;
	*b = t;
	tt->n++;
	deadline_start(tt->deadlines, &t->deadline, in_ms, on_expired, t);
}

void txn_extend(struct txn *t, uint64_t in_ms)
{
	deadline_start(t->table->deadlines, &t->deadline, in_ms, on_expired, t);
}

void txn_end(struct txn *t)
{
	struct txn **p;

	if (!t->id)
		return;
	deadline_stop(&t->deadline);
	p = bucket_of(t->table, t->id);
	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->table->n--;
	t->id = 0;
}

struct txn *txn_find(struct txn_table *tt, uint64_t id)
{
	struct txn *t = *bucket_of(tt, id);

	while (t && t->id != id)
		t = t->next;
	return t;
}

size_t txn_count(const struct txn_table *tt)
{
	return tt->n;
}

void txn_stop_all(struct txn_table *tt)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (tt->bucket[i])
			tt->bucket[i]->ops->stop(tt->bucket[i]);
	}
}
