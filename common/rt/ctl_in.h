/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ctl_in.h
 *  Between the files of ctl.h: who is served (ctl.c), its octets (ctl_conn.c), what it asks and is told (ctl_request.c). */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/select.h>
#include "common/rt/ctl.h"
#include "common/rt/ctl_line.h"
#include "common/rt/deadline.h"

#define CTL_WHO_MAX 48 /* octets with NUL: "uid 0 pid 1" */

struct ctl_conn {
	struct llist_head entry; /* who has been silent longest comes first */
	struct osmo_fd fd;
	struct deadline late;
	char who[CTL_WHO_MAX];
	char in[CTL_LINE_MAX];
	size_t len;
	struct ctl_request *asking; /* its document is coming */
	struct ctl_request *work;
	size_t skip; /* octets of a document that nobody wants */
	char *out;   /* what is unsent; malloc'ed */
	size_t out_len, out_at;
	bool ending;    /* nothing is read any more: what is unsent is sent, and that is the end */
	bool serving;   /* conn_serve() is at work, and frees it if it is dead by then */
	bool dead;      /* closed */
	bool unwatched; /* while an answer is made: a hang-up would wake us again and again */
	void (*ended)(void *data);
	void *data;
	bool watching;  /* events go there, */
	uint64_t watch; /* with the number of this request */
};

struct ctl_request {
	struct ctl_conn *conn; /* NULL: it has gone, and nobody reads the answer */
	const struct ctl_command *command;
	char who[CTL_WHO_MAX];
	char text[CTL_LINE_MAX]; /* what line points to */
	struct ctl_line line;
	size_t first; /* argument */
	uint8_t *document;
	size_t len; /* of it, so far */
};

/*! \param[in] d for all connections, lent until ctl_stop() */
void ctl_conn_init(struct deadline_set *d);
/*! \param[in] fd taken. \returns -EBUSY all places are taken by who waits for an answer or holds something, -ENOMEM: not taken */
int ctl_conn_open(int fd, const char *who);
void ctl_conn_close_all(void);
/*! The answer of the request in work. \param[in] line malloc'ed, taken; NULL: no memory. The connection may end in here. */
void ctl_conn_answered(struct ctl_conn *c, char *line);

/*! To each that watches. \returns how many there are; with json NULL only that */
unsigned ctl_conn_event(const char *json);

void ctl_request_free(struct ctl_request *q); /* wipes its document; may be NULL */
/*! Is there such a command, with so many words and such a document? \returns 0; -EINVAL and why in err */
int ctl_request_check(struct ctl_request *q, struct err *err);
