/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file store.h
 *  Where challenges and sessions live. One struct store per shard (asynchronous: every answer comes later on this
 *  shard's thread, never inside the call), one struct store_shared per process behind them. Back ends: store/mem.c,
 *  store/lmdb.c; later store_redis.c. tests/store/contract.c holds one set of cases for all of them.
 *
 *  -EIO means the store could not be asked: the answer is then an error, never a key. */
#pragma once

#include <talloc.h>
#include "bsf/store/gba_session.h"
#include "common/base/err.h"
#include "common/crypto/seal.h"

struct store;
struct store_shared;

enum store_op {
	STORE_CHALLENGE_PUT,
	STORE_CHALLENGE_TAKE,
	STORE_PUT,
	STORE_GET,
	STORE_FIND_TMPI,
	STORE_REVOKE_IMPI,
	STORE_REVOKE_BTID,
	STORE_GUSS,
};

/*! Everything in it is lent for the duration of done(). */
struct store_answer {
	enum store_op op;
	/*! 0; -ENOENT unknown, expired, revoked, never ours; -EALREADY challenge taken before; -EEXIST (put) a record
	 *  with this RAND is there, be it a tombstone; -ENOSPC disk or map full; -EIO */
	int rc;
	const struct gba_session *session;
	const struct gba_challenge *challenge;
	const char *impi; /* FIND_TMPI */
	unsigned revoked; /* REVOKE: sessions revoked; GUSS: those that have it now */
	unsigned as_new;  /* GUSS: sessions whose own is as new, or newer */
};
typedef void store_done_fn(void *owner, uint64_t txn, const struct store_answer *a);

/* one per process */
struct store_lmdb_cfg {
	const char *dir;
	unsigned map_size_gib;       /* the file is sparse, so far above need; never grown while running */
	size_t map_size_octets;      /* if not 0, instead (tests) */
	const struct seal_kek *keks; /* the first seals */
	size_t n_keks;
	bool check; /* only look whether it is ours and a KEK opens it; then free it, it cannot be used */
};
/*! Open or create. A wrong KEK, a second process (it takes flock() on data.mdb itself), no map, a file that was a store
 *  and is empty: error, nothing changed. Of a damaged file what can be read is saved (lmdb_file.h).
 *  The index in memory is rebuilt here. A thread that reads keeps a reader until it ends or the store is freed.
 *  \returns NULL and a reason in err */
struct store_shared *store_shared_mem_new(struct err *err);
struct store_shared *store_shared_lmdb_new(const struct store_lmdb_cfg *cfg, struct err *err);
/*! Longest life a key may have, asked at each look-up: an expiry beyond now and that was made under a wrong clock, and
 *  the session counts as over. Without it any expiry is right.
 *  \param[in] max_s seconds; any thread */
void store_shared_life_max(struct store_shared *sh, int64_t (*max_s)(void));
/*! Is there a store in dir, or was one made? */
bool store_lmdb_is_there(const char *dir);
/*! After every struct store of it is freed. Commits what was accepted. */
void store_shared_free(struct store_shared *sh);

/*! Figures for "show store" and tests. */
struct store_figures {
	uint64_t sessions, challenges, tmpis, commits, committed_records;
	uint64_t swept;
	uint64_t corrupt;      /* records that could not be read; each counts as not found */
	uint64_t index_octets; /* memory of the index */
};
void store_shared_figures(struct store_shared *sh, struct store_figures *out);

/* one per shard; call on the shard's thread */
/*! talloc_free() ends it: what was accepted is done, but not answered. */
struct store *store_new(void *ctx, struct store_shared *sh, store_done_fn *done, void *owner);

/* Each returns 0: done() will come exactly once; -EBUSY too many pending: done() will not come. Arguments are
 * copied. */

/*! Put under its key until it expires. */
int store_challenge_put(struct store *st, const struct gba_challenge *c, uint64_t txn);
/*! Take exactly once, whichever shard asks; the marker stays until its time is over (-EALREADY).
 *  \param[in] key CHALLENGE_KEY_MIN to _MAX octets */
int store_challenge_take(struct store *st, struct span key, uint64_t txn);
/*! The same two from any thread, without waiting, where challenges live in this process: a hand-off costs more than
 * they do. \param[out] out clear it after use \returns as rc of the answer; -EAGAIN ask this back end with the calls
 * above */
int store_challenge_put_now(struct store_shared *sh, const struct gba_challenge *c);
int store_challenge_take_now(struct store_shared *sh, struct span key, struct gba_challenge *out);
/*! A new session, durable before done(0). It replaces the session this IMPI had under the same BSF name, and its TMPI
 *  replaces the TMPI of this IMPI (33.220 4.5.2). */
int store_put(struct store *st, const struct gba_session *s, uint64_t txn);
/*! By B-TID; the domain must be the one the session was made under (no case). */
int store_get(struct store *st, const struct btid *id, uint64_t txn);
/*! TMPI to IMPI, also after the Ks expired (33.220 4.4.13). */
int store_find_tmpi(struct store *st, const uint8_t tmpi[TMPI_LEN], uint64_t txn);
/*! Revoke: a tombstone stays until the session would have expired. */
int store_revoke_impi(struct store *st, const char *impi, uint64_t txn);
int store_revoke_btid(struct store *st, const struct btid *id, uint64_t txn);

/*! A newer GUSS for the sessions of an IMPI that live, and for those that are put within keep_ms: their runs may carry an older
 *  one. Durable before done(0). \param[in] guss says its timestamp; lent */
int store_guss(struct store *st, const char *impi, struct guss_blob *guss, uint64_t keep_ms, uint64_t txn);

/*! The same as store_get() from any thread, without waiting.
 *  \returns 0 and a copy in out (clear it); -ENOENT; -EIO; -EAGAIN ask this back end with store_get() */
int store_get_now(struct store_shared *sh, const struct btid *id, struct gba_session *out);
