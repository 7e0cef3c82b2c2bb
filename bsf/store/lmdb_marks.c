/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_marks.c
 *  Revocation marks as records of the tree: what is in memory is written with what it revokes, and read at start. */
#include <errno.h>

#include "bsf/store/lmdb.h"
#include "common/rt/log_cat.h"

#define TIMES_LEN     12
#define SWEEP_MS      60000
#define SWEEP_AT_ONCE 1024

struct seal_kek lmdb_marks_key(const struct store_lmdb *l)
{
	return (struct seal_kek){ .key = l->keys.index_key };
}

static MDB_val mark_key(uint8_t key[LMDB_MARK_KEY_LEN], const struct mark *mark)
{
	key[0] = 'M';
	key[1] = mark->kind;
	memcpy(key + 2, mark->tag, MARK_TAG_LEN);
	return lmdb_val(key, LMDB_MARK_KEY_LEN);
}

/* \returns false: it is not as it was written */
static bool times_open(const struct store_lmdb *l, struct mark *mark, const MDB_val *k, const MDB_val *v)
{
	uint8_t times[TIMES_LEN];

	if (seal_open(l->keys.seal, times, sizeof(times), lmdb_span(v), lmdb_span(k)) != TIMES_LEN)
		return false;
	mark->at_ms = (int64_t)be48_get(times);
	mark->until_ms = (int64_t)be48_get(times + 6);
	return true;
}

void lmdb_marks_read(struct store_lmdb *l, const MDB_val *k, const MDB_val *v)
{
	const uint8_t *p = k->mv_data;
	struct mark mark = { .kind = p[1] };

	memcpy(mark.tag, p + 2, MARK_TAG_LEN);
	if (!times_open(l, &mark, k, v)) {
		LOGT(DSTORE, LOGL_ERROR, "store: a revocation mark is damaged: it counts as if it were of now\n");
		mark.at_ms = store_clock_here_ms();
		mark.until_ms = mark.at_ms + MARK_LIFE_S * 1000;
	}
	store_clock_at_least(mark.at_ms);
	if (marks_add(l->sh.marks, &mark) != -ENOSPC)
		return;
	if (log_rate_ok(DSTORE))
		LOGT(DSTORE, LOGL_ERROR, "store: no room for a revocation mark: it counts for all sessions\n");
	mark.kind = MARK_ALL;
	memset(mark.tag, 0, sizeof(mark.tag));
	(void)marks_add(l->sh.marks, &mark);
}

/* Those that are over leave the tree, as many as go into one transaction beside what it is for. */
struct over {
	struct store_lmdb *l;
	MDB_txn *txn;
	int64_t now_ms;
	size_t n;
	int rc;
};

static bool sweep_one(void *over, const struct mark *mark)
{
	uint8_t key[LMDB_MARK_KEY_LEN];
	MDB_val k = mark_key(key, mark), v;
	struct over *o = over;
	struct mark there;
	int rc;

	if (mark->until_ms > o->now_ms)
		return true;
	rc = mdb_get(o->txn, o->l->dbi, &k, &v);
	if (rc == MDB_NOTFOUND) /* it went before */
		return true;
	if (rc == 0 && times_open(o->l, &there, &k, &v) && there.until_ms > o->now_ms)
		return true; /* of the same name, put in this transaction */
	o->rc = lmdb_errno(rc ?: mdb_del(o->txn, o->l->dbi, &k, NULL));
	return o->rc == 0 && ++o->n < SWEEP_AT_ONCE;
}

static int marks_sweep(struct store_lmdb *l, MDB_txn *txn, int64_t now_ms)
{
	struct over o = { .l = l, .txn = txn, .now_ms = now_ms };

	(void)marks_each(l->sh.marks, 0, sweep_one, &o);
	/* those in memory are how the rest of them is found the next time */
	if (o.rc == 0 && o.n < SWEEP_AT_ONCE)
		marks_expire(l->sh.marks, now_ms);
	return o.rc;
}

int lmdb_marks_put(struct store_lmdb *l, MDB_txn *txn, const struct mark *mark)
{
	uint8_t key[LMDB_MARK_KEY_LEN], times[TIMES_LEN], sealed[TIMES_LEN + SEAL_OVERHEAD];
	MDB_val k = mark_key(key, mark), v;
	int n, rc;

	be48_put(times, (uint64_t)mark->at_ms);
	be48_put(times + 6, (uint64_t)mark->until_ms);
	n = seal_put(l->keys.seal, sealed, sizeof(sealed), span_of(times, sizeof(times)), lmdb_span(&k));
	if (n < 0)
		return n;
	v = lmdb_val(sealed, (size_t)n);
	rc = lmdb_errno(mdb_put(txn, l->dbi, &k, &v, 0));
	if (rc < 0 || mark->at_ms - l->marks_swept_ms < SWEEP_MS)
		return rc;
	l->marks_swept_ms = mark->at_ms;
	return marks_sweep(l, txn, mark->at_ms);
}

void lmdb_marks_count(struct store_lmdb *l, struct store_req *batch)
{
	for (; batch; batch = batch->next)
		if (store_revokes(batch->op) && batch->rc == 0 && marks_add(l->sh.marks, &batch->mark) == -ENOSPC)
			batch->rc = -EIO; /* counts after the next start */
}
