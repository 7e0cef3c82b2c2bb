/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ctl.h
 *  The control socket: what programs order, as the VTY is for people. Unix, 0660; root, the daemon's own user and the socket's
 *  group. A request is a line of ctl_line.h; its answer one line:
 *
 *      NUMBER ok {JSON object}
 *      NUMBER error WORD text
 *
 *  The words are those of enum ctl_word. Every command may be sent again. A connection has one request in work; the next is read
 *  when the answer has been taken. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>
#include <sys/types.h>
#include "common/base/bytes.h"
#include "common/base/err.h"

#define CTL_CONNECTIONS_MAX 64
#define CTL_REQUEST_S       30 /* in which a request that has begun must be whole, and an answer taken */

struct ctl_request;

/*! Why not. */
enum ctl_word {
	CTL_SYNTAX,    /* no such command, or not so */
	CTL_INVALID,   /* an argument or the document is not what is allowed */
	CTL_UNKNOWN,   /* what it names is not there */
	CTL_EXISTS,    /* what it names is there already, and another one */
	CTL_BUSY,      /* not now; ask again */
	CTL_FAILED,    /* a disk, memory: an operator must look */
	CTL_FORBIDDEN, /* not to who asks */
	CTL_CONFLICT,  /* not as things stand */
	CTL_CHANGED,   /* what it names is not as who asks believes */
};

struct ctl_command {
	const char *words; /* "revoke impi": one or two */
	const char *args;  /* for people: "IMPI" */
	const char *help;
	unsigned char args_min, args_max;
	bool changes;        /* something: it is logged, with who */
	bool personal;       /* its first argument says who somebody is: not in the log, whatever it looks like */
	size_t document_max; /* octets; 0: none may follow, else one must */
	const void *data;    /* of the daemon's own, for run(): ctl_data() */
	/*! Ends in ctl_ok() or ctl_fail(), now or later. */
	void (*run)(struct ctl_request *q);
};

/*! What a daemon gives: its commands (words NULL ends) and its own figures. */
struct ctl_daemon {
	const char *name;
	const struct ctl_command *commands;
	void (*figures)(json_t *into); /* NULL: only counters */
};

/*! Node `control`; after vty_init(). \param[in] d kept */
void ctl_init(const struct ctl_daemon *d);

/*! As vty_sock_check(), _start(), _stop(). Without `control` there is none. */
int ctl_check(struct err *err);
int ctl_start(void *ctx, struct err *err);
void ctl_stop(void);

/*! The socket of `control`, absolute. \returns talloc'ed under ctx; NULL: none is configured */
char *ctl_path(void *ctx);

/* --- for commands */

/*! Argument i of those behind the command's words; NULL: not given. Lent until the answer. */
const char *ctl_arg(const struct ctl_request *q, size_t i);
struct span ctl_document(const struct ctl_request *q);

/*! What its command has as data. */
const void *ctl_data(const struct ctl_request *q);

/*! What is known of who asks: "uid 0 pid 77". */
const char *ctl_who(const struct ctl_request *q);

/*! Answer; q is gone. \param[in] answer an object, taken; NULL: {} */
void ctl_ok(struct ctl_request *q, json_t *answer);
void ctl_fail(struct ctl_request *q, enum ctl_word word, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*! Have ended() called once when the connection of q ends, or ctl_release() does it. One a connection.
 *  \returns false: the connection has gone, or holds something else */
bool ctl_hold(struct ctl_request *q, void (*ended)(void *data), void *data);

/*! The connection of q holds what was given to ctl_hold(): let go, without a call. \returns false: it does not hold that */
bool ctl_release(struct ctl_request *q, void (*ended)(void *data), void *data);

/* --- events */

/*! A command: from now on until it ends the connection of q gets each event as a line "NUMBER event {JSON object}", with the number of
 *  q, between its answers. Who does not take them for 30 s, or is 1 MiB behind, is closed: it has missed some. */
void ctl_watch(struct ctl_request *q);
/*! \param[in] event an object, taken */
void ctl_event(json_t *event);
/*! Is there anybody? */
bool ctl_watched(void);

/* --- between the files of this module */

/*! ctl_cmds.c: those every daemon has. */
extern const struct ctl_command ctl_common[];
int ctl_generation_make(void); /* 0; -EIO */
const struct ctl_daemon *ctl_daemon(void);

/*! ctl_cfg.c */
struct unix_sock;
extern struct unix_sock ctl_sock;
gid_t ctl_group(void); /* of the socket */
void ctl_cfg_init(void);
