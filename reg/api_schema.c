/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_schema.h"

#include <errno.h>
#include <regex.h>
#include <stdint.h>
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

bool api_schema_is_type(const char *type, const json_t *v)
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
		return api_schema_is_type(json_string_value(v), NULL);
	json_array_foreach(v, i, one)
	{
		if (!json_is_string(one) || !api_schema_is_type(json_string_value(one), NULL))
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

bool api_schema_matches(const struct api_schemas *s, const char *pattern, const char *text)
{
	const struct pattern *p = pattern_of(s, pattern);

	return p && regexec(&p->re, text, 0, NULL, 0) == 0;
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
