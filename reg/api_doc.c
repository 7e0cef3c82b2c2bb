/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a)        (sizeof(a) / sizeof((a)[0]))
#define BODY_MOST   1048576
#define PARAMS_MOST API_PAIRS
#define PATHS_MOST  256

static const char *const methods[API_METHODS][2] = {
	{ "get", "GET" }, { "post", "POST" }, { "put", "PUT" }, { "delete", "DELETE" }, { "patch", "PATCH" },
};

static const json_t *resolved(const struct api_doc *d, const json_t *v)
{
	return api_schema_of(d->schemas, v);
}

/* --- roles and limits */

static int read_roles(struct api_op *op, const json_t *list, struct err *err)
{
	static const char *const roles[API_ROLES_MAX] = { "anyone", "operator", "asp", "user" };
	const json_t *one;
	size_t i, r;

	json_array_foreach(list, i, one)
	{
		for (r = 0; r < N(roles); r++) {
			if (json_is_string(one) && strcmp(roles[r], json_string_value(one)) == 0)
				break;
		}
		if (r == N(roles))
			return err_set(err, -EINVAL, "x-roles: allowed are anyone, operator, asp, user");
		op->roles |= 1u << r;
	}
	return op->roles ? 0 : err_set(err, -EINVAL, "x-roles is missing: who may call it");
}

static int read_bound(size_t *out, const json_t *limits, const char *name, json_int_t most, struct err *err)
{
	const json_t *v = json_object_get(limits, name);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > most)
		return err_set(err, -EINVAL, "x-limits %s: allowed are 1 to %lld", name, (long long)most);
	*out = (size_t)json_integer_value(v);
	return 0;
}

/* A list in the body. */
static int read_counts(const struct api_doc *d, struct api_op *op, const json_t *limits, struct err *err)
{
	const json_t *name = json_object_get(limits, "counts"), *list;
	const char *type;

	if (!name)
		return 0;
	op->counts = json_string_value(name);
	list = json_object_get(json_object_get(op->body, "properties"), op->counts ? op->counts : "");
	type = json_string_value(json_object_get(resolved(d, list), "type"));
	return type && strcmp(type, "array") == 0
		       ? 0
		       : err_set(err, -EINVAL, "x-limits counts: allowed is a list in the body");
}

/* --- parameters */

static int segment_of(const struct api_path *p, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < p->n; i++) {
		const char *s = p->segment[i];

		if (s[0] == '{' && strncmp(s + 1, name, len) == 0 && strcmp(s + 1 + len, "}") == 0)
			return (int)i;
	}
	return -1;
}

static int read_header(struct api_op *op, const char *name, struct err *err)
{
	if (strcmp(name, "If-Match") == 0)
		op->if_match = true;
	else if (strcmp(name, "If-None-Match") == 0)
		op->makes = true;
	else if (strcmp(name, "Idempotency-Key") == 0)
		op->idempotent = true;
	else
		return err_set(err, -EINVAL, "header %s: allowed are If-Match, If-None-Match and Idempotency-Key",
			       name);
	return 0;
}

static bool has_param(const struct api_op *op, const char *name)
{
	for (size_t i = 0; i < op->n_params; i++) {
		if (strcmp(op->params[i].name, name) == 0)
			return true;
	}
	return false;
}

static int keep_param(struct api_doc *d, const struct api_path *p, struct api_op *op, struct api_param param,
		      struct err *err)
{
	const char *type = json_string_value(json_object_get(resolved(d, param.schema), "type"));
	struct api_param *more = realloc(op->params, (op->n_params + 1) * sizeof(*more));
	int at = segment_of(p, param.name);

	if (!more)
		return err_set(err, -ENOMEM, "no memory");
	op->params = more;
	if (param.in_path != (at >= 0) || has_param(op, param.name) || op->n_params == PARAMS_MOST)
		return err_set(err, -EINVAL, "parameter %s: not where it says, twice, or too many", param.name);
	if (!type || (strcmp(type, "string") != 0 && strcmp(type, "integer") != 0))
		return err_set(err, -EINVAL, "parameter %s: allowed are string and integer", param.name);
	param.is_integer = type[0] == 'i';
	param.segment = at < 0 ? 0 : (size_t)at;
	param.required |= param.in_path;
	op->params[op->n_params++] = param;
	return 0;
}

