/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An application server whose users are known by their SIM: libmicrohttpd for HTTP, libgba-naf for who it is. It
 * uses the public header only, as any application would:
 *
 *   cc -o naf-server naf-server.c $(pkg-config --cflags --libs libgba-naf libmicrohttpd)
 *
 * GET /health needs no proof; everything else does. One line per request goes to standard error. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <microhttpd.h>
#include <gba/naf.h>

#define LIST_MAX     16
#define BODY_MAX     (64 * 1024)
#define LINE_MAX_LEN 2048
#define VALUE_MAX    200 /* octets of a value in a log line; in JSON each may take six */

struct options {
	struct sockaddr_in listen;
	bool json;
	const char *names[LIST_MAX], *bsf_names[LIST_MAX], *gsids[LIST_MAX];
	struct gba_naf_diameter diameter;
	struct gba_naf_config naf;
};

struct server {
	struct gba_naf *naf;
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

/* --- log: one line at a time, as text or as JSON */

/*! Of a long value the beginning: the others must not be pushed out of the line. */
static void json_string(FILE *f, const char *s)
{
	const char *begin = s;

	fputc('"', f);
	for (; *s && s - begin < VALUE_MAX; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputs(*s ? "...\"" : "\"", f);
}

/*! Quoted if there is a blank; nothing that comes from outside can end a value or a line. */
static void text_string(FILE *f, const char *s)
{
	const char *quote = strpbrk(s, " \"") ? "\"" : "", *begin = s;

	fputs(quote, f);
	for (; *s && s - begin < VALUE_MAX; s++)
		fputc((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f || *s == '"' ? '?' : *s, f);
	fprintf(f, "%s%s", *s ? "..." : "", quote);
}

/*! Local time with its zone; "" where the journal puts its own before our lines. */
static void now_text(char out[40])
{
	time_t t = time(NULL);
	struct tm tm;

	if (getenv("JOURNAL_STREAM") || !localtime_r(&t, &tm) || !strftime(out, 40, "%Y-%m-%dT%H:%M:%S%z", &tm))
		out[0] = '\0';
}

/*! name, value pairs up to NULL; empty values are left out. */
static void log_pairs(bool json, const char *event, ...)
{
	char line[LINE_MAX_LEN] = "";
	FILE *f = fmemopen(line, sizeof(line) - 1, "w");
	const char *name, *value;
	char now[40];
	va_list ap;

	if (!f)
		return;
	now_text(now);
	if (json)
		fprintf(f, "{\"time\":\"%s\",\"event\":", now);
	else if (now[0])
		fprintf(f, "%s ", now);
	(json ? json_string : text_string)(f, event);
	va_start(ap, event);
	while ((name = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		if (!*value)
			continue;
		fprintf(f, json ? ",\"%s\":" : " %s=", name);
		(json ? json_string : text_string)(f, value);
	}
	va_end(ap);
	fputs(json ? "}" : "", f);
	fclose(f);
	fprintf(stderr, "%s\n", line); /* one call, so lines of two threads do not mix */
}

static void on_naf_log(void *owner, enum gba_naf_log_level level, const char *text)
{
	const struct options *o = owner;

	if (level < GBA_NAF_LOG_NOTICE)
		return;
	log_pairs(o->json, "naf", "text", text, NULL);
}

static void log_request(const struct server *s, const char *method, const char *target, const struct gba_naf_answer *a,
			const char *status)
{
	char fingerprint[GBA_NAF_FINGERPRINT_LEN + 1] = "";

	gba_naf_key_fingerprint(a->key, fingerprint);
	log_pairs(s->json, s->json ? "request" : gba_naf_cause_name(a->cause), "method", method, "target", target,
		  "status", status, "verdict", gba_naf_verdict_name(a->verdict), "cause",
		  s->json ? gba_naf_cause_name(a->cause) : "", "run", a->run, "key_fingerprint", fingerprint,
		  NULL); /* not the B-TID: whoever has it can make the BSF and us work */
}

/* --- answers */

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, const char *text, struct gba_naf_answer *a)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	const char *info;
	enum MHD_Result rc;
	char seconds[16];

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "text/html; charset=utf-8");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	for (unsigned i = 0; a && i < a->n_challenges; i++)
		MHD_add_response_header(r, "WWW-Authenticate", a->challenge[i]);
	if (status == MHD_HTTP_BAD_REQUEST) /* who knows where the next request begins */
		MHD_add_response_header(r, "Connection", "close");
	if (a && a->retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%u", a->retry_after_s);
		MHD_add_response_header(r, "Retry-After", seconds);
	}
	if (a && a->verdict == GBA_NAF_ACCEPT) {
		info = gba_naf_digest_finish(a, text, strlen(text)); /* proves to the device who we are */
		if (info)
			MHD_add_response_header(r, "Authentication-Info", info);
	}
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static void make_page(char *out, size_t cap, const struct gba_naf_answer *a, const struct request *q)
{
	char until[32] = "";
	time_t t = a->key->expires_at;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(out, cap,
		 "<!doctype html>\n<title>Welcome</title>\n<h1>Welcome</h1>\n"
		 "<p>You never signed up here. Your SIM has proven who you are.</p>\n"
		 "<p>Known as: %s<br>Known until: %s<br>Your request: %zu octets of body.</p>\n",
		 a->key->impi[0] ? "a subscriber your operator has named" : "a subscriber without a name", until,
		 q->len);
}

static enum MHD_Result naf_server_answer(struct server *s, struct MHD_Connection *c, struct request *q)
{
	static const char *const refusals[] = {
		[GBA_NAF_CHALLENGE] = "<!doctype html>\n<h1>Show who you are</h1>\n",
		[GBA_NAF_DENY] = "<!doctype html>\n<h1>Not for you</h1>\n",
		[GBA_NAF_TEMPORARY] = "<!doctype html>\n<h1>Try again soon</h1>\n",
	};
	struct gba_naf_answer *a = q->early ? q->early : gba_naf_digest(s->naf, &q->naf);
	char page[1024], status[16];
	const char *text = page;
	enum MHD_Result rc;

	q->early = NULL;
	if (a->verdict == GBA_NAF_ACCEPT)
		make_page(page, sizeof(page), a, q);
	else
		text = refusals[a->verdict];
	snprintf(status, sizeof(status), "%d", a->status);
	log_request(s, q->naf.method, q->target, a, status);
	rc = send_text(c, (unsigned)a->status, text, a);
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
	return send_text(c, MHD_HTTP_CONTENT_TOO_LARGE, "<!doctype html>\n<h1>Too large</h1>\n", NULL);
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
	body = q->len + len > BODY_MAX ? NULL : realloc(q->body, q->len + len);
	if (!body) {
		q->too_large = true;
		return;
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
		return gba_naf_connected(s->naf) ? send_text(c, MHD_HTTP_OK, "ok\n", NULL)
						 : send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no BSF\n", NULL);
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
	free(q->body);
	free(q);
	*con = NULL;
}

/* --- options */

static void usage(FILE *f)
{
	fprintf(f, "usage: gba-naf-example [options]\n"
		   "A web page for devices that bootstrap with GBA.\n"
		   "  --listen ADDR:PORT    IPv4; port 0 takes a free one (127.0.0.1:8090)\n"
		   "  --fqdn FQDN           name devices use for this server, may be repeated (naf1.example.com)\n"
		   "  --identity NAME       our Diameter identity (the first FQDN)\n"
		   "  --realm NAME          our Diameter realm (example.com)\n"
		   "  --bsf HOST[:PORT]     the BSF (127.0.0.1:3868)\n"
		   "  --bsf-identity NAME   its Diameter identity (bsf.mnc001.mcc001.3gppnetwork.org)\n"
		   "  --bsf-realm NAME      its Diameter realm (mnc001.mcc001.3gppnetwork.org)\n"
		   "  --bsf-name FQDN       BSF name in B-TIDs, may be repeated\n"
		   "                        (bsf.mnc001.mcc001.pub.3gppnetwork.org and bsf.ims.mnc001...)\n"
		   "  --gsid N              service whose user security settings are asked for, may be repeated\n"
		   "  --deadline MS         longest wait for the BSF (3000)\n"
		   "  --sha256              offer SHA-256 before MD5\n"
		   "  --qop WORD            auth: most clients; auth-int: bodies protected too; both (auth)\n"
		   "  --key WORD            device: Ks_NAF, Ks_ext_NAF; card: Ks_int_NAF; both (device)\n"
		   "  --slash-optional      /page/ and /page are the same\n"
		   "  --json-log            log lines as JSON\n"
		   "  -h, --help\n");
}

static int bad_option(const char *what, const char *value)
{
	fprintf(stderr, "gba-naf-example: %s: %s\n", what, value);
	return -1;
}

static int read_listen(struct sockaddr_in *out, const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end;
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return bad_option("--listen wants ADDR:PORT, not", text);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || *(colon + 1) < '0' || *(colon + 1) > '9' || port > 65535 ||
	    inet_pton(AF_INET, host, &out->sin_addr) != 1)
		return bad_option("--listen wants ADDR:PORT, not", text);
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)port);
	return 0;
}

