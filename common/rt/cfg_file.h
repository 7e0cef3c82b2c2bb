/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_file.h
 *  Read a VTY-syntax configuration file with line-exact errors (recipes.md, libosmocore). */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include "common/base/err.h"

struct vty;

/*! Main thread, after all nodes and commands are installed. Paths in the file are relative to its folder: cfg_path().
 *  \returns 0; -ENOENT, -EACCES, -EINVAL. err: "FILE:LINE: what is wrong in 'the line'; allowed here: words" */
int cfg_file_read(const char *path, struct err *err);

/*! A DEFUN that finds a bad value: remember why and return CMD_WARNING. */
int cfg_fail(struct vty *vty, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*! Line of the command being read, to be remembered for what only shows at the end. 0 when no file is read. */
int cfg_line(void);

/*! A fault that shows after reading (a node lacks something, a port is taken): "FILE:LINE: text"; line 0: "FILE: text".
 *  \returns rc */
int cfg_error(struct err *err, int rc, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*! Make a path of the file absolute. \returns talloc'ed under ctx */
char *cfg_path(void *ctx, const char *path);

/*! Is the file still being read (commands act), or is this the live VTY? */
int cfg_reading(void);

/*! For a command that is not live: prints "takes effect after restart", changes nothing. \returns CMD_WARNING */
int cfg_after_restart(struct vty *vty);

/*! \param[in] addr IPv4 or IPv6 \param[in] port 0..65535, decimal. \returns 0; -EINVAL */
int cfg_sockaddr(struct sockaddr_storage *out, const char *addr, const char *port);

/*! "ADDRESS PORT", as typed in the file. */
#define CFG_SOCKADDR_TEXT 64
void cfg_sockaddr_text(char out[CFG_SOCKADDR_TEXT], const struct sockaddr_storage *addr);

/*! A range of addresses, "A.B.C.D/N" or "X:X::X/N"; without /N one address. */
struct cfg_net {
	struct sockaddr_storage addr;
	unsigned prefix;
};
int cfg_net_parse(struct cfg_net *out, const char *text); /* 0; -EINVAL */
bool cfg_net_match(const struct cfg_net *net, const struct sockaddr *from);
void cfg_net_text(char out[CFG_SOCKADDR_TEXT], const struct cfg_net *net);

/*! Is the port free? Binds a probe without SO_REUSEPORT. \returns 0; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES. err: reason */
int cfg_probe_port(const struct sockaddr_storage *addr, struct err *err);

/*! flock() on a file made for it. \returns descriptor to keep; -EBUSY another daemon has it; -errno. err: reason */
int cfg_lock_file(const char *path, struct err *err);

/*! The same on DIR/lock, kept until exit. \returns 0; -EBUSY; -errno. err: reason */
int cfg_lock_dir(const char *dir, struct err *err);
