/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_naf.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gba/naf.h>
#include <microhttpd.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/gba/guss.h"
#include "common/rt/cfg_file.h"
#include "common/rt/log_cat.h"
#include "reg/reg_naf_tls.h"
#include "reg/reg_own.h"
#include "reg/reg_text.h"

#define THREADS     4 /* each waits for the BSF with its request */
#define CONNECTIONS 200
#define OF_ADDRESS  (CONNECTIONS / 4) /* of one address: others get in, also behind a translator that many share */
#define IDLE_S      15u

static struct {
	char *address, *port, *conf_typed, *fqdn;
	int line;
} own_app;

static struct gba_naf_config *conf;
static struct gba_naf *naf;
static struct MHD_Daemon *web;
static struct reg_work *reader;

/* --- configuration */

#define OWN "The registry's own application, where a device asks which ones it may use\n"

DEFUN(own_app_listen, own_app_listen_cmd, "own-app listen ADDRESS <1-65535>",
      OWN
      "Where devices reach it, HTTP with the Digest of GBA, or HTTPS where it has a certificate\nIPv4 or IPv6 address\nTCP port\n")
{
	struct sockaddr_storage sa;

	CFG_AT_START_ONLY(vty);
	if (sockaddr_parse(&sa, argv[0], argv[1]) < 0)
		return cfg_fail(vty, "'%s' is no address; allowed: IPv4 or IPv6", argv[0]);
	if (own_app.address)
		return cfg_fail(vty, "own-app listen stands here already; allowed: once");
	own_app.address = talloc_strdup(tall_vty_ctx, argv[0]);
	own_app.port = talloc_strdup(tall_vty_ctx, argv[1]);
	own_app.line = cfg_line();
	return CMD_SUCCESS;
}

DEFUN(own_app_conf, own_app_conf_cmd, "own-app naf-conf PATH",
      OWN "What 'app add' or 'app conf' has answered for it\nRelative to the folder of this file\n")
{
	char err[512], *path;

	CFG_AT_START_ONLY(vty);
	if (conf)
		return cfg_fail(vty, "own-app naf-conf stands here already; allowed: once");
	path = cfg_path(tall_vty_ctx, argv[0]);
	conf = gba_naf_config_read(path, err, sizeof(err));
	talloc_free(path);
	if (!conf)
		return cfg_fail(vty, "%s", err);
	own_app.fqdn = talloc_strdup(tall_vty_ctx, conf->names[0]);
	reg_own_init(own_app.fqdn);
	own_app.conf_typed = talloc_strdup(tall_vty_ctx, argv[0]);
	own_app.line = cfg_line();
	return CMD_SUCCESS;
}

void reg_naf_write(struct vty *vty)
{
	if (own_app.address)
		vty_out(vty, " own-app listen %s %s%s", own_app.address, own_app.port, VTY_NEWLINE);
	if (own_app.conf_typed)
		vty_out(vty, " own-app naf-conf %s%s", own_app.conf_typed, VTY_NEWLINE);
	reg_naf_tls_write(vty);
}

void reg_naf_cfg_init(int registry_node)
{
	install_element(registry_node, &own_app_listen_cmd);
	install_element(registry_node, &own_app_conf_cmd);
	reg_naf_tls_cfg_init(registry_node);
}

int reg_naf_verify(struct err *err)
{
	if (!own_app.address != !conf)
		return cfg_error(err, -EINVAL, own_app.line, "'own-app listen' and 'own-app naf-conf' go together");
	if (conf && !conf->n_gsids)
		return cfg_error(err, -EINVAL, own_app.line, "own-app naf-conf: there is no 'gsid' in that file");
	return reg_naf_tls_verify(own_app.fqdn, err);
}

char *reg_naf_url(void)
{
	const char *scheme = reg_naf_tls_is_on() ? "https" : "http", *port = reg_naf_tls_is_on() ? "443" : "80";
	bool usual = own_app.port && strcmp(own_app.port, port) == 0;
	char *url = NULL;

	if (own_app.fqdn &&
	    asprintf(&url, "%s://%s%s%s/", scheme, own_app.fqdn, usual ? "" : ":", usual ? "" : own_app.port) < 0)
		return NULL;
	return url;
}

/* --- one request */

struct request {
	char *target; /* as in the request line */
	char source[SOCKADDR_TEXT];
	struct gba_naf_request naf;
	uint8_t ua[UA_ID_LEN];
	bool begun;
};

