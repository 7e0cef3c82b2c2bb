/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/http.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <osmocom/core/select.h>
#include "bsf/ub/conn.h"
#include "bsf/ub/listen.h"
#include "bsf/ub/req.h"
#include "common/base/clock.h"
#include "common/gba/gba_time.h"
#include "common/rt/log_cat.h"

#define TURNS      3   /* of the library in one of ours: a request read, served, its answer sent */
#define SHARE_US   200 /* and in one go, before others on the thread get their turn; to look for them is a system call */
#define POOL_EXTRA 4096 /* what the library needs of a connection's memory beside the header itself */

struct ub_http {
	struct MHD_Daemon *mhd;
	struct osmo_fd ofd;
	struct ub_listen *listen;
	struct ub_share *share;
	struct ub_req_pool spare;
	struct deadline_set *deadlines;
	struct deadline timer; /* what the library wants to be called for */
	struct ub_flow *flow;
	void (*others)(void *owner);
	void *owner;
	uint64_t turn_us;    /* since when the others wait */
	uint32_t idle_s;     /* as the library was told */
	unsigned lib_status; /* of the last answer the library made itself, until its connection ends */
	bool due, stopping;
	bool again; /* what was just done is seen by the library's next turn only */
};

void ub_http_set_flow(struct ub_http *h, struct ub_flow *flow, void (*others)(void *owner), void *owner)
{
	h->flow = flow;
	h->others = others;
	h->owner = owner;
}

/* The library serves all that are ready in one turn, and a thousand may be: between them, others on the thread. Nothing of the
 * request at hand is under way; what they answer is resumed in the library's next turn. */
static void ub_make_way(struct ub_http *h)
{
	if (h->stopping || clock_mono_us() - h->turn_us < SHARE_US)
		return;
	h->others(h->owner);
	h->turn_us = clock_mono_us();
}

static struct ub_conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

/* A request that the library answered or gave up itself. */
static void count_lost(struct ub_req *r, enum MHD_RequestTerminationCode toe)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
	unsigned status = i ? i->http_status : 0;

	if (toe == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
		ub_conn_count(r->conn, CAUSE_ub_deadline);
	else if (status >= MHD_HTTP_BAD_REQUEST)
		ub_conn_count(r->conn, ub_conn_cause(status));
	r->h->lib_status = 0;
}

static void request_over(struct ub_req *r, enum MHD_RequestTerminationCode toe)
{
	if (r->state != REQ_SENT)
		count_lost(r, toe);
	r->conn->open = NULL;
	ub_conn_done(r->conn);
	ub_req_free(&r->h->spare, r);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode toe)
{
	struct ub_req *r = *ctx;

	*ctx = NULL;
	if (!r)
		return;
	request_over(r, toe);
	ub_make_way(cls); /* answers made in one turn leave in the next one, one after the other */
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode toe)
{
	struct ub_http *h = cls;

	if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
		/* without memory for it, its requests are refused */
		*ctx = ub_conn_new(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
				   h->share,
				   MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
				   h->deadlines, &h->due);
		if (bsf_limit(LIM_IDLE_TIME) != h->idle_s)
			MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT,
						  (unsigned)bsf_limit(LIM_IDLE_TIME));
	} else {
		struct ub_conn *c = *ctx;

		/* without room for an answer of its own the library closes and does not tell the end of the request */
		if (c && c->open)
			request_over(c->open, MHD_REQUEST_TERMINATED_WITH_ERROR);
		ub_conn_end(c, h->lib_status, h->stopping);
		h->lib_status = 0;
		*ctx = NULL;
	}
}

