/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file store.h
 *  Where challenges and sessions live. One struct store per shard, one struct store_shared per process behind them. Back
 *  ends: store/mem.c, store/lmdb.c, store/redis.c. tests/store/contract.c holds one set of cases for all of them.
 *
 *  A call has three ends. Done: 0, and what says how it is (-ENOENT, -EALREADY, -EEXIST, -EKEYREVOKED). Refused (-EBUSY, -ENOSPC,
 *  -ENOTCONN, -ESTALE, -ESHUTDOWN): nothing was done, and nothing will be. Unknown (-EIO): it was done, or was not, or will be: a server
 *  that was cut off does later what it has already read. For each call is said below why that is safe. Whatever is not done is an
 *  error for who asked, never a key. No write takes the place of a tombstone or of a mark, so what is done late does no harm. */
#pragma once

#include <sys/socket.h>
#include <talloc.h>
#include <openssl/types.h>
#include "bsf/store/gba_session.h"
#include "common/base/err.h"
#include "common/base/sockaddr.h"
#include "common/crypto/seal.h"
#include "common/rt/reseal.h"

struct store;
struct store_shared;

enum store_op {
	STORE_CHALLENGE_PUT,
	STORE_CHALLENGE_TAKE,
	STORE_PUT,
	STORE_GET,
	STORE_USE,
	STORE_FIND_TMPI,
	STORE_FIND_GUSS,
	STORE_REVOKE_IMPI,
	STORE_REVOKE_BTID,
	STORE_REVOKE_NAF,
	STORE_REVOKE_ALL,
	STORE_GUSS,
	STORE_RESEAL,
};

/*! Who has a revocation, where several use the store. */
struct store_spread {
	unsigned bsfs, confirmed; /* that use it, we too; those that have the mark. The others may serve no more */
	char late[160];           /* those: host/process, a blank between */
	unsigned replicas,
		have; /* of the store; those that have it: fewer are not yet safe against a failover, and it is gone on trying */
};

/*! Everything in it is lent: for the duration of done(), or, where the call itself returned it, until the next call or
 *  store_forget(). */
struct store_answer {
	enum store_op op;
	/*! 0; -ENOENT unknown, expired, revoked, never ours; -EALREADY challenge taken before; -EEXIST (put) a record
	 *  with this RAND is there, be it a tombstone; -EKEYREVOKED (put) revoked since its challenge was made; -EBUSY too many
	 *  pending; -ENOSPC disk or map full; -ENOTCONN it cannot be asked now; -ESTALE what was
	 *  revoked is not known for longer than the lease; -ESHUTDOWN after store_stop(); -EIO unknown */
	int rc;
	const struct gba_session *session;
	const struct gba_challenge *challenge;
	const char *impi;       /* FIND_TMPI */
	struct guss_blob *guss; /* FIND_GUSS; NULL: none with a timestamp */
	uint32_t uses;          /* USE: how many, that one too; UINT32_MAX: nobody knows */
	unsigned revoked;       /* REVOKE of an IMPI or a B-TID: sessions revoked; GUSS: those that have it now */
	unsigned as_new;        /* GUSS: sessions whose own is as new, or newer */
	const struct store_spread *spread; /* REVOKE, where rc is 0 and there may be others; NULL: all is here */
};
typedef void store_done_fn(void *owner, uint64_t txn, const struct store_answer *a);

enum store_end { STORE_DONE, STORE_REFUSED, STORE_UNKNOWN };
/*! \param[in] rc of an answer */
enum store_end store_end(int rc);
/*! The same for people who asked for a change: was it done, and what to do. rc < 0; -ETIMEDOUT counts as unknown */
const char *store_words(int rc);

/* one per process */
struct store_lmdb_cfg {
	const char *dir;
	unsigned limit_gib;          /* of data.mdb, which new sessions do not pass; nor the end of the disk */
	size_t limit_octets;         /* if not 0, instead (tests) */
	const struct seal_kek *keks; /* the first seals */
	size_t n_keks;
	bool check; /* only look whether it is ours and a KEK opens it; then free it, it cannot be used */
};
/*! Open or create. A wrong KEK, a second process (it takes flock() on data.mdb itself), no map, a file that was a store
 *  and is empty: error, nothing changed. Of a damaged file what can be read is saved (lmdb_file.h).
 *  The index in memory is rebuilt here. A thread that reads keeps a reader until it ends or the store is freed.
 *  \returns NULL, a reason in err and (LMDB) errno, EBUSY where another process has it */
