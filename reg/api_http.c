/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <talloc.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/rt/cfg_file.h"
#include "common/rt/inbox_thread.h"
#include "common/rt/log_cat.h"
#include "reg/api_cfg.h"
#include "reg/api_conn.h"
#include "reg/api_rate.h"
#include "reg/api_reply.h"
#include "reg/api_tls.h"
#include "reg/reg_operations.h"

#define BACKLOG    512
#define BURST      32    /* connections taken per turn of the loop */
#define TURNS      3     /* of the library in one of ours: a request read, served, its answer sent */
#define HEADER_MAX 16384 /* octets of memory of a connection */

struct api_http {
	struct inbox_thread *thread;
	const struct api_listen *where;
	struct MHD_Daemon *mhd;
	struct osmo_fd epoll, listen;
	int spare_fd; /* given up to take and close a connection when descriptors run out */
	void *ctx;    /* of the thread */
	struct api_conns conns;
	struct deadline timer; /* what the library wants to be called for */
	struct api_rates *rates;
	bool due, again, stopping;
	atomic_uint open;                /* connections, as the main thread sees them */
	atomic_uint_fast64_t answers[6]; /* by the first digit of the status */
	struct {
		struct inbox_item item; /* first */
		struct api_http *h;
		sem_t done;
		int rc;
	} ask; /* of the main thread */
};

static struct api_http *listeners[API_LISTEN_MAX];
static size_t n_listeners;
static struct api_doc *doc;
static struct reg_work *writer, *reader;
static uint64_t hash_key[2];

/* --- who asks, and how often */

static uint64_t rate_key(const struct api_http *h, const struct api_req *r)
{
	uint64_t key;

	if (!r->n_proofs)
		return r->conn->line;
	memcpy(&key, r->proof[0], sizeof(key));
	return api_rate_known(h->rates, key) ? key : r->conn->line;
}

/* \returns false: answered with 429 */
static bool may_ask(struct api_req *r, struct api_http *h)
{
	uint64_t key = rate_key(h, r);
	unsigned per_s = key == r->conn->line ? doc->anonymous_per_s : doc->per_s, wait;

	wait = api_rate_take(h->rates, key, per_s, clock_mono_us());
	if (!wait)
		return true;
	json_decref(r->answer.body);
	r->answer = (struct api_answer){ .retry_s = wait };
	api_answer_problem(&r->answer, 429, "", "too many requests", "");
	return false;
}

static void learn(struct api_http *h, const struct api_call *c)
{
	uint64_t key;

	if (!c->n_proofs)
		return;
	memcpy(&key, c->proof[0], sizeof(key));
	if (c->known)
		api_rate_learn(h->rates, key, clock_mono_us());
	else
		api_rate_forget(h->rates, key);
}

/* A certificate that is shown is who asks; beside it nothing else is. */
static void read_certificate(struct api_req *r)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct api_conn *conn = r->conn;

	if (!conn->looked_at && i)
		conn->n_proofs = api_tls_names(i->tls_session, conn->proofs);
	conn->looked_at = true;
	if (r->shown)
		api_answer_problem(&r->answer, 400, "Authorization", "here the certificate says who asks", "none");
	r->shown = conn->n_proofs != 0;
	r->n_proofs = conn->n_proofs > 0 ? (size_t)conn->n_proofs : 0;
	memcpy(r->proof, conn->proofs, sizeof(r->proof));
}

/* --- to the database and back */

static void api_answered(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;
	struct api_call *c = (struct api_call *)item;
	struct api_req *r = c->asker;

	learn(h, c);
	if (c->used && !h->stopping)
		reg_work_tell(writer, reg_token_used, (void *)(intptr_t)c->used, NULL);
	r->answer = c->answer;
	c->answer.body = NULL;
	api_call_free(c);
	r->state = API_ANSWERED;
	MHD_resume_connection(r->mhd);
	h->due = true; /* a resume wakes nothing by itself */
}

