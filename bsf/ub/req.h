/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file req.h
 *  One HTTP request of Ub as libmicrohttpd hands it over in pieces: read, with limits, into a struct ub_run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "bsf/ub/conn.h"
#include "bsf/ub/flow.h"

#define UB_REQ_SHORT_TARGET 128

struct MHD_Connection;
struct ub_http;

/*! What a request's life looks like to us. */
enum req_state { REQ_HEAD, REQ_BODY, REQ_READ, REQ_WAITING, REQ_ANSWERED, REQ_SENT };

struct ub_req {
	struct ub_run run; /* first */
	struct ub_http *h;
	struct ub_conn *conn;
	struct MHD_Connection *mhd;
	enum req_state state;
	enum cause refuse;     /* CAUSE_ub_ok: none */
	int refuse_status;     /* 0: as the cause says */
	bool close_after;      /* nothing more is read of this connection */
	const char *target_at; /* in the library's buffer */
	struct span length;    /* what Content-Length says, if it is there */
	size_t body_cap, swallowed;
	uint8_t *body;
	char *target; /* short, or malloc'ed */
	char short_target[UB_REQ_SHORT_TARGET];
	struct ub_req *next; /* spare */
};

/*! Requests of the past: getting 6 KiB each time costs as much as a digest. Zeroed: empty. */
struct ub_req_pool {
	struct ub_req *first;
	unsigned n;
};

void ub_req_pool_clear(struct ub_req_pool *pool);

/*! \param[in] uri the target as in the request, in the library's buffer, which outlives the head. Owner, connection and mhd
 *  are the caller's to set. \returns NULL: no memory */
struct ub_req *ub_req_new(struct ub_req_pool *pool, const char *uri);

void ub_req_free(struct ub_req_pool *pool, struct ub_req *r);

/*! The first reason counts. \param[in] status 0: as the cause says */
void ub_req_refuse(struct ub_req *r, enum cause cause, int status);

/*! The whole header is here. Sets r->refuse where the request cannot be served.
 *  \returns false: answer at once, do not read the body */
bool ub_req_read_head(struct ub_req *r, const char *method, const char *version);

/*! \returns false: enough, close */
bool ub_req_read_body(struct ub_req *r, const char *data, size_t len);
