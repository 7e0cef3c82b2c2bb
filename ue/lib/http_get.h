/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file http_get.h
 *  One GET over libcurl with headers of ours; curl's own Digest stays off. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/http/challenge_hdr.h"

#define HTTP_BODY_MAX (1 << 20) /* octets */
#define HTTP_HEAD_MAX (1 << 17) /* octets of all header lines */

struct http_get;

struct http_get_cfg {
	const char *const *connect_to; /* HOST:PORT:ADDR:PORT as in curl; lent */
	size_t n_connect_to;
	bool trace; /* messages to stderr, secrets masked */
	long timeout_s;
};

struct http_answer {
	long status;
	char *www_authenticate; /* one line for each header of that name; NULL if none */
	char *authentication_info;
	char *server, *retry_after;
	char *date; /* of the server's clock */
	uint8_t *body;
	size_t body_len;
};

/*! \returns object for several requests (connections are kept), or NULL */
struct http_get *http_get_new(const struct http_get_cfg *cfg, struct err *err);
void http_get_free(struct http_get *h);

/*! \param[in] target        request target, so that it is octet for octet the uri of the Digest
 *  \param[in] authorization header value or NULL
 *  \returns 0 and an answer to be cleared; -EIO not reached or broken off; -EINVAL no URL; -EFBIG header or body too long */
int http_get_run(struct http_get *h, struct http_answer *out, const char *url, const char *target,
		 const char *authorization, const char *user_agent, struct err *err);
void http_answer_clear(struct http_answer *a);

/*! All Digest challenges of an answer, of one header or several; what cannot be read is stepped over. */
struct http_challenges {
	const char *lines; /* begins as www_authenticate, NULL included */
	struct span line;  /* begins empty */
};

/*! \returns false: no more. The spans of out point into the answer */
bool http_challenge_next(struct challenge_hdr *out, struct http_challenges *c);

/*! HOST:PORT:ADDR:PORT, as http_get_cfg wants them; an ADDR of IPv6 stands in brackets, and each part may be empty as in
 *  curl. Pure. */
bool http_connect_to_valid(const char *text);

/*! Host (lower case, without port) and request target of an http URL. All malloc'ed.
 *  \returns 0; -EINVAL no URL, or with a user name in it; -EPROTONOSUPPORT not http */
int http_url_split(const char *url, char **host, char **target, struct err *err);
