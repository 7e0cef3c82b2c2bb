/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An application server whose users are known by their SIM: libmicrohttpd for HTTP, libgba-naf for who it is. It
 * uses the public header only, as any application would:
 *
 *   cc -o naf-server naf-server.c example_*.c $(pkg-config --cflags --libs libgba-naf libmicrohttpd) -lcrypt
 *
 * GET /health needs no proof; everything else does, and /account also asks who of its own users it is (--users). One line
 * per request goes to standard error. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <microhttpd.h>
#include <gba/naf.h>
#include "example_account.h"
#include "example_log.h"
#include "example_options.h"

#define BODY_MAX (64 * 1024)

struct server {
	struct gba_naf *naf;
	struct example_account *account; /* NULL: there are no users */
	bool json;
};

/*! What is kept of a request while it comes in. */
struct request {
	char *target; /* as in the request line; the library of HTTP hands a decoded path otherwise */
	char *body;
	size_t len;
	char source[GBA_NAF_SOURCE_MAX + 1];
	struct gba_naf_request naf;
	struct gba_naf_answer *early; /* what the header alone has led to; then no body is kept */
	bool begun, too_large;
};

static void log_request(const struct server *s, const char *method, const char *target, const struct gba_naf_answer *a,
			const char *status)
{
	char fingerprint[GBA_NAF_FINGERPRINT_LEN + 1] = "";

	gba_naf_key_fingerprint(a->key, fingerprint);
	example_log(s->json, s->json ? "request" : gba_naf_cause_name(a->cause), "method", method, "target", target,
		    "status", status, "verdict", gba_naf_verdict_name(a->verdict), "cause",
		    s->json ? gba_naf_cause_name(a->cause) : "", "run", a->run, "key_fingerprint", fingerprint,
		    NULL); /* not the B-TID: whoever has it can make the BSF and us work */
}

/* --- answers */

/* No script, no frame: a page of another site can neither add to ours nor lay itself over it. */
#define CONTENT_POLICY "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(r, name, value);
}

static enum MHD_Result send_page(struct MHD_Connection *c, const struct example_page *p, struct gba_naf_answer *a)
{
	const char *text = p->text;
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	const char *info;
	enum MHD_Result rc;
	char seconds[16];

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "text/html; charset=utf-8");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "Content-Security-Policy", CONTENT_POLICY);
	add_header(r, "Location", p->location);
	add_header(r, "Allow", p->allow);
	for (unsigned i = 0; a && i < a->n_challenges; i++)
		MHD_add_response_header(r, "WWW-Authenticate", a->challenge[i]);
	if (p->status == MHD_HTTP_BAD_REQUEST) /* who knows where the next request begins */
		MHD_add_response_header(r, "Connection", "close");
	if (a && a->retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%u", a->retry_after_s);
		MHD_add_response_header(r, "Retry-After", seconds);
	}
	if (a && a->verdict == GBA_NAF_ACCEPT) {
		info = gba_naf_digest_finish(a, text, strlen(text)); /* proves to the device who we are */
		add_header(r, "Authentication-Info", info);
	}
	rc = MHD_queue_response(c, p->status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct example_page p = { .status = status };

	snprintf(p.text, sizeof(p.text), "%s", text);
	return send_page(c, &p, NULL);
}

static void make_page(struct example_page *p, const struct gba_naf_answer *a, const struct request *q)
{
	char until[32] = "";
	time_t t = a->key->expires_at;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(p->text, sizeof(p->text),
		 "<!doctype html>\n<title>Welcome</title>\n<h1>Welcome</h1>\n"
		 "<p>You never signed up here. Your SIM has proven who you are.</p>\n"
		 "<p>Known as: %s<br>Known until: %s<br>Your request: %zu octets of body.</p>\n",
		 a->key->impi[0] ? "a subscriber your operator has named" : "a subscriber without a name", until,
		 q->len);
}

static void account_page(struct server *s, struct example_page *p, const struct gba_naf_answer *a,
			 const struct request *q)
{
	example_account_answer(s->account, &q->naf, a, p);
	if (p->event)
		example_log(s->json, p->event, "user", p->name, "run", a->run, NULL);
}

static enum MHD_Result naf_server_answer(struct server *s, struct MHD_Connection *c, struct request *q)
{
	static const char *const refusals[] = {
		[GBA_NAF_CHALLENGE] = "<!doctype html>\n<h1>Show who you are</h1>\n",
		[GBA_NAF_DENY] = "<!doctype html>\n<h1>Not for you</h1>\n",
		[GBA_NAF_TEMPORARY] = "<!doctype html>\n<h1>Try again soon</h1>\n",
	};
	struct gba_naf_answer *a = q->early ? q->early : gba_naf_digest(s->naf, &q->naf);
	struct example_page p = { .status = (unsigned)a->status };
	enum MHD_Result rc;
	char status[16];

	q->early = NULL;
	if (a->verdict != GBA_NAF_ACCEPT)
		snprintf(p.text, sizeof(p.text), "%s", refusals[a->verdict]);
	else if (s->account && example_account_has(q->target))
		account_page(s, &p, a, q);
	else
		make_page(&p, a, q);
	snprintf(status, sizeof(status), "%u", p.status);
	log_request(s, q->naf.method, q->target, a, status);
	rc = send_page(c, &p, a);
	gba_naf_answer_free(a);
	return rc;
}

/* --- libmicrohttpd's callbacks */

static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
	struct request *q = calloc(1, sizeof(*q));

	if (q)
		q->target = strdup(target);
	return q;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	gba_naf_request_header(cls, name, value);
	return MHD_YES;
}

