/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_valid.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct checking {
	const struct api_schemas *s;
	struct api_bad *bad;
	char field[256];
};

__attribute__((format(printf, 3, 4))) static int is_bad(struct checking *c, const char *what, const char *allowed, ...)
{
	va_list ap;

	snprintf(c->bad->field, sizeof(c->bad->field), "%s", c->field);
	snprintf(c->bad->what, sizeof(c->bad->what), "%s", what);
	va_start(ap, allowed);
	vsnprintf(c->bad->allowed, sizeof(c->bad->allowed), allowed, ap);
	va_end(ap);
	return -EINVAL;
}

/* "a, b, c" */
static int is_none_of(struct checking *c, const char *what, const json_t *names)
{
	char text[sizeof(c->bad->allowed)] = "";
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(names, i, one)
	{
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "",
					      json_string_value(one));
	}
	return is_bad(c, what, "%s", text);
}

/* Into the pointer, for what is inside. \returns how long it was, to go back */
static size_t go_into(struct checking *c, const char *name)
{
	size_t was = strlen(c->field), n = was;

	for (c->field[n < sizeof(c->field) - 1 ? n++ : n] = '/'; *name && n + 3 < sizeof(c->field); name++) {
		if (*name == '~' || *name == '/') {
			c->field[n++] = '~';
			c->field[n++] = *name == '~' ? '0' : '1';
		} else {
			c->field[n++] = *name;
		}
	}
	c->field[n] = '\0';
	return was;
}

static int valid_at(struct checking *c, const json_t *schema, const json_t *value);

static int valid_in(struct checking *c, const char *name, const json_t *schema, const json_t *value)
{
	size_t was = go_into(c, name);
	int rc = valid_at(c, schema, value);

	c->field[was] = '\0';
	return rc;
}

static json_int_t count_of(const json_t *schema, const char *name, json_int_t otherwise)
{
	const json_t *v = json_object_get(schema, name);

	return v ? json_integer_value(v) : otherwise;
}

static int valid_type(struct checking *c, const json_t *type, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (!type || (json_is_string(type) && api_schema_is_type(json_string_value(type), v)))
		return 0;
	json_array_foreach(type, i, one)
	{
		if (api_schema_is_type(json_string_value(one), v))
			return 0;
	}
	return json_is_string(type) ? is_bad(c, "it is of another type", "%s", json_string_value(type))
				    : is_none_of(c, "it is of another type", type);
}

