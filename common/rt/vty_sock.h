/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vty_sock.h
 *  Where operators reach a daemon: a Unix socket, mode 0600, for the daemon's own user and root. There is no TCP: what adds
 *  peers and revokes sessions is not within reach of every local user, browser and forwarded request. Main thread. */
#pragma once

#include "common/base/err.h"

struct vty;

#define VTY_CONNECTIONS_MAX 8

/*! Adds `socket PATH` to the node `line vty`; after vty_init(). */
void vty_sock_init(void);

/*! Could the socket be made? Nothing is changed.
 *  \returns 0, also where none is configured; -EADDRINUSE a running daemon has it; other -errno. err: as cfg_error() */
int vty_sock_check(struct err *err);

/*! Make the socket and serve it; without `socket` a NOTICE that there is none. \returns 0; -errno. err: as cfg_error() */
int vty_sock_start(void *ctx, struct err *err);

/*! Close connections and remove the socket. */
void vty_sock_stop(void);

/*! Whose connection it is: "uid 0 pid 77"; lent as long as the VTY lives. */
const char *vty_sock_who(const struct vty *vty);