/* One of three words. */
static int read_choice(unsigned *out, const char *word, const char *const words[3], const unsigned values[2],
		       const char *wants)
{
	if (strcmp(word, words[0]) == 0)
		*out = values[0];
	else if (strcmp(word, words[1]) == 0)
		*out = values[1];
	else if (strcmp(word, words[2]) == 0)
		*out = values[0] | values[1];
	else
		return bad_option(wants, word);
	return 0;
}

static int read_qop(unsigned *out, const char *word)
{
	static const char *const words[] = { "auth", "auth-int", "both" };
	static const unsigned values[] = { GBA_NAF_AUTH, GBA_NAF_AUTH_INT };

	return read_choice(out, word, words, values, "--qop wants auth, auth-int or both, not");
}

static int read_key(unsigned *out, const char *word)
{
	static const char *const words[] = { "device", "card", "both" };
	static const unsigned values[] = { GBA_NAF_KEY_DEVICE, GBA_NAF_KEY_CARD };

	return read_choice(out, word, words, values, "--key wants device, card or both, not");
}

static int read_deadline(unsigned *out, const char *text)
{
	char *end;
	unsigned long ms = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !ms || ms > 3600000)
		return bad_option("--deadline wants 1 to 3600000 milliseconds, not", text);
	*out = (unsigned)ms;
	return 0;
}

