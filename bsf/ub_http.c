/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub_http.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <osmocom/core/select.h>
#include "common/gba/gba_time.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"

#define BACKLOG      1024
#define ACCEPT_BURST 64
#define POOL_EXTRA   4096    /* what the library needs of a connection's memory beside the header itself */
#define SWALLOW_MAX  65536   /* of a body that is too long, to answer 413 before closing */

/* What a request's life looks like to us. */
enum req_state { REQ_HEAD, REQ_BODY, REQ_WAITING, REQ_ANSWERED, REQ_SENT };

struct ub_conn {
	struct ub_http *h;
	int fd;
	uint64_t since_ms;      /* accepted, or the last answer sent */
	bool used;              /* had a request */
	bool in_request;        /* its first line is here */
	bool counted;           /* its end has a cause already */
	struct deadline deadline;
};

struct ub_req {
	struct ub_run run;      /* first */
	struct ub_http *h;
	struct ub_conn *conn;
	struct MHD_Connection *mhd;
	enum req_state state;
	enum cause refuse;      /* CAUSE_ub_ok: none */
	int refuse_status;      /* 0: as the cause says */
	unsigned n_host, n_te, n_cl;
	bool nul, te_chunked;
	size_t body_cap, swallowed;
	uint8_t *body;
	char target[];
};

struct ub_http {
	struct MHD_Daemon *mhd;
	struct osmo_fd ofd;
	struct osmo_fd listeners[BSF_LISTEN_MAX];
	size_t n_listeners;
	int spare_fd;           /* given up to accept and close a connection when descriptors run out */
	struct deadline_set *deadlines;
	struct deadline timer;  /* what the library wants to be called for */
	struct ub_flow *flow;
	uint32_t idle_s;        /* as the library was told */
	bool due, stopping;
};

static atomic_uint open_connections; /* of all shards: the limit is the process's */

unsigned ub_http_connections(void)
{
	return atomic_load_explicit(&open_connections, memory_order_relaxed);
}

void ub_http_set_flow(struct ub_http *h, struct ub_flow *flow)
{
	h->flow = flow;
}

static struct ub_conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

static void conn_count(struct ub_conn *c, enum cause cause)
{
	if (c->counted)
		return;
	c->counted = true;
	counter_inc(cause);
	LOGT(DUB, LOGL_INFO, "%s\n", cause_name(cause));
}

/* Header or body not here in time, however it trickles: closing the socket under the library makes it end the connection. */
static void conn_expired(void *data)
{
	struct ub_conn *c = data;

	/* a connection kept open for a further request that never began is just idle */
	if (!c->used || c->in_request)
		conn_count(c, CAUSE_ub_deadline);
	shutdown(c->fd, SHUT_RDWR);
	c->h->due = true;
}

static void conn_arm(struct ub_conn *c)
{
	deadline_start(c->h->deadlines, &c->deadline, bsf_limit(LIM_REQUEST_TIME) * UINT64_C(1000), conn_expired, c);
}

static void conn_started(struct ub_http *h, struct MHD_Connection *mhd, void **ctx)
{
	struct ub_conn *c = calloc(1, sizeof(*c));
	int one = 1;

	atomic_fetch_add_explicit(&open_connections, 1, memory_order_relaxed);
	if (!c)
		return; /* its requests are refused */
	*ctx = c;
	c->h = h;
	c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	c->since_ms = monotonic_ms();
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bsf_limit(LIM_IDLE_TIME) != h->idle_s)
		MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)bsf_limit(LIM_IDLE_TIME));
	conn_arm(c);
}

static void conn_closed(struct ub_conn *c)
{
	atomic_fetch_sub_explicit(&open_connections, 1, memory_order_relaxed);
	if (!c)
		return;
	/* the library's own limit, of silence, may be the shorter one */
	if (!c->used && !c->h->stopping && monotonic_ms() - c->since_ms >= bsf_limit(LIM_IDLE_TIME) * UINT64_C(1000))
		conn_count(c, CAUSE_ub_deadline);
	deadline_stop(&c->deadline);
	free(c);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode toe)
{
	if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_started(cls, mhd, ctx);
	} else {
		conn_closed(*ctx);
		*ctx = NULL;
	}
}

