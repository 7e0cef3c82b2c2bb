/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_marks.h
 *  Revocation marks on Redis, and the lease. A thread of its own, with a link of its own, follows the sorted set of all marks; what it
 *  holds it writes to a server that has it not, before it says that the copy is confirmed. While it is, and for `lease` after it was
 *  last asked for, this process serves. The set:
 *
 *    key                     value
 *    marks                   sorted set: kind 1, key 1, tag 16, at 15 digits, ms; score: until, ms, more than that of any before, so
 *                            that what is new is what has a higher score than the last one seen
 *    bsfs                    sorted set: name of who uses it; score: until when it may still serve, ms
 *    b, name of it           score up to which it holds the marks, its lease and grace together in ms, host/process, the run of the
 *                            server that has been given all it knows; expires
 *    bg                      sorted set: each grace that somebody has, ms; score: until when it is reckoned with, ms
 *    bw                      run of the server that somebody found empty, or has served in (redis_whole.c); it ends when the
 *                            server is the master no more
 *
 *  A mark is told to who ordered it when each of those has it, or may serve no more. */
#pragma once

#include "bsf/store/backend.h"

struct redis_marks;
struct store_redis;
extern const char redis_whole_key[];

/*! \returns NULL: no memory, thread or descriptors */
struct redis_marks *redis_marks_start(struct store_redis *s);
/*! After every struct store of s is freed. NULL: nothing. */
void redis_marks_stop(struct redis_marks *m);

/*! Revoke by r->mark. On the shard's thread; r->step comes there, with r->rc, r->mark and r->spread. */
void redis_marks_put(struct redis_marks *m, struct store_req *r);
/*! What of this shard is still to come is on its way when this returns. */
void redis_marks_leave(struct redis_marks *m, struct store *st);

/*! Its store's; it asks for nothing there. What a store of this has is a redis_part of the marks. */
store_done_fn redis_marks_none;

/*! On its thread: its link is up, or not any more. */
void redis_marks_link(struct redis_marks *m, bool up);
