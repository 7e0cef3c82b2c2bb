/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_link.h
 *  One connection to a Redis server, on one thread's loop: commands out, replies back in their order. hiredis is the codec only;
 *  connection, deadlines and what waits for a reply are ours. A link that is lost is made again by itself.
 *
 *  There is no time-out in the protocol, and a server that stood still does later what it has read: a command whose reply has
 *  not come is neither done nor not done. So where nothing comes for timeout_ms the link is closed and what waits ends unknown. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <hiredis/read.h>
#include <openssl/types.h>
#include "common/base/bytes.h"
#include "common/rt/deadline.h"

struct redisReply;
struct redis_link;
struct dia_way;

#define REDIS_LINK_WHY    160 /* octets with NUL */
#define REDIS_LINK_ARGS   16
#define REDIS_LINK_CALLS  32768u      /* waiting for a reply at most */
#define REDIS_LINK_OCTETS (32u << 20) /* not yet sent at most */
#define REDIS_LINK_READ   (16u << 20) /* of a reply that is not whole */

/*! \param[in] r lent; NULL: unknown, the link is lost */
typedef void redis_reply_fn(void *owner, const struct redisReply *r);

struct redis_link_ops {
	/*! The connection is there: ask what has to be asked with redis_link_greet(), then say redis_link_up(), or
	 *  redis_link_refuse() why not. */
	void (*greet)(void *owner);
	/*! Up, or not (any more), and why; told each time that it was tried. */
	void (*state)(void *owner, bool up, const char *why);
};

struct redis_link_cfg {
	struct sockaddr_storage addr; /* AF_UNSPEC: none yet */
	unsigned timeout_ms;
	SSL_CTX *tls;         /* lent; NULL: plain TCP */
	const char *tls_name; /* that its certificate must have; lent */
	struct deadline_set *deadlines;
	const struct redis_link_ops *ops;
	void *owner;
};

/*! On the thread whose loop drives it; it begins at its next turn, where there is an address. \returns NULL: no memory. */
struct redis_link *redis_link_new(const struct redis_link_cfg *cfg);
/*! What waits ends unknown; state() is not told. NULL: nothing. */
void redis_link_free(struct redis_link *l);

/*! Another address: the connection to the former one is closed first. Not from within a reply or greet() of this link.
 *  \param[in] addr copied; NULL: none any more \param[in] why words for state() */
void redis_link_aim(struct redis_link *l, const struct sockaddr_storage *addr, const char *why);

/*! \param[in] argv copied; any octets. fn comes exactly once on 0, never inside the call; NULL: nobody waits for the reply
 *  \returns 0; -ENOTCONN it is not up; -EBUSY too much is waiting; -ENOMEM */
int redis_link_call(struct redis_link *l, size_t argc, const struct span *argv, redis_reply_fn *fn, void *owner);
/*! The same before it is up. */
int redis_link_greet(struct redis_link *l, size_t argc, const struct span *argv, redis_reply_fn *fn, void *owner);

void redis_link_up(struct redis_link *l);
/*! It is being made anew, and has not failed three times in a row since it was up: what is asked now may wait for it. */
bool redis_link_soon(const struct redis_link *l);
/*! What waited for it has waited in vain: it counts as one that was late. */
void redis_link_missed(struct redis_link *l);
/*! This server is not to be used: close, and try again in a second. \param[in] why words for state() */
void redis_link_refuse(struct redis_link *l, const char *why);