/* The first line is here. What is returned is the library's pointer for this request. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	size_t len = strlen(uri);
	struct ub_req *r = calloc(1, sizeof(*r) + len + 1);
	struct ub_conn *c = conn_of(mhd);

	if (!r || !c) {
		free(r);
		return NULL;
	}
	memcpy(r->target, uri, len);
	r->h = cls;
	r->conn = c;
	r->mhd = mhd;
	r->refuse = CAUSE_ub_ok;
	r->run.request.target = span_of(r->target, len);
	c->used = true;
	c->in_request = true;
	return r;
}

static bool is_header(const char *name, size_t len, const char *want)
{
	return span_ieq(span_of(name, len), span_str(want));
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
				 size_t len)
{
	struct ub_req *r = cls;
	struct ub_request *q = &r->run.request;
	struct span v = span_of(value ? value : "", value ? len : 0);

	if (memchr(name, 0, name_len) || (v.len && memchr(v.p, 0, v.len)))
		r->nul = true;
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

static void refuse(struct ub_req *r, enum cause cause, int status)
{
	if (r->refuse != CAUSE_ub_ok)
		return;
	r->refuse = cause;
	r->refuse_status = status;
}

/* The whole header is here. Sets r->refuse where the request cannot be served.
 * \returns false: answer at once, do not read the body */
static bool read_head(struct ub_req *r, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *i;
	const char *cl;

	r->run.request.method = span_str(method);
	MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, on_header, r);
	i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (i && i->client_addr) {
		socklen_t len = i->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
									sizeof(struct sockaddr_in);

		memcpy(&r->run.from, i->client_addr, len);
	}
	if (r->n_host != 1 || r->nul || r->n_te > 1 || r->n_cl > 1 || (r->n_te && r->n_cl) || (r->n_te && !r->te_chunked) ||
	    (strcmp(version, MHD_HTTP_VERSION_1_1) && strcmp(version, MHD_HTTP_VERSION_1_0))) {
		/* where the body ends is not sure: nothing after this is read */
		refuse(r, CAUSE_ub_http_rejected, 0);
		return false;
	}
	i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (i && i->header_size > bsf_limit(LIM_HEADER_MAX))
		refuse(r, CAUSE_ub_too_large, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE);
	cl = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (cl && strtoull(cl, NULL, 10) > bsf_limit(LIM_BODY_MAX)) {
		refuse(r, CAUSE_ub_too_large, 0);
		return strtoull(cl, NULL, 10) <= SWALLOW_MAX;
	}
	return true;
}

