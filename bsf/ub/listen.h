/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file listen.h
 *  The sockets of one shard that devices connect to. Every shard listens on all addresses; the kernel spreads. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include "common/base/err.h"

struct ub_listen;

/*! Takes fd. */
typedef void ub_listen_fn(void *owner, int fd, const struct sockaddr *from, socklen_t len);

/*! There is no room for one more: end one. \returns false: none can go */
typedef bool ub_listen_room_fn(void *owner);

/*! On the shard's thread.
 *  \returns new object owned by ctx (talloc_free() closes the sockets); NULL and a reason in err */
struct ub_listen *ub_listen_new(void *ctx, ub_listen_fn *fn, ub_listen_room_fn *room, void *owner, struct err *err);