/* The first line is here. What is returned is the library's pointer for this request. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct ub_http *h = cls;
	struct ub_conn *c = conn_of(mhd);
	struct ub_req *r;

	ub_make_way(h);
	r = c ? ub_req_new(&h->spare, uri) : NULL;
	if (!r)
		return NULL;
	r->h = h;
	r->conn = c;
	r->mhd = mhd;
	c->open = r;
	ub_conn_begun(c);
	return r;
}

static bool add_header(struct MHD_Response *resp, const char *name, const char *value)
{
	return !value[0] || MHD_add_response_header(resp, name, value) == MHD_YES;
}

/* \returns false: no memory for all of them */
static bool add_headers(struct MHD_Response *resp, const struct ub_req *r)
{
	const struct ub_answer *a = &r->run.answer;
	bool all = add_header(resp, MHD_HTTP_HEADER_SERVER, UB_SERVER) &&
		   add_header(resp, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
		   add_header(resp, MHD_HTTP_HEADER_WWW_AUTHENTICATE, a->www_authenticate) &&
		   add_header(resp, MHD_HTTP_HEADER_AUTHENTICATION_INFO, a->auth_info);
	char text[32];

	if (a->body_len)
		all = all && add_header(resp, MHD_HTTP_HEADER_CONTENT_TYPE, BSF_INFO_TYPE);
	if (a->expires_at && http_date_format(text, a->expires_at) >= 0)
		all = all && add_header(resp, MHD_HTTP_HEADER_EXPIRES, text);
	if (a->retry_after) {
		snprintf(text, sizeof(text), "%u", (unsigned)bsf_limit(LIM_RETRY_AFTER));
		all = all && add_header(resp, MHD_HTTP_HEADER_RETRY_AFTER, text);
	}
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		all = all && add_header(resp, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET);
	if (r->refuse == CAUSE_ub_http_rejected || r->close_after || r->h->stopping)
		all = all && add_header(resp, MHD_HTTP_HEADER_CONNECTION, "close");
	return all;
}

/* Half a challenge is worse than none: without memory for all of it the connection closes. */
static enum MHD_Result send_answer(struct ub_req *r)
{
	const struct ub_answer *a = &r->run.answer;
	struct MHD_Response *resp =
		MHD_create_response_from_buffer(a->body_len, (void *)a->body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc = MHD_NO;

	r->state = REQ_SENT;
	ub_conn_answering(r->conn);
	if (!resp)
		return MHD_NO;
	if (add_headers(resp, r))
		rc = MHD_queue_response(r->mhd, r->refuse_status ? r->refuse_status : a->status, resp);
	MHD_destroy_response(resp);
	return rc;
}

static enum MHD_Result refuse_now(struct ub_req *r)
{
	ub_conn_read(r->conn);
	ub_flow_refuse(r->h->flow, &r->run, r->refuse);
	return send_answer(r);
}

/* The whole request is here. Nothing is done with it in this turn: a connection suspended in the turn in which it was read is
 * read again when it is resumed, and if the client has ended its side by then, the library closes without our answer. */
static enum MHD_Result all_read(struct ub_req *r)
{
	r->state = REQ_READ;
	r->h->again = true;
	return MHD_YES;
}

static enum MHD_Result ub_serve(struct ub_req *r)
{
	ub_make_way(r->h);
	ub_conn_read(r->conn);
	if (r->h->stopping)
		ub_req_refuse(r, CAUSE_ub_busy, 0);
	if (r->refuse != CAUSE_ub_ok)
		return refuse_now(r);
	if (ub_flow_begin(r->h->flow, &r->run))
		return send_answer(r);
	r->state = REQ_WAITING;
	MHD_suspend_connection(r->mhd);
	return MHD_YES;
}

static enum MHD_Result ub_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
				     const char *version, const char *data, size_t *len, void **ctx)
{
	struct ub_req *r = *ctx;

	if (!r)
		return MHD_NO;
	switch (r->state) {
	case REQ_HEAD:
		r->state = REQ_BODY;
		return ub_req_read_head(r, method, version) ? MHD_YES : refuse_now(r);
	case REQ_BODY:
		if (*len) {
			bool more = ub_req_read_body(r, data, *len);

			*len = 0;
			return more ? MHD_YES : MHD_NO;
		}
		return all_read(r);
	case REQ_READ:
		return ub_serve(r);
	case REQ_ANSWERED:
		ub_make_way(r->h);
		r->h->again = true;
		return send_answer(r);
	case REQ_WAITING:
	case REQ_SENT:
		break;
	}
	return MHD_YES;
}

/* On the shard's thread; inside the library at most for another request than the one it is at. */
void ub_http_answered(void *ub_http, struct ub_run *run)
{
	struct ub_req *r = (struct ub_req *)run;

	assert(r->state == REQ_WAITING);
	r->state = REQ_ANSWERED;
	MHD_resume_connection(r->mhd);
	r->h->due = true; /* a resume wakes nothing by itself */
}

#define REFUSED "Error processing request (HTTP response code is "

/* The library's messages name peers and quote nothing secret, but they are many under an attack. */
__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *cls, const char *fmt, va_list ap)
{
	struct ub_http *h = cls;
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (strncmp(text, REFUSED, strlen(REFUSED)) == 0)
		h->lib_status = strtoul(text + strlen(REFUSED), NULL, 10);
	text[strcspn(text, "\r\n")] = 0;
	LOGT(DUB, LOGL_DEBUG, "http: %s\n", text);
}

