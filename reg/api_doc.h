/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_doc.h
 *  The OpenAPI document as the daemon obeys it: which paths there are, what each operation takes, who may call it, how much. Read
 *  once at the start; then nothing of it changes, and any thread may read it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "reg/api_schema.h"
#include "reg/api_target.h"

#define API_METHODS 5 /* GET POST PUT DELETE PATCH: those a document may have */

/*! doc/gba-reg.openapi.json as it was when the program was built (api_openapi.c, made by make). */
extern const char api_openapi[];

/*! Bits of who may call it: 1 << enum reg_role; anyone is bit 0. */
#define API_ROLES_MAX 4

struct api_param {
	const char *name;
	const json_t *schema;
	bool in_path, required, is_integer;
	size_t segment; /* of the path it is */
};

struct api_op {
	const char *id, *method;
	unsigned roles;
	struct api_param *params; /* of path and query */
	size_t n_params;
	const json_t *body; /* schema of an object; NULL: none is taken */
	bool body_required;
	bool if_match, makes, idempotent; /* it has the headers If-Match, If-None-Match, Idempotency-Key */
	const char *counts;               /* a list in the body each of whose lines is a request; NULL: it is one */
	bool is_get;
	unsigned status;   /* when it went well */
	size_t body_max;   /* octets */
	const void *order; /* of who serves it, see api_doc_bind() */
};

struct api_path {
	const char *text; /* "/tokens/{token}" */
	char *copy;       /* what segments point into */
	const char *segment[API_SEGMENTS];
	size_t n;
	struct api_op ops[API_METHODS];
	size_t n_ops;
};

struct api_doc {
	json_t *json;
	struct api_schemas *schemas;
	struct api_path *paths;
	size_t n_paths;
	unsigned per_s, anonymous_per_s; /* requests */
	size_t body_max;
};

/*! \returns new object; NULL and in err what of the document is wrong, where */
struct api_doc *api_doc_new(const char *text, struct err *err);
void api_doc_free(struct api_doc *d); /* may be NULL */

/*! Set what serves each operation. \param[in] find NULL for an id: nobody
 *  \returns 0; -ENOENT and in err which operation nobody serves */
int api_doc_bind(struct api_doc *d, const void *(*find)(const char *id), struct err *err);
