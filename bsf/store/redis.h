/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis.h
 *  Inside the back end on Redis: keys, what a shard has of it, and its steps.
 *
 *    key                            value
 *    m                              the index key, sealed
 *    n, tag of whom 12              challenges of a subscriber, uses of a session by an application; counted by all
 *    c, hash of the nonce 13        challenge, sealed; T once it is taken
 *    s, RAND 13                     session (store/record.h), or its tombstone
 *    i, tag of the IMPI 12          subscriber (redis_script.h)
 *    t, TMPI 13                     tag of the IMPI; counts only where the subscriber's record has this TMPI
 *    k                              KEKs that have sealed here, an octet each
 *    r                              where a pass of redis_reseal() is: KEK, cursor
 *    bu                             which run of the server, since when it counts uses, ms (redis_count.c)
 *    marks, bsfs, b...              redis_marks.h
 *
 *  No command names two keys. What a key was made of is bound to what is sealed under it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "bsf/store/backend.h"
#include "bsf/store/marks_file.h"
#include "bsf/store/redis_auth.h"
#include "bsf/store/redis_link.h"
#include "bsf/store/redis_marks.h"
#include "bsf/store/redis_script.h"
#include "bsf/store/redis_sentinel.h"
#include "common/base/sockaddr.h"

#define REDIS_KEY_LEN 14 /* the longest */
#define REDIS_RUN_ID  40
/* Where marks are written replicas are waited for, and what comes behind that waits with it. */
#define REDIS_PATIENCE_MS 400

/* How long a TMPI outlives its Ks, and a revocation the challenges that were made before it (nonce-lifetime at most). */
#define REDIS_TMPI_MS   (STORE_TMPI_S * 1000)
#define REDIS_REVOKE_MS (3600ll * 1000)

struct store_redis {
	struct store_shared sh;     /* must be first */
	struct store_redis_cfg cfg; /* without KEKs; the passwords are in it */
	struct seal *seal;
	struct redis_marks *marks;
	struct marks_file *file; /* of the marks; NULL: none */
	_Atomic uint64_t puts, corrupt;
	_Atomic int64_t off_ms; /* our clock, ahead of its */
	atomic_bool off_said, full;
	pthread_mutex_t lock; /* of what follows */
	unsigned links, up;
	unsigned agree;           /* Sentinels that name the master */
	char at[SOCKADDR_TEXT];   /* "": nowhere */
	char why[REDIS_LINK_WHY]; /* the last link that is not up */
};

/* What a shard has of it. */
struct redis_part {
	struct store_redis *shared;
	struct store *st;
	struct redis_marks *marks; /* whose part it is; NULL: a shard's */
	struct deadline_set *deadlines;
	struct redis_link *link;
	struct redis_auth auth;
	struct redis_sentinels *sentinels; /* NULL: the address is configured */
	struct sockaddr_storage at;
	char label[SOCKADDR_TEXT]; /* of at */
	struct record_keys keys;
	struct record_index meta;
	int64_t clock_ms;                /* its clock, ahead of ours; never more than it is */
	int64_t off_ms;                  /* our time of day, ahead of its */
	char clock_of[REDIS_RUN_ID + 1]; /* the run_id that is of */
	struct deadline tick;
	struct store_req *held, **held_last; /* they wait for the link; the oldest until hold */
	struct deadline hold;
	int64_t uses_since_ms;             /* of what was made before, uses may have been forgotten */
	char run_id[REDIS_RUN_ID + 1];     /* which run of which server, as the master, it is linked to */
	char missing[REDIS_LINK_WHY - 40]; /* what the user may not */
	bool is_up, replicas, replicas_wanted;
};

/*! Where it belongs in Redis. \param[out] key REDIS_KEY_LEN octets */
struct span redis_key(uint8_t *key, char kind, struct span name);
struct span redis_key_challenge(uint8_t *key, struct span nonce);
struct span redis_key_session(uint8_t *key, const uint8_t rand[AKA_RAND_LEN]);
struct span redis_key_subscriber(uint8_t *key, const uint8_t tag[RECORD_IMPI_TAG_LEN]);

