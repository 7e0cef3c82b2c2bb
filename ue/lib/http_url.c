/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/http_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>

#include "common/base/ascii.h"

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

bool http_url_connect_to(const char *text)
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

/* \param[out] https NULL: http alone */
static bool is_ours(const char *scheme, bool *https)
{
	bool tls = strcmp(scheme, "https") == 0;

	if (https)
		*https = tls;
	return strcmp(scheme, "http") == 0 || (https && tls);
}

static int split(CURLU *u, const char *url, bool *https, char **host, char **target, struct err *err)
{
	char *scheme = part(u, CURLUPART_SCHEME), *name = part(u, CURLUPART_HOST), *path = part(u, CURLUPART_PATH);
	char *query = part(u, CURLUPART_QUERY), *user = part(u, CURLUPART_USER), *whole = NULL;
	int rc = 0;

	if (user)
		rc = err_set(err, -EINVAL, "a URL with a user name in it; the key of the card is what opens the page");
	else if (scheme && !is_ours(scheme, https))
		rc = err_set(err, -EPROTONOSUPPORT, "'%s': allowed is http://%s", url, https ? ", https://" : "");
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

int http_url_split_tls(const char *url, bool *https, char **host, char **target, struct err *err)
{
	CURLU *u = curl_url();
	int rc;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		rc = split(u, url, https, host, target, err);
	else
		rc = err_set(err, -EINVAL, "'%s' is no URL; allowed: http://HOST[:PORT]/PATH", url);
	curl_url_cleanup(u);
	return rc;
}

int http_url_split(const char *url, char **host, char **target, struct err *err)
{
	return http_url_split_tls(url, NULL, host, target, err);
}