static int naf_server_add(const char **list, size_t *n, const char *what, const char *value)
{
	if (*n == LIST_MAX)
		return bad_option("too many of", what);
	list[(*n)++] = value;
	return 0;
}

enum {
	LISTEN = 1,
	NAME,
	IDENTITY,
	REALM,
	BSF,
	BSF_IDENTITY,
	BSF_REALM,
	BSF_NAME,
	GSID,
	DEADLINE,
	SHA,
	QOP,
	KEY,
	SLASH,
	JSON
};

static int one_option(struct options *o, int opt, const char *value)
{
	switch (opt) {
	case LISTEN:
		return read_listen(&o->listen, value);
	case NAME:
		return naf_server_add(o->names, &o->naf.n_names, "--fqdn", value);
	case IDENTITY:
		o->diameter.identity = value;
		return 0;
	case REALM:
		o->diameter.realm = value;
		return 0;
	case BSF:
		o->diameter.bsf_address = value;
		return 0;
	case BSF_IDENTITY:
		o->diameter.bsf_identity = value;
		return 0;
	case BSF_REALM:
		o->diameter.bsf_realm = value;
		return 0;
	case BSF_NAME:
		return naf_server_add(o->bsf_names, &o->naf.n_bsf_names, "--bsf-name", value);
	case GSID:
		return naf_server_add(o->gsids, &o->naf.n_gsids, "--gsid", value);
	case DEADLINE:
		return read_deadline(&o->naf.deadline_ms, value);
	case SHA:
		o->naf.algorithms = GBA_NAF_SHA256 | GBA_NAF_MD5;
		return 0;
	case QOP:
		return read_qop(&o->naf.qop, value);
	case KEY:
		return read_key(&o->naf.keys, value);
	case SLASH:
		o->naf.slash_optional = true;
		return 0;
	case JSON:
		o->json = true;
		return 0;
	default:
		usage(stderr);
		return -1;
	}
}