/*! GET. Otherwise as redis_link_call(). */
int redis_ask_key(struct redis_part *p, struct span key, redis_reply_fn *fn, void *owner);

/*! What a reply says about a call: 0 it is no error; -EIO unknown (r is NULL); -ENOSPC its memory is full; -ENOTCONN it did
 *  nothing. */
int redis_errno(const struct redisReply *r);
struct span redis_string(const struct redisReply *r); /* empty if it is none */
/*! A line of INFO. \param[in] name with its colon \param[out] out its value; "": it has none */
void redis_info(char *out, size_t cap, const struct redisReply *r, const char *name);

/*! A later step of a request has ended it. */
void redis_end(struct store_req *r, int rc);

/*! One of several steps that are under way has ended, r->waiting of them; the last one ends the request, with what the first that
 *  failed said. */
void redis_step_end(struct store_req *r, int rc);
/*! Begin one, or none, for each session in a subscriber's list, if rc is 0; begin() counts it in r->waiting. This itself is a step,
 *  whose redis_step_end() is the caller's. \returns rc; what the first begin() that failed said */
int redis_steps_begin(struct store_req *r, int rc, const struct redis_subscriber *who,
		      int (*begin)(struct redis_part *p, struct store_req *r, const uint8_t *entry));

/*! The first step of a call. \returns 0: redis_end() comes; -errno: that is the answer */
int redis_begin(struct redis_part *p, struct store_req *r);

/* store/redis_hold.c */
/*! Let it wait for the link, if that may be up soon. \returns false: it may not, or it is up */
bool redis_hold(struct redis_part *p, struct store_req *r);
/*! The link is up: what waits is begun. */
void redis_held_go(struct redis_part *p);
/*! No more of it: what waits is refused. */
void redis_held_end(struct redis_part *p);

/* store/redis_greet.c */
extern const struct redis_link_ops redis_link_greets; /* owner: the part */
void redis_greet(void *part);                         /* the password is taken: all else is asked */

extern const char redis_meta_key[], redis_meta_aad[], redis_keks_key[];
/*! KEKs of ours, an octet each; the first seals. \param[out] ids SEAL_KEKS_MAX octets */
struct span redis_keks(const struct redis_part *p, uint8_t *ids);

/* store/redis_clock.c */
/*! What TIME said, us. Where the two clocks differ too far the link is refused. */
void redis_clock_take(struct redis_part *p, int64_t server_us);

/* The first step of each. \returns 0: redis_end() comes; -errno: that is the answer */
/* store/redis_challenge.c */
int redis_challenge_put(struct redis_part *p, struct store_req *r);
int redis_challenge_take(struct redis_part *p, struct store_req *r);
/* store/redis_count.c */
/*! Note in r under which key it is counted: nothing, until the link is up for the first time. */
void redis_count_key(struct store_req *r, const struct store_count *count);
/*! One more under r->count_key; the first begins a time of for_ms, with whose end it is forgotten. Otherwise as redis_link_call(). */
int redis_count(struct redis_part *p, struct store_req *r, int64_t for_ms, redis_reply_fn *fn);
int redis_use(struct redis_part *p, struct store_req *r);
/*! Ask since when uses are counted there; before the link is up. */
void redis_uses_ask(struct redis_part *p);
/* store/redis_put.c */
int redis_put(struct redis_part *p, struct store_req *r);
/* store/redis_find.c */
int redis_get(struct redis_part *p, struct store_req *r);
int redis_find_tmpi(struct redis_part *p, struct store_req *r);
/* store/redis_revoke.c */
int redis_revoke(struct redis_part *p, struct store_req *r);
/* store/redis_guss.c */
int redis_guss(struct redis_part *p, struct store_req *r);
/* store/redis_reseal.c */
int redis_reseal(struct redis_part *p, struct store_req *r);