static int read_param(struct api_doc *d, const struct api_path *p, struct api_op *op, const json_t *v, struct err *err)
{
	const json_t *is = resolved(d, v);
	const char *in = json_string_value(json_object_get(is, "in")),
		   *name = json_string_value(json_object_get(is, "name"));
	struct api_param param = { .name = name, .schema = json_object_get(is, "schema") };

	if (!in || !name || !param.schema)
		return err_set(err, -EINVAL, "a parameter lacks name, in or schema");
	if (api_schema_check(d->schemas, param.schema, err) < 0)
		return -EINVAL;
	if (strcmp(in, "header") == 0)
		return read_header(op, name, err);
	param.in_path = strcmp(in, "path") == 0;
	param.required = json_is_true(json_object_get(is, "required"));
	if (!param.in_path && strcmp(in, "query") != 0)
		return err_set(err, -EINVAL, "parameter %s: allowed are path, query and header", name);
	return keep_param(d, p, op, param, err);
}

static int read_params(struct api_doc *d, const struct api_path *p, struct api_op *op, const json_t *list,
		       struct err *err)
{
	const json_t *one;
	size_t i;
	int rc = 0;

	json_array_foreach(list, i, one)
	{
		if (rc == 0)
			rc = read_param(d, p, op, one, err);
	}
	return rc;
}

static int all_named(const struct api_path *p, const struct api_op *op, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *s = p->segment[i];
		bool found = s[0] != '{';

		for (size_t k = 0; !found && k < op->n_params; k++)
			found = op->params[k].in_path && op->params[k].segment == i;
		if (!found)
			return err_set(err, -EINVAL, "%s is no parameter", s);
	}
	return 0;
}

/* --- body and answers */

static const json_t *schema_in(const struct api_doc *d, const json_t *holder)
{
	const json_t *type = json_object_get(json_object_get(resolved(d, holder), "content"), "application/json");

	return json_object_get(type, "schema");
}

static int read_body(struct api_doc *d, struct api_op *op, const json_t *v, struct err *err)
{
	const json_t *props, *is;
	const char *name;
	json_t *unused;

	if (!v)
		return 0;
	op->body = schema_in(d, v);
	op->body_required = json_is_true(json_object_get(resolved(d, v), "required"));
	if (!op->body || api_schema_check(d->schemas, op->body, err) < 0)
		return op->body ? -EINVAL : err_set(err, -EINVAL, "requestBody has no schema of application/json");
	is = resolved(d, op->body);
	name = json_string_value(json_object_get(is, "type"));
	if (!json_is_false(json_object_get(is, "additionalProperties")) || !name || strcmp(name, "object") != 0)
		return err_set(err, -EINVAL, "requestBody is no object with additionalProperties false");
	props = json_object_get(is, "properties");
	json_object_foreach((json_t *)(uintptr_t)props, name, unused)
	{
		if (has_param(op, name))
			return err_set(err, -EINVAL, "%s is a parameter and in the body", name);
	}
	return 0;
}

static int read_responses(struct api_doc *d, struct api_op *op, const json_t *v, struct err *err)
{
	const json_t *schema;
	const char *code;
	json_t *one;

	json_object_foreach((json_t *)(uintptr_t)v, code, one)
	{
		schema = schema_in(d, one);
		if (schema && api_schema_check(d->schemas, schema, err) < 0)
			return -EINVAL;
		if (code[0] != '2' || op->status)
			continue;
		op->status = (unsigned)strtoul(code, NULL, 10);
		if ((op->status == 204) == !!schema)
			return err_set(err, -EINVAL, "an answer has a schema of application/json, or it is 204");
	}
	if (!op->status || !json_object_get(v, "default"))
		return err_set(err, -EINVAL, "responses lack one of 2xx, or default");
	return 0;
}

/* --- operations and paths */

static int read_op(struct api_doc *d, struct api_path *p, const json_t *of_path, size_t m, const json_t *v,
		   struct err *err)
{
	struct api_op *op = &p->ops[p->n_ops++];
	int rc;

