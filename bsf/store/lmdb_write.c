/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_write.c
 *  What is done within one write transaction. The index in memory follows at once and is put back if the commit fails;
 *  only the committer changes either, so they never disagree for another writer. */
#include <errno.h>
#include <stdlib.h>

#include "bsf/store/lmdb.h"

struct undo {
	bool added;
	struct index_entry e;
};

struct lmdb_write {
	struct store_lmdb *l;
	MDB_txn *txn;
	struct undo *undo;
	size_t n_undo, cap_undo;
	uint64_t records, swept;
};

int lmdb_errno(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -ENOSPC;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_BAD_TXN:
		return -EBADMSG;
	case MDB_PANIC: /* the page that says which commit is the last could not be written: nothing works any more */
		lmdb_fatal();
	default:
		return -EIO;
	}
}

struct lmdb_write *lmdb_write_begin(struct store_lmdb *l, int *rc)
{
	struct lmdb_write *w = calloc(1, sizeof(*w));

	*rc = -EIO;
	if (!w)
		return NULL;
	w->l = l;
	*rc = lmdb_errno(mdb_txn_begin(l->env, NULL, 0, &w->txn));
	lmdb_writing = *rc == 0;
	if (*rc == 0)
		return w;
	free(w);
	return NULL;
}

static void write_free(struct lmdb_write *w)
{
	lmdb_writing = false;
	free(w->undo);
	free(w);
}

static void undo_all(struct lmdb_write *w)
{
	while (w->n_undo) {
		const struct undo *u = &w->undo[--w->n_undo];

		/* adding again takes the place that removing gave back: no memory is needed */
		if (u->added)
			lmdb_index_remove(w->l->index, &u->e);
		else
			(void)lmdb_index_add(w->l->index, &u->e);
	}
}

void lmdb_write_abort(struct lmdb_write *w)
{
	mdb_txn_abort(w->txn);
	undo_all(w);
	write_free(w);
}

int lmdb_write_commit(struct lmdb_write *w)
{
	struct store_lmdb *l = w->l;
	int rc = lmdb_errno(mdb_txn_commit(w->txn)); /* frees the transaction in any case */

	if (rc == -EIO && lmdb_disk_full(w->l)) /* LMDB says so of a page that was written in part */
		rc = -ENOSPC;

	if (rc < 0) {
		undo_all(w);
	} else {
		atomic_fetch_add(&l->commits, 1);
		atomic_fetch_add(&l->committed_records, w->records);
		atomic_fetch_add(&l->swept, w->swept);
	}
	write_free(w);
	return rc;
}

static struct undo *undo_next(struct lmdb_write *w)
{
	if (w->n_undo == w->cap_undo) {
		size_t cap = w->cap_undo * 2 + 16;
		struct undo *more = realloc(w->undo, cap * sizeof(*more));

		if (!more)
			return NULL;
		w->undo = more;
		w->cap_undo = cap;
	}
	return &w->undo[w->n_undo];
}

static int index_add(struct lmdb_write *w, const struct index_entry *e)
{
	struct undo *u = undo_next(w);

	if (!u || lmdb_index_add(w->l->index, e) < 0)
		return -ENOSPC;
	*u = (struct undo){ true, *e };
	w->n_undo++;
	return 0;
}

static int index_remove(struct lmdb_write *w, const struct index_entry *e)
{
	struct undo *u = undo_next(w);

	if (!u)
		return -ENOSPC;
	if (lmdb_index_remove(w->l->index, e)) {
		*u = (struct undo){ false, *e };
		w->n_undo++;
	}
	return 0;
}

static int entry_delete(struct lmdb_write *w, const struct index_entry *e)
{
	MDB_val k = lmdb_val(e->rand, AKA_RAND_LEN);
	int rc = mdb_del(w->txn, w->l->dbi, &k, NULL);

	if (rc && rc != MDB_NOTFOUND)
		return lmdb_errno(rc);
	return index_remove(w, e);
}

/* Read the record of e. \returns 0; -ENOENT not there or damaged (counted); -EIO nobody can tell: nothing may be deleted for that */
static int entry_read(struct lmdb_write *w, const struct index_entry *e, struct gba_session *out)
{
	MDB_val k = lmdb_val(e->rand, AKA_RAND_LEN), v;

	int rc = mdb_get(w->txn, w->l->dbi, &k, &v);

	if (rc == 0)
		rc = record_read(out, &w->l->keys, e->rand, lmdb_span(&v));
	else
		rc = rc == MDB_NOTFOUND ? -ENOENT : lmdb_errno(rc);
	return lmdb_record_rc(w->l, e->rand, rc);
}

