/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/http_get.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <curl/curl.h>
#include <openssl/ssl.h>

#include "common/base/ascii.h"
#include "common/http/auth_param.h"
#include "ue/lib/trace.h"

struct collect {
	struct http_answer *answer;
	CURL *curl;
	size_t head_len; /* octets of all header lines so far, those of interim answers and behind the body too */
	size_t body_cap;
	bool too_long, no_memory;
};

struct http_get {
	CURL *curl;
	CURLM *multi; /* has curl while a request is under way */
	int epoll_fd; /* of libcurl's sockets and of its clock */
	int clock_fd;
	bool busy;
	struct curl_slist *connect_to, *headers;
	struct http_answer answer;
	struct collect collect;
	char *url; /* for what is said of it */
	bool trace;
	char error[CURL_ERROR_SIZE];
};

/* libcurl wants to know when this socket is ready. */
static int on_socket(CURL *curl, curl_socket_t fd, int what, void *owner, void *known)
{
	struct http_get *h = owner;
	struct epoll_event ev = { .data.fd = fd };

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(h->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) < 0)
		return -1;
	curl_multi_assign(h->multi, fd, h);
	return 0;
}

static int on_clock(CURLM *multi, long ms, void *owner)
{
	struct http_get *h = owner;
	struct itimerspec at = { 0 };

	if (ms >= 0) {
		at.it_value.tv_sec = ms / 1000;
		at.it_value.tv_nsec = ms % 1000 * 1000000 + !ms; /* 0 would stop the clock */
	}
	return timerfd_settime(h->clock_fd, 0, &at, NULL);
}

static bool set_up_curl(struct http_get *h, const struct http_get_cfg *cfg)
{
	h->curl = curl_easy_init();
	h->multi = curl_multi_init();
	if (!h->curl || !h->multi)
		return false;
	for (size_t i = 0; i < cfg->n_connect_to; i++)
		h->connect_to = curl_slist_append(h->connect_to, cfg->connect_to[i]);
	h->trace = cfg->trace;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_clock);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(h->curl, CURLOPT_CONNECT_TO, h->connect_to);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, cfg->timeout_s);
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, cfg->https ? "https" : "http");
	if (cfg->ca && curl_easy_setopt(h->curl, CURLOPT_CAINFO, cfg->ca) != CURLE_OK)
		return false;
	curl_easy_setopt(h->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* a proxy of the environment would change the path the credentials take */
	curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	return true;
}

static bool set_up_fds(struct http_get *h)
{
	struct epoll_event ev = { .events = EPOLLIN };

	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ev.data.fd = h->clock_fd;
	return h->epoll_fd >= 0 && h->clock_fd >= 0 && epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->clock_fd, &ev) == 0;
}

struct http_get *http_get_new(const struct http_get_cfg *cfg, struct err *err)
{
	struct http_get *h = calloc(1, sizeof(*h));

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(h);
		err_set(err, -ENOMEM, "libcurl cannot be started");
		return NULL;
	}
	h->epoll_fd = h->clock_fd = -1;
	if (!set_up_fds(h) || !set_up_curl(h, cfg)) {
		err_set(err, -ENOMEM, "libcurl cannot be started");
		http_get_free(h);
		return NULL;
	}
	return h;
}

void http_get_free(struct http_get *h)
{
	if (!h)
		return;
	http_get_stop(h);
	curl_easy_cleanup(h->curl);
	curl_multi_cleanup(h->multi);
	curl_slist_free_all(h->connect_to);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	if (h->clock_fd >= 0)
		close(h->clock_fd);
	free(h);
	curl_global_cleanup();
}

/* The value behind "Name:", on a line of its own behind what stood there before. */
static bool http_take(char **to, const char *line, size_t len, const char *name)
{
	size_t n = strlen(name), old = *to ? strlen(*to) : 0;
	char *joined;

	if (len <= n || strncasecmp(line, name, n) != 0)
		return true;
	line += n;
	len -= n;
	while (len && isspace((unsigned char)*line)) {
		line++;
		len--;
	}
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	joined = realloc(*to, old + len + 2);
	if (!joined)
		return false;
	snprintf(joined + old, len + 2, "%s%.*s", old ? "\n" : "", (int)len, line);
	*to = joined;
	return true;
}

/* While the connection is there. */
static uint16_t suite_of(CURL *curl)
{
	struct curl_tlssessioninfo *tls = NULL;
	const SSL_CIPHER *c = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls &&
	    tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals)
		c = SSL_get_current_cipher(tls->internals);
	return c ? SSL_CIPHER_get_protocol_id(c) : 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *data)
{
	struct collect *c = data;
	struct http_answer *a = c->answer;
	size_t len = size * n;

	c->head_len += len; /* libcurl does not bound what comes behind the body */
	c->too_long = c->head_len > HTTP_HEAD_MAX;
	if (c->too_long)
		return 0;
	if (len > 5 && memcmp(line, "HTTP/", 5) == 0 && !a->body) {
		http_answer_clear(a); /* an interim answer came before; behind a body it is a field */
		a->suite = suite_of(c->curl);
		return len;
	}
	if (http_take(&a->www_authenticate, line, len, "WWW-Authenticate:") &&
	    http_take(&a->authentication_info, line, len, "Authentication-Info:") &&
	    http_take(&a->server, line, len, "Server:") && http_take(&a->retry_after, line, len, "Retry-After:") &&
	    http_take(&a->date, line, len, "Date:"))
		return len;
	c->no_memory = true;
	return 0;
}