	*op = (struct api_op){ .id = json_string_value(json_object_get(v, "operationId")),
			       .method = methods[m][1],
			       .is_get = m == 0,
			       .body_max = d->body_max };
	if (!op->id)
		return err_set(err, -EINVAL, "operationId is missing");
	rc = read_roles(op, json_object_get(v, "x-roles"), err);
	if (rc == 0)
		rc = read_bound(&op->body_max, json_object_get(v, "x-limits"), "body", BODY_MOST, err);
	if (rc == 0)
		rc = read_params(d, p, op, json_object_get(of_path, "parameters"), err);
	if (rc == 0)
		rc = read_params(d, p, op, json_object_get(v, "parameters"), err);
	if (rc == 0)
		rc = all_named(p, op, err);
	if (rc == 0)
		rc = read_body(d, op, json_object_get(v, "requestBody"), err);
	if (rc == 0)
		rc = read_counts(d, op, json_object_get(v, "x-limits"), err);
	return rc < 0 ? rc : read_responses(d, op, json_object_get(v, "responses"), err);
}

static int cut_path(struct api_path *p, const char *text, struct err *err)
{
	char *at, *s;

	p->text = text;
	p->copy = at = strdup(text[0] == '/' ? text + 1 : text);
	if (!at)
		return err_set(err, -ENOMEM, "no memory");
	while ((s = strsep(&at, "/"))) {
		if (p->n == API_SEGMENTS)
			return err_set(err, -EINVAL, "more than %d segments", API_SEGMENTS);
		p->segment[p->n++] = s;
	}
	return text[0] == '/' ? 0 : err_set(err, -EINVAL, "it does not begin with a slash");
}

static int read_path(struct api_doc *d, struct api_path *p, const char *text, const json_t *v, struct err *err)
{
	int rc = cut_path(p, text, err);

	for (size_t m = 0; rc == 0 && m < N(methods); m++) {
		const json_t *op = json_object_get(v, methods[m][0]);

		rc = op ? read_op(d, p, v, m, op, err) : 0;
		if (rc < 0) {
			struct err why = *err;

			return err_set(err, rc, "%s %s: %s", methods[m][1], text, why.text);
		}
	}
	return rc;
}

static int read_paths(struct api_doc *d, struct err *err)
{
	json_t *paths = json_object_get(d->json, "paths"), *v;
	const char *text;
	int rc = 0;

	if (!json_object_size(paths) || json_object_size(paths) > PATHS_MOST)
		return err_set(err, -EINVAL, "paths: allowed are 1 to %d", PATHS_MOST);
	d->paths = calloc(json_object_size(paths), sizeof(*d->paths));
	if (!d->paths)
		return err_set(err, -ENOMEM, "no memory");
	json_object_foreach(paths, text, v)
	{
		if (rc == 0)
			rc = read_path(d, &d->paths[d->n_paths++], text, v, err);
	}
	return rc;
}

static int read_doc(struct api_doc *d, struct err *err)
{
	const json_t *limits = json_object_get(d->json, "x-limits");
	size_t per_s = 50, anonymous = 10;
	int rc = read_bound(&d->body_max, limits, "body", BODY_MOST, err);

	if (rc == 0)
		rc = read_bound(&per_s, limits, "requests_per_second", 1000000, err);
	if (rc == 0)
		rc = read_bound(&anonymous, limits, "anonymous_per_second", 1000000, err);
	d->per_s = (unsigned)per_s;
	d->anonymous_per_s = (unsigned)anonymous;
	return rc < 0 ? rc : read_paths(d, err);
}

struct api_doc *api_doc_new(const char *text, struct err *err)
{
	struct api_doc *d = calloc(1, sizeof(*d));
	json_error_t e;

	if (!d) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	d->body_max = 65536;
	d->json = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	d->schemas = d->json ? api_schemas_new(d->json) : NULL;
	if (!d->json)
		err_set(err, -EINVAL, "line %d: %s", e.line, e.text);
	else if (!d->schemas)
		err_set(err, -ENOMEM, "no memory");
	else if (read_doc(d, err) == 0)
		return d;
	api_doc_free(d);
	return NULL;
}

void api_doc_free(struct api_doc *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_paths; i++) {
		for (size_t k = 0; k < d->paths[i].n_ops; k++)
			free(d->paths[i].ops[k].params);
		free(d->paths[i].copy);
	}
	free(d->paths);
	api_schemas_free(d->schemas);
	json_decref(d->json);
	free(d);
}

int api_doc_bind(struct api_doc *d, const void *(*find)(const char *id), struct err *err)
{
	for (size_t i = 0; i < d->n_paths; i++) {
		for (size_t k = 0; k < d->paths[i].n_ops; k++) {
			struct api_op *op = &d->paths[i].ops[k];

			op->order = find(op->id);
			if (!op->order)
				return err_set(err, -ENOENT, "operation %s: nobody serves it", op->id);
		}
	}
	return 0;
}