static int read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "listen", 1, NULL, LISTEN },
		{ "fqdn", 1, NULL, NAME },
		{ "identity", 1, NULL, IDENTITY },
		{ "realm", 1, NULL, REALM },
		{ "bsf", 1, NULL, BSF },
		{ "bsf-identity", 1, NULL, BSF_IDENTITY },
		{ "bsf-realm", 1, NULL, BSF_REALM },
		{ "bsf-name", 1, NULL, BSF_NAME },
		{ "gsid", 1, NULL, GSID },
		{ "deadline", 1, NULL, DEADLINE },
		{ "sha256", 0, NULL, SHA },
		{ "qop", 1, NULL, QOP },
		{ "key", 1, NULL, KEY },
		{ "slash-optional", 0, NULL, SLASH },
		{ "json-log", 0, NULL, JSON },
		{ "help", 0, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (opt == 'h') {
			usage(stdout);
			exit(0);
		}
		if (one_option(o, opt, optarg) < 0)
			return -1;
	}
	return optind < argc ? bad_option("no argument is expected", argv[optind]) : 0;
}

static void defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	gba_naf_config_init(&o->naf);
	gba_naf_diameter_init(&o->diameter);
	read_listen(&o->listen, "127.0.0.1:8090");
	o->diameter.realm = "example.com";
	o->diameter.bsf_address = "127.0.0.1:3868";
	o->diameter.bsf_identity = "bsf.mnc001.mcc001.3gppnetwork.org";
	o->diameter.bsf_realm = "mnc001.mcc001.3gppnetwork.org";
}

static void naf_server_complete(struct options *o)
{
	if (!o->naf.n_names)
		naf_server_add(o->names, &o->naf.n_names, "", "naf1.example.com");
	if (!o->naf.n_bsf_names) {
		naf_server_add(o->bsf_names, &o->naf.n_bsf_names, "", "bsf.mnc001.mcc001.pub.3gppnetwork.org");
		naf_server_add(o->bsf_names, &o->naf.n_bsf_names, "", "bsf.ims.mnc001.mcc001.pub.3gppnetwork.org");
	}
	if (!o->diameter.identity)
		o->diameter.identity = o->names[0];
	o->naf.names = o->names;
	o->naf.bsf_names = o->bsf_names;
	o->naf.gsids = o->gsids;
	o->naf.diameter = &o->diameter;
	o->naf.log = on_naf_log;
	o->naf.log_owner = o;
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

static int naf_server_serve(struct server *s, const struct options *o, int listen_fd, const sigset_t *stop)
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
		return bad_option("cannot start", "no HTTP server");
	address_text(at, &o->listen);
	log_pairs(o->json, "ready", "listen", at, "name", o->names[0], "bsf",
		  gba_naf_connected(s->naf) ? "connected" : "not connected yet", NULL);
	sigwait(stop, &sig);
	MHD_stop_daemon(d);
	return 0;
}

int main(int argc, char **argv)
{
	struct server s = { 0 };
	struct options o;
	sigset_t stop;
	char err[256];
	int fd, rc;

	defaults(&o);
	if (read_options(&o, argc, argv) < 0)
		return 2;
	naf_server_complete(&o);
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread begins */
	signal(SIGPIPE, SIG_IGN);
	fd = listen_on(&o.listen);
	if (fd < 0)
		return 1;
	s.json = o.json;
	s.naf = gba_naf_new(&o.naf, err, sizeof(err));
	if (!s.naf) {
		bad_option("cannot start", err);
		return 1;
	}
	rc = naf_server_serve(&s, &o, fd, &stop);
	gba_naf_free(s.naf);
	return rc < 0;
}