/* Characters, not octets. */
static json_int_t characters(const json_t *v)
{
	json_int_t n = 0;

	for (const char *p = json_string_value(v); *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

static int valid_enum(struct checking *c, const json_t *schema, const json_t *v)
{
	const json_t *names = json_object_get(schema, "enum"), *only = json_object_get(schema, "const"), *one;
	size_t i;

	if (only && !json_equal(only, v))
		return is_bad(c, "it is another value", "%s", json_string_value(only));
	json_array_foreach(names, i, one)
	{
		if (json_equal(one, v))
			return 0;
	}
	return names && json_is_string(v) ? is_none_of(c, "it is none of those", names) : 0;
}

static int valid_string(struct checking *c, const json_t *schema, const json_t *v)
{
	json_int_t len = characters(v), least = count_of(schema, "minLength", 0),
		   most = count_of(schema, "maxLength", len);
	const char *pattern = json_string_value(json_object_get(schema, "pattern")),
		   *words = json_string_value(json_object_get(schema, "description"));

	if (len < least || len > most)
		return is_bad(c, len < least ? "it is too short" : "it is too long", "%lld to %lld characters",
			      (long long)least, (long long)count_of(schema, "maxLength", 65535));
	if (pattern && !api_schema_matches(c->s, pattern, json_string_value(v)))
		return is_bad(c, "it is not of that form", "%s", words ? words : pattern);
	return valid_enum(c, schema, v);
}

static int valid_integer(struct checking *c, const json_t *schema, const json_t *v)
{
	json_int_t n = json_integer_value(v), least = count_of(schema, "minimum", n),
		   most = count_of(schema, "maximum", n);

	if (n >= least && n <= most)
		return 0;
	if (json_object_get(schema, "minimum") && json_object_get(schema, "maximum"))
		return is_bad(c, "it is out of range", "%lld to %lld", (long long)least, (long long)most);
	return n < least ? is_bad(c, "it is out of range", "%lld and more", (long long)least)
			 : is_bad(c, "it is out of range", "%lld and less", (long long)most);
}

/* Is item i of strings one that came before? By a table, so that a thousand are no million. */
static int valid_unique(struct checking *c, const json_t *list)
{
	json_t *seen = json_object(), *one;
	size_t i;
	int rc = 0;

	json_array_foreach(list, i, one)
	{
		if (!json_is_string(one))
			continue;
		if (json_object_get(seen, json_string_value(one))) {
			rc = is_bad(c, "one of it comes twice", "each once");
			break;
		}
		json_object_set_new(seen, json_string_value(one), json_true());
	}
	json_decref(seen);
	return rc;
}

static int valid_array(struct checking *c, const json_t *schema, const json_t *v)
{
	json_int_t n = (json_int_t)json_array_size(v), least = count_of(schema, "minItems", 0),
		   most = count_of(schema, "maxItems", n);
	const json_t *items = json_object_get(schema, "items"), *one;
	char name[24];
	size_t i;
	int rc = 0;

	if (n < least || n > most)
		return is_bad(c, n < least ? "there are too few" : "there are too many", "%lld to %lld",
			      (long long)least, (long long)count_of(schema, "maxItems", 65535));
	json_array_foreach(v, i, one)
	{
		snprintf(name, sizeof(name), "%zu", i);
		rc = items ? valid_in(c, name, items, one) : 0;
		if (rc < 0)
			return rc;
	}
	return json_is_true(json_object_get(schema, "uniqueItems")) ? valid_unique(c, v) : 0;
}

static int unknown_member(struct checking *c, const json_t *props, const char *name)
{
	char text[sizeof(c->bad->allowed)] = "nothing";
	size_t was = go_into(c, name), n = 0;
	const char *known;
	json_t *unused;
	int rc;

	json_object_foreach((json_t *)(uintptr_t)props, known, unused)
	{
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", known);
	}
	rc = is_bad(c, "there is no such field", "%s", text);
	c->field[was] = '\0';
	return rc;
}

static int valid_object(struct checking *c, const json_t *schema, const json_t *v)
{
	const json_t *props = json_object_get(schema, "properties"), *one;
	const char *name;
	json_t *inner;
	size_t i;
	int rc = 0;

	json_array_foreach(json_object_get(schema, "required"), i, one)
	{
		if (json_object_get(v, json_string_value(one)))
			continue;
		go_into(c, json_string_value(one));
		return is_bad(c, "it is missing", "a value");
	}
	json_object_foreach((json_t *)(uintptr_t)v, name, inner)
	{
		one = json_object_get(props, name);
		if (one)
			rc = valid_in(c, name, one, inner);
		else if (json_object_get(schema, "additionalProperties"))
			rc = unknown_member(c, props, name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int valid_at(struct checking *c, const json_t *schema, const json_t *value)
{
	int rc;

	schema = api_schema_of(c->s, schema);
	if (!schema)
		return is_bad(c, "nothing is known of it", "nothing");
	rc = valid_type(c, json_object_get(schema, "type"), value);
	if (rc < 0)
		return rc;
	switch (json_typeof(value)) {
	case JSON_STRING:
		return valid_string(c, schema, value);
	case JSON_INTEGER:
		return valid_integer(c, schema, value);
	case JSON_ARRAY:
		return valid_array(c, schema, value);
	case JSON_OBJECT:
		return valid_object(c, schema, value);
	default:
		return 0;
	}
}

int api_valid(const struct api_schemas *s, const json_t *schema, const json_t *value, struct api_bad *bad)
{
	struct checking c = { .s = s, .bad = bad };

	return valid_at(&c, schema, value);
}
