/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_conn.h
 *  The connections of one listener: how long each may take for a request and its answer, and which one goes when there are too
 *  many. */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "common/rt/deadline.h"
#include "reg/api_call.h"
#include "reg/api_cert.h"
#include "reg/reg_token.h"

struct api_conns {
	struct llist_head all; /* who has been without a whole request longest comes first */
	unsigned n;
	struct deadline_set *deadlines;
	unsigned
		request_s; /* for handshake and request, for an answer to be taken, and from it to the end of the next request */
	bool *due; /* set when the library is to look */
};

struct api_conn {
	struct llist_head entry;
	struct api_conns *of;
	struct deadline late;
	int fd;
	uint64_t line;         /* of addresses, for the rate */
	struct api_cert *cert; /* ours, that it was shown; NULL: that of the start */
	bool working;          /* a whole request is here and not answered */
	bool looked_at;        /* its certificate */
	int n_proofs;          /* of it; -EACCES */
	uint8_t proofs[API_PROOFS][REG_PROOF_LEN];
};

/*! \returns NULL: no memory */
struct api_conn *api_conn_new(struct api_conns *of, int fd, uint64_t line);
void api_conn_end(struct api_conn *c);
/*! A whole request is here. */
void api_conn_read(struct api_conn *c);
/*! Its answer goes out. */
void api_conn_answering(struct api_conn *c);
/*! It has gone; the next request. */
void api_conn_next(struct api_conn *c);
/*! Close who has been without a request longest; the library ends it in its next turn. \returns false: all are at work */
bool api_conn_drop(struct api_conns *of);
