/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file backend.h
 *  Between the common front (store.c) and the back ends. Not for users of the store. */
#pragma once

#include "bsf/store/guss_push.h"
#include "bsf/store/marks.h"
#include "bsf/store/store.h"
#include "bsf/store/record.h"
#include "bsf/store/uses.h"
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
		char naf[FQDN_MAX + 1]; /* USE */
	} key;
	struct impi impi;               /* REVOKE_IMPI: argument; FIND_TMPI: answer */
	struct gba_challenge challenge; /* CHALLENGE_PUT: argument; _TAKE: its key, then the answer */
	struct mark mark;               /* REVOKE: of which name; when, says store_mark() */
	struct gba_session
		session; /* PUT: argument; GET: answer; USE: argument and answer; GUSS: its IMPI and GUSS are the argument; FIND_GUSS: its IMPI, and then its GUSS */
	struct reseal_step *reseal; /* RESEAL: lent */
	/* PUT, back ends on disk: what is written, made on the shard's thread; malloc'ed */
	struct record_head head;
	void *record;
	size_t record_len;
	int rc;
	unsigned revoked, as_new;
	uint32_t uses;
	bool look; /* USE: it is not counted */
	struct store_spread spread;
	void (*step)(struct store_req *r); /* store_reply(): called on the shard's thread in the place of done() */
	/* CHALLENGE_PUT, USE: made by count() */
	uint8_t count_key[16];
	size_t count_len; /* 0: not counted */
	uint32_t count_max, count_s;
	unsigned waiting; /* steps under way of a back end that takes several */
};

/*! What a shard has of it, on the shard's thread only. */
struct store {
	struct store_shared *sh;
	void *part; /* the back end's own, made by its open() */
	struct inbox *inbox;
	store_done_fn *done;
	void *owner;
	size_t pending; /* accepted, done() not called yet */
	bool stopped;
	struct store_req *spare; /* for the next call; it holds what the last one found */
	struct store_answer now; /* what the last call returned */
};

struct store_backend {
	/*! What a shard needs of its own: a link belongs to one thread. NULL: nothing. \returns 0; -errno */
	int (*open)(struct store *st);
	/*! Its end: afterwards nothing that this shard has submitted is answered any more. What is done in this process is done.
	 *  NULL: every submit() answers at once. */
	void (*close)(struct store *st);
	/*! Do it, or begin it. \returns true: r->rc and the answer are set; false: store_reply() will come, on any thread */
	bool (*submit)(struct store_shared *sh, struct store_req *r);
	/*! Its time of day, Unix ms; 0: not known yet. NULL: ours */
	int64_t (*wall_ms)(struct store *st);
	/*! Note in r how it is counted. NULL: a challenge is not, a use in sh->uses */
	void (*count)(struct store_req *r, const struct store_count *count);
	/*! store_clock_ms() */
	int64_t (*clock_ms)(struct store *st);
	void (*figures)(struct store_shared *sh, struct store_figures *out);
	void (*free)(struct store_shared *sh);
};

/*! First member of what a back end keeps. */
struct store_shared {
	const struct store_backend *be;
	struct guss_pushes *pushes;
	struct marks *marks;
	struct seal *beside; /* seals files beside it; NULL: nothing outlives this process */
	struct uses *uses;   /* NULL: where others count with us */
	bool has_lease;
	_Atomic uint64_t lease_until_ms;     /* monotonic; of a store that has one; 0: never */
	unsigned grace_ms;                   /* for so long after it sessions of our own are served */
	uint16_t maker;                      /* of those; 0: there are none */
	_Atomic unsigned graces_ms;          /* the longest that anybody has who uses the store */
	int64_t (*_Atomic life_max_s)(void); /* NULL: none */
};

/*! Is what was revoked elsewhere not known for too long? Nothing is served then. */
bool store_lease_over(const struct store_shared *sh);
/*! And is the time over, too, for which our own sessions are served without? */
bool store_grace_over(const struct store_shared *sh);
/*! May this one be served now, as far as that is known? */
bool store_may_serve(const struct store_shared *sh, const struct gba_session *s);

/*! rc and the answer are set: bring it to its shard. Any thread; r is gone afterwards. */
void store_reply(struct store_req *r);
/*! The same on the shard's own thread, outside of every call into the store: done() is called at once. */
void store_reply_here(struct store_req *r);

/*! STORE_USE, where this process alone has the store. */
void store_use_here(struct store_shared *sh, struct store_req *r);

/*! STORE_FIND_GUSS: a session that lives has this one. \param[in] guss may be NULL */
void store_guss_found(struct store_req *r, struct guss_blob *guss);

/*! What a back end on disk writes for a PUT: r->head and r->record, instead of those that are there.
 *  \returns 0; -ENOSPC it is too large, or no memory; -EIO it could not be sealed */
int store_record_make(struct store_req *r, const struct record_keys *k);

/*! clock_ms of a store that is in this process: the wall clock, which marks outlive a process by, but never back. */
int64_t store_clock_here(struct store *st);
int64_t store_clock_here_ms(void);
/*! It goes on from there: a mark is as late. */
void store_clock_at_least(int64_t ms);

/*! r->mark is of now. \param[in] now_ms of the store's clock */
void store_mark_now(const struct store_shared *sh, struct store_req *r, int64_t now_ms);
bool store_revokes(enum store_op op);

/*! A record does not open: count and log it. Any thread. */
void store_unreadable(const uint8_t rand[AKA_RAND_LEN]);

/*! Unix seconds. */
int64_t store_wall_s(void);

/*! The last instant at which a key that is right may end. Some slack is for a clock that is put right by a little. */
int64_t store_expiry_max(const struct store_shared *sh, int64_t now_s);

/*! May this session be given out under this B-TID now? Its domain must be the one the session was made under. */
bool store_session_is(const struct store_shared *sh, const struct gba_session *s, const struct btid *id, int64_t now_s);
