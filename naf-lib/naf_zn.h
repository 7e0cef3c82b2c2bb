/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_zn.h
 *  Questions to the BSF: those who want the same key share one, each waits until its own deadline, sleeping or not; what
 *  carries the question is behind naf_transport. Of one process: a child makes a new one. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include "naf-lib/naf_ks.h"

struct naf_zn;

/*! A question, as the transport sees it but for the source. */
struct naf_question {
	struct naf_zn *zn;
	uint64_t txn;                  /* for naf_zn_answer() */
	unsigned deadline_ms;          /* from now on */
	bool anew;                     /* there is a key, which goes on to serve if the BSF cannot be asked */
	char btid[BTID_MAX + 1];       /* as received */
	char domain[BSF_NAME_MAX + 1]; /* of it */
	struct naf_id naf_id;
	bool has_source;
	char source[GBA_NAF_SOURCE_MAX + 1]; /* who asks */
};

/*! The answer goes to naf_zn_answer(), from any thread, also from within start(); or never comes. */
struct naf_transport {
	/*! \param[in] q lent. \returns 0; -EHOSTDOWN not connected; -EBUSY; -ENOMEM */
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

/*! Closes the transport. No other call may be running; who waits without sleeping is told -ECANCELED. */
void naf_zn_free(struct naf_zn *zn);

bool naf_zn_connected(struct naf_zn *zn);

struct naf_zn_question;

/*! Somebody who waits, on the heap or a stack. Private but for done, rc and key. */
struct naf_waiter {
	struct naf_waiter *next; /* for the same question */
	struct naf_zn_question *of;
	struct naf_ks_id id;
	struct naf_question q;
	uint64_t until_ms;
	bool asker; /* it was asked for us, after we came */
	bool again; /* and will not be once more */
	int timer;  /* timerfd, made readable; -1: a thread sleeps on came */
	pthread_cond_t came;
	atomic_bool done; /* then the rest is its owner's */
	int rc;
	struct gba_naf_key key; /* with rc 0; for naf_key_clear(). With q.anew the one there is, before */
};

/*! Ask and wait. An answer "unknown" counts only if it was asked for after this call: a B-TID may have become known
 *  meanwhile, and who asks early keeps nobody out.
 *  \param[in] q btid, domain, naf_id, source, deadline_ms and anew
 *  \param[in,out] out only out; with q->anew the key there is, which stays if the BSF can say nothing, and goes on an error
 *  \returns 0 and a copy of the key; the errors of gba_naf_fetch_key() but -EINVAL, -EREMOTE and -ECHILD */
int naf_zn_fetch(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q, struct gba_naf_key *out);

/*! Ask and go on: w->timer becomes readable with the answer or at the deadline.
 *  \param[in] w zeroed but for timer, a timerfd. It stays where it is until it is done, or naf_zn_leave() */
void naf_zn_start(struct naf_zn *zn, struct naf_waiter *w, const struct naf_ks_id *id, const struct naf_question *q);
/*! Ask without anybody who waits: what the BSF says is put where keys are. Nothing if it is asked already. */
void naf_zn_again(struct naf_zn *zn, const struct naf_ks_id *id, const struct naf_question *q);
/*! What is known was dropped: answers on their way serve who waits for them, and are not kept. */
void naf_zn_dropped(struct naf_zn *zn);
/*! Done at the deadline, or now. \returns false: it goes on waiting */
bool naf_zn_over(struct naf_zn *zn, struct naf_waiter *w);
/*! Wait no longer; w is not done then. */
void naf_zn_leave(struct naf_zn *zn, struct naf_waiter *w);

/*! For tests: who waits for an answer. */
unsigned naf_zn_waiting(struct naf_zn *zn);

/*! \param[in] rc  0; -ENOENT B-TID unknown; -EPERM refused; -EHOSTDOWN; -ETIMEDOUT; -EBUSY; -EPROTO anything else
 *  \param[in] key with rc 0, its contents move; else NULL. NAF_TIME_NONE is allowed in its times */
void naf_zn_answer(struct naf_zn *zn, uint64_t txn, int rc, struct gba_naf_key *key);
