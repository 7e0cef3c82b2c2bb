/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file http_get.h
 *  One GET over libcurl with headers of ours; curl's own Digest stays off. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/base/err.h"

#define HTTP_BODY_MAX (1 << 20) /* octets */
#define HTTP_HEAD_MAX (1 << 17) /* octets of all header lines */

struct http_get;

struct http_get_cfg {
	const char *const *connect_to; /* HOST:PORT:ADDR:PORT as in curl; lent */
	size_t n_connect_to;
	bool trace; /* messages to stderr, secrets masked */
	long timeout_s;
	bool https;     /* https alone; else http alone */
	const char *ca; /* file of those that are trusted; NULL: the system's */
};

struct http_answer {
	long status;
	uint16_t suite; /* of TLS that it came by; 0: without, or libcurl has it of another library than OpenSSL */
	char *www_authenticate; /* one line for each header of that name; NULL if none */
	char *authentication_info;
	char *server, *retry_after;
	char *date; /* of the server's clock */
	uint8_t *body;
	size_t body_len;
};

/*! \returns object for several requests (connections are kept), one after the other; or NULL */
struct http_get *http_get_new(const struct http_get_cfg *cfg, struct err *err);
void http_get_free(struct http_get *h);

/*! Begin a request; what was under way is given up. Nothing waits here, but for a name that libcurl looks up (in a thread of
 *  its own, which ends with it).
 *  \param[in] target        request target, so that it is octet for octet the uri of the Digest
 *  \param[in] authorization header value or NULL
 *  \returns 0; -ENOMEM */
int http_get_start(struct http_get *h, const char *url, const char *target, const char *authorization,
		   const char *user_agent, struct err *err);

/*! Readable when http_get_step() has something to do. Of h, for poll() or another epoll. */
int http_get_fd(const struct http_get *h);

/*! Do what can be done without waiting.
 *  \returns 0 and an answer to be cleared; -EINPROGRESS not yet; -EIO not reached or broken off; -EINVAL no URL; -EKEYREJECTED a certificate;
 *  -EFBIG header or body too long. After all but -EINPROGRESS nothing is under way */
int http_get_step(struct http_get *h, struct http_answer *out, struct err *err);

/*! Give up what is under way; nothing is fine. */
void http_get_stop(struct http_get *h);

void http_answer_clear(struct http_answer *a);
