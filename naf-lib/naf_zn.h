/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_zn.h
 *  Questions to the BSF: threads that want the same key share one, each waits until its own deadline; what carries the
 *  question is behind naf_transport. */
#pragma once

#include "naf-lib/naf_ks.h"

struct naf_zn;

/*! A question as the transport sees it; lent for the call of start(). */
struct naf_question {
	struct naf_zn *zn;
	uint64_t txn;       /* for naf_zn_answer() */
	const char *btid;   /* as received */
	const char *domain; /* of it */
	const struct naf_id *naf_id;
	struct span source; /* who asks, or p NULL; not for the transport */
};

/*! The answer goes to naf_zn_answer(), from any thread, also from within start(); or never comes. */
struct naf_transport {
	/*! \returns 0; -EHOSTDOWN not connected; -EBUSY; -ENOMEM; -ECHILD the process has forked since */
	int (*start)(void *self, const struct naf_question *q);
	bool (*connected)(void *self);
	/*! After this no answer to zn comes any more. */
	void (*close)(void *self, struct naf_zn *zn);
	void *self;
};

/*! Wall clock and monotonic clock; a test puts its own in. */
typedef void naf_clock_fn(struct naf_now *out);
void naf_clock(struct naf_now *out);

/*! \param[in] ks        answers are put there
 *  \param[in] in_flight questions at a time
 *  \returns new object for naf_zn_free(), or NULL: no memory */
struct naf_zn *naf_zn_new(const struct naf_transport *t, struct naf_ks *ks, unsigned in_flight, naf_clock_fn *clock);

/*! Closes the transport. No naf_zn_fetch() may be running. */
void naf_zn_free(struct naf_zn *zn);

bool naf_zn_connected(struct naf_zn *zn);

/*! Ask and wait. An answer "unknown" counts only if it was asked for after this call: a B-TID may have become known
 *  meanwhile, and who asks early keeps nobody out.
 *  \param[in] q btid, domain, naf_id and source
 *  \returns 0 and a copy of the key; the errors of gba_naf_fetch_key() but -EINVAL, -EREMOTE and -ECHILD: the caller is no child */
int naf_zn_fetch(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q, unsigned deadline_ms,
		 struct gba_naf_key *out);

/*! For tests: threads that wait for an answer. */
unsigned naf_zn_waiting(struct naf_zn *zn);

/*! \param[in] rc  0; -ENOENT B-TID unknown; -EPERM refused; -EHOSTDOWN; -EPROTO anything else
 *  \param[in] key with rc 0, its contents move; else NULL. An expires_at of 0 means the BSF named none */
void naf_zn_answer(struct naf_zn *zn, uint64_t txn, int rc, struct gba_naf_key *key);
