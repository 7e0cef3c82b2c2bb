/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/lmdb_new.h"

#define BATCH 4096 /* records of one transaction */

bool lmdb_new_is_ours(struct span key, struct span value)
{
	struct record_index i;
	struct record_head h;

	return (key.len == LMDB_META_KEY_LEN && record_index_take(&i, value)) || key.len == LMDB_MARK_KEY_LEN ||
	       key.len == LMDB_RESEAL_KEY_LEN || key.len == LMDB_KEKS_KEY_LEN ||
	       (key.len == AKA_RAND_LEN && value.len <= RECORD_MAX && record_head_read(&h, value) == 0);
}

static int transaction_begin(struct lmdb_new *n)
{
	int rc = mdb_txn_begin(n->env, NULL, 0, &n->txn);

	return rc ? rc : mdb_dbi_open(n->txn, NULL, 0, &n->dbi);
}

static int transaction_commit(struct lmdb_new *n)
{
	MDB_txn *txn = n->txn;

	n->txn = NULL;
	return mdb_txn_commit(txn);
}

int lmdb_new_begin(struct lmdb_new *n, const char *folder)
{
	int rc;

	*n = (struct lmdb_new){ 0 };
	rc = mdb_env_create(&n->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(n->env, lmdb_map_size(0));
	if (rc == 0)
		rc = mdb_env_open(n->env, folder, MDB_NOTLS, 0600);
	if (rc == 0)
		rc = transaction_begin(n);
	return rc == 0 ? 0 : lmdb_new_end(n, rc);
}

int lmdb_new_put(struct lmdb_new *n, struct span key, struct span value)
{
	MDB_val k = lmdb_val(key.p, key.len), v = lmdb_val(value.p, value.len);
	int rc;

	if (!lmdb_new_is_ours(key, value))
		return 0;
	rc = mdb_put(n->txn, n->dbi, &k, &v, MDB_NOOVERWRITE);
	if (rc)
		return rc == MDB_KEYEXIST ? 0 : rc;
	if (key.len == LMDB_META_KEY_LEN) {
		n->has_meta = record_index_take(&n->meta, value);
		return 0;
	}
	if (lmdb_key_is_own(key.len))
		return 0;
	if (++n->records % BATCH == 0)
		return transaction_commit(n) ?: transaction_begin(n);
	return 0;
}

int lmdb_new_end(struct lmdb_new *n, int rc)
{
	if (rc == 0)
		rc = transaction_commit(n);
	else if (n->txn)
		mdb_txn_abort(n->txn);
	if (n->env)
		mdb_env_close(n->env);
	n->env = NULL;
	n->txn = NULL;
	return rc;
}

const char *lmdb_new_words(int rc)
{
	return rc < 0 && rc > MDB_LAST_ERRCODE ? strerror(-rc) : mdb_strerror(rc);
}
