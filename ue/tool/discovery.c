/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/discovery.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include "common/base/hex.h"
#include "common/gba/gba_time.h"
#include "ue/lib/http_url.h"

/* Visible characters of ASCII without a blank, at most max. \returns NULL: it is none */
static const char *short_text(const json_t *v, size_t max)
{
	const char *s = json_string_value(v);

	if (!s || !*s || json_string_length(v) > max || strlen(s) != json_string_length(v))
		return NULL;
	for (const char *p = s; *p; p++) {
		if (*p <= ' ' || *p > '~')
			return NULL;
	}
	return s;
}

static bool read_name(char *out, const json_t *v, size_t max)
{
	const char *s = short_text(v, max);

	if (!s || !fqdn_valid(span_str(s), max))
		return false;
	strcpy(out, s);
	return true;
}

static bool read_realm(struct discovery *d, const json_t *v)
{
	return read_name(d->realm, v, GBA_UE_REALM_MAX);
}

/* \param[in] https is it allowed, too? */
static bool read_http(char *out, const json_t *v, bool https)
{
	const char *s = short_text(v, DISCOVERY_URL_MAX);
	char *host = NULL, *target = NULL;
	bool tls = false;
	struct err unused;
	bool ok = s && (strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0) &&
		  http_url_split_tls(s, &tls, &host, &target, &unused) == 0 && (https || !tls);

	if (ok)
		strcpy(out, s);
	free(host);
	free(target);
	return ok;
}

static bool read_bsf_url(struct discovery *d, const json_t *v)
{
	return read_http(d->bsf_url, v, false);
}

static bool read_apps(struct discovery *d, const json_t *v)
{
	return read_http(d->apps, v, true);
}

static bool read_web(char *out, const json_t *v)
{
	static const char https[] = "https://";
	const char *s = short_text(v, DISCOVERY_URL_MAX);

	if (!s || strncmp(s, https, strlen(https)) != 0 || strpbrk(s, "\"\\<>@") || !s[strlen(https)])
		return false;
	strcpy(out, s);
	return true;
}

static bool read_registry(struct discovery *d, const json_t *v)
{
	return read_web(d->registry, v);
}

static bool read_catalogue(struct discovery *d, const json_t *v)
{
	return read_web(d->catalogue, v);
}

static bool has_items(const json_t *v)
{
	return json_is_array(v) && json_array_size(v) && json_array_size(v) <= DISCOVERY_LIST_MAX;
}

static bool read_bsf_names(struct discovery *d, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (!has_items(v))
		return false;
	json_array_foreach(v, i, one)
	{
		if (!read_name(d->bsf_names[d->n_bsf_names++], one, BSF_NAME_MAX))
			return false;
	}
	return true;
}

static bool read_ua(struct discovery *d, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (!has_items(v))
		return false;
	json_array_foreach(v, i, one)
	{
		const char *s = short_text(one, 2 * UA_ID_LEN);

		if (!s || strspn(s, "0123456789abcdef") != strlen(s) ||
		    hex_decode(d->ua[d->n_ua++], UA_ID_LEN, s, strlen(s)) != UA_ID_LEN)
			return false;
	}
	return true;
}

/* A kind that is not known is one of later. */
static bool read_keys(struct discovery *d, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (!has_items(v))
		return false;
	json_array_foreach(v, i, one)
	{
		const char *s = short_text(one, 32);

		if (!s)
			return false;
		if (strcmp(s, "device") == 0)
			d->keys |= DISCOVERY_KEY_DEVICE;
		else if (strcmp(s, "card") == 0)
			d->keys |= DISCOVERY_KEY_CARD;
	}
	return d->keys != 0;
}

/* RFC 3339 in UTC and whole seconds, of what date_time_parse() takes. */
static bool read_valid_until(struct discovery *d, const json_t *v)
{
	const char *s = short_text(v, DATE_TIME_LEN);

	return s && strlen(s) == DATE_TIME_LEN && s[DATE_TIME_LEN - 1] == 'Z' &&
	       date_time_parse(&d->valid_until, span_str(s)) == 0;
}

