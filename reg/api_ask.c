/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- where it goes */

/* \returns how many segments are as written; -1 it is another path */
static int likeness(const struct api_path *p, const struct api_target *t)
{
	int alike = 0;

	if (p->n != t->n)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		if (p->segment[i][0] == '{' && t->segment[i][0])
			continue;
		if (strcmp(p->segment[i], t->segment[i]) != 0)
			return -1;
		alike++;
	}
	return alike;
}

const struct api_path *api_ask_path(const struct api_doc *d, const struct api_target *t)
{
	const struct api_path *best = NULL;
	int most = -1;

	for (size_t i = 0; i < d->n_paths; i++) {
		int alike = likeness(&d->paths[i], t);

		if (alike > most) {
			most = alike;
			best = &d->paths[i];
		}
	}
	return best;
}

const struct api_op *api_ask_op(const struct api_path *p, const char *method)
{
	const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (size_t i = 0; i < p->n_ops; i++) {
		if (strcmp(p->ops[i].method, want) == 0)
			return &p->ops[i];
	}
	return NULL;
}

void api_ask_allow(const struct api_path *p, char out[64])
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_ops; i++)
		n += (size_t)snprintf(out + n, 64 - n, "%s, ", p->ops[i].is_get ? "GET, HEAD" : p->ops[i].method);
	snprintf(out + n, 64 - n, "OPTIONS");
}

/* --- what it takes */

static int bad_param(struct api_bad *bad, const char *name, const char *what, const char *allowed)
{
	snprintf(bad->field, sizeof(bad->field), "%.200s", name);
	snprintf(bad->what, sizeof(bad->what), "%s", what);
	snprintf(bad->allowed, sizeof(bad->allowed), "%s", allowed);
	return -EINVAL;
}

static json_t *value_of(const struct api_param *param, const char *text)
{
	char *end;
	long long n;

	if (!param->is_integer)
		return json_string(text);
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || *end || strspn(text, "-0123456789") != strlen(text))
		return NULL;
	return json_integer(n);
}

static int put_param(const struct api_doc *d, const struct api_param *param, const char *text, json_t *in,
		     struct api_bad *bad)
{
	json_t *v = value_of(param, text);
	int rc;

	if (!v)
		return bad_param(bad, param->name, "it is of another type", param->is_integer ? "integer" : "string");
	rc = api_valid(d->schemas, param->schema, v, bad);
	if (rc < 0)
		snprintf(bad->field, sizeof(bad->field), "%s", param->name);
	json_object_set_new(in, param->name, v);
	return rc;
}

static const struct api_param *query_named(const struct api_op *op, const char *name)
{
	for (size_t i = 0; i < op->n_params; i++) {
		if (!op->params[i].in_path && strcmp(op->params[i].name, name) == 0)
			return &op->params[i];
	}
	return NULL;
}

static int put_query(const struct api_doc *d, const struct api_op *op, const struct api_target *t, json_t *in,
		     struct api_bad *bad)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->n_pairs; i++) {
		const struct api_param *param = query_named(op, t->pair[i].name);

		if (!param)
			return bad_param(bad, t->pair[i].name, "there is no such parameter", "those of the document");
		if (json_object_get(in, param->name))
			return bad_param(bad, param->name, "it comes twice", "each once");
		rc = put_param(d, param, t->pair[i].value, in, bad);
	}
	return rc;
}

static int put_all(const struct api_doc *d, const struct api_op *op, const struct api_target *t, const json_t *body,
		   json_t *in, struct api_bad *bad)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < op->n_params; i++) {
		if (op->params[i].in_path)
			rc = put_param(d, &op->params[i], t->segment[op->params[i].segment], in, bad);
	}
	if (rc == 0)
		rc = put_query(d, op, t, in, bad);
	for (size_t i = 0; rc == 0 && i < op->n_params; i++) {
		if (op->params[i].required && !json_object_get(in, op->params[i].name))
			rc = bad_param(bad, op->params[i].name, "it is missing", "a value");
	}
	if (rc < 0)
		return rc;
	if (!body)
		return op->body_required ? bad_param(bad, "", "the body is missing", "a JSON object") : 0;
	if (!op->body)
		return bad_param(bad, "", "a body where none is taken", "no body");
	rc = api_valid(d->schemas, op->body, body, bad);
	return rc < 0 ? rc : json_object_update(in, (json_t *)(uintptr_t)body);
}

int api_ask_in(const struct api_doc *d, const struct api_op *op, const struct api_target *t, const json_t *body,
	       json_t **in, struct api_bad *bad)
{
	json_t *all = json_object();
	int rc = all ? put_all(d, op, t, body, all, bad) : -ENOMEM;

	if (rc < 0)
		json_decref(all);
	else
		*in = all;
	return rc;
}
