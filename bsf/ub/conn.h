/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file conn.h
 *  One HTTP connection as the limits see it: how many there are, how long each may take, how it ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "bsf/ub/share.h"
#include "common/gba/cause.h"
#include "common/rt/deadline.h"

struct ub_req;

struct ub_conn {
	struct ub_place place;
	struct deadline_set *deadlines;
	bool *due; /* set when the HTTP library has to look */
	int fd;
	uint64_t since_ms;   /* accepted, or the last answer begun or done */
	bool used;           /* had a request */
	bool in_request;     /* the first line of one is here */
	bool counted;        /* its end has a cause already */
	struct ub_req *open; /* begun and not over; the HTTP layer's */
	struct deadline deadline;
};

/*! Starts the time for the first request.
 *  \param[in] share where it waits for it, outlives it \param[in] from a struct sockaddr, or NULL
 *  \returns malloc'ed, ends with ub_conn_end(); NULL no memory */
struct ub_conn *ub_conn_new(int fd, struct ub_share *share, const void *from, struct deadline_set *deadlines,
			    bool *due);

/*! A request begins; \see ub_conn_read(), ub_conn_done(). */
void ub_conn_begun(struct ub_conn *c);
/*! It is here as a whole: from now on its transaction has the deadline. */
void ub_conn_read(struct ub_conn *c);
/*! The answer goes out: it is to be taken in the time that a request has, and who does not read it owes as one who does not
 *  send. */
void ub_conn_answering(struct ub_conn *c);
/*! It is answered: time for the next one. */
void ub_conn_done(struct ub_conn *c);

/*! Count a cause that ends the connection; only the first one counts. */
void ub_conn_count(struct ub_conn *c, enum cause cause);
/*! What the HTTP library answered itself. */
enum cause ub_conn_cause(unsigned status);

/*! Closed; frees c (may be NULL).
 *  \param[in] status of the answer that the library made itself, 0: none. \param[in] stopping we close it */
void ub_conn_end(struct ub_conn *c, unsigned status, bool stopping);

/*! End the connection that goes first (share.h); the library closes it when it is run. \returns false: there is none */
bool ub_conn_drop_oldest(struct ub_share *share);

/*! Open connections of all shards. */
unsigned ub_conn_open(void);
