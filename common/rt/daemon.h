/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file daemon.h
 *  What every daemon of ours does alike: command line, logging, configuration, VTY, signals, the main loop. Order in main():
 *  rt_args(), rt_init(), install VTY nodes, rt_config(), own start, rt_vty_start(), rt_ready(), rt_run(), own stop, rt_exit().
 *  Everything here is for the main thread. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"

struct rt_program {
	const char *name;            /* "gba-hss-simd" */
	const char *summary;         /* one line for -h */
	const char *import_help;     /* what --import FILE does; NULL: no such option */
	const char *const *counters; /* places of causes.csv for `show counters`, NULL ends */
	int vty_port;                /* without `line vty` / `bind` */
};

struct rt_args {
	const char *config; /* -c */
	bool check;         /* --check: read and verify, start nothing */
	const char *import; /* --import FILE, or NULL */
};

/*! Parse the command line; prints help, version and errors itself.
 *  \returns -1 go on; else the exit code */
int rt_args(struct rt_args *out, const struct rt_program *p, int argc, char **argv);

/*! Harden the process, block the signals (before any thread is made: they inherit the mask), start logging and the VTY's
 *  command table. \returns 0; -errno */
int rt_init(const struct rt_program *p);

/*! Let SIGTERM and SIGINT end the process at once again: for work that has no main loop (an import, whose transaction the
 *  database then takes back). */
void rt_signals_default(void);

/*! Read the file of -c. On error the one line is on stderr. \returns 0; -errno */
int rt_config(const struct rt_args *a);

/*! Root talloc context of the main thread. */
void *rt_ctx(void);

struct cfg_ports;
/*! Is the VTY's port free? For --check and before the state is touched. \returns as cfg_ports_take() */
int rt_vty_port(struct cfg_ports *ports, struct err *err);

/*! Listen for telnet where `line vty` says; a NOTICE if others reach it and no password is asked for.
 *  \returns 0; -errno, err: as cfg_error() */
int rt_vty_start(struct err *err);

/*! Tell systemd and the log: ready. */
void rt_ready(void);

/*! Run the main loop until SIGTERM, SIGINT or rt_fail(). */
void rt_run(void);

/*! End as after SIGTERM, but as a failure, so that the process is started again. From any thread. */
void rt_fail(void);

/*! Has rt_fail() been called? Then main() returns another value than 0. */
bool rt_failed(void);

/*! The last thing: stop the log relay, write out what the log still holds. */
void rt_exit(void);

/*! An error that ends the start: one line on stderr, "NAME: text". */
void rt_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
