/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file unix_sock.h
 *  A socket in the file system that a daemon listens on: looked at before the start, made anew in a folder that is ours alone,
 *  never taken from a daemon that answers there. Main thread. */
#pragma once

#include <sys/types.h>
#include "common/base/err.h"

struct vty;

/*! As the configuration names it. */
struct unix_sock {
	const char *node; /* for errors */
	char *path;       /* as typed; NULL: none */
	int line;
};

#define UNIX_SOCK_NO_GROUP ((gid_t)-1) /* the process's own */

/*! A DEFUN `socket PATH`. \returns as those do */
int unix_sock_configure(struct unix_sock *s, struct vty *vty, const char *path);

/*! Could the socket be made? Nothing is changed.
 *  \returns 0, also where none is configured; -EADDRINUSE a running daemon has it; other -errno. err: as cfg_error() */
int unix_sock_check(const struct unix_sock *s, struct err *err);

/*! Make it. \param[in] mode of who may connect, by file permission
 *  \returns descriptor, non-blocking, listening; -errno. err: as cfg_error() */
int unix_sock_listen(const struct unix_sock *s, mode_t mode, gid_t group, int backlog, struct err *err);

/*! Take it away, of a daemon that ends. */
void unix_sock_remove(const struct unix_sock *s);