/*! Behind a proxy this would be what the proxy says, and nobody else can reach this port. */
static void read_source(struct request *q, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (i && getnameinfo(i->client_addr, sizeof(struct sockaddr_in), q->source, sizeof(q->source), NULL, 0,
			     NI_NUMERICHOST) == 0)
		q->naf.source = q->source;
}

static bool is_body_too_large(struct MHD_Connection *c)
{
	const char *said = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");

	return said && strtoull(said, NULL, 10) > BODY_MAX;
}

static bool is_health(const struct request *q)
{
	return strcmp(q->target, "/health") == 0;
}

static enum MHD_Result too_large(struct MHD_Connection *c)
{
	return send_text(c, MHD_HTTP_CONTENT_TOO_LARGE, "<!doctype html>\n<h1>Too large</h1>\n");
}

/*! The header is there and the body is not. A stranger's body is never kept: it is read over, so that the answer arrives
 *  and the connection lives on, or not even that if it is large, waits for our word, or ends who knows where. */
static enum MHD_Result on_begin(struct server *s, struct MHD_Connection *c, const char *method, struct request *q)
{
	q->begun = true;
	gba_naf_request_init(&q->naf);
	q->naf.method = method;
	q->naf.target = q->target;
	read_source(q, c);
	MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, &q->naf);
	if (!is_health(q))
		q->early = gba_naf_digest_before_body(s->naf, &q->naf);
	if (q->early && (q->early->status == MHD_HTTP_BAD_REQUEST || is_body_too_large(c) ||
			 MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Expect")))
		return naf_server_answer(s, c, q);
	return is_body_too_large(c) ? too_large(c) : MHD_YES;
}

static void keep_body(struct request *q, const char *data, size_t len)
{
	char *body;

	if (q->early || q->too_large || is_health(q))
		return;
	body = q->len + len > BODY_MAX ? NULL : malloc(q->len + len);
	if (!body) {
		q->too_large = true;
		return;
	}
	if (q->body) { /* realloc() would leave what was there */
		memcpy(body, q->body, q->len);
		explicit_bzero(q->body, q->len);
		free(q->body);
	}
	memcpy(body + q->len, data, len);
	q->body = body;
	q->len += len;
}

static enum MHD_Result naf_server_on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
					     const char *version, const char *data, size_t *len, void **con)
{
	struct request *q = *con;
	struct server *s = cls;

	if (!q || !q->target)
		return MHD_NO;
	if (!q->begun) /* called once before the body */
		return on_begin(s, c, method, q);
	if (*len) {
		keep_body(q, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (is_health(q))
		return gba_naf_connected(s->naf) ? send_text(c, MHD_HTTP_OK, "ok\n")
						 : send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no BSF\n");
	if (q->too_large)
		return too_large(c);
	q->naf.body = q->body;
	q->naf.body_len = q->len;
	return naf_server_answer(s, c, q);
}

static void on_done(void *cls, struct MHD_Connection *c, void **con, enum MHD_RequestTerminationCode why)
{
	struct request *q = *con;

	if (!q)
		return;
	gba_naf_answer_free(q->early);
	free(q->target);
	if (q->body)
		explicit_bzero(q->body, q->len); /* a form may have a PIN */
	free(q->body);
	free(q);
	*con = NULL;
}

static void address_text(char out[64], const struct sockaddr_in *a)
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
	snprintf(out, 64, "%s:%u", host, ntohs(a->sin_port));
}

/*! Listen on *at, and put the port there if it was 0. The socket is ours, because MHD does not tell why it cannot. */
static int listen_on(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = sizeof(*at);
	char text[64];

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind(fd, (struct sockaddr *)at, len) == 0 && listen(fd, SOMAXCONN) == 0 &&
	    getsockname(fd, (struct sockaddr *)at, &len) == 0)
		return fd;
	address_text(text, at);
	fprintf(stderr, "gba-naf-example: cannot listen on %s: %s\n", text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The certificate was renewed. */
static void naf_server_reload(const struct server *s)
{
	char err[256];

	if (gba_naf_reload(s->naf, err, sizeof(err)) == 0)
		example_log(s->json, "reloaded", NULL);
	else
		example_log(s->json, "not_reloaded", "why", err, NULL);
}

static int naf_server_serve(struct server *s, const struct example_options *o, int listen_fd, const sigset_t *stop)
{
	struct MHD_Daemon *d;
	char at[64];
	int sig;

	d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL,
			     naf_server_on_request, s, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
			     on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
			     30u, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT, 500u,
			     MHD_OPTION_PER_IP_CONNECTION_LIMIT, 300u, MHD_OPTION_END);
	if (!d)
		return example_options_bad("cannot start", "no HTTP server");
	address_text(at, &o->listen);
	example_log(o->json, "ready", "listen", at, "name", o->names[0], "bsf",
		    gba_naf_connected(s->naf) ? "connected" : "not connected yet", NULL);
	while (sigwait(stop, &sig) == 0 && sig == SIGHUP)
		naf_server_reload(s);
	MHD_stop_daemon(d);
	return 0;
}

int main(int argc, char **argv)
{
	struct server s = { 0 };
	struct example_options o;
	sigset_t stop;
	char err[256];
	int fd, rc;

	if (example_options(&o, argc, argv) < 0)
		return 2;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread begins */
	signal(SIGPIPE, SIG_IGN);
	s.json = o.json;
	if (o.users && !(s.account = example_account_new(o.users)))
		return 2;
	fd = listen_on(&o.listen);
	if (fd < 0)
		return 1;
	s.naf = gba_naf_new(&o.naf, err, sizeof(err));
	if (!s.naf) {
		example_options_bad("cannot start", err);
		return 1;
	}
	rc = naf_server_serve(&s, &o, fd, &stop);
	gba_naf_free(s.naf);
	example_account_free(s.account);
	gba_naf_config_free(o.read);
	return rc < 0;
}
