/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_schema.h
 *  Is a JSON value what a schema of the document wants? A subset of JSON schema 2020-12, the same keywords with the same meaning:
 *  $ref (to "#/..." of the document), type, enum, const, properties, required, additionalProperties (false), items, minItems,
 *  maxItems, uniqueItems (of strings), minLength, maxLength, pattern, minimum, maximum (of integers); title, description, default,
 *  examples and format only tell. Any other keyword is a fault of the document. */
#pragma once

#include <jansson.h>
#include "common/base/err.h"

struct api_schemas;

/*! \param[in] doc the whole document, held while the object lives \returns new object; NULL: no memory */
struct api_schemas *api_schemas_new(json_t *doc);
void api_schemas_free(struct api_schemas *s); /* may be NULL */

/*! What a $ref stands for, itself where it is none; NULL: it leads nowhere. Lent by the document. */
const json_t *api_schema_of(const struct api_schemas *s, const json_t *schema);

/*! At the start: is all of the schema in the subset? What is checked here may be asked below.
 *  \returns 0; -EINVAL, -ENOMEM and in err which keyword where */
int api_schema_check(struct api_schemas *s, const json_t *schema, struct err *err);

/*! What is wrong first. */
struct api_bad {
	char field[256]; /* JSON pointer (RFC 6901); "" the value itself; cut to what fits */
	char what[96];
	char allowed[256];
};

/*! Any thread; pure but for the memory of the matcher.
 *  \param[out] bad written only if something is wrong \returns 0; -EINVAL */
int api_schema_valid(const struct api_schemas *s, const json_t *schema, const json_t *value, struct api_bad *bad);
