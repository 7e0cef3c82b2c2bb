/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_meta.c
 *  What an LMDB store keeps beside sessions and marks: the key of its index, and which KEKs have sealed here. */
#include "bsf/store/lmdb.h"

#include <errno.h>

#include "common/crypto/rng.h"

static const char meta_aad[] = "gba store meta 1";

static int meta_put(struct store_lmdb *l, MDB_txn *txn)
{
	MDB_val k = lmdb_val(LMDB_META_KEY, LMDB_META_KEY_LEN), v;
	int rc = record_index_seal(&l->meta, &l->keys, meta_aad);

	if (rc < 0)
		return rc;
	v = lmdb_val(l->meta.sealed, l->meta.len);
	return lmdb_errno(mdb_put(txn, l->dbi, &k, &v, 0));
}

static int meta_create(struct store_lmdb *l, MDB_txn *txn)
{
	MDB_stat st;

	if (mdb_stat(txn, l->dbi, &st) || st.ms_entries)
		return -EBADMSG; /* another program's database, or a damaged one */
	l->keys.index_key.len = RECORD_INDEX_LEN;
	if (rng_fill(l->keys.index_key.b, RECORD_INDEX_LEN) < 0)
		return -EIO;
	return meta_put(l, txn);
}

int lmdb_meta_open(struct record_keys *keys, struct span sealed)
{
	return record_index_open(keys, sealed, meta_aad);
}

/* The index key from the store, or a new one in a new store. */
static int meta_in(struct store_lmdb *l, MDB_txn *txn)
{
	MDB_val k = lmdb_val(LMDB_META_KEY, LMDB_META_KEY_LEN), v;
	int rc = mdb_get(txn, l->dbi, &k, &v);

	if (rc == MDB_NOTFOUND)
		return meta_create(l, txn);
	if (rc)
		return lmdb_errno(rc);
	if (!record_index_take(&l->meta, lmdb_span(&v)))
		return -EBADMSG;
	if (seal_learn(l->keys.seal, lmdb_span(&v), &l->said) < 0)
		return -ECANCELED;
	return lmdb_meta_open(&l->keys, lmdb_span(&v));
}

/* \returns 0; -ENOKEY; -EBADMSG; -ENOSPC; -EIO */
static int meta_txn(struct store_lmdb *l, bool commit, int (*fn)(struct store_lmdb *l, MDB_txn *txn))
{
	MDB_txn *txn;
	int rc = lmdb_errno(mdb_txn_begin(l->env, NULL, 0, &txn));

	if (rc < 0)
		return rc;
	rc = fn(l, txn);
	if (rc == 0 && commit)
		return lmdb_errno(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return rc;
}

static int sealers_read(struct store_lmdb *l, MDB_txn *txn)
{
	MDB_val k = lmdb_val(LMDB_KEKS_KEY, LMDB_KEKS_KEY_LEN), v;
	int rc = mdb_get(txn, l->dbi, &k, &v);

	if (rc)
		return rc == MDB_NOTFOUND ? 0 : lmdb_errno(rc);
	l->n_sealers = v.mv_size < sizeof(l->sealers) ? v.mv_size : sizeof(l->sealers);
	memcpy(l->sealers, v.mv_data, l->n_sealers);
	return 0;
}

int lmdb_meta_begin(struct store_lmdb *l, const struct store_lmdb_cfg *cfg, struct err *err)
{
	uint8_t kek;
	int rc;

	l->keys.seal = seal_new(cfg->keks, cfg->n_keks, err);
	if (!l->keys.seal)
		return -EINVAL;
	rc = meta_txn(l, !cfg->check, meta_in);
	if (rc == 0)
		rc = meta_txn(l, false, sealers_read);
	kek = seal_kek_id(record_index_span(&l->meta));
	switch (rc) {
	case 0:
		return 0;
	case -ENOKEY:
		return err_set(
			err, rc,
			"store: the database in %s was made under another KEK: %u, which is not configured; " LMDB_KEK_CURE,
			cfg->dir, kek, kek);
	case -EBADMSG:
		return err_set(
			err, rc,
			"store: the database in %s was made under another KEK %u than is configured, or is damaged; allowed: "
			"the key that sealed it",
			cfg->dir, kek);
	case -ECANCELED:
		return err_set(err, rc, "kek %u: %s", kek, l->said.text);
	case -ENOSPC:
		return err_set(err, rc, "store: no room in %s", cfg->dir);
	default:
		return err_set(err, rc, "store: the database in %s cannot be written", cfg->dir);
	}
}

int lmdb_sealers_put(struct store_lmdb *l, MDB_txn *txn)
{
	MDB_val k = lmdb_val(LMDB_KEKS_KEY, LMDB_KEKS_KEY_LEN), v = lmdb_val(l->sealers, l->n_sealers);

	return lmdb_errno(mdb_put(txn, l->dbi, &k, &v, 0));
}

static int sealers_add(struct store_lmdb *l)
{
	uint8_t first = seal_first(l->keys.seal);

	if (memchr(l->sealers, first, l->n_sealers) || l->n_sealers == sizeof(l->sealers))
		return 0;
	l->sealers[l->n_sealers++] = first;
	return meta_txn(l, true, lmdb_sealers_put);
}

int lmdb_meta_renew(struct store_lmdb *l, const struct store_lmdb_cfg *cfg, struct err *err)
{
	int rc = 0;

	if (seal_is_due(l->keys.seal, record_index_span(&l->meta)))
		rc = meta_txn(l, true, meta_put);
	if (rc == 0)
		rc = sealers_add(l);
	if (rc == 0)
		rc = lmdb_file_made(cfg->dir, record_index_span(&l->meta));
	return rc < 0 ? err_set(err, rc, "store: cannot write in %s: %s", cfg->dir, strerror(-rc)) : 0;
}