/* On the thread of the database: all of it is durable. */
static void api_ended(struct reg_order *o)
{
	struct api_call *c = o->data;

	api_call_ended(c, o);
	reg_order_free(o);
	c->item.run = api_answered;
	if (inbox_post_always(c->back, &c->item) < 0)
		api_call_free(c); /* nobody waits any more */
}

static enum MHD_Result reply(struct api_req *r, struct api_http *h)
{
	r->state = API_SENT;
	api_conn_answering(r->conn);
	atomic_fetch_add_explicit(&h->answers[r->answer.status / 100 % 6], 1, memory_order_relaxed);
	LOGT(DRT, LOGL_INFO, "api: %s %u\n", r->op ? r->op->id : r->path ? r->path->text : "-", r->answer.status);
	return api_reply(r, r->close_after || h->stopping);
}

static enum MHD_Result give_order(struct api_req *r, struct api_http *h, struct api_call *c)
{
	c->asker = r;
	c->back = inbox_thread_inbox(h->thread);
	if (h->stopping || api_call_give(c, writer, reader, api_ended) < 0) {
		api_call_free(c);
		api_answer_problem(&r->answer, 503, "", "not now", "");
		r->answer.retry_s = 1;
		return reply(r, h);
	}
	r->state = API_WAITING;
	MHD_suspend_connection(r->mhd);
	return MHD_YES;
}

/* The whole request is here. */
static enum MHD_Result serve_api(struct api_req *r, struct api_http *h)
{
	struct api_call *c = NULL;

	api_conn_read(r->conn);
	if (h->where->clients)
		read_certificate(r);
	if (r->options && !r->answer.status)
		r->answer.status = MHD_HTTP_NO_CONTENT;
	if (may_ask(r, h) && !r->answer.status)
		c = api_req_call(r, doc);
	return c ? give_order(r, h, c) : reply(r, h);
}

/* --- what the library calls */

static struct api_conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

static void *on_api_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct api_conn *conn = conn_of(mhd);
	struct api_req *r = conn ? api_req_new(uri) : NULL;

	if (!r)
		return NULL;
	r->conn = conn;
	r->mhd = mhd;
	return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *data, size_t *len, void **ctx)
{
	struct api_http *h = cls;
	struct api_req *r = *ctx;
	bool more;

	if (!r)
		return MHD_NO;
	switch (r->state) {
	case API_HEAD:
		r->state = API_BODY;
		if (api_req_head(r, doc, method, version))
			return MHD_YES;
		r->close_after = true;
		return reply(r, h);
	case API_BODY:
		if (*len) {
			more = api_req_body(r, data, *len);
			*len = 0;
			return more ? MHD_YES : MHD_NO;
		}
		/* nothing in this turn: a connection suspended in the turn in which it was read is read again when it is
		 * resumed, and if the client has ended its side by then, the library closes without our answer */
		r->state = API_READ;
		h->again = true;
		return MHD_YES;
	case API_READ:
		return serve_api(r, h);
	case API_ANSWERED:
		h->again = true;
		return reply(r, h);
	case API_WAITING:
	case API_SENT:
		break;
	}
	return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode toe)
{
	struct api_req *r = *ctx;

	*ctx = NULL;
	if (!r)
		return;
	api_conn_next(r->conn);
	api_req_free(r);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode toe)
{
	struct api_http *h = cls;
	const struct sockaddr *from;
	int fd;

	if (toe != MHD_CONNECTION_NOTIFY_STARTED) {
		if (*ctx)
			api_conn_end(*ctx);
		*ctx = NULL;
		return;
	}
	fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	from = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
	*ctx = api_conn_new(&h->conns, fd,
			    keyed_hash(hash_key, sockaddr_line(from))); /* NULL: its requests are refused */
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	LOGT(DRT, LOGL_DEBUG, "api: http: %s\n", text);
}

/* --- the loop */

static void api_due(void *data)
{
	((struct api_http *)data)->due = true;
}

static int on_library(struct osmo_fd *ofd, unsigned what)
{
	api_due(ofd->data);
	return 0;
}