/* An order of the reader, and who waits for it. */
struct wait {
	pthread_mutex_t lock;
	pthread_cond_t is_over;
	struct reg_order *over;
};

static void wake_up(struct reg_order *o)
{
	struct wait *w = o->data;

	pthread_mutex_lock(&w->lock);
	w->over = o;
	pthread_cond_signal(&w->is_over);
	pthread_mutex_unlock(&w->lock);
}

/* \returns malloc'ed JSON; NULL: it cannot be said now */
static char *apps_of(const char *uid)
{
	struct wait w = { .lock = PTHREAD_MUTEX_INITIALIZER, .is_over = PTHREAD_COND_INITIALIZER };
	struct reg_order *o = reg_order_new(reg_own_list, json_pack("{ss si}", "uid", uid, "limit", REG_GRANTS_MAX));
	char *text = NULL;

	if (!o)
		return NULL;
	o->data = &w;
	o->ended = wake_up;
	if (reg_work_give(reader, o) < 0) {
		reg_order_free(o);
		return NULL;
	}
	pthread_mutex_lock(&w.lock);
	while (!w.over)
		pthread_cond_wait(&w.is_over, &w.lock);
	pthread_mutex_unlock(&w.lock);
	if (o->rc >= 0)
		text = json_dumps(o->answer, JSON_COMPACT | JSON_ENSURE_ASCII);
	reg_order_free(o);
	return text;
}

/* What we know the device by. \param[out] uid "" if the operator has said nothing */
static void uid_of(char uid[REG_UID + 1], const struct gba_naf_key *key)
{
	struct guss *g = NULL;

	uid[0] = '\0';
	if (!key->uss_list || guss_parse(&g, (const uint8_t *)key->uss_list, key->uss_list_len, NULL) < 0)
		return;
	for (size_t i = 0; i < g->n_uss; i++) {
		const struct guss_uss *u = &g->uss[i];

		if (strcmp(u->id, conf->gsids[0]) == 0 && u->n_uids && strlen(u->uids[0]) <= REG_UID)
			strcpy(uid, u->uids[0]);
	}
	guss_free(g);
}

static enum MHD_Result send_list(struct MHD_Connection *c, struct gba_naf_answer *a, unsigned status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	const char *proof = a->verdict == GBA_NAF_ACCEPT ? gba_naf_digest_finish(a, text, strlen(text)) : NULL;
	enum MHD_Result rc;
	char seconds[16];

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "application/json");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	for (unsigned i = 0; i < a->n_challenges; i++)
		MHD_add_response_header(r, "WWW-Authenticate", a->challenge[i]);
	if (proof)
		MHD_add_response_header(r, "Authentication-Info", proof);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
		snprintf(seconds, sizeof(seconds), "%u", a->retry_after_s ? a->retry_after_s : 1);
		MHD_add_response_header(r, "Retry-After", seconds);
	}
	if (status == MHD_HTTP_BAD_REQUEST) /* who knows where the next request begins */
		MHD_add_response_header(r, "Connection", "close");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result reg_naf_answer(struct MHD_Connection *c, const struct request *q)
{
	struct gba_naf_answer *a = gba_naf_digest(naf, &q->naf);
	unsigned status = (unsigned)a->status;
	char uid[REG_UID + 1], *text = NULL;
	enum MHD_Result rc;

	if (a->verdict == GBA_NAF_ACCEPT && strcmp(q->naf.method, "GET") != 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
	} else if (a->verdict == GBA_NAF_ACCEPT && strcmp(q->target, "/") != 0) {
		status = MHD_HTTP_NOT_FOUND;
	} else if (a->verdict == GBA_NAF_ACCEPT) {
		uid_of(uid, a->key);
		text = apps_of(uid);
		status = text ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	LOGT(DNAF, LOGL_INFO, "run %s: applications asked for: %u, %s\n", a->run[0] ? a->run : "-", status,
	     gba_naf_cause_name(a->cause));
	rc = send_list(c, a, status, text ? text : "{}");
	free(text);
	gba_naf_answer_free(a);
	return rc;
}

/* --- libmicrohttpd's callbacks */

static void *reg_naf_on_target(void *cls, const char *target, struct MHD_Connection *c)
{
	struct request *q = calloc(1, sizeof(*q));

	if (q)
		q->target = strdup(target);
	return q;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	gba_naf_request_header(cls, name, value);
	return MHD_YES;
}

/* \returns false: by TLS of a suite that has no identifier */
static bool say_ua(struct request *q, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!reg_naf_tls_is_on())
		return true;
	q->naf.ua_id = q->ua;
	return i && reg_naf_tls_ua(q->ua, i->tls_session);
}

