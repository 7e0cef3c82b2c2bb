/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb.c
 *  The embedded store: open, check, rebuild the index, close. */
#include "bsf/store/lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bsf/store/lmdb_file.h"
#include "common/base/clock.h"
#include "common/rt/deadline.h"
#include "common/rt/log_cat.h"

#define MAX_READERS 512

static size_t limit(const struct store_lmdb_cfg *cfg)
{
	return cfg->limit_octets ? cfg->limit_octets : (size_t)cfg->limit_gib << 30;
}

static int env_open(struct store_lmdb *l, const struct store_lmdb_cfg *cfg, struct err *err)
{
	MDB_txn *txn = NULL;
	int rc = mdb_env_create(&l->env);

	if (rc == 0)
		lmdb_fatal_init(l->env, cfg->dir);
	if (rc == 0)
		rc = mdb_env_set_mapsize(l->env, lmdb_map_size(l->limit));
	if (rc == 0)
		rc = mdb_env_set_maxreaders(l->env, MAX_READERS);
	if (rc == 0)
		rc = mdb_env_open(l->env, cfg->dir, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
	if (txn)
		mdb_txn_commit(txn);
	if (rc)
		return err_set(err, rc > 0 ? -rc : -EIO, "store: cannot open the database in %s: %s", cfg->dir,
			       mdb_strerror(rc));
	return 0;
}

static int marks_make(struct store_lmdb *l, struct err *err)
{
	struct seal_kek key = lmdb_marks_key(l);

	l->sh.marks = marks_new(&key, 1, MARKS_MAX);
	secret_clear(&key.key);
	return l->sh.marks ? 0 : err_set(err, -ENOMEM, "store: no memory for marks");
}

/* By what is as old as the store: no other KEK, and no token, has to be known for it. */
static struct seal *seal_beside(const struct store_lmdb *l, struct err *err)
{
	struct seal_kek key = lmdb_marks_key(l);
	struct seal *s;

	key.id = 1;
	s = seal_new(&key, 1, err);
	secret_clear(&key.key);
	return s;
}

struct rebuild {
	uint64_t records, unreadable;
	uint64_t under[256]; /* by KEK */
	bool only_counts;
};

/* One record, its head only: a million take well under a second. */
static int rebuild_one(struct store_lmdb *l, MDB_val *k, MDB_val *v, struct rebuild *r)
{
	struct index_entry e;

	if (lmdb_key_is_own(k->mv_size))
		return 0;
	if (k->mv_size == LMDB_MARK_KEY_LEN) {
		r->under[seal_kek_id(lmdb_span(v))]++;
		if (seal_learn(l->keys.seal, lmdb_span(v), &l->said) < 0)
			return -ECANCELED;
		if (!r->only_counts)
			lmdb_marks_read(l, k, v);
		return 0;
	}
	if (k->mv_size != AKA_RAND_LEN || record_head_read(&e.head, lmdb_span(v)) < 0) {
		r->unreadable++;
		return 0;
	}
	r->records++;
	r->under[seal_kek_id(record_sealed(lmdb_span(v)))]++;
	if (seal_learn(l->keys.seal, record_sealed(lmdb_span(v)), &l->said) < 0)
		return -ECANCELED;
	memcpy(e.rand, k->mv_data, AKA_RAND_LEN);
	return r->only_counts ? 0 : lmdb_index_place(l->index, &e);
}

/* Of a KEK that never sealed here it is the octet that is damaged. */
static int keks_check(struct store_lmdb *l, struct rebuild *r, const char *dir, struct err *err)
{
	for (unsigned id = 1; id < 256; id++)
		if (!r->under[id] || seal_knows(l->keys.seal, (uint8_t)id))
			continue;
		else if (!memchr(l->sealers, (int)id, l->n_sealers))
			r->unreadable += r->under[id];
		else
			return err_set(
				err, -ENOKEY,
				"store: %llu records in %s are sealed under KEK %u, which is not configured; " LMDB_KEK_CURE,
				(unsigned long long)r->under[id], dir, id, id);
	return 0;
}

static int index_rebuild(struct store_lmdb *l, const struct store_lmdb_cfg *cfg, struct err *err)
{
	uint64_t from = clock_mono_ms();
	struct rebuild r = { .only_counts = cfg->check };
	MDB_cursor *c = NULL;
	MDB_txn *txn = NULL;
	MDB_val k, v;
	int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);

	if (rc == 0)
		rc = mdb_cursor_open(txn, l->dbi, &c);
	while (rc == 0 && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0)
		rc = rebuild_one(l, &k, &v, &r);
	if (c)
		mdb_cursor_close(c);
	if (txn)
		mdb_txn_abort(txn);
	if (rc == MDB_NOTFOUND && lmdb_index_find_placed(l->index) < 0)
		rc = -ENOMEM;
	if (rc == -ECANCELED)
		return err_set(err, rc, "kek: %s", l->said.text);
	if (rc == -ENOMEM)
		return err_set(err, rc, "store: no memory for the index of %s", cfg->dir);
	if (rc != MDB_NOTFOUND)
		return err_set(err, -EIO, "store: cannot read the database in %s: %s", cfg->dir, mdb_strerror(rc));
	rc = keks_check(l, &r, cfg->dir, err);
	if (rc < 0 || cfg->check)
		return rc;
	atomic_store(&l->corrupt, r.unreadable);
	LOGT(DSTORE, LOGL_NOTICE, "store: %llu records, index made in %llu ms\n", (unsigned long long)r.records,
	     (unsigned long long)(clock_mono_ms() - from));
	if (r.unreadable)
		LOGT(DSTORE, LOGL_ERROR, "store: %llu records are damaged\n", (unsigned long long)r.unreadable);
	return 0;
}