/* Replace the record of e. \param[in] s what is sealed, or NULL */
static int entry_replace(struct lmdb_write *w, const struct index_entry *e, const struct record_head *h,
			 const struct gba_session *s)
{
	struct index_entry new = { .head = *h };
	MDB_val k = lmdb_val(e->rand, AKA_RAND_LEN), v;
	BUFFER_UNCLEARED uint8_t buf[RECORD_MAX];
	int n = record_write(buf, sizeof(buf), &w->l->keys, h, e->rand, s), rc;

	if (n < 0)
		return -EIO;
	v = lmdb_val(buf, (size_t)n);
	rc = lmdb_errno(mdb_put(w->txn, w->l->dbi, &k, &v, 0));
	memcpy(new.rand, e->rand, AKA_RAND_LEN);
	if (rc == 0) /* first, so that who looks for the TMPI meanwhile finds one of the two */
		rc = index_add(w, &new);
	return rc < 0 ? rc : index_remove(w, e);
}

/* Make a tombstone or a remnant of a record, or a session without its TMPI. What cannot be read is deleted, or, where a
 * tombstone is wanted, becomes one without TMPI. */
static int entry_become(struct lmdb_write *w, const struct index_entry *e, enum record_kind kind, bool keep_tmpi)
{
	struct record_head h = e->head;
	struct gba_session s;
	int rc;

	h.kind = kind;
	if (!keep_tmpi)
		h.tmpi_tag = 0;
	if (kind == RECORD_TOMBSTONE && !h.tmpi_tag)
		return entry_replace(w, e, &h, NULL);
	rc = entry_read(w, e, &s);
	if (rc == -EIO)
		return rc;
	if (rc < 0) {
		h.tmpi_tag = 0;
		return kind == RECORD_TOMBSTONE ? entry_replace(w, e, &h, NULL) : entry_delete(w, e);
	}
	if (kind != RECORD_SESSION) {
		secret_clear(&s.ks);
		guss_blob_put(s.guss);
		s.guss = NULL;
	}
	if (!keep_tmpi)
		s.has_tmpi = false;
	rc = entry_replace(w, e, &h, &s);
	gba_session_clear(&s);
	return rc;
}

/* A new run of an IMPI: its session under the same BSF name goes, and the TMPI of any. */
static int former_replace(struct lmdb_write *w, const struct index_entry *e, uint32_t name_tag)
{
	if (e->head.kind == RECORD_REMNANT || (e->head.kind == RECORD_SESSION && e->head.name_tag == name_tag))
		return entry_delete(w, e);
	return e->head.tmpi_tag ? entry_become(w, e, e->head.kind, false) : 0;
}

static int write_put(struct lmdb_write *w, struct store_req *r)
{
	struct index_entry former[INDEX_IMPI_MAX], new = { .head = r->head };
	MDB_val k = lmdb_val(r->session.rand, AKA_RAND_LEN), v;
	size_t n = lmdb_index_by_impi(w->l->index, r->head.impi_tag, former);
	int rc = 0;

	/* sealed before a newer GUSS came, or on its way with an older one */
	if (guss_pushes_take(w->l->sh.pushes, r->session.impi.s, &r->session.guss))
		rc = store_record_make(r, &w->l->keys);
	if (rc < 0)
		return rc;
	v = lmdb_val(r->record, r->record_len);
	rc = mdb_put(w->txn, w->l->dbi, &k, &v, MDB_NOOVERWRITE);
	r->rc = rc == MDB_KEYEXIST ? -EEXIST : 0;
	if (rc)
		return rc == MDB_KEYEXIST ? 0 : lmdb_errno(rc);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = former_replace(w, &former[i], r->head.name_tag);
	memcpy(new.rand, r->session.rand, AKA_RAND_LEN);
	w->records++;
	return rc < 0 ? rc : index_add(w, &new);
}

static int revoke_entry(struct lmdb_write *w, struct store_req *r, const struct index_entry *e, int64_t now_s)
{
	if (!record_head_lives(&e->head, now_s))
		return 0;
	r->revoked++;
	w->records++;
	return entry_become(w, e, RECORD_TOMBSTONE, true);
}

