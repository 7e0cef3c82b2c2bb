/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_reseal.c
 *  A pass over all records of an LMDB store, in steps of the committer's transactions: what it seals anew cannot change
 *  meanwhile, and where it got to is durable with it. Readers have their own view and never wait for it. */
#include <errno.h>

#include "bsf/store/lmdb.h"

#define LOOK_MAX 4096 /* records of one step that are looked at */

struct pass {
	struct store_lmdb *l;
	MDB_txn *txn;
	MDB_cursor *cursor;
	struct reseal_came *came;
	bool seals;
	unsigned written;
};

/* What is sealed in a record. */
static struct span sealed_of(const MDB_val *k, const MDB_val *v)
{
	if (k->mv_size == AKA_RAND_LEN)
		return record_sealed(lmdb_span(v));
	return k->mv_size == LMDB_MARK_KEY_LEN ? lmdb_span(v) : span_of(NULL, 0);
}

/* Under another KEK than the first, or of a former version. One that does not open needs no KEK. */
static int old_one(struct pass *p, MDB_val *k, const MDB_val *v)
{
	BUFFER_UNCLEARED uint8_t buf[RECORD_MAX];
	struct record_keys *keys = &p->l->keys;
	uint8_t kek = seal_kek_id(sealed_of(k, v));
	int n = k->mv_size == AKA_RAND_LEN ? record_reseal(buf, sizeof(buf), keys, k->mv_data, lmdb_span(v))
					   : seal_again(keys->seal, buf, sizeof(buf), lmdb_span(v), lmdb_span(k));
	MDB_val new;

	if (n == -EBADMSG || n == -ENOKEY) {
		p->came->lost += kek != seal_first(keys->seal);
		return 0;
	}
	if (n < 0)
		return -EIO;
	if (!p->seals) {
		p->came->under[kek]++;
		return 0;
	}
	new = lmdb_val(buf, (size_t)n);
	p->came->sealed++;
	p->written++;
	return lmdb_errno(mdb_cursor_put(p->cursor, k, &new, MDB_CURRENT));
}

static int look_one(struct pass *p, const MDB_val *k, const MDB_val *v)
{
	uint8_t kek = seal_kek_id(sealed_of(k, v)), copy[LMDB_MARK_KEY_LEN];
	const struct seal *seal = p->l->keys.seal;
	MDB_val key = lmdb_val(copy, k->mv_size);

	if (kek == 0)
		return 0;
	if (p->seals ? seal_is_due(seal, sealed_of(k, v)) : kek != seal_first(seal)) {
		memcpy(copy, k->mv_data, k->mv_size); /* its page may be written into */
		return old_one(p, &key, v);
	}
	p->came->under[kek] += !p->seals;
	return 0;
}

static void stop_at(struct pass *p, const MDB_val *k)
{
	p->came->at_len = k->mv_size <= RESEAL_AT_MAX ? k->mv_size : RESEAL_AT_MAX;
	memcpy(p->came->at, k->mv_data, p->came->at_len);
}

/* \returns 0; as lmdb_write_request() */
static int walk(struct pass *p, struct span at)
{
	MDB_val k = lmdb_val(at.p, at.len), v;
	unsigned looked = 0;
	int rc = mdb_cursor_get(p->cursor, &k, &v, at.len ? MDB_SET_RANGE : MDB_FIRST), done = 0;

	for (; rc == 0 && done == 0; rc = mdb_cursor_get(p->cursor, &k, &v, MDB_NEXT)) {
		if (looked++ == LOOK_MAX || p->written == LMDB_RESEAL_MAX) {
			stop_at(p, &k);
			return 0;
		}
		done = look_one(p, &k, &v);
	}
	p->came->over = true;
	return done < 0 ? done : rc == MDB_NOTFOUND ? 0 : lmdb_errno(rc);
}

static int reseal_keep(struct pass *p)
{
	MDB_val k = lmdb_val(LMDB_RESEAL_KEY, LMDB_RESEAL_KEY_LEN), v;
	uint8_t text[1 + RESEAL_AT_MAX] = { seal_first(p->l->keys.seal) };

	memcpy(text + 1, p->came->at, p->came->at_len);
	v = lmdb_val(text, 1 + p->came->at_len);
	return lmdb_errno(mdb_put(p->txn, p->l->dbi, &k, &v, 0));
}

static int walk_step(struct pass *p, struct span at)
{
	int rc = lmdb_errno(mdb_cursor_open(p->txn, p->l->dbi, &p->cursor));

	if (rc < 0)
		return rc;
	rc = walk(p, at);
	mdb_cursor_close(p->cursor);
	return rc == 0 && p->seals ? reseal_keep(p) : rc;
}

/* A pass to another KEK begins anew. */
static int load(struct pass *p)
{
	MDB_val k = lmdb_val(LMDB_RESEAL_KEY, LMDB_RESEAL_KEY_LEN), v;
	int rc = mdb_get(p->txn, p->l->dbi, &k, &v);
	struct span s;

	if (rc)
		return rc == MDB_NOTFOUND ? 0 : lmdb_errno(rc);
	p->came->begun = true;
	s = lmdb_span(&v);
	if (s.len < 1 || s.len > 1 + RESEAL_AT_MAX || s.p[0] != seal_first(p->l->keys.seal))
		return 0;
	p->came->at_len = s.len - 1;
	memcpy(p->came->at, s.p + 1, p->came->at_len);
	return 0;
}

static int end(struct pass *p)
{
	MDB_val k = lmdb_val(LMDB_RESEAL_KEY, LMDB_RESEAL_KEY_LEN);
	int rc = mdb_del(p->txn, p->l->dbi, &k, NULL);

	if (rc && rc != MDB_NOTFOUND)
		return lmdb_errno(rc);
	p->l->n_sealers = 1;
	p->l->sealers[0] = seal_first(p->l->keys.seal);
	return lmdb_sealers_put(p->l, p->txn);
}

int lmdb_reseal(struct store_lmdb *l, MDB_txn *txn, struct reseal_step *step)
{
	struct pass p = { .l = l, .txn = txn, .came = &step->came, .seals = step->what == RESEAL_SEAL };

	step->came = (struct reseal_came){ .why = NULL };
	if (step->what == RESEAL_LOAD)
		return load(&p);
	if (step->what == RESEAL_END)
		return end(&p);
	return walk_step(&p, span_of(step->at, step->at_len));
}
