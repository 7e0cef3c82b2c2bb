/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_file.h
 *  Read a VTY-syntax configuration file with line-exact errors (recipes.md, libosmocore). */
#pragma once

#include "common/base/err.h"

struct vty;

/*! Main thread, after all nodes and commands are installed. Paths in the file are relative to its folder: cfg_path().
 *  \returns 0; -ENOENT, -EACCES, -EINVAL. err: "FILE:LINE: what is wrong: the line; allowed: words" */
int cfg_file_read(const char *path, struct err *err);

/*! A DEFUN that finds a bad value: remember why and return CMD_WARNING. */
int cfg_fail(struct vty *vty, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*! Make a path of the file absolute. \returns talloc'ed under ctx */
char *cfg_path(void *ctx, const char *path);

/*! Is the file still being read (commands act), or is this the live VTY? */
int cfg_reading(void);

/*! For a command that is not live: prints "takes effect after restart", changes nothing. \returns CMD_WARNING */
int cfg_after_restart(struct vty *vty);

/*! Parse "ADDRESS PORT" or "A.B.C.D/N" values. \returns 0; -EINVAL */
struct sockaddr_storage;
int cfg_sockaddr(struct sockaddr_storage *out, const char *addr, const char *port);

/*! Is the port free? Binds a probe without SO_REUSEPORT. \returns 0; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES. err: reason */
int cfg_probe_port(const struct sockaddr_storage *addr, struct err *err);

/*! flock() on DIR/lock, kept until exit. \returns 0; -EBUSY another daemon has it; -errno. err: reason */
int cfg_lock_dir(const char *dir, struct err *err);