static int write_revoke_impi(struct lmdb_write *w, struct store_req *r, int64_t now_s)
{
	struct index_entry e[INDEX_IMPI_MAX];
	uint8_t tag[RECORD_IMPI_TAG_LEN];
	size_t n;
	int rc = 0;

	if (record_impi_tag(tag, &w->l->keys, r->impi.s) < 0)
		return -EIO;
	n = lmdb_index_by_impi(w->l->index, tag, e);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = revoke_entry(w, r, &e[i], now_s);
	return rc;
}

static int write_revoke_btid(struct lmdb_write *w, struct store_req *r, int64_t now_s)
{
	MDB_val k = lmdb_val(r->key.btid.rand, AKA_RAND_LEN), v;
	struct index_entry e;
	struct gba_session s;
	bool is;
	int rc = mdb_get(w->txn, w->l->dbi, &k, &v);

	memcpy(e.rand, r->key.btid.rand, AKA_RAND_LEN);
	if (rc || record_head_read(&e.head, lmdb_span(&v)) < 0 || e.head.kind != RECORD_SESSION)
		return 0;
	rc = entry_read(w, &e, &s);
	if (rc < 0)
		return rc == -EIO ? rc : 0;
	is = span_ieq(span_str(s.bsf_name), span_str(r->key.btid.domain));
	gba_session_clear(&s);
	return is ? revoke_entry(w, r, &e, now_s) : 0;
}

/* First the mark: also where what it is for is not there yet. It counts when it is durable (lmdb_marks_count()). */
static int write_revoke(struct lmdb_write *w, struct store_req *r, int64_t now_s)
{
	int rc;

	store_mark_now(&w->l->sh, r, store_clock_here_ms());
	r->rc = marks_would(w->l->sh.marks, &r->mark);
	if (r->rc == -ENOSPC)
		return 0;
	r->rc = 0;
	w->records++;
	rc = lmdb_marks_put(w->l, w->txn, &r->mark);
	if (rc == 0 && r->op == STORE_REVOKE_IMPI)
		rc = write_revoke_impi(w, r, now_s);
	if (rc == 0 && r->op == STORE_REVOKE_BTID)
		rc = write_revoke_btid(w, r, now_s);
	return rc;
}

static int guss_entry(struct lmdb_write *w, struct store_req *r, const struct index_entry *e, int64_t now_s,
		      int64_t when)
{
	struct gba_session s;
	int rc = 0;

	if (!record_head_lives(&e->head, now_s) || entry_read(w, e, &s) < 0)
		return 0;
	if (guss_push_replace(&s.guss, r->session.guss, when)) {
		rc = entry_replace(w, e, &e->head, &s);
		r->revoked++;
		w->records++;
	} else {
		r->as_new++;
	}
	gba_session_clear(&s);
	return rc;
}

static int write_guss(struct lmdb_write *w, struct store_req *r, int64_t now_s)
{
	const int64_t when = guss_push_when(guss_blob_span(r->session.guss));
	struct index_entry e[INDEX_IMPI_MAX];
	uint8_t tag[RECORD_IMPI_TAG_LEN];
	size_t n;
	int rc = 0;

	if (record_impi_tag(tag, &w->l->keys, r->session.impi.s) < 0)
		return -EIO;
	n = lmdb_index_by_impi(w->l->index, tag, e);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = guss_entry(w, r, &e[i], now_s, when);
	return rc;
}

int lmdb_write_request(struct lmdb_write *w, struct store_req *r, int64_t now_s)
{
	r->rc = 0;
	r->revoked = r->as_new = 0;
	switch (r->op) {
	case STORE_PUT:
		return write_put(w, r);
	case STORE_REVOKE_IMPI:
	case STORE_REVOKE_BTID:
	case STORE_REVOKE_NAF:
	case STORE_REVOKE_ALL:
		return write_revoke(w, r, now_s);
	case STORE_GUSS:
		return write_guss(w, r, now_s);
	case STORE_RESEAL:
		return lmdb_reseal(w->l, w->txn, r->reseal);
	default:
		r->rc = -EIO; /* the others never come to the committer */
		return 0;
	}
}

int lmdb_write_sweep(struct lmdb_write *w, const struct index_entry *e)
{
	if (e->head.kind == RECORD_REMNANT)
		return entry_delete(w, e);
	w->swept++;
	return e->head.tmpi_tag ? entry_become(w, e, RECORD_REMNANT, true) : entry_delete(w, e);
}
