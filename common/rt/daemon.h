/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file daemon.h
 *  What every daemon of ours does alike: command line, logging, configuration, VTY, signals, the main loop. Order in main():
 *  rt_begin(), install VTY nodes, rt_config(), own start, rt_vty_start(), rt_ready(), rt_run(), own stop, rt_exit().
 *  Everything here is for the main thread. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"
#include "common/rt/ctl.h"

/*! A long option of one program's own. */
struct rt_option {
	const char *name, *arg; /* arg NULL: a switch */
	const char *help;
	const char **value; /* out: the argument; of a switch its name */
};

struct rt_program {
	const char *name;                   /* "gba-hss-simd" */
	const char *summary;                /* one line for -h */
	const char *import_help;            /* what --import FILE does; NULL: no such option */
	const struct rt_option *options;    /* more; name NULL ends; NULL: none */
	const char *const *counters;        /* places of causes.csv for `show counters`, NULL ends */
	const struct ctl_command *commands; /* of the control socket; NULL: there is none */
	void (*figures)(json_t *into);      /* for its `figures`; NULL: counters only */
	/*! The configuration as a whole, as a start wants it: 0; -errno and err. Asked also after changes while running. */
	int (*check)(struct err *err);
};

struct rt_args {
	const char *config; /* -c */
	bool check;         /* --check: read and verify, start nothing */
	const char *import; /* --import FILE, or NULL */
};

/*! Parse the command line, harden the process, block the signals (before any thread is made: they inherit the mask), start
 *  logging and the VTY's command table. Prints help, version and errors itself.
 *  \returns -1 go on; else the exit code */
int rt_begin(struct rt_args *out, const struct rt_program *p, int argc, char **argv);

/*! As root beside the files of another user we would leave some that this one cannot open: refuse, with the cure.
 *  \param[in] dir  where we keep what we write; need not be there. \param[in] line of the configuration that names it
 *  \returns 0; -EPERM and a reason in err */
int rt_owner_check(const struct rt_args *a, const char *dir, int line, struct err *err);

/*! Let SIGTERM and SIGINT end the process at once again: for work that has no main loop (an import, whose transaction the
 *  database then takes back). */
void rt_signals_default(void);

/*! What else SIGHUP does, beside the log and what was given before; called on the main thread. Up to 4 */
void rt_on_hangup(void (*fn)(void));

/*! Read the file of -c. On error the one line is on stderr. \returns 0; -errno */
int rt_config(const struct rt_args *a);

/*! Root talloc context of the main thread. */
void *rt_ctx(void);

/*! With --check what a running daemon holds (a port, the store, the socket: "in use by another ...") is a remark on stderr,
 *  not a fault. \returns 0 then; else rc */
int rt_held(const struct rt_args *a, int rc, const struct err *err);

/*! Could the sockets of `line vty` and `control` be made? With --check their folder may still be missing: systemd makes it at the start.
 *  \returns 0; -errno, err: as cfg_error() */
int rt_vty_check(const struct rt_args *a, struct err *err);

/*! The end of --check: "NAME: FILE: configuration ok" if rc is 0. \returns rc */
int rt_checked(const struct rt_args *a, int rc);

/*! Make the sockets that `line vty` and `control` name. \returns 0; -errno, err: as cfg_error() */
int rt_vty_start(struct err *err);

/*! Tell systemd and the log: ready. */
void rt_ready(void);

/*! Run the main loop until SIGTERM, SIGINT or rt_fail(). */
void rt_run(void);

/*! End as after SIGTERM, but as a failure, so that the process is started again. From any thread. */
void rt_fail(void);

/*! Has rt_fail() been called? Then main() returns another value than 0. */
bool rt_failed(void);

/*! The last thing: close VTY and control socket, stop the log relay, write out what the log still holds. */
void rt_exit(void);

/*! An error that ends the start: one line on stderr, "NAME: text". */
void rt_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
