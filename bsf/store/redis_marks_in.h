/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_marks_in.h
 *  Inside redis_marks: the copy (redis_marks.c), what the server has not of it (redis_missing.c), and who else has what is new in it
 *  (redis_spread.c). All on its thread. */
#pragma once

#include <hiredis/hiredis.h>
#include "bsf/store/redis.h"
#include "bsf/store/redis_marks.h"

#define MARK_NAME_LEN   (2 + MARK_TAG_LEN) /* of a member, before the digits of its instant */
#define MARK_MEMBER_LEN (MARK_NAME_LEN + 15)
#define HEARD_MS        15000 /* who was heard of so lately is waited for at a new server (redis_whole.c) */

/*! One that was ordered here, until it is known who has it. */
struct redis_spread {
	struct redis_spread *next;
	struct redis_marks *m;
	struct store_req *r; /* NULL: who ordered it was told */
	uint64_t begun_ms;
	bool sent, replied;
	int64_t score;       /* 0: it is not known to be written */
	uint64_t written_ms; /* monotonic */
	bool durable;        /* here */
	bool waited;         /* replicas were asked */
};

struct redis_marks {
	struct store_redis *shared;
	pthread_t thread;
	struct inbox *inbox;
	bool end;
	/* of its thread */
	void *ctx;
	struct deadline_set *deadlines;
	_Atomic(struct store *) st; /* other threads only ask whether it is theirs */
	struct redis_part *part;
	struct deadline poll;
	bool up, announced, looking;
	unsigned asked;   /* questions under way */
	unsigned reading; /* which time all is read */
	uint64_t up_ms;   /* the link is up; or the server was emptied since */
	enum { MARKS_READ, MARKS_WRITE, MARKS_FOLLOW } state;
	struct marks *there; /* while all is read: what the server has */
	int64_t score;       /* of the last one that was seen there; 0: none */
	int64_t held;        /* the same, of those that are kept here, too: what others are told */
	unsigned writing;    /* under way to the server */
	size_t missing_from; /* of our own, where what the server has not is looked for next */
	uint64_t swept_ms;
	bool too_many; /* there are more than we may hold */
	/* redis_whole.c, of this link */
	bool whole;      /* what is held here is all that was revoked */
	bool vouched;    /* that was said there */
	bool was_listed; /* we are in what the server brought with it */
	bool elsewhere;  /* somebody it heard of has not written there what he knows */
	unsigned checking;
	char name[17], label[96];
	struct redis_spread *first;
	struct deadline look;
	unsigned replicas, have; /* of the last mark: those there are, those that have it */
	uint64_t wait_ms;        /* replicas were last asked */
	bool unsafe;             /* fewer than there are */
};

/* redis_spread.c */
#define REDIS_SPREAD_KEY 17
extern const char redis_bsfs_key[], redis_graces_key[];
/*! \param[in] name of who uses it, 16 octets */
struct span redis_spread_key(uint8_t out[REDIS_SPREAD_KEY], const char *name);
/*! Say who we are and how far we hold the marks. */
void redis_spread_announce(struct redis_marks *m);
/*! Take it up: it is written from when the link is up. */
void redis_spread_begin(struct redis_marks *m, struct store_req *r);
/*! The copy was confirmed, or the link has changed: what can go on goes on. */
void redis_spread_go(struct redis_marks *m);
/*! \param[in] st whose; NULL: all */
void redis_spread_end(struct redis_marks *m, const struct store *st, int rc);
/*! The link is lost: what was under way is not known. */
void redis_spread_lost(struct redis_marks *m);

/* redis_whole.c */
/*! The link is up; before anything is said there. */
void redis_whole_begin(struct redis_marks *m);
/*! Is there news? */
void redis_whole_ask(struct redis_marks *m);
/*! Nothing is missing; then the server is told, too. */
bool redis_whole(struct redis_marks *m);

/* redis_missing.c */
/*! All is read: what the server has not is written there, and then it is followed. */
void redis_missing_write(struct redis_marks *m);

/* redis_marks.c */
/*! Put one there. \returns as redis_link_call() */
int redis_marks_write(struct redis_marks *m, const struct mark *mark, int64_t life_ms, redis_reply_fn *fn, void *owner);
/*! What it says. \param[out] mark at and until are set, the rest is the caller's \returns false: it was not done */
bool redis_marks_written(const struct redisReply *r, struct mark *mark);
/*! From now on it counts here, and is kept. */
void redis_marks_hold(struct redis_marks *m, struct mark *mark);
/*! Ask now what is new. */
void redis_marks_ask(struct redis_marks *m);
