/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/req.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include "bsf/run/cfg.h"
#include "common/base/sockaddr.h"
#include "common/http/auth_param.h"
#include "common/http/fields.h"
#include "common/http/request_head.h"

#define SPARE_MAX   256
#define SWALLOW_MAX 65536 /* of a body that is too long, to answer 413 before closing */

struct ub_req *ub_req_new(struct ub_req_pool *pool, const char *uri)
{
	struct ub_req *r = pool->first;
	size_t len = strlen(uri);

	if (r) {
		pool->first = r->next;
		pool->n--;
		memset(r, 0, sizeof(*r));
	} else {
		r = calloc(1, sizeof(*r));
	}
	if (!r)
		return NULL;
	r->target = len < sizeof(r->short_target) ? r->short_target : malloc(len + 1);
	if (!r->target) {
		free(r);
		return NULL;
	}
	memcpy(r->target, uri, len + 1);
	r->run.request.target = span_of(r->target, len);
	r->target_at = uri;
	r->refuse = CAUSE_ub_ok;
	return r;
}

void ub_req_free(struct ub_req_pool *pool, struct ub_req *r)
{
	free(r->body);
	if (r->target != r->short_target)
		free(r->target);
	if (pool->n == SPARE_MAX) {
		free(r);
		return;
	}
	r->next = pool->first;
	pool->first = r;
	pool->n++;
}

void ub_req_pool_clear(struct ub_req_pool *pool)
{
	while (pool->first) {
		struct ub_req *r = pool->first;

		pool->first = r->next;
		free(r);
	}
	pool->n = 0;
}

void ub_req_refuse(struct ub_req *r, enum cause cause, int status)
{
	if (r->refuse != CAUSE_ub_ok)
		return;
	r->refuse = cause;
	r->refuse_status = status;
}

/* The value is without the backslash (RFC 9110 5.6.4); in the library's memory it may be mended. What follows the value there
 * is a blank or a NUL. */
static struct span unescaped(struct span value)
{
	char *text = (char *)(uintptr_t)value.p;

	if (!value.len || !memchr(text, '\\', value.len))
		return value;
	text[value.len] = 0;
	auth_unescape(text);
	return span_str(text);
}

/* Target and header lines, as they lie in the library's memory. \returns false: not as RFC 9112 wants it */
static bool read_lines(struct ub_req *r, const char *method, const char *version, size_t size)
{
	struct ub_request *q = &r->run.request;
	size_t before = (size_t)(version - method);
	struct request_head h;

	/* one blank on each side of the target, and no NUL or blank in it */
	if (r->target_at - method != (ptrdiff_t)strlen(method) + 1 ||
	    version - r->target_at != (ptrdiff_t)q->target.len + 1 || strpbrk(r->target, " \t") || size < before)
		return false;
	if (request_head_read(&h, (uint8_t *)(uintptr_t)version, size - before) < 0 || !request_head_framed(&h))
		return false;
	r->close_after =
		(h.seen & FIELDS_CODING) || h.folded; /* what others may read otherwise is the last of its connection */
	r->length = h.length;
	q->host = h.host;
	q->authorization = unescaped(h.authorization);
	q->n_authorization = h.n_authorization;
	q->user_agent = h.user_agent;
	return true;
}

/* fields.h allows 18 of them */
static uint64_t length_of(struct span digits)
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.len; i++)
		n = n * 10 + (digits.p[i] - '0');
	return n;
}

bool ub_req_read_head(struct ub_req *r, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE),
				       *from;
	uint64_t length;

	r->run.request.method = span_str(method);
	from = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (from && from->client_addr)
		memcpy(&r->run.from, from->client_addr, sockaddr_len(from->client_addr));
	if (!i || !read_lines(r, method, version, i->header_size)) {
		/* where the body ends is not sure: nothing after this is read */
		ub_req_refuse(r, CAUSE_ub_http_rejected, 0);
		return false;
	}
	if (i->header_size > bsf_limit(LIM_HEADER_MAX))
		ub_req_refuse(r, CAUSE_ub_too_large, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE);
	length = length_of(r->length);
	if (length > bsf_limit(LIM_BODY_MAX)) {
		ub_req_refuse(r, CAUSE_ub_too_large, 0);
		return length <= SWALLOW_MAX;
	}
	return true;
}

bool ub_req_read_body(struct ub_req *r, const char *data, size_t len)
{
	struct span *body = &r->run.request.body;

	r->swallowed += len;
	if (r->refuse != CAUSE_ub_ok || body->len + len > bsf_limit(LIM_BODY_MAX)) {
		ub_req_refuse(r, CAUSE_ub_too_large, 0);
		if (r->swallowed <= SWALLOW_MAX)
			return true;
		ub_conn_count(r->conn, r->refuse);
		return false;
	}
	if (body->len + len > r->body_cap) {
		uint8_t *grown = realloc(r->body, body->len + len);

		if (!grown)
			return false;
		r->body = grown;
		r->body_cap = body->len + len;
	}
	memcpy(r->body + body->len, data, len);
	*body = span_of(r->body, body->len + len);
	return true;
}
