/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/apps.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "common/base/bytes.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

static bool is_host(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) && fqdn_valid(span_str(s), FQDN_MAX);
}

/* What a person reads; visible.h sees to the rest. */
static bool is_short_text(const json_t *v)
{
	return !v || (json_is_string(v) && json_string_length(v) <= 256);
}

static bool are_protocols(const json_t *v)
{
	const json_t *one;
	size_t i;

	json_array_foreach(v, i, one)
	{
		const char *s = json_string_value(one);

		if (!s || strlen(s) != 2 * UA_ID_LEN || strspn(s, "0123456789abcdefABCDEF") != 2 * UA_ID_LEN)
			return false;
	}
	return !v || json_is_array(v);
}

static bool is_app(const json_t *a)
{
	const json_t *since = json_object_get(a, "since");

	return json_is_object(a) && is_host(json_object_get(a, "fqdn")) && is_short_text(json_object_get(a, "name")) &&
	       is_short_text(json_object_get(a, "profile")) && is_short_text(json_object_get(a, "keys")) &&
	       are_protocols(json_object_get(a, "ua")) &&
	       (!since || (json_is_integer(since) && json_integer_value(since) >= 0));
}

/* \returns how many from the first on are what they must be */
static size_t count_apps(const json_t *list)
{
	size_t n = 0;

	while (n < json_array_size(list) && is_app(json_array_get(list, n)))
		n++;
	return n;
}

json_t *apps_parse(const uint8_t *json, size_t len, struct err *err)
{
	json_t *o = len ? json_loadb((const char *)json, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *list = json_incref(json_object_get(o, "apps"));
	size_t n = json_array_size(list), good = count_apps(list);

	json_decref(o);
	if (json_is_array(list) && n <= APPS_MAX && good == n)
		return list;
	err_set(err, -EBADMSG,
		json_is_array(list) && n <= APPS_MAX ? "application %zu of the list cannot be read"
						     : "that is no list of applications",
		good + 1);
	json_decref(list);
	return NULL;
}
