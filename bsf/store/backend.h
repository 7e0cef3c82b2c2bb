/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file backend.h
 *  Between the common front (store.c) and the back ends. Not for users of the store. */
#pragma once

#include "bsf/store/guss_push.h"
#include "bsf/store/store.h"
#include "bsf/store/record.h"
#include "common/rt/inbox.h"

/*! One call under way: arguments in, answer out. malloc'ed; the front makes and frees it, the back end owns it in
 *  between. */
struct store_req {
	struct inbox_item item; /* must be first */
	struct store *st;
	struct store_req *next; /* queue of the back end */
	uint64_t txn;
	enum store_op op;
	union {
		uint8_t tmpi[TMPI_LEN]; /* FIND_TMPI */
		struct btid btid;       /* GET, REVOKE_BTID */
	} key;
	struct impi impi;               /* REVOKE_IMPI: argument; FIND_TMPI: answer */
	struct gba_challenge challenge; /* CHALLENGE_PUT: argument; _TAKE: its key, then the answer */
	struct gba_session session;     /* PUT: argument; GET: answer; GUSS: its IMPI and GUSS are the argument */
	/* PUT, back ends on disk: what is written, made on the shard's thread; malloc'ed */
	struct record_head head;
	void *record;
	size_t record_len;
	int rc;
	unsigned revoked, as_new;
};

struct store_backend {
	/*! Do it, or begin it; ends in store_reply(), on any thread. */
	void (*submit)(struct store_shared *sh, struct store_req *r);
	/*! store_get_now() */
	int (*get_now)(struct store_shared *sh, const struct btid *id, struct gba_session *out);
	/*! Wait until everything submitted so far by this thread is answered. */
	void (*drain)(struct store_shared *sh);
	void (*figures)(struct store_shared *sh, struct store_figures *out);
	void (*free)(struct store_shared *sh);
};

/*! First member of what a back end keeps. */
struct store_shared {
	const struct store_backend *be;
	struct guss_pushes *pushes;
	struct challenges *challenges;       /* in this process; NULL: elsewhere, asked by submit() */
	int64_t (*_Atomic life_max_s)(void); /* NULL: none */
};

/*! rc and the answer are set: bring it to its shard. Any thread; r is gone afterwards. */
void store_reply(struct store_req *r);

/*! Unix seconds. */
int64_t store_wall_s(void);

/*! The last instant at which a key that is right may end. Some slack is for a clock that is put right by a little. */
int64_t store_expiry_max(const struct store_shared *sh, int64_t now_s);

/*! May this session be given out under this B-TID now? Its domain must be the one the session was made under. */
bool store_session_is(const struct store_shared *sh, const struct gba_session *s, const struct btid *id, int64_t now_s);