static const struct {
	const char *name;
	bool needed;
	bool (*read)(struct discovery *d, const json_t *v);
	const char *allowed;
} members[] = {
	{ "realm", true, read_realm, "a DNS name of at most 63 characters" },
	{ "bsf_url", true, read_bsf_url, "http://HOST[:PORT]/ of at most 1024 characters" },
	{ "bsf_names", true, read_bsf_names, "1 to 16 DNS names" },
	{ "ua_protocols", true, read_ua, "1 to 16 texts of 10 hexadecimal digits in lower case" },
	{ "key_kinds", true, read_keys, "1 to 16 words, device or card among them" },
	{ "registry", false, read_registry, "https://HOST[:PORT]/ of at most 1024 characters" },
	{ "catalogue", false, read_catalogue, "https://HOST[:PORT]/PATH of at most 1024 characters" },
	{ "apps_url", false, read_apps, "https://HOST[:PORT]/ or http://HOST[:PORT]/ of at most 1024 characters" },
	{ "valid_until", true, read_valid_until, "a time as 2030-01-01T12:00:00Z" },
};

static int discovery_read(struct discovery *d, const json_t *o, struct err *err)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *v = json_object_get(o, members[i].name);

		if (v ? !members[i].read(d, v) : members[i].needed)
			return err_set(err, -EINVAL, "%s %s: allowed is %s", members[i].name,
				       v ? "is wrong" : "is missing", members[i].allowed);
	}
	return 0;
}

/* A B-TID of a run there would be one of another BSF. */
static bool is_host_named(const struct discovery *d)
{
	char *host = NULL, *target = NULL;
	bool named = false;
	struct err unused;

	if (http_url_split(d->bsf_url, &host, &target, &unused) < 0)
		return false;
	for (size_t i = 0; i < d->n_bsf_names && !named; i++)
		named = span_ieq(span_str(d->bsf_names[i]), span_str(host));
	free(host);
	free(target);
	return named;
}

int discovery_parse(struct discovery *out, const uint8_t *json, size_t len, time_t now, struct err *err)
{
	struct discovery d = { 0 };
	json_error_t why;
	json_t *o;
	int rc;

	if (len > DISCOVERY_MAX)
		return err_set(err, -E2BIG, "%zu octets; allowed are %d", len, DISCOVERY_MAX);
	o = len ? json_loadb((const char *)json, len, JSON_REJECT_DUPLICATES, &why) : NULL;
	if (json_is_object(o))
		rc = discovery_read(&d, o, err);
	else
		rc = err_set(err, -EBADMSG, "no JSON object%s%s", o || !len ? "" : ": ", o || !len ? "" : why.text);
	json_decref(o);
	if (rc == 0 && !is_host_named(&d))
		rc = err_set(err, -EINVAL, "bsf_url is wrong: allowed is a host of bsf_names");
	if (rc == 0 && d.valid_until <= now)
		rc = err_set(err, -ETIME, "valid_until is over");
	if (rc == 0)
		*out = d;
	return rc;
}

size_t discovery_missing(const struct discovery *d, const char *out[DISCOVERY_MISSING_MAX])
{
	bool digest = false;
	size_t n = 0;

	for (size_t i = 0; i < d->n_ua; i++)
		digest |= memcmp(d->ua[i], UA_ID_HTTP_DIGEST, UA_ID_LEN) == 0;
	if (!digest)
		out[n++] =
			"HTTP Digest among the Ua protocols: 'gba-ue get' opens no page there, 'gba-ue key --ua-id' makes keys";
	if (!d->registry[0])
		out[n++] = "the registry: how an application or a device joins is not told";
	if (!d->catalogue[0])
		out[n++] = "the catalogue: which applications there are is not told";
	if (!d->apps[0])
		out[n++] = "apps_url: 'gba-ue apps' cannot ask what this device may use";
	return n;
}
