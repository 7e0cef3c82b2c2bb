/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_read.c
 *  Reading: each thread keeps one read transaction and renews it, which costs no lock and no allocation. */
#include <errno.h>
#include <stdlib.h>

#include "bsf/store/lmdb.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

struct lmdb_reader {
	struct lmdb_reader *next, **prev;
	struct store_lmdb *l;
	MDB_txn *txn; /* reset between uses */
};

static void reader_free(struct lmdb_reader *r)
{
	*r->prev = r->next;
	if (r->next)
		r->next->prev = r->prev;
	mdb_txn_abort(r->txn);
	free(r);
}

/* A thread ends: give its reader slot back. */
static void on_thread_end(void *reader)
{
	struct lmdb_reader *r = reader;
	struct store_lmdb *l = r->l;

	pthread_mutex_lock(&l->reader_lock);
	reader_free(r);
	pthread_mutex_unlock(&l->reader_lock);
}

int lmdb_readers_init(struct store_lmdb *l)
{
	pthread_mutex_init(&l->reader_lock, NULL);
	l->has_reader_key = pthread_key_create(&l->reader_key, on_thread_end) == 0;
	return l->has_reader_key ? 0 : -ENOMEM;
}

void lmdb_readers_free(struct store_lmdb *l)
{
	if (!l->has_reader_key)
		return;
	pthread_key_delete(l->reader_key);
	while (l->readers)
		reader_free(l->readers);
	pthread_mutex_destroy(&l->reader_lock);
}

static struct lmdb_reader *reader_new(struct store_lmdb *l)
{
	struct lmdb_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->l = l;
	if (mdb_txn_begin(l->env, NULL, MDB_RDONLY, &r->txn)) {
		free(r);
		return NULL;
	}
	mdb_txn_reset(r->txn);
	pthread_mutex_lock(&l->reader_lock);
	r->next = l->readers;
	r->prev = &l->readers;
	if (r->next)
		r->next->prev = &r->next;
	l->readers = r;
	if (pthread_setspecific(l->reader_key, r)) {
		reader_free(r);
		r = NULL;
	}
	pthread_mutex_unlock(&l->reader_lock);
	return r;
}

/* Begin to read. \returns transaction, end it with mdb_txn_reset(); NULL: the store cannot be asked */
static MDB_txn *read_begin(struct store_lmdb *l)
{
	struct lmdb_reader *r = pthread_getspecific(l->reader_key);

	if (!r)
		r = reader_new(l);
	if (!r || mdb_txn_renew(r->txn))
		return NULL;
	return r->txn;
}

/* A record that does not open is lost, as far as anybody can tell. Without memory, ours or the cipher's, nobody can tell. */
int lmdb_record_rc(struct store_lmdb *l, const uint8_t *rand, int rc)
{
	if (rc == 0 || rc == -ENOMEM || rc == -EIO)
		return rc == 0 ? 0 : -EIO;
	atomic_fetch_add(&l->corrupt, 1);
	store_unreadable(rand);
	return -ENOENT;
}

/* One record of a kind that still says something. */
static int read_record(struct store_lmdb *l, MDB_txn *txn, const uint8_t *rand, int64_t now_s, struct gba_session *out)
{
	MDB_val k = lmdb_val(rand, AKA_RAND_LEN), v;
	struct record_head h;
	int rc = mdb_get(txn, l->dbi, &k, &v);

	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	rc = lmdb_errno(rc);
	if (rc == 0)
		rc = record_head_read(&h, lmdb_span(&v));
	if (rc < 0)
		return lmdb_record_rc(l, rand, rc);
	if (now_s && !record_head_lives(&h, now_s))
		return -ENOENT;
	return lmdb_record_rc(l, rand, record_read(out, &l->keys, rand, lmdb_span(&v)));
}

int lmdb_get(struct store_lmdb *l, const struct btid *id, struct gba_session *out)
{
	int64_t now = store_wall_s();
	MDB_txn *txn = read_begin(l);
	struct gba_session s;
	int rc;

	if (!txn)
		return -EIO;
	rc = read_record(l, txn, id->rand, now, &s);
	mdb_txn_reset(txn);
	if (rc < 0)
		return rc;
	if (!s.ks.len || !store_session_is(&l->sh, &s, id, now)) {
		gba_session_clear(&s);
		return -ENOENT;
	}
	*out = s; /* with its reference */
	secret_clear(&s.ks);
	return 0;
}

int lmdb_find_tmpi(struct store_lmdb *l, const uint8_t tmpi[TMPI_LEN], struct impi *out)
{
	struct index_entry e[INDEX_TMPI_MAX];
	size_t n = lmdb_index_by_tmpi(l->index, record_tmpi_tag(tmpi), e);
	MDB_txn *txn = n ? read_begin(l) : NULL;
	int rc = -ENOENT;

	if (n && !txn)
		return -EIO;
	for (size_t i = 0; i < n && rc == -ENOENT; i++) {
		struct gba_session s;

		rc = read_record(l, txn, e[i].rand, 0, &s);
		if (rc < 0)
			continue;
		if (s.has_tmpi && !memcmp(s.tmpi, tmpi, TMPI_LEN) && s.expires_at + STORE_TMPI_S > store_wall_s())
			*out = s.impi;
		else
			rc = -ENOENT;
		gba_session_clear(&s);
	}
	if (txn)
		mdb_txn_reset(txn);
	return rc;
}

int lmdb_find_guss(struct store_lmdb *l, struct store_req *r)
{
	struct index_entry e[INDEX_IMPI_MAX];
	uint8_t tag[RECORD_IMPI_TAG_LEN];
	int64_t now = store_wall_s();
	MDB_txn *txn = NULL;
	size_t n;

	if (record_impi_tag(tag, &l->keys, r->session.impi.s) < 0)
		return -EIO;
	n = lmdb_index_by_impi(l->index, tag, e);
	if (n && !(txn = read_begin(l)))
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		struct gba_session s;

		if (read_record(l, txn, e[i].rand, now, &s) < 0)
			continue;
		store_guss_found(r, s.guss);
		gba_session_clear(&s);
	}
	if (txn)
		mdb_txn_reset(txn);
	return 0;
}
