/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_schema.h"

#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* of schemas in each other, and so of values */
#define N(a)      (sizeof(a) / sizeof((a)[0]))

struct pattern {
	const char *text; /* lent by the document */
	regex_t re;
	struct pattern *next;
};

struct api_schemas {
	json_t *doc;
	struct pattern *patterns;
};

struct api_schemas *api_schemas_new(json_t *doc)
{
	struct api_schemas *s = calloc(1, sizeof(*s));

	if (s)
		s->doc = json_incref(doc);
	return s;
}

void api_schemas_free(struct api_schemas *s)
{
	struct pattern *next;

	if (!s)
		return;
	for (struct pattern *p = s->patterns; p; p = next) {
		next = p->next;
		regfree(&p->re);
		free(p);
	}
	json_decref(s->doc);
	free(s);
}

/* --- what a $ref leads to: names between slashes; none of the document has a slash or tilde but as ~1 and ~0 */

static const json_t *member_named(const json_t *at, const char *name, size_t len)
{
	char text[128];
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < sizeof(text); i++) {
		text[n] = name[i];
		if (name[i] == '~' && i + 1 < len)
			text[n] = name[++i] == '1' ? '/' : '~';
		n++;
	}
	text[n] = '\0';
	return json_object_get(at, text);
}

static const json_t *follow(const json_t *doc, const char *ref)
{
	const json_t *at = doc;

	if (ref[0] != '#')
		return NULL;
	for (ref++; at && *ref == '/';) {
		size_t len = strcspn(++ref, "/");

		at = member_named(at, ref, len);
		ref += len;
	}
	return *ref ? NULL : at;
}

const json_t *api_schema_of(const struct api_schemas *s, const json_t *schema)
{
	const char *ref;

	for (int i = 0; schema && (ref = json_string_value(json_object_get(schema, "$ref"))); i++)
		schema = i < DEPTH_MAX ? follow(s->doc, ref) : NULL;
	return schema;
}

/* --- types */

static bool is_type(const char *type, const json_t *v)
{
	static const struct {
		const char *name;
		json_type types[2];
	} types[] = {
		{ "object", { JSON_OBJECT, JSON_OBJECT } }, { "array", { JSON_ARRAY, JSON_ARRAY } },
		{ "string", { JSON_STRING, JSON_STRING } }, { "integer", { JSON_INTEGER, JSON_INTEGER } },
		{ "number", { JSON_INTEGER, JSON_REAL } },  { "boolean", { JSON_TRUE, JSON_FALSE } },
		{ "null", { JSON_NULL, JSON_NULL } },
	};

	for (size_t i = 0; i < N(types); i++) {
		if (strcmp(types[i].name, type) == 0)
			return !v || json_typeof(v) == types[i].types[0] || json_typeof(v) == types[i].types[1];
	}
	return false;
}

/* --- the document's side */

static bool want_type(const json_t *v)
{
	const json_t *one;
	size_t i;

	if (json_is_string(v))
		return is_type(json_string_value(v), NULL);
	json_array_foreach(v, i, one)
	{
		if (!json_is_string(one) || !is_type(json_string_value(one), NULL))
			return false;
	}
	return json_array_size(v) > 0;
}

static bool want_strings(const json_t *v)
{
	const json_t *one;
	size_t i;

	json_array_foreach(v, i, one)
	{
		if (!json_is_string(one))
			return false;
	}
	return json_is_array(v);
}

