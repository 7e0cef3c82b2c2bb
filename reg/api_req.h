/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_req.h
 *  One request of the HTTPS side as libmicrohttpd hands it over in pieces: read, with limits, and made a struct api_call. */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include "common/http/request_head.h"
#include "reg/api_call.h"
#include "reg/api_ask.h"

enum api_state { API_HEAD, API_BODY, API_READ, API_WAITING, API_ANSWERED, API_SENT };

struct api_conn;

struct api_req {
	struct api_conn *conn;
	struct MHD_Connection *mhd;
	enum api_state state;
	bool close_after;      /* nothing more is read of this connection */
	bool options;          /* what may be asked here */
	const char *target_at; /* in the library's buffer */
	char *raw;             /* the target, malloc'ed */
	struct api_target target;
	const struct api_path *path; /* NULL: there is none */
	const struct api_op *op;     /* NULL: not this method */
	struct api_answer answer;    /* status 0: none yet */
	/* who asks, as in struct api_call */
	bool shown;
	size_t n_proofs;
	uint8_t proof[API_PROOFS][REG_PROOF_LEN];
	size_t len, swallowed;
	char *body; /* malloc'ed */
};

/*! \param[in] uri the target as in the request, in the library's buffer \returns NULL: no memory */
struct api_req *api_req_new(const char *uri);
void api_req_free(struct api_req *r);

/*! The whole header is here. \returns false: answer at once and close: it is not sure where the body ends, or it is far too long */
bool api_req_head(struct api_req *r, const struct api_doc *d, const char *method, const char *version);
/*! A piece of the body. \returns false: enough, close */
bool api_req_body(struct api_req *r, const char *data, size_t len);
/*! It is all here, and may be answered by the operation. \returns NULL: r->answer says why not, or no memory */
struct api_call *api_req_call(struct api_req *r, const struct api_doc *d);
