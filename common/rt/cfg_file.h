/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_file.h
 *  Read a VTY-syntax configuration file with line-exact errors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/base/err.h"
#include "common/base/sockaddr.h"

struct vty;
struct _vector;

/*! Main thread, after all nodes and commands are installed. Paths in the file are relative to its folder: cfg_path().
 *  \returns 0; -ENOENT, -EACCES, -EINVAL. err: "FILE:LINE: what is wrong in 'the line'; allowed here: words" */
int cfg_file_read(const char *path, struct err *err);

/*! Why a line that was typed is no command: "unknown word 'x' in 'line'; allowed here: words".
 *  \param[in] line  vty->buf cut into words: a vector of libosmovty */
void cfg_explain(struct err *err, struct vty *vty, struct _vector *line);

/*! A DEFUN that finds a bad value: remember why and return CMD_WARNING. */
int cfg_fail(struct vty *vty, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*! Is it a DNS name of at most max octets? \returns CMD_SUCCESS; CMD_WARNING, vty has been told why not */
int cfg_dns_name(struct vty *vty, const char *name, size_t max);

/*! Line of the command being read, to be remembered for what only shows at the end. 0 when no file is read. */
int cfg_line(void);

/*! For what may be said once in a file: remember its line, or fail with the line where it stands already. No limit at the
 *  live VTY.
 *  \param[in,out] line  0 at first \returns CMD_SUCCESS; CMD_WARNING */
int cfg_once(struct vty *vty, int *line, const char *what);

/*! A fault that shows after reading (a node lacks something, a port is taken): "FILE:LINE: text"; line 0: "FILE: text".
 *  \returns rc */
int cfg_error(struct err *err, int rc, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*! Make a path of the file absolute, and remember that it is ours. \returns talloc'ed under ctx */
char *cfg_path(void *ctx, const char *path);

/*! Is it the configuration file, or a path that went through cfg_path(), or in such a folder? By inode, too. */
bool cfg_path_used(const char *path);

/*! Write what runs as a configuration file, mode 0640 (less if the file there is less), all of it or nothing.
 *  \param[in] path NULL: the configuration file, which is replaced; as it was before the first time it stays as FILE.sav.
 *             Else a file that is not there yet: nothing is ever written over
 *  \returns 0; -EEXIST; other -errno. err: reason */
int cfg_write(const char *path, struct err *err);

/*! Is the file still being read (commands act), or is this the live VTY? */
int cfg_reading(void);

/*! For a command that is not live: prints "takes effect after restart", changes nothing. \returns CMD_WARNING */
int cfg_after_restart(struct vty *vty);

/*! One more range in a list of at most max; one that is there is no fault. \returns CMD_SUCCESS; CMD_WARNING, vty has been told why not */
int cfg_net_add(struct vty *vty, struct sockaddr_net *nets, size_t *n, size_t max, const char *text);
/*! One less. \returns as above */
int cfg_net_del(struct vty *vty, struct sockaddr_net *nets, size_t *n, const char *text);
/*! A line "address RANGE" for each. */
void cfg_nets_write(struct vty *vty, const struct sockaddr_net *nets, size_t n);

/*! In a command whose value can only be used at the start. */
#define CFG_AT_START_ONLY(vty) \
	do { \
		if (!cfg_reading()) \
			return cfg_after_restart(vty); \
	} while (0)

/*! The ports a start needs, each held by a probe until all have been looked at: two nodes with one port show, too. */
#define CFG_PORTS_MAX 32
struct cfg_ports {
	size_t n;
	struct {
		int fd;
		uint16_t port;
		const char *node;
	} held[CFG_PORTS_MAX];
};

/*! Is the port free? The probe is bound without SO_REUSEPORT.
 *  \param[in] line  of the file, where the address stands; 0: it is a default
 *  \param[in] node  for the message; kept
 *  \returns 0; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -E2BIG. err: as cfg_error() */
int cfg_ports_take(struct cfg_ports *p, const struct sockaddr_storage *addr, int line, const char *node,
		   struct err *err);
void cfg_ports_release(struct cfg_ports *p);

/*! flock() on a file made for it. \returns descriptor to keep; -EBUSY another daemon has it; -errno. err: reason */
int cfg_lock_file(const char *path, struct err *err);
