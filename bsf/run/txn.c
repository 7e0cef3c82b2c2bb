/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/txn.h"

#include <assert.h>
#include <errno.h>
#include <talloc.h>
#include "bsf/vectors/zh_client.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

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

	t->event(t, &(struct txn_event){ .kind = TXN_EXPIRED });
}

void txn_start(struct txn_table *tt, struct txn *t, txn_event_fn *event, uint64_t in_ms)
{
	struct txn **b;

	assert(t->id == 0);
	t->id = ++tt->next_id;
	t->event = event;
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

void txn_store_done(void *txn_table, uint64_t id, const struct store_answer *a)
{
	struct txn *t = txn_find(txn_table, id);

	if (t)
		t->event(t, &(struct txn_event){ .kind = TXN_STORE, .store = a });
}

static void late(const struct zh_result *r)
{
	struct log_line l;

	if (r->rc < 0 && r->rc != -EBADMSG) /* no answer at all */
		return;
	counter_inc(CAUSE_zh_late);
	if (!log_rate_ok(DZH) || !log_line_begin(&l, DZH, LOGL_NOTICE, CAUSE_zh_late))
		return;
	log_line_str(&l, "hss", r->said.origin);
	log_line_result(&l, &r->result);
	log_line_end(&l);
}

void txn_zh_done(void *txn_table, uint64_t id, const struct zh_result *r)
{
	struct txn *t = txn_find(txn_table, id);

	if (t)
		t->event(t, &(struct txn_event){ .kind = TXN_ZH, .zh = r });
	else
		late(r);
}

size_t txn_count(const struct txn_table *tt)
{
	return tt->n;
}

void txn_stop_all(struct txn_table *tt)
{
	static const struct txn_event stop = { .kind = TXN_STOP };

	for (size_t i = 0; i < BUCKETS; i++) {
		while (tt->bucket[i])
			tt->bucket[i]->event(tt->bucket[i], &stop);
	}
}