static bool store_lmdb_submit(struct store_shared *sh, struct store_req *r)
{
	struct store_lmdb *l = (struct store_lmdb *)sh;

	switch (r->op) {
	case STORE_CHALLENGE_PUT:
		r->rc = challenges_put(l->challenges, &r->challenge);
		break;
	case STORE_CHALLENGE_TAKE:
		r->rc = challenges_take(l->challenges, gba_challenge_key(&r->challenge), clock_mono_ms(),
					&r->challenge);
		break;
	case STORE_GET:
		r->rc = lmdb_get(l, &r->key.btid, &r->session);
		break;
	case STORE_USE:
		store_use_here(sh, r);
		break;
	case STORE_FIND_TMPI:
		r->rc = lmdb_find_tmpi(l, r->key.tmpi, &r->impi);
		break;
	case STORE_FIND_GUSS:
		r->rc = lmdb_find_guss(l, r);
		break;
	case STORE_PUT:
		/* on the shard's thread, so that the committer only writes */
		r->rc = store_record_make(r, &l->keys);
		if (r->rc < 0)
			break;
		lmdb_committer_submit(l->committer, r);
		return false;
	case STORE_REVOKE_IMPI:
	case STORE_REVOKE_BTID:
	case STORE_REVOKE_NAF:
	case STORE_REVOKE_ALL:
	case STORE_GUSS:
	case STORE_RESEAL:
		lmdb_committer_submit(l->committer, r);
		return false;
	}
	return true;
}

static void store_lmdb_close(struct store *st)
{
	lmdb_committer_drain(((struct store_lmdb *)st->sh)->committer);
}

static void store_lmdb_figures(struct store_shared *sh, struct store_figures *out)
{
	struct store_lmdb *l = (struct store_lmdb *)sh;
	struct index_figures f;

	lmdb_index_figures(l->index, &f);
	out->sessions = f.sessions;
	out->tmpis = f.tmpis;
	out->index_octets = f.octets;
	out->challenges = challenges_count(l->challenges);
	out->commits = atomic_load(&l->commits);
	out->committed_records = atomic_load(&l->committed_records);
	out->swept = atomic_load(&l->swept);
	out->corrupt = atomic_load(&l->corrupt);
}

static void store_lmdb_free(struct store_shared *sh)
{
	struct store_lmdb *l = (struct store_lmdb *)sh;

	lmdb_committer_stop(l->committer);
	lmdb_readers_free(l);
	if (l->env)
		mdb_env_close(l->env);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	lmdb_index_free(l->index);
	challenges_free(l->challenges);
	marks_free(l->sh.marks);
	guss_pushes_free(l->sh.pushes);
	uses_free(l->sh.uses);
	seal_free(l->sh.beside);
	seal_free(l->keys.seal);
	secret_clear(&l->keys.index_key);
	free(l);
}

static const struct store_backend lmdb_backend = {
	.close = store_lmdb_close,
	.submit = store_lmdb_submit,
	.clock_ms = store_clock_here,
	.figures = store_lmdb_figures,
	.free = store_lmdb_free,
};

struct store_shared *store_shared_lmdb_new(const struct store_lmdb_cfg *cfg, struct err *err)
{
	struct store_lmdb *l = calloc(1, sizeof(*l));
	bool damaged = false;
	int why;

	if (!l) {
		err_set(err, -ENOMEM, "store: no memory");
		return NULL;
	}
	l->sh.be = &lmdb_backend;
	l->lock_fd = -1;
	l->limit = limit(cfg);
	l->index = lmdb_index_new();
	l->challenges = challenges_new(CHALLENGES_MAX);
	l->sh.pushes = guss_pushes_new();
	err_set(err, -ENOMEM, "store: no memory");
	if (!l->index || !l->challenges || !l->sh.pushes || lmdb_readers_init(l) < 0)
		goto fail;
	l->lock_fd = lmdb_file_open(cfg, &damaged, err);
	if (damaged)
		return &l->sh;
	if (l->lock_fd < 0 || env_open(l, cfg, err) < 0 || lmdb_meta_begin(l, cfg, err) < 0)
		goto fail;
	if ((!cfg->check && marks_make(l, err) < 0) || index_rebuild(l, cfg, err) < 0)
		goto fail;
	l->sh.beside = seal_beside(l, err);
	if (!l->sh.beside)
		goto fail;
	if (cfg->check)
		return &l->sh;
	if (lmdb_meta_renew(l, cfg, err) < 0)
		goto fail;
	seal_learnt(l->keys.seal);
	l->sh.uses = uses_new(store_clock_here_ms());
	l->committer = l->sh.uses ? lmdb_committer_start(l) : NULL;
	if (l->committer)
		return &l->sh;
	err_set(err, -EAGAIN, "store: no memory, or no thread for the committer");
fail:
	why = l->lock_fd == -EBUSY ? EBUSY : EIO;
	store_lmdb_free(&l->sh);
	errno = why;
	return NULL;
}
