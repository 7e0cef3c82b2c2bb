/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/req.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include "bsf/run/cfg.h"
#include "common/base/sockaddr.h"

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
	r->target_end = uri + len;
	r->refuse = CAUSE_ub_ok;
	return r;
}

void ub_req_free(struct ub_req_pool *pool, struct ub_req *r)
{
	free(r->body);
	free(r->unfolded);
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

static bool is_header(const char *name, size_t len, const char *want)
{
	return span_ieq(span_of(name, len), span_str(want));
}

/* libmicrohttpd 0.9.75 appends the continuation of a folded line to the header's name instead of its value. Devices may
 * fold as the examples of TS 24.109 do. A name holds no '=', so such a name is told by it. \returns false: no memory */
static bool unfold(struct ub_req *r, struct span name, struct span *value)
{
	size_t own = strlen(MHD_HTTP_HEADER_AUTHORIZATION);
	struct span more;

	if (name.len <= own || !memchr(name.p, '=', name.len) ||
	    !is_header((const char *)name.p, own, MHD_HTTP_HEADER_AUTHORIZATION))
		return true;
	more = span_of(name.p + own, name.len - own);
	free(r->unfolded);
	r->unfolded = malloc(value->len + 1 + more.len);
	if (!r->unfolded)
		return false;
	memcpy(r->unfolded, value->p, value->len);
	r->unfolded[value->len] = ' ';
	memcpy(r->unfolded + value->len + 1, more.p, more.len);
	*value = span_of(r->unfolded, value->len + 1 + more.len);
	r->run.request.n_authorization++;
	r->run.request.authorization = *value;
	return true;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				 const char *value, size_t len)
{
	struct ub_req *r = cls;
	struct ub_request *q = &r->run.request;
	struct span v = span_of(value ? value : "", value ? len : 0);

	if (memchr(name, 0, name_len) || (v.len && memchr(v.p, 0, v.len)))
		r->bad_octet = true;
	if (!unfold(r, span_of(name, name_len), &v))
		return MHD_NO;
	if (is_header(name, name_len, "Host")) {
		r->n_host++;
		q->host = v;
	} else if (is_header(name, name_len, "Authorization")) {
		q->n_authorization++;
		q->authorization = v;
	} else if (is_header(name, name_len, "User-Agent")) {
		q->user_agent = v;
	} else if (is_header(name, name_len, "Transfer-Encoding")) {
		r->n_te++;
		r->te_chunked = span_ieq(v, span_str("chunked"));
	} else if (is_header(name, name_len, "Content-Length")) {
		r->n_cl++;
	}
	return MHD_YES;
}

void ub_req_refuse(struct ub_req *r, enum cause cause, int status)
{
	if (r->refuse != CAUSE_ub_ok)
		return;
	r->refuse = cause;
	r->refuse_status = status;
}

bool ub_req_read_head(struct ub_req *r, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *i;
	const char *cl;

	r->run.request.method = span_str(method);
	MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, on_header, r);
	i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (i && i->client_addr)
		memcpy(&r->run.from, i->client_addr, sockaddr_len(i->client_addr));
	/* a NUL in the target cuts it short: then more than a blank lies between it and the version */
	if ((uintptr_t)version - (uintptr_t)r->target_end != 1 || strpbrk(r->target, " \t"))
		r->bad_octet = true;
	if (r->n_host != 1 || r->bad_octet || r->n_te > 1 || r->n_cl > 1 || (r->n_te && r->n_cl) ||
	    (r->n_te && !r->te_chunked) ||
	    (strcmp(version, MHD_HTTP_VERSION_1_1) && strcmp(version, MHD_HTTP_VERSION_1_0))) {
		/* where the body ends is not sure: nothing after this is read */
		ub_req_refuse(r, CAUSE_ub_http_rejected, 0);
		return false;
	}
	i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (i && i->header_size > bsf_limit(LIM_HEADER_MAX))
		ub_req_refuse(r, CAUSE_ub_too_large, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE);
	cl = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (cl && strtoull(cl, NULL, 10) > bsf_limit(LIM_BODY_MAX)) {
		ub_req_refuse(r, CAUSE_ub_too_large, 0);
		return strtoull(cl, NULL, 10) <= SWALLOW_MAX;
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