/* \returns false: enough, close */
static bool read_body(struct ub_req *r, const char *data, size_t len)
{
	struct span *body = &r->run.request.body;

	r->swallowed += len;
	if (r->refuse != CAUSE_ub_ok || body->len + len > bsf_limit(LIM_BODY_MAX)) {
		refuse(r, CAUSE_ub_too_large, 0);
		if (r->swallowed <= SWALLOW_MAX)
			return true;
		conn_count(r->conn, r->refuse);
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

static void add_header(struct MHD_Response *resp, const char *name, const char *value)
{
	if (value[0])
		MHD_add_response_header(resp, name, value);
}

static enum MHD_Result send_answer(struct ub_req *r)
{
	const struct ub_answer *a = &r->run.answer;
	struct MHD_Response *resp = MHD_create_response_from_buffer(a->body_len, (void *)a->body, MHD_RESPMEM_MUST_COPY);
	char text[32];
	enum MHD_Result rc;

	r->state = REQ_SENT;
	if (!resp)
		return MHD_NO;
	add_header(resp, MHD_HTTP_HEADER_SERVER, UB_SERVER);
	add_header(resp, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_header(resp, MHD_HTTP_HEADER_WWW_AUTHENTICATE, a->www_authenticate);
	add_header(resp, MHD_HTTP_HEADER_AUTHENTICATION_INFO, a->auth_info);
	if (a->body_len)
		add_header(resp, MHD_HTTP_HEADER_CONTENT_TYPE, BSF_INFO_TYPE);
	if (a->expires_at && http_date_format(text, a->expires_at) >= 0)
		add_header(resp, MHD_HTTP_HEADER_EXPIRES, text);
	if (a->retry_after) {
		snprintf(text, sizeof(text), "%u", (unsigned)bsf_limit(LIM_RETRY_AFTER));
		add_header(resp, MHD_HTTP_HEADER_RETRY_AFTER, text);
	}
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add_header(resp, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET);
	if (r->refuse == CAUSE_ub_http_rejected || r->h->stopping)
		add_header(resp, MHD_HTTP_HEADER_CONNECTION, "close");
	rc = MHD_queue_response(r->mhd, r->refuse_status ? r->refuse_status : a->status, resp);
	MHD_destroy_response(resp);
	return rc;
}

static enum MHD_Result refuse_now(struct ub_req *r)
{
	deadline_stop(&r->conn->deadline);
	ub_flow_refuse(r->h->flow, &r->run, r->refuse);
	return send_answer(r);
}

/* The whole request is here. */
static enum MHD_Result serve(struct ub_req *r)
{
	deadline_stop(&r->conn->deadline);
	if (r->h->stopping)
		refuse(r, CAUSE_ub_busy, 0);
	if (r->refuse != CAUSE_ub_ok)
		return refuse_now(r);
	if (ub_flow_begin(r->h->flow, &r->run))
		return send_answer(r);
	r->state = REQ_WAITING;
	MHD_suspend_connection(r->mhd);
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *data, size_t *len, void **ctx)
{
	struct ub_req *r = *ctx;

	if (!r)
		return MHD_NO;
	switch (r->state) {
	case REQ_HEAD:
		r->state = REQ_BODY;
		return read_head(r, method, version) ? MHD_YES : refuse_now(r);
	case REQ_BODY:
		if (*len) {
			bool more = read_body(r, data, *len);

			*len = 0;
			return more ? MHD_YES : MHD_NO;
		}
		return serve(r);
	case REQ_ANSWERED:
		return send_answer(r);
	case REQ_WAITING:
	case REQ_SENT:
		break;
	}
	return MHD_YES;
}

/* On the shard's thread, never inside the library. */
void ub_http_answered(void *ub_http, struct ub_run *run)
{
	struct ub_req *r = (struct ub_req *)run;

	assert(r->state == REQ_WAITING);
	r->state = REQ_ANSWERED;
	MHD_resume_connection(r->mhd);
	r->h->due = true; /* a resume wakes nothing by itself */
}

/* A request that the library answered or gave up itself. */
static void count_lost(struct ub_req *r, enum MHD_RequestTerminationCode toe)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
	unsigned status = i ? i->http_status : 0;

	if (toe == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
		conn_count(r->conn, CAUSE_ub_deadline);
	else if (status == MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE || status == MHD_HTTP_CONTENT_TOO_LARGE ||
		 status == MHD_HTTP_URI_TOO_LONG)
		conn_count(r->conn, CAUSE_ub_too_large);
	else if (status >= MHD_HTTP_BAD_REQUEST)
		conn_count(r->conn, CAUSE_ub_http_rejected);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode toe)
{
	struct ub_req *r = *ctx;

	if (!r)
		return;
	*ctx = NULL;
	if (r->state != REQ_SENT)
		count_lost(r, toe);
	r->conn->in_request = false;
	r->conn->since_ms = monotonic_ms();
	conn_arm(r->conn);
	free(r->body);
	free(r);
}

/* The library's messages name peers and quote nothing secret, but they are many under an attack. */
__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	if (!log_relay_enabled(DUB, LOGL_DEBUG))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = 0;
	LOGT(DUB, LOGL_DEBUG, "http: %s\n", text);
}

static void on_timer(void *data)
{
	((struct ub_http *)data)->due = true;
}

bool ub_http_turn(struct ub_http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!h->due || !h->mhd)
		return false;
	h->due = false;
	MHD_run(h->mhd);
	if (MHD_get_timeout(h->mhd, &ms) != MHD_YES)
		deadline_stop(&h->timer);
	else if (ms == 0)
		h->due = true;
	else
		deadline_start(h->deadlines, &h->timer, ms, on_timer, h);
	return h->due;
}

static int on_epoll(struct osmo_fd *ofd, unsigned int what)
{
	((struct ub_http *)ofd->data)->due = true;
	return 0;
}

/* No descriptor is left: take the connection with the spare one, so that it does not wait and wake us for ever. */
static void accept_and_close(struct ub_http *h, int listen_fd)
{
	int fd;

	close(h->spare_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		counter_inc(CAUSE_ub_limit_connections);
	}
	h->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int on_accept(struct osmo_fd *ofd, unsigned int what)
{
	struct ub_http *h = ofd->data;

	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(ofd->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				accept_and_close(h, ofd->fd);
			break;
		}
		if (ub_http_connections() >= bsf_limit(LIM_CONNECTIONS)) {
			close(fd);
			counter_inc(CAUSE_ub_limit_connections);
			if (log_rate_ok(DUB))
				LOGT(DUB, LOGL_NOTICE, "%s: %u are open\n", cause_name(CAUSE_ub_limit_connections),
				     ub_http_connections());
			continue;
		}
		MHD_add_connection(h->mhd, fd, (struct sockaddr *)&from, len);
	}
	h->due = true;
	return 0;
}

static int listen_on(struct ub_http *h, const struct bsf_listen *l, struct err *err)
{
	struct osmo_fd *ofd = &h->listeners[h->n_listeners];
	int fd = socket(l->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = l->addr.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (fd < 0)
		return err_set(err, -errno, "ub: listen %s: %s", l->text, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (l->addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&l->addr, len) < 0 || listen(fd, BACKLOG) < 0) {
		int rc = -errno;

		close(fd);
		return err_set(err, rc, "ub: listen %s: %s", l->text, strerror(-rc));
	}
	osmo_fd_setup(ofd, fd, OSMO_FD_READ, on_accept, h, 0);
	osmo_fd_register(ofd);
	h->n_listeners++;
	return 0;
}

static struct MHD_Daemon *mhd_start(struct ub_http *h)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0,
				NULL, NULL, on_request, h,
				MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, h,
				MHD_OPTION_CONNECTION_LIMIT, bsf_limit(LIM_CONNECTIONS) + ACCEPT_BURST,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)bsf_limit(LIM_HEADER_MAX) + POOL_EXTRA,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)h->idle_s,
				MHD_OPTION_URI_LOG_CALLBACK, on_target, h,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				MHD_OPTION_END);
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
	h->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	h->mhd = mhd_start(h);
	if (!h->mhd) {
		err_set(err, -EIO, "ub: the HTTP library does not start");
		goto fail;
	}
	ep = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	osmo_fd_setup(&h->ofd, ep, OSMO_FD_READ, on_epoll, h, 0);
	osmo_fd_register(&h->ofd);
	for (size_t i = 0; i < bsf_cfg->n_ub; i++) {
		if (listen_on(h, &bsf_cfg->ub[i], err) < 0)
			goto fail;
	}
	return h;
fail:
	ub_http_stop(h);
	talloc_free(h);
	return NULL;
}

void ub_http_quiesce(struct ub_http *h)
{
	h->stopping = true;
	for (size_t i = 0; i < h->n_listeners; i++) {
		osmo_fd_unregister(&h->listeners[i]);
		close(h->listeners[i].fd);
	}
	h->n_listeners = 0;
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
	if (h->spare_fd >= 0)
		close(h->spare_fd);
	h->spare_fd = -1;
}
