/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/rt/log_cat.h"
#include "reg/api_reply.h"
#include "reg/reg_operations.h"

#define HEADER_MAX 16384 /* octets of memory of a connection */

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

static unsigned rate_of(const struct api_req *r, uint64_t key)
{
	return key == r->conn->line ? doc->anonymous_per_s : doc->per_s;
}

/* Of a request with many lines each is one. */
static void count_lines(struct api_req *r, struct api_http *h, const struct api_call *c)
{
	size_t lines = c->op->counts ? json_array_size(json_object_get(c->in, c->op->counts)) : 0;
	uint64_t key = rate_key(h, r);

	if (lines > 1)
		api_rate_charge(h->rates, key, rate_of(r, key), lines - 1);
}

/* \returns false: answered with 429 */
static bool may_ask(struct api_req *r, struct api_http *h)
{
	uint64_t key = rate_key(h, r);
	unsigned wait = api_rate_take(h->rates, key, rate_of(r, key), clock_mono_us());

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
	if (c)
		count_lines(r, h, c);
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
	struct api_conn *c;
	int fd;

	if (toe != MHD_CONNECTION_NOTIFY_STARTED) {
		if (*ctx)
			api_conn_end(*ctx);
		*ctx = NULL;
		return;
	}
	fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	from = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
	*ctx = c = api_conn_new(&h->conns, fd,
				keyed_hash(hash_key, sockaddr_line(from))); /* NULL: its requests are refused */
	if (c && h->cert)
		c->cert = api_cert_use(h->cert,
				       MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	LOGT(DRT, LOGL_DEBUG, "api: http: %s\n", text);
}

/* --- start and end */

static const void *served_by(const char *id)
{
	return reg_operation_named(id);
}

int api_serve_init(struct reg_work *w, struct reg_work *r, struct err *err)
{
	struct err why = { "" };

	writer = w;
	reader = r;
	doc = api_doc_new(api_openapi, &why);
	if (!doc || api_doc_bind(doc, served_by, &why) < 0)
		return err_set(err, -EINVAL, "gba-reg.openapi.json: %s", why.text);
	return rng_fill(hash_key, sizeof(hash_key));
}

void api_serve_end(void)
{
	api_doc_free(doc);
	doc = NULL;
}

struct MHD_Daemon *api_serve_start(struct api_http *h, const struct api_tls *tls)
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