static void api_turn(void *owner)
{
	struct api_http *h = owner;
	MHD_UNSIGNED_LONG_LONG ms;

	if (!h->due || !h->mhd)
		return;
	h->due = false;
	atomic_store_explicit(&h->open, h->conns.n, memory_order_relaxed);
	for (int i = 0; i == 0 || (h->again && i < TURNS); i++) {
		h->again = false;
		MHD_run(h->mhd);
	}
	if (MHD_get_timeout(h->mhd, &ms) != MHD_YES)
		deadline_stop(&h->timer);
	else
		deadline_start(h->conns.deadlines, &h->timer, h->due || h->again ? 0 : ms, api_due, h);
}

/* No descriptor is left: take it with the spare one and close it, so that it does not wait and wake us for ever. */
static void take_and_drop(struct api_http *h)
{
	int fd;

	close(h->spare_fd);
	fd = accept4(h->listen.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	h->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool room_for_one(struct api_http *h)
{
	if (h->conns.n < api_cfg.connections)
		return true;
	if (!api_conn_drop(&h->conns))
		return false;
	api_turn(h); /* the library ends it */
	return h->conns.n < api_cfg.connections;
}

static bool take_one_more(struct api_http *h)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	int fd = accept4(h->listen.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EMFILE && errno != ENFILE)
		return false;
	if (fd < 0) {
		if (api_conn_drop(&h->conns))
			api_turn(h);
		else
			take_and_drop(h);
		return false;
	}
	if (room_for_one(h))
		MHD_add_connection(h->mhd, fd, (struct sockaddr *)&from, len); /* closes it where it fails */
	else
		close(fd);
	h->due = true;
	return true;
}

static int on_listen(struct osmo_fd *ofd, unsigned what)
{
	for (int i = 0; i < BURST && take_one_more(ofd->data); i++)
		;
	return 0;
}

/* --- start and end; on the thread, as the main thread asks for it */

static void begin_serving(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	h->ctx = talloc_new(NULL);
	h->conns.deadlines = h->ctx ? deadline_set_new(h->ctx) : NULL;
	h->ask.rc = h->conns.deadlines ? 0 : -ENOMEM;
	if (h->ask.rc == 0)
		h->ask.rc = osmo_fd_register(&h->epoll);
	if (h->ask.rc == 0)
		h->ask.rc = osmo_fd_register(&h->listen);
	h->due = true;
	sem_post(&h->ask.done);
}

static void hold(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	h->stopping = true;
	if (osmo_fd_is_registered(&h->listen))
		osmo_fd_unregister(&h->listen);
	sem_post(&h->ask.done);
}

/* All answers have come: they are sent as far as they are taken at once. */
static void finish(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	for (int i = 0; i < TURNS; i++)
		MHD_run(h->mhd);
	if (osmo_fd_is_registered(&h->epoll))
		osmo_fd_unregister(&h->epoll);
	MHD_stop_daemon(h->mhd);
	h->mhd = NULL;
	deadline_stop(&h->timer);
	talloc_free(h->ctx);
	sem_post(&h->ask.done);
}

static int on_thread(struct api_http *h, void (*run)(void *owner, struct inbox_item *item, bool stopping))
{
	h->ask.item.run = run;
	inbox_post_always(inbox_thread_inbox(h->thread), &h->ask.item);
	while (sem_wait(&h->ask.done) < 0)
		;
	return h->ask.rc;
}

static int serve_at(const struct api_listen *l, struct err *err)
{
	int fd = socket(l->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (l->at.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		if (bind(fd, (const struct sockaddr *)&l->at, sockaddr_len(&l->at)) == 0 && listen(fd, BACKLOG) == 0)
			return fd;
	}
	cfg_error(err, -errno, l->line, "api: listen: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -EIO;
}

static struct MHD_Daemon *start_library(struct api_http *h, const struct api_tls *tls)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_USE_TLS,
		0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, h,
		MHD_OPTION_CONNECTION_LIMIT, api_cfg.connections + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADER_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK, on_api_target, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_HTTPS_PRIORITIES, API_TLS_PRIORITIES, MHD_OPTION_HTTPS_MEM_CERT, tls->certificate,
		MHD_OPTION_HTTPS_MEM_KEY, tls->key, h->where->clients ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END,
		tls->ca, MHD_OPTION_END);
}

static int start_one(struct api_http *h, const struct api_tls *tls, struct err *err)
{
	int fd = serve_at(h->where, err);

	if (fd < 0)
		return fd;
	osmo_fd_setup(&h->listen, fd, OSMO_FD_READ, on_listen, h, 0);
	h->mhd = start_library(h, tls);
	h->rates = api_rates_new();
	if (!h->mhd || !h->rates)
		return err_set(err, -EIO, "api: the HTTP library does not start");
	osmo_fd_setup(&h->epoll, MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, OSMO_FD_READ,
		      on_library, h, 0);
	h->thread = inbox_thread_start("api", API_CONNECTIONS_MAX, h, api_turn, err);
	if (!h->thread)
		return -EIO;
	return on_thread(h, begin_serving) < 0 ? err_set(err, -ENOMEM, "api: no memory") : 0;
}

static struct api_http *http_new(const struct api_listen *where)
{
	struct api_http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->where = where;
	h->listen.fd = h->epoll.fd = -1;
	h->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	INIT_LLIST_HEAD(&h->conns.all);
	h->conns.due = &h->due;
	h->conns.request_s = api_cfg.request_s;
	sem_init(&h->ask.done, 0, 0);
	return h;
}

static const void *served_by(const char *id)
{
	return reg_operation_named(id);
}

static int open_doc(struct err *err)
{
	struct err why = { "" };

	doc = api_doc_new(api_openapi, &why);
	if (!doc || api_doc_bind(doc, served_by, &why) < 0)
		return err_set(err, -EINVAL, "gba-reg.openapi.json: %s", why.text);
	return rng_fill(hash_key, sizeof(hash_key));
}

int api_http_start(struct reg_work *w, struct reg_work *r, struct err *err)
{
	struct api_tls tls;
	int rc = open_doc(err);

	writer = w;
	reader = r;
	if (rc < 0 || !api_cfg.n_listen)
		return rc;
	rc = api_tls_read(&tls, err);
	for (size_t i = 0; rc == 0 && i < api_cfg.n_listen; i++) {
		listeners[i] = http_new(&api_cfg.listen[i]);
		n_listeners += listeners[i] != NULL;
		rc = listeners[i] ? start_one(listeners[i], &tls, err) : err_set(err, -ENOMEM, "no memory");
	}
	api_tls_clear(&tls);
	return rc;
}

void api_http_figures(json_t *into)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n_listeners; i++) {
		struct api_http *h = listeners[i];
		char at[SOCKADDR_TEXT];

		sockaddr_text(at, &h->where->at);
		json_array_append_new(list, json_pack("{sssIsIsIsI}", "address", at, "connections",
						      (json_int_t)atomic_load(&h->open), "done",
						      (json_int_t)atomic_load(&h->answers[2]), "refused",
						      (json_int_t)atomic_load(&h->answers[4]), "failed",
						      (json_int_t)atomic_load(&h->answers[5])));
	}
	json_object_set_new(into, "api", list);
}

void api_http_quiesce(void)
{
	for (size_t i = 0; i < n_listeners; i++) {
		if (listeners[i]->thread)
			on_thread(listeners[i], hold);
	}
}

static void http_free(struct api_http *h)
{
	if (h->thread)
		on_thread(h, finish);
	else if (h->mhd)
		MHD_stop_daemon(h->mhd);
	inbox_thread_stop(h->thread);
	if (h->listen.fd >= 0)
		close(h->listen.fd);
	if (h->spare_fd >= 0)
		close(h->spare_fd);
	api_rates_free(h->rates);
	sem_destroy(&h->ask.done);
	free(h);
}

void api_http_stop(void)
{
	for (size_t i = 0; i < n_listeners; i++)
		http_free(listeners[i]);
	n_listeners = 0;
	api_doc_free(doc);
	doc = NULL;
}