struct store_shared *store_shared_mem_new(struct err *err);
struct store_shared *store_shared_lmdb_new(const struct store_lmdb_cfg *cfg, struct err *err);
#define STORE_SENTINELS_MAX 9
#define STORE_GRACE_MAX_MS  10000 /* that may be configured; no other process is believed more */
/* Redis 7.0 or later, stand-alone or behind Sentinels; any number of processes may use one */
struct store_redis_cfg {
	struct sockaddr_storage addr; /* AF_UNSPEC: the Sentinels say it */
	unsigned lease_ms;            /* served without a word of what was revoked */
	unsigned grace_ms;            /* and sessions that this process has made so much longer */
	const char *marks_dir;        /* where marks are kept here, too; NULL: nowhere */
	unsigned others_lease_ms;     /* the same of processes that have not said it there yet */
	unsigned timeout_ms;          /* nothing has come for so long: the link is closed, what waits is unknown */
	char user[64];                /* "": default */
	struct secret password;       /* empty: none is asked for */
	SSL_CTX *tls;                 /* taken where a store is returned; NULL: plain TCP for all */
	char tls_name[256];           /* that its certificate must have; "": plain TCP */
	struct sockaddr_storage sentinels[STORE_SENTINELS_MAX];
	size_t n_sentinels;
	char sentinel_name[64]; /* of the master, there */
	char sentinel_user[64]; /* as above, of the Sentinels */
	struct secret sentinel_password;
	char sentinel_tls_name[256];
	const struct seal_kek *keks; /* as above */
	size_t marks_max, sweep_ms;  /* if not 0, instead (tests) */
	size_t n_keks;
};
/*! Nothing is asked yet: each shard makes a link of its own, again and again, and until it is up calls are refused.
 *  \returns NULL and a reason in err */
struct store_shared *store_shared_redis_new(const struct store_redis_cfg *cfg, struct err *err);
/*! Links of shards to another machine. */
struct store_links {
	unsigned up, of;
	int64_t clock_off_ms;      /* our clock, ahead of its */
	bool lease;                /* what was revoked is known: it serves */
	unsigned grace_left_ms;    /* it is not, and so long sessions of our own are served all the same */
	unsigned graces_ms;        /* store_graces_ms() */
	bool full;                 /* its memory; looked at once a second */
	char at[SOCKADDR_TEXT];    /* of the server; "": the Sentinels name none */
	unsigned agree, sentinels; /* Sentinels that name it, and all */
	char why[160];             /* one of them is not up; "": none was lost since */
};
/*! Any thread. \returns false: this store has none */
bool store_shared_links(struct store_shared *sh, struct store_links *out);

/*! Longest life a key may have, asked at each look-up: an expiry beyond now and that was made under a wrong clock, and
 *  the session counts as over. Without it any expiry is right.
 *  \param[in] max_s seconds; any thread */
void store_shared_life_max(struct store_shared *sh, int64_t (*max_s)(void));
/*! Is there a store in dir, or was one made? */
bool store_lmdb_is_there(const char *dir);
/*! What seals a file of ours that lies beside it and is as good as long as it is there; lent. \returns NULL: nothing of it outlives this process */
struct seal *store_shared_beside(struct store_shared *sh);
/*! After every struct store of it is freed. Commits what was accepted. */
void store_shared_free(struct store_shared *sh);

/*! Figures for "show store" and tests. */
struct store_figures {
	uint64_t sessions, challenges, tmpis, commits, committed_records;
	uint64_t swept;
	uint64_t corrupt;      /* records that could not be read; each counts as not found */
	uint64_t index_octets; /* memory of the index */
	uint64_t marks, marks_max, marks_octets;
};
void store_shared_figures(struct store_shared *sh, struct store_figures *out);

/* one per shard; call on the shard's thread */
/*! talloc_free() ends it: what was accepted is done as far as that is in this process, but not answered.
 *  \returns NULL: no memory or descriptors */
struct store *store_new(void *ctx, struct store_shared *sh, store_done_fn *done, void *owner);

/*! From now on each call is refused; what is under way goes on, and each ends within its deadline. */
void store_stop(struct store *st);
/*! The longest grace of anybody who uses the store, ms: a revocation may wait so much longer. Any thread. */
unsigned store_graces_ms(const struct store *st);
/*! Nothing is under way. */
bool store_idle(const struct store *st);

/*! The instant by which the store orders challenges and revocations: ms of a clock that is the same for all who use the
 *  store, and goes on while it does. */
int64_t store_clock_ms(struct store *st);

/*! The time of day by which sessions are made and judged, Unix seconds: of the store, where that is on another machine. */
int64_t store_now_s(struct store *st);

/* Each returns the answer where it is at hand, lent until the next call or store_forget(); NULL: done() will come exactly once,
 * never inside the call. Arguments are copied. */