static bool want_count(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool want_integer(const json_t *v)
{
	return json_is_integer(v);
}

static bool want_false(const json_t *v)
{
	return json_is_false(v);
}

static bool want_boolean(const json_t *v)
{
	return json_is_boolean(v);
}

static bool want_object(const json_t *v)
{
	return json_is_object(v);
}

/* Both ECMA 262 and POSIX read it alike: a whole, no classes by letter, no look-ahead, no lazy repeats, and inside of [] no backslash. */
static bool want_pattern(const json_t *v)
{
	const char *p = json_string_value(v);
	bool inside = false;

	if (!p || p[0] != '^' || p[strlen(p) - 1] != '$')
		return false;
	for (; *p; p++) {
		if (*p == '[' && inside)
			return false;
		if (*p == '\\' && (inside || !p[1] || !strchr(".*+?()[]{}|^$\\", *++p)))
			return false;
		inside = inside ? *p != ']' : *p == '[';
		if (!inside && (strncmp(p, "(?", 2) == 0 || strncmp(p, "*?", 2) == 0 || strncmp(p, "+?", 2) == 0))
			return false;
	}
	return true;
}

static bool want_text(const json_t *v)
{
	return json_is_string(v);
}

static bool want_any(const json_t *v)
{
	return true;
}

static const struct keyword {
	const char *name;
	bool (*want)(const json_t *v);
} keywords[] = {
	{ "$ref", want_text },
	{ "type", want_type },
	{ "enum", want_strings },
	{ "const", want_text },
	{ "properties", want_object },
	{ "required", want_strings },
	{ "additionalProperties", want_false },
	{ "items", want_object },
	{ "minItems", want_count },
	{ "maxItems", want_count },
	{ "uniqueItems", want_boolean },
	{ "minLength", want_count },
	{ "maxLength", want_count },
	{ "pattern", want_pattern },
	{ "minimum", want_integer },
	{ "maximum", want_integer },
	{ "title", want_text },
	{ "description", want_text },
	{ "default", want_any },
	{ "examples", want_any },
	{ "format", want_text },
};

static int check_keyword(const char *name, const json_t *v, struct err *err)
{
	for (size_t i = 0; i < N(keywords); i++) {
		if (strcmp(keywords[i].name, name) != 0)
			continue;
		return keywords[i].want(v) ? 0 : err_set(err, -EINVAL, "%s is not what it may be", name);
	}
	return err_set(err, -EINVAL, "%s is no keyword of the subset that is checked", name);
}

static const struct pattern *pattern_of(const struct api_schemas *s, const char *text)
{
	const struct pattern *p = s->patterns;

	while (p && p->text != text && strcmp(p->text, text) != 0)
		p = p->next;
	return p;
}

static int take_pattern(struct api_schemas *s, const char *text, struct err *err)
{
	struct pattern *p;

	if (!text || pattern_of(s, text))
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, -ENOMEM, "no memory");
	if (regcomp(&p->re, text, REG_EXTENDED | REG_NOSUB) != 0) {
		free(p);
		return err_set(err, -EINVAL, "pattern %s is none", text);
	}
	p->text = text;
	p->next = s->patterns;
	s->patterns = p;
	return 0;
}

static int check_at(struct api_schemas *s, const json_t *schema, int depth, struct err *err);

static int check_inner(struct api_schemas *s, const json_t *schema, int depth, struct err *err)
{
	json_t *props = json_object_get(schema, "properties"), *items = json_object_get(schema, "items"), *one;
	const char *name;
	int rc = items ? check_at(s, items, depth + 1, err) : 0;
	size_t i;

	json_object_foreach(props, name, one)
	{
		if (rc == 0)
			rc = check_at(s, one, depth + 1, err);
	}
	json_array_foreach(json_object_get(schema, "required"), i, one)
	{
		if (rc == 0 && !json_object_get(props, json_string_value(one)))
			rc = err_set(err, -EINVAL, "required %s is no property", json_string_value(one));
	}
	return rc;
}

static int check_at(struct api_schemas *s, const json_t *schema, int depth, struct err *err)
{
	const json_t *is = api_schema_of(s, schema);
	const char *name;
	json_t *v;
	int rc = 0;

	if (depth > DEPTH_MAX || !json_is_object(is))
		return err_set(err, -EINVAL, depth > DEPTH_MAX ? "schemas are too deep" : "a $ref leads to no schema");
	json_object_foreach((json_t *)(uintptr_t)schema, name, v)
	{
		if (rc == 0)
			rc = check_keyword(name, v, err);
		if (rc == 0 && is != schema && strcmp(name, "$ref") != 0 && strcmp(name, "description") != 0)
			rc = err_set(err, -EINVAL, "%s beside $ref", name);
	}
	if (is != schema)
		return rc < 0 ? rc : check_at(s, is, depth + 1, err);
	if (rc == 0)
		rc = take_pattern(s, json_string_value(json_object_get(is, "pattern")), err);
	return rc < 0 ? rc : check_inner(s, is, depth, err);
}

int api_schema_check(struct api_schemas *s, const json_t *schema, struct err *err)
{
	return check_at(s, schema, 0, err);
}

/* --- the value's side */

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

	if (!type || (json_is_string(type) && is_type(json_string_value(type), v)))
		return 0;
	json_array_foreach(type, i, one)
	{
		if (is_type(json_string_value(one), v))
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
	const struct pattern *p = pattern ? pattern_of(c->s, pattern) : NULL;

	if (len < least || len > most)
		return is_bad(c, len < least ? "it is too short" : "it is too long", "%lld to %lld characters",
			      (long long)least, (long long)count_of(schema, "maxLength", 65535));
	if (pattern && (!p || regexec(&p->re, json_string_value(v), 0, NULL, 0) != 0))
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

int api_schema_valid(const struct api_schemas *s, const json_t *schema, const json_t *value, struct api_bad *bad)
{
	struct checking c = { .s = s, .bad = bad };

	return valid_at(&c, schema, value);
}
