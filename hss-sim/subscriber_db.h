/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_db.h
 *  The subscribers in SQLite (WAL, synchronous FULL). K and OPc are sealed, bound to their IMPI. A subscriber is one record,
 *  whatever the case of the IMPI's domain. One connection serves one thread; the marks have a connection of their own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/crypto/seal.h"
#include "common/gba/impi.h"
#include "hss-sim/guss_change.h"
#include "hss-sim/subscriber_keys.h"

struct subscriber_db;

struct subscriber_row {
	int64_t id; /* of the database, set by subscriber_db_get() */
	struct impi impi;
	char imsi[16]; /* "" if not given */
	struct aka_cred cred;
	int ind_fixed;    /* keeps IND there; -1: runs through those of this AuC */
	uint8_t ind_bits; /* length of IND, 0..SQN_IND_BITS_MAX */
	int profile;      /* enum sqn_profile; -1: the one of this AuC */
	int64_t dif;      /* SEQ less the clock when it was put (33.102 C.1.1.3) */
	uint64_t seq;     /* get: the durable mark; put: where to start from */
	uint8_t *guss;    /* malloc'ed XML or NULL */
	size_t guss_len;
	bool has_guss_timestamp;
	time_t guss_timestamp;
	int64_t guss_changed_ms; /* get: of the last change, 0: not known; put: now */
	bool keep_guss;          /* put: what there is stays, whatever stands here */
};

void subscriber_row_clear(struct subscriber_row *r); /* wipes keys, frees guss */

enum subscriber_db_mode {
	SUBSCRIBER_DB_RUN,    /* open or create */
	SUBSCRIBER_DB_CHECK,  /* look only: nothing is created or changed */
	SUBSCRIBER_DB_BESIDE, /* one that is open: as the daemon's own other thread, or where the daemon allows it */
};

/*! Lock, open, verify that a KEK fits. On error nothing was changed.
 *  \param[in] keks copied; the first seals
 *  \returns object; NULL, errno and a reason in err: in use by another daemon (EBUSY), wrong KEK, no database of ours... */
struct subscriber_db *subscriber_db_open(const char *path, const struct seal_kek *keks, size_t n_keks,
					 enum subscriber_db_mode mode, struct err *err);
void subscriber_db_close(struct subscriber_db *db); /* may be NULL */

/*! \returns 0 and a row to be cleared; -ENOENT; -EBADMSG, -ENOKEY the keys cannot be opened; -EIO; -ENOMEM */
int subscriber_db_get(struct subscriber_db *db, const char *impi, struct subscriber_row *out);

/*! \returns number of subscribers; -EIO */
int64_t subscriber_db_count(struct subscriber_db *db);

/*! One of a list; without keys. */
struct subscriber_brief {
	const char *impi, *imsi, *algorithm;     /* imsi "" if not given */
	const char *amf;                         /* 4 hex digits */
	const char *sqn_profile;                 /* "" the one of this AuC */
	int ind, ind_length, res_octets, rounds; /* -1: not given */
	int64_t seq;
	bool has_guss;
	struct span guss, sealed; /* of a list with them */
};

/*! Those whose IMPI comes behind after, in the order of their octets. Everything in a brief is lent.
 *  \param[in] after "" from the first \param[in] n at most \param[in] whole with GUSS and sealed keys
 *  \param[in] fn \returns false: this was the last one that is wanted. \returns how many; -EIO */
int subscriber_db_list(struct subscriber_db *db, const char *after, int n, bool whole,
		       bool (*fn)(void *owner, const struct subscriber_brief *b), void *owner);

/*! Take a subscriber out, with the counter. \returns 1 gone; 0 was not there; -EIO; -ENOSPC */
int subscriber_db_delete(struct subscriber_db *db, const char *impi);

struct subscriber_guss {
	uint8_t *xml;          /* malloc'ed; NULL: none */
	struct guss_kept kept; /* its xml is that one */
};

/*! \returns 0 and out; -ENOENT; -EIO; -ENOMEM */
int subscriber_db_guss_get(struct subscriber_db *db, const char *impi, struct subscriber_guss *out);

/*! Another GUSS for a subscriber. \returns 0; -ENOENT; -EIO; -ENOSPC */
int subscriber_db_guss_put(struct subscriber_db *db, const char *impi, const struct guss_kept *g);

/* import: transactions */
int subscriber_db_begin(struct subscriber_db *db);

/*! A row as it will stand in the database. */
struct subscriber_ready {
	struct subscriber_row row; /* guss is lent */
	uint8_t sealed[SUBSCRIBER_SEALED_MAX], sealed_len;
};

/*! Seal K and OPc of r->row, which are wiped there, and make its name a key. From any thread.
 *  \returns 0; -errno of seal_put() */
int subscriber_db_ready(const struct subscriber_db *db, struct subscriber_ready *r);

/*! Open K and OPc as subscriber_db_list() gives them. From any thread. \param[in,out] cred algorithm and its lengths in
 *  \returns 0; -EBADMSG, -ENOKEY, err: why, and what is allowed */
int subscriber_db_unseal(const struct subscriber_db *db, struct aka_cred *cred, const struct impi *impi,
			 struct span sealed, struct err *err);

/*! Insert or update within a transaction; the sequence number of an existing row never goes back, also when its IND gets
 *  another length; and its GUSS is changed as guss_change() says. Cheapest for many rows in the order of their names.
 *  \param[out] at after an error the row it was about, or one shortly before
 *  \returns how many were new; -EBADMSG the counter of an existing row is damaged; -E2BIG its GUSS, with the timestamp it
 *  would have, is more than a message can carry; -EIO; -ENOSPC */
int subscriber_db_put(struct subscriber_db *db, const struct subscriber_ready *rows, size_t n, size_t *at);
int subscriber_db_commit(struct subscriber_db *db); /* 0; -EIO; -ENOSPC; rolled back then */
void subscriber_db_rollback(struct subscriber_db *db);

#define SUBSCRIBER_IMPORT_DIGEST 32 /* octets */

/*! How many rows of the unfinished import with this digest are in. \returns 0 none, or another import came since; -EIO */
int64_t subscriber_db_import_rows(struct subscriber_db *db, const uint8_t digest[SUBSCRIBER_IMPORT_DIGEST]);

/*! Note that so many are in, within the transaction that puts them; whatever other import had not ended is forgotten.
 *  \returns 0; -EIO; -ENOSPC */
int subscriber_db_import_note(struct subscriber_db *db, const uint8_t digest[SUBSCRIBER_IMPORT_DIGEST], int64_t rows);

/*! The import has ended, or another way of importing begins: nothing is to be continued. \returns 0; -EIO; -ENOSPC */
int subscriber_db_import_forget(struct subscriber_db *db);

/*! What SQLite said last. */
const char *subscriber_db_errmsg(struct subscriber_db *db);

/* marks: one connection of the thread that writes them */
struct subscriber_marks;
struct subscriber_marks *subscriber_marks_open(const char *path, struct err *err);
void subscriber_marks_close(struct subscriber_marks *m);

struct subscriber_mark {
	int64_t id;
	uint64_t seq;
};

/*! Make all of them durable in one transaction; none goes back. \returns 0; -EIO; -ENOSPC: none was written */
int subscriber_marks_write(struct subscriber_marks *m, const struct subscriber_mark *marks, size_t n);
