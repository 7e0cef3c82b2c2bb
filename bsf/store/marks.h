/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file marks.h
 *  What revokes: a mark. A session is served only if its challenge was made after every mark that fits it; an application gets a key
 *  only of a session made after every mark of its name. A set only grows until a mark's time is over, so that two of them make one
 *  by adding each to the other, in whatever order. Names are hashed under a key; none stands in it. 80 octets a mark, twice that just
 *  after it has grown. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/crypto/seal.h"

#define MARK_TAG_LEN 16
#define MARKS_MAX    1000000
#define MARK_LIFE_S \
	(400ll * 86400) /* where no longest life of a key is known: beyond the longest that may be configured */

enum mark_kind { MARK_BTID = 1, MARK_IMPI, MARK_NAF, MARK_ALL };

struct mark {
	uint8_t kind, key; /* key: number of the one under which the name is hashed */
	uint8_t tag[MARK_TAG_LEN];
	int64_t at_ms; /* store_clock_ms(): what was made then or before is revoked (a B-TID: whenever it was made) */
	int64_t until_ms; /* what was made before is over by then */
};

struct marks;

/*! \param[in] keys copied; the first one hashes new names, all are looked under; NULL and 0: none yet (marks_learn())
 *  \param[in] max marks at most, beside those of all sessions
 *  \returns NULL: no memory */
struct marks *marks_new(const struct seal_kek *keys, size_t n, size_t max);
void marks_free(struct marks *m);

/*! A key of the store that is asked now: from now on it hashes new names. It outlives the KEKs. Marks whose key was not there are known
 *  by name where it is theirs. */
void marks_learn(struct marks *m, const struct secret *key);

/* Fill in kind, key and tag. \returns 0; -ENOTCONN there is no key yet; -EIO */
int marks_of_btid(struct marks *m, struct mark *out, const struct btid *id);
int marks_of_impi(struct marks *m, struct mark *out, const char *impi);
/*! \param[in] fqdn of its NAF_Id */
int marks_of_naf(struct marks *m, struct mark *out, const char *fqdn);
void marks_of_all(struct mark *out);

/*! One of the same name takes the later instants of both, and so does mark. One whose key is not there counts for all sessions: whom it is for cannot be told.
 *  \returns 0; -EALREADY it says nothing new; -ENOSPC there is no room: it does not count */
int marks_add(struct marks *m, struct mark *mark);
/*! What marks_add() would make of it. \returns as marks_add() */
int marks_would(struct marks *m, struct mark *mark);

/*! Is this session revoked? */
bool marks_fit(struct marks *m, const struct gba_session *s);
/*! May this application have no key of a session that was made then? */
bool marks_fit_naf(struct marks *m, const char *fqdn, int64_t made_ms);

/*! Each, in no order, until fn returns false; fn calls nothing of the set.
 *  \param[in] from 0; or what a call before returned, to go on behind that one: what came meanwhile, or moved, may be left out
 *  \returns 0: there is none behind it */
size_t marks_each(struct marks *m, size_t from, bool (*fn)(void *owner, const struct mark *mark), void *owner);
/*! Forget those whose time is over, all or, to spare the work, none. \returns how many */
size_t marks_expire(struct marks *m, int64_t now_ms);

struct marks_figures {
	size_t marks, max, octets;
};
/*! \param[in] m NULL: none */
void marks_figures(struct marks *m, struct marks_figures *out);
