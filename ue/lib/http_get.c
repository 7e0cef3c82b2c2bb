/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/http_get.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>

#include "common/base/ascii.h"
#include "common/http/auth_param.h"
#include "ue/lib/trace.h"

struct http_get {
	CURL *curl;
	struct curl_slist *connect_to;
	bool trace;
	char error[CURL_ERROR_SIZE];
};

struct collect {
	struct http_answer *answer;
	size_t head_len; /* octets of all header lines so far, those of interim answers and behind the body too */
	size_t body_cap;
	bool too_long, no_memory;
};

struct http_get *http_get_new(const struct http_get_cfg *cfg, struct err *err)
{
	struct http_get *h = calloc(1, sizeof(*h));

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(h->curl = curl_easy_init())) {
		free(h);
		err_set(err, -ENOMEM, "libcurl cannot be started");
		return NULL;
	}
	for (size_t i = 0; i < cfg->n_connect_to; i++)
		h->connect_to = curl_slist_append(h->connect_to, cfg->connect_to[i]);
	h->trace = cfg->trace;
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(h->curl, CURLOPT_CONNECT_TO, h->connect_to);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, cfg->timeout_s);
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(h->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* a proxy of the environment would change the path the credentials take */
	curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	return h;
}

void http_get_free(struct http_get *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->connect_to);
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

int http_get_run(struct http_get *h, struct http_answer *out, const char *url, const char *target,
		 const char *authorization, const char *user_agent, struct err *err)
{
	struct http_answer a = { 0 };
	struct collect c = { .answer = &a };
	struct curl_slist *list = headers(authorization);
	CURLcode rc;

	h->error[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_REQUEST_TARGET, target);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, user_agent);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, &c);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, &c);
	curl_easy_setopt(h->curl, CURLOPT_DEBUGFUNCTION, on_trace);
	curl_easy_setopt(h->curl, CURLOPT_VERBOSE, h->trace ? 1L : 0L);
	rc = curl_easy_perform(h->curl);
	curl_slist_free_all(list);
	if (rc == CURLE_OK) {
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &a.status);
		auth_unescape(a.www_authenticate);
		auth_unescape(a.authentication_info);
		*out = a;
		return 0;
	}
	http_answer_clear(&a);
	if (c.too_long)
		return err_set(err, -EFBIG, "%s: header longer than %d octets, or body than %d", url, HTTP_HEAD_MAX,
			       HTTP_BODY_MAX);
	return err_set(err, rc == CURLE_URL_MALFORMAT ? -EINVAL : -EIO, "%s: %s", url,
		       h->error[0] ? h->error : curl_easy_strerror(rc));
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

static bool next_line(struct http_challenges *c)
{
	size_t len;

	if (!c->lines || !*c->lines)
		return false;
	len = strcspn(c->lines, "\n");
	c->line = span_of(c->lines, len);
	c->lines += len + (c->lines[len] == '\n');
	return true;
}

bool http_challenge_next(struct challenge_hdr *out, struct http_challenges *c)
{
	do {
		while (c->line.len) {
			if (c->line.len > CHALLENGE_HDR_MAX)
				c->line.len = 0;
			else if (challenge_hdr_next(out, &c->line) == 0)
				return true;
		}
	} while (next_line(c));
	return false;
}

/* Behind a host and its colon. \returns NULL: none there */
static const char *host_end(const char *p)
{
	if (*p == '[') {
		p += 1 + strspn(p + 1, "0123456789abcdefABCDEF:.%");
		if (*p++ != ']')
			return NULL;
	} else {
		p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
	}
	return *p == ':' ? p + 1 : NULL;
}

static const char *port_end(const char *p)
{
	size_t n = strspn(p, "0123456789");

	return n > 5 || (n && (strtoul(p, NULL, 10) > 65535 || strtoul(p, NULL, 10) == 0)) ? NULL : p + n;
}

bool http_connect_to_valid(const char *text)
{
	const char *p = host_end(text);

	p = p ? port_end(p) : NULL;
	p = p && *p == ':' ? host_end(p + 1) : NULL;
	p = p ? port_end(p) : NULL;
	return p && !*p;
}

/* \returns malloc'ed; NULL if the URL has no such part, or it cannot stand in a header as it is */
static char *part(CURLU *u, CURLUPart what)
{
	char *text = NULL, *copy = NULL;

	if (curl_url_get(u, what, &text, 0) != CURLUE_OK)
		return NULL;
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
			goto out;
	}
	copy = strdup(text);
out:
	curl_free(text);
	return copy;
}

static bool has_query(CURLU *u)
{
	char *text = NULL;
	bool has = curl_url_get(u, CURLUPART_QUERY, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

static int split(CURLU *u, const char *url, char **host, char **target, struct err *err)
{
	char *scheme = part(u, CURLUPART_SCHEME), *name = part(u, CURLUPART_HOST), *path = part(u, CURLUPART_PATH);
	char *query = part(u, CURLUPART_QUERY), *user = part(u, CURLUPART_USER), *whole = NULL;
	int rc = 0;

	if (user)
		rc = err_set(err, -EINVAL, "a URL with a user name in it; the key of the card is what opens the page");
	else if (scheme && strcmp(scheme, "http") != 0)
		rc = err_set(err, -EPROTONOSUPPORT, "'%s': allowed is http://", url);
	else if (!scheme || !name || !path || (!query && has_query(u)))
		rc = err_set(err, -EINVAL, "'%s' is no URL; allowed: http://HOST[:PORT]/PATH in ASCII", url);
	else if (asprintf(&whole, "%s%s%s", path, query ? "?" : "", query ? query : "") < 0)
		rc = -ENOMEM;
	if (rc == 0) {
		ascii_lower_copy(name, name, strlen(name));
		*host = name;
		*target = whole;
		name = NULL;
	}
	free(scheme);
	free(name);
	free(path);
	free(query);
	free(user);
	return rc;
}

int http_url_split(const char *url, char **host, char **target, struct err *err)
{
	CURLU *u = curl_url();
	int rc;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		rc = split(u, url, host, target, err);
	else
		rc = err_set(err, -EINVAL, "'%s' is no URL; allowed: http://HOST[:PORT]/PATH", url);
	curl_url_cleanup(u);
	return rc;
}