/* Twice as much each time: a body may come octet by octet. */
static bool http_body_room(struct collect *c, size_t need)
{
	uint8_t *body;

	if (need <= c->body_cap)
		return true;
	body = realloc(c->answer->body, 2 * need);
	c->no_memory = !body;
	if (!body)
		return false;
	c->answer->body = body;
	c->body_cap = 2 * need;
	return true;
}

static size_t on_body(char *data, size_t size, size_t n, void *owner)
{
	struct collect *c = owner;
	struct http_answer *a = c->answer;
	size_t len = size * n;

	c->too_long = len > HTTP_BODY_MAX - a->body_len;
	if (c->too_long || !http_body_room(c, a->body_len + len + 1))
		return 0;
	memcpy(a->body + a->body_len, data, len);
	a->body_len += len;
	a->body[a->body_len] = '\0';
	return len;
}

static int on_trace(CURL *curl, curl_infotype type, char *data, size_t len, void *owner)
{
	switch (type) {
	case CURLINFO_HEADER_OUT:
		trace_message('>', data, len);
		break;
	case CURLINFO_HEADER_IN:
		trace_message('<', data, len);
		break;
	case CURLINFO_DATA_IN:
		trace_message(' ', data, len);
		break;
	default:
		break;
	}
	return 0;
}

static struct curl_slist *headers(const char *authorization)
{
	struct curl_slist *list = curl_slist_append(NULL, "Accept: */*");
	char *line = NULL;

	if (authorization && asprintf(&line, "Authorization: %s", authorization) >= 0)
		list = curl_slist_append(list, line);
	free(line);
	return list;
}

int http_get_start(struct http_get *h, const char *url, const char *target, const char *authorization,
		   const char *user_agent, struct err *err)
{
	http_get_stop(h);
	h->url = strdup(url);
	h->headers = headers(authorization);
	h->collect = (struct collect){ .answer = &h->answer, .curl = h->curl };
	h->error[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_REQUEST_TARGET, target);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, user_agent);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, &h->collect);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, &h->collect);
	curl_easy_setopt(h->curl, CURLOPT_DEBUGFUNCTION, on_trace);
	curl_easy_setopt(h->curl, CURLOPT_VERBOSE, h->trace ? 1L : 0L);
	h->busy = h->url && h->headers && curl_multi_add_handle(h->multi, h->curl) == CURLM_OK;
	return h->busy ? 0 : err_set(err, -ENOMEM, "no memory for a request");
}

int http_get_fd(const struct http_get *h)
{
	return h->epoll_fd;
}

/* Give libcurl what is ready now. */
static void turn(struct http_get *h)
{
	struct epoll_event ev[8];
	uint64_t ticks;
	int running, n = epoll_wait(h->epoll_fd, ev, 8, 0);

	for (int i = 0; i < n; i++) {
		int what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		if (ev[i].data.fd != h->clock_fd)
			curl_multi_socket_action(h->multi, ev[i].data.fd, what, &running);
		else if (read(h->clock_fd, &ticks, sizeof(ticks)) == sizeof(ticks))
			curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

static int broken_off(struct http_get *h, CURLcode rc, struct err *err)
{
	if (h->collect.too_long)
		return err_set(err, -EFBIG, "%s: header longer than %d octets, or body than %d", h->url, HTTP_HEAD_MAX,
			       HTTP_BODY_MAX);
	return err_set(err,
		       rc == CURLE_URL_MALFORMAT              ? -EINVAL
		       : rc == CURLE_PEER_FAILED_VERIFICATION ? -EKEYREJECTED
							      : -EIO,
		       "%s: %s", h->url, h->error[0] ? h->error : curl_easy_strerror(rc));
}

int http_get_step(struct http_get *h, struct http_answer *out, struct err *err)
{
	struct http_answer *a = &h->answer;
	CURLMsg *msg;
	int left, rc = 0;

	if (!h->busy)
		return err_set(err, -EIO, "no request is under way");
	turn(h);
	do {
		msg = curl_multi_info_read(h->multi, &left);
		if (!msg)
			return -EINPROGRESS;
	} while (msg->msg != CURLMSG_DONE);
	if (msg->data.result == CURLE_OK) {
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &a->status);
		auth_unescape(a->www_authenticate);
		auth_unescape(a->authentication_info);
		*out = *a;
		*a = (struct http_answer){ 0 };
	} else {
		rc = broken_off(h, msg->data.result, err);
	}
	http_get_stop(h);
	return rc;
}

void http_get_stop(struct http_get *h)
{
	if (h->busy)
		curl_multi_remove_handle(h->multi, h->curl);
	h->busy = false;
	curl_slist_free_all(h->headers);
	h->headers = NULL;
	free(h->url);
	h->url = NULL;
	http_answer_clear(&h->answer);
}

void http_answer_clear(struct http_answer *a)
{
	free(a->www_authenticate);
	free(a->authentication_info);
	free(a->server);
	free(a->retry_after);
	free(a->date);
	free(a->body);
	*a = (struct http_answer){ 0 };
}