static void on_timer(void *data)
{
	((struct ub_http *)data)->due = true;
}

int ub_http_fd(const struct ub_http *h)
{
	return h->ofd.fd;
}

bool ub_http_due(const struct ub_http *h)
{
	return h->due;
}

void ub_http_turn(struct ub_http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!h->due || !h->mhd)
		return;
	h->due = false;
	h->turn_us = clock_mono_us();
	for (int i = 0; i == 0 || (h->again && i < TURNS); i++) {
		h->again = false;
		MHD_run(h->mhd);
	}
	if (MHD_get_timeout(h->mhd, &ms) != MHD_YES)
		deadline_stop(&h->timer);
	else if (ms == 0)
		h->due = true;
	else
		deadline_start(h->deadlines, &h->timer, ms, on_timer, h);
}

static int on_epoll(struct osmo_fd *ofd, unsigned int what)
{
	((struct ub_http *)ofd->data)->due = true;
	return 0;
}

static void take_connection(void *owner, int fd, const struct sockaddr *from, socklen_t len)
{
	struct ub_http *h = owner;

	MHD_add_connection(h->mhd, fd, from, len);
	h->due = true;
}

/* Not inside the library: it closes at once what is dropped here, and the descriptor is free. */
static bool make_room(void *owner)
{
	struct ub_http *h = owner;

	if (!ub_conn_drop_oldest(h->share))
		return false;
	ub_http_turn(h);
	return true;
}

static struct MHD_Daemon *mhd_start(struct ub_http *h)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
				0, NULL, NULL, ub_on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, h,
				MHD_OPTION_CONNECTION_LIMIT, bsf_connections() + 1, /* ours comes first */
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)bsf_limit(LIM_HEADER_MAX) + POOL_EXTRA,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)h->idle_s, MHD_OPTION_URI_LOG_CALLBACK,
				on_target, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
}

struct ub_http *ub_http_new(void *ctx, struct deadline_set *deadlines, struct err *err)
{
	struct ub_http *h = talloc_zero(ctx, struct ub_http);
	int ep;

	if (!h) {
		err_set(err, -ENOMEM, "ub: no memory");
		return NULL;
	}
	h->deadlines = deadlines;
	h->idle_s = bsf_limit(LIM_IDLE_TIME);
	h->share = ub_share_new(h);
	h->mhd = h->share ? mhd_start(h) : NULL;
	if (!h->mhd) {
		err_set(err, -EIO, "ub: the HTTP library does not start");
		goto fail;
	}
	ep = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	osmo_fd_setup(&h->ofd, ep, OSMO_FD_READ, on_epoll, h, 0);
	osmo_fd_register(&h->ofd);
	h->listen = ub_listen_new(h, take_connection, make_room, h, err);
	if (h->listen)
		return h;
fail:
	ub_http_stop(h);
	talloc_free(h);
	return NULL;
}

void ub_http_quiesce(struct ub_http *h)
{
	h->stopping = true;
	TALLOC_FREE(h->listen);
}

void ub_http_stop(struct ub_http *h)
{
	ub_http_quiesce(h);
	if (h->mhd) {
		if (osmo_fd_is_registered(&h->ofd))
			osmo_fd_unregister(&h->ofd);
		/* those just resumed get their answer out */
		MHD_run(h->mhd);
		MHD_run(h->mhd);
		MHD_stop_daemon(h->mhd);
		h->mhd = NULL;
	}
	deadline_stop(&h->timer);
	ub_req_pool_clear(&h->spare);
}
