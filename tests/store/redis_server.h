/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_server.h
 *  A redis-server of a test's own, on a port of its own; gone with the test. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct redis_server {
	pid_t pid;
	struct sockaddr_storage addr;
};

/*! Is redis-server there (Debian: redis-server)? */
bool redis_server_is_there(void);

/*! Start it and wait until it listens. \param[in] more options as on its command line, words apart or together, NULL at the end */
void redis_server_start(struct redis_server *s, const char *const *more);
/*! A server of the test's own words: to each command the same, or from the nth on another one.
 *  \param[in] at_once it speaks before it is asked \param[in] then NULL: always reply */
void redis_fake_start(struct redis_server *s, const char *reply, bool at_once, const char *then, unsigned nth);
/*! It begins with this, and goes on for ever with an octet now and then. */
void redis_drip_start(struct redis_server *s, const char *begin);
/*! Kill and wait for any. */
void redis_server_stop(struct redis_server *s);
/*! One command, words NULL at the end, over a connection of its own. \param[out] text what came, its beginning */
void redis_server_ask(const struct redis_server *s, char *text, size_t cap, const char *const *words);