static enum MHD_Result reg_naf_begin(struct request *q, struct MHD_Connection *c, const char *method)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	q->begun = true;
	gba_naf_request_init(&q->naf);
	q->naf.method = method;
	q->naf.target = q->target;
	if (i) {
		sockaddr_host_text(q->source, i->client_addr);
		q->naf.source = q->source;
	}
	MHD_get_connection_values(c, MHD_HEADER_KIND, on_field, &q->naf);
	return say_ua(q, c) ? MHD_YES : MHD_NO;
}

/* A body is read over: no request here has one. */
static enum MHD_Result reg_naf_on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
					  const char *version, const char *data, size_t *len, void **con)
{
	struct request *q = *con;

	if (!q || !q->target)
		return MHD_NO;
	if (!q->begun)
		return reg_naf_begin(q, c, method);
	if (*len) {
		*len = 0;
		return MHD_YES;
	}
	return reg_naf_answer(c, q);
}

static void reg_naf_on_over(void *cls, struct MHD_Connection *c, void **con, enum MHD_RequestTerminationCode why)
{
	struct request *q = *con;

	if (q)
		free(q->target);
	free(q);
	*con = NULL;
}

/* --- start and end */

static void on_naf_said(void *owner, enum gba_naf_log_level level, const char *text)
{
	static const int levels[] = { LOGL_DEBUG, LOGL_INFO, LOGL_NOTICE, LOGL_ERROR };

	LOGT(DNAF, levels[level], "%s\n", text);
}

/* \returns descriptor; -errno */
static int listen_at(const struct sockaddr_storage *at)
{
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, rc;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind(fd, (const struct sockaddr *)at, sockaddr_len(at)) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

static struct MHD_Daemon *reg_naf_serve(int fd, struct err *err)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (reg_naf_tls_is_on() ? MHD_USE_TLS : 0u);
	struct MHD_OptionItem tls[REG_NAF_TLS_OPTIONS];
	struct MHD_Daemon *d;

	if (reg_naf_tls_begin(tls, err) < 0)
		return NULL;
	d = MHD_start_daemon(flags, 0, NULL, NULL, reg_naf_on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
			     MHD_OPTION_URI_LOG_CALLBACK, reg_naf_on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED,
			     reg_naf_on_over, NULL, MHD_OPTION_NOTIFY_CONNECTION, reg_naf_tls_on_connection, NULL,
			     MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
			     MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
			     MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)OF_ADDRESS, MHD_OPTION_ARRAY, tls,
			     MHD_OPTION_END);
	reg_naf_tls_done();
	if (!d)
		cfg_error(err, -ENOMEM, own_app.line, "own-app: no HTTP server");
	return d;
}

int reg_naf_probe(struct cfg_ports *ports, struct err *err)
{
	struct sockaddr_storage at;

	if (!own_app.address || sockaddr_parse(&at, own_app.address, own_app.port) < 0)
		return 0;
	return cfg_ports_take(ports, &at, own_app.line, "own-app", err);
}

int reg_naf_start(struct reg_work *r, struct err *err)
{
	struct sockaddr_storage at;
	char why[256];
	int fd;

	if (!conf)
		return 0;
	reader = r;
	conf->log = on_naf_said;
	naf = gba_naf_new(conf, why, sizeof(why));
	if (!naf)
		return cfg_error(err, -EINVAL, own_app.line, "own-app: %s", why);
	sockaddr_parse(&at, own_app.address, own_app.port);
	fd = listen_at(&at);
	if (fd < 0)
		return cfg_error(err, fd, own_app.line, "own-app listen %s %s: %s", own_app.address, own_app.port,
				 strerror(-fd));
	web = reg_naf_serve(fd, err);
	if (!web)
		close(fd);
	return web ? 0 : -ENOMEM;
}

void reg_naf_stop(void)
{
	if (web)
		MHD_stop_daemon(web);
	reg_naf_tls_end();
	gba_naf_free(naf);
	gba_naf_config_free(conf);
	web = NULL;
	naf = NULL;
	conf = NULL;
}