/*! What the last call returned is used: forget the keys in it. */
void store_forget(struct store *st);

/*! One challenge more of somebody, where several processes count together. */
struct store_count {
	struct span of; /* whom; up to 512 octets */
	uint32_t n;     /* so many */
	uint32_t per_s; /* in so many seconds; 0 of either: not counted */
};

/*! Put under its key until it expires; the store says when it was made.
 *  \param[in] count lent; NULL: not counted. A store in one process does not: who asks does. -EDQUOT: that many were put already by
 *  whoever uses the store; this one is there, too, so do not send it.
 *  Unknown: the device gets an error and begins again; what is put late is a challenge that nobody was sent. */
const struct store_answer *store_challenge_put(struct store *st, const struct gba_challenge *c,
					       const struct store_count *count, uint64_t txn);
/*! Take exactly once, whichever shard or process asks; the marker stays until its time is over (-EALREADY).
 *  Unknown: the device gets an error and begins again; taken late it is gone for all the same.
 *  \param[in] key CHALLENGE_KEY_MIN to _MAX octets */
const struct store_answer *store_challenge_take(struct store *st, struct span key, uint64_t txn);
/*! A new session, durable before 0. It replaces the session this IMPI had under the same BSF name, and its TMPI
 *  replaces the TMPI of this IMPI (33.220 4.5.2). That nothing was revoked since its challenge was made is looked at in the same
 *  step that lists it for the next revocation.
 *  Unknown: the device gets an error, so it has no B-TID; what is put late is a session that nobody uses, listed before it was put,
 *  so a revocation finds it. */
const struct store_answer *store_put(struct store *st, const struct gba_session *s, uint64_t txn);
/*! By B-TID; the domain must be the one the session was made under (no case). Unknown: nothing was changed. */
const struct store_answer *store_get(struct store *st, const struct btid *id, uint64_t txn);
/*! A session that was found is about to be used by an application whose policy bounds how often: count it, for whoever uses the store, and
 *  look once more whether it may be. Of two at once each has a number of its own.
 *  Unknown: nothing is given; what is counted late is one use less.
 *  \param[in] s not what this store lent: that is forgotten. \param[in] naf its host name, in any case */
const struct store_answer *store_use(struct store *st, const struct gba_session *s, const char *naf, uint64_t txn);
/*! What store_use() would say; nothing is counted. */
const struct store_answer *store_use_look(struct store *st, const struct gba_session *s, const char *naf, uint64_t txn);
/*! TMPI to IMPI, also after the Ks expired (33.220 4.4.13). Unknown: nothing was changed. */
const struct store_answer *store_find_tmpi(struct store *st, const uint8_t tmpi[TMPI_LEN], uint64_t txn);
/*! The latest GUSS, by its own word, of the sessions of an IMPI that live: where the last of them is over or revoked there is no copy any
 *  more. Unknown: nothing was changed. */
const struct store_answer *store_find_guss(struct store *st, const char *impi, uint64_t txn);
/*! Revoke: a mark (marks.h) stays until whatever was made before is over. What it fits is served no more, and what was challenged
 *  before does not become a session. Of sessions that are there tombstones are a second line. Of a NAF: it gets no key of a session
 *  made before (store_naf_revoked()). -ENOSPC: there is no room for more marks, nothing was done.
 *  Unknown: who asked is told so, and repeats it until it is known; twice is as good as once. */
const struct store_answer *store_revoke_impi(struct store *st, const char *impi, uint64_t txn);
const struct store_answer *store_revoke_btid(struct store *st, const struct btid *id, uint64_t txn);
/*! \param[in] fqdn of its NAF_Id, in any case */
const struct store_answer *store_revoke_naf(struct store *st, const char *fqdn, uint64_t txn);
const struct store_answer *store_revoke_all(struct store *st, uint64_t txn);
/*! May this application have no key of a session that was found? It was made before the name was revoked. */
bool store_naf_revoked(const struct store *st, const char *fqdn, const struct gba_session *s);

/*! A newer GUSS for the sessions of an IMPI that live, and for those that are put within keep_ms: their runs may carry an older
 *  one. Durable before 0. Unknown: who asked repeats it; the older of two never takes the newer's place.
 *  \param[in] guss says its timestamp; lent */
const struct store_answer *store_guss(struct store *st, const char *impi, struct guss_blob *guss, uint64_t keep_ms,
				      uint64_t txn);

/*! One step: a record is changed only if it has not changed meanwhile, and no reader waits. -ENOTSUP: nothing is sealed here.
 *  Unknown, refused: the same step again; twice is as good as once. */
const struct store_answer *store_reseal(struct store *st, struct reseal_step *step, uint64_t txn);
