/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb.h
 *  Inside the LMDB back end: one tree by RAND (store/record.h), readers on any thread, one committer that writes. */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bsf/store/backend.h"
#include "bsf/store/challenges.h"
#include "bsf/store/lmdb_file.h"
#include "bsf/store/lmdb_index.h"

struct lmdb_reader;
struct lmdb_committer;

struct store_lmdb {
	struct store_shared sh; /* must be first */
	struct challenges *challenges;
	int64_t marks_swept_ms; /* of the committer */
	struct lmdb_index *index;
	struct record_keys keys;
	struct record_index meta;
	uint8_t sealers[255]; /* KEKs that have sealed here; only of the committer, once it runs */
	size_t n_sealers;
	struct err said; /* by a token, while this is opened */
	MDB_env *env;
	MDB_dbi dbi;
	size_t limit; /* octets of the file, which puts do not pass */
	int lock_fd;  /* flock() on data.mdb */
	/* readers (store/lmdb_read.c) */
	pthread_key_t reader_key;
	bool has_reader_key;
	pthread_mutex_t reader_lock; /* of the list; taken once in a thread's life */
	struct lmdb_reader *readers;
	struct lmdb_committer *committer;
	_Atomic uint64_t commits, committed_records, swept, corrupt;
};

static inline MDB_val lmdb_val(const void *p, size_t len)
{
	return (MDB_val){ len, (void *)p };
}

static inline struct span lmdb_span(const MDB_val *v)
{
	return span_of(v->mv_data, v->mv_size);
}

/*! Open the index key. \returns 0; -ENOKEY, -EBADMSG: another KEK, or altered */
int lmdb_meta_open(struct record_keys *keys, struct span sealed);

/*! -ENOSPC for a full map or disk; -EBADMSG for a damaged page; else -EIO; 0 for 0. Does not return where LMDB says that
 *  the environment can only be closed. */
int lmdb_errno(int rc);

/*! What came of reading a record, as its user has to see it; one that does not open is counted and logged. Any thread.
 *  \returns 0; -ENOENT it is lost; -EIO nobody can tell */
int lmdb_record_rc(struct store_lmdb *l, const uint8_t *rand, int rc);

/* store/lmdb_fatal.c */
/*! From now on SIGBUS and a failed assertion of LMDB end the process and name this store's file on standard error. */
void lmdb_fatal_init(MDB_env *env, const char *dir);
void lmdb_fatal(void) __attribute__((noreturn));
/*! This thread is in a write transaction: what it touches that is not there is damage of the file, too. */
extern _Thread_local volatile bool lmdb_writing;

/* store/lmdb_room.c */
/*! Octets of addresses to map: 16 TiB, less where the process may not have them, at least the limit. */
size_t lmdb_map_size(size_t limit);
/*! Is there room for this much, so that enough is left to take away from afterwards? */
bool lmdb_has_room(const struct store_lmdb *l, size_t octets, size_t records);
bool lmdb_disk_full(const struct store_lmdb *l);

/* store/lmdb_read.c: any thread, no waiting */
int lmdb_readers_init(struct store_lmdb *l);
/*! After all reading threads have ended or will not read again. */
void lmdb_readers_free(struct store_lmdb *l);
int lmdb_get(struct store_lmdb *l, const struct btid *id, struct gba_session *out);
int lmdb_find_guss(struct store_lmdb *l, struct store_req *r);
int lmdb_find_tmpi(struct store_lmdb *l, const uint8_t tmpi[TMPI_LEN], struct impi *out);

/* store/lmdb_write.c: within one write transaction */
struct lmdb_write;
/*! \returns NULL and rc (negative errno) */
struct lmdb_write *lmdb_write_begin(struct store_lmdb *l, int *rc);
/*! Do one request; r->rc and r->revoked are what is to be answered after the commit.
 *  \returns 0; -ENOSPC, -EBADMSG, -EIO: the transaction cannot go on, lmdb_write_abort() it */
int lmdb_write_request(struct lmdb_write *w, struct store_req *r, int64_t now_s);
/*! Take away what e says is over; of a session with a TMPI, IMPI and TMPI stay for STORE_TMPI_S. \returns as lmdb_write_request() */
int lmdb_write_sweep(struct lmdb_write *w, const struct index_entry *e);
/*! Durable when it returns 0; else nothing was changed. w is gone in both cases. */
int lmdb_write_commit(struct lmdb_write *w);
void lmdb_write_abort(struct lmdb_write *w);

/* store/lmdb_marks.c: marks as records: 'M' | kind | tag, and at, until, sealed */
struct seal_kek lmdb_marks_key(const struct store_lmdb *l);
/*! One that is read at start. What does not open counts as if it were of now, what finds no room for all sessions. */
void lmdb_marks_read(struct store_lmdb *l, const MDB_val *k, const MDB_val *v);
/*! Write it, and now and then take away those that are over. \returns as lmdb_write_request() */
int lmdb_marks_put(struct store_lmdb *l, MDB_txn *txn, const struct mark *mark);
/*! These were written, and nobody has been told yet: from now on what they revoke is not served. */
void lmdb_marks_count(struct store_lmdb *l, struct store_req *batch);

/* store/lmdb_meta.c */
#define LMDB_KEK_CURE "add kek %u, or remove the folder: its sessions are lost and devices bootstrap again"
/*! The index key and who has sealed. \returns 0; -errno, err says why, also of a KEK that is missing */
int lmdb_meta_begin(struct store_lmdb *l, const struct store_lmdb_cfg *cfg, struct err *err);
/*! Each record can be opened: from now on the first KEK seals here. */
int lmdb_meta_renew(struct store_lmdb *l, const struct store_lmdb_cfg *cfg, struct err *err);
/*! Write l->sealers. \returns as lmdb_write_request() */
int lmdb_sealers_put(struct store_lmdb *l, MDB_txn *txn);

/* store/lmdb_reseal.c */
#define LMDB_RESEAL_MAX 64 /* records of one step that are written */
/*! store_reseal(), within a write transaction. The index stays as it is: no head changes. \returns as lmdb_write_request() */
int lmdb_reseal(struct store_lmdb *l, MDB_txn *txn, struct reseal_step *step);

/* store/lmdb_commit.c: the committer */
struct lmdb_committer *lmdb_committer_start(struct store_lmdb *l);
void lmdb_committer_submit(struct lmdb_committer *c, struct store_req *r);
void lmdb_committer_drain(struct lmdb_committer *c);
/*! Commits what waits, then ends the thread. */
void lmdb_committer_stop(struct lmdb_committer *c);
