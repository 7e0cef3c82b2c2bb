/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_schema.h
 *  The schemas of the document: a subset of JSON schema 2020-12, the same keywords with the same meaning:
 *  $ref (to "#/..." of the document), type, enum, const, properties, required, additionalProperties (false), items, minItems,
 *  maxItems, uniqueItems (of strings), minLength, maxLength, pattern, minimum, maximum (of integers); title, description, default,
 *  examples and format only tell. Any other keyword is a fault of the document. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include "common/base/err.h"

struct api_schemas;

/*! \param[in] doc the whole document, held while the object lives \returns new object; NULL: no memory */
struct api_schemas *api_schemas_new(json_t *doc);
void api_schemas_free(struct api_schemas *s); /* may be NULL */

/*! What a $ref stands for, itself where it is none; NULL: it leads nowhere. Lent by the document. */
const json_t *api_schema_of(const struct api_schemas *s, const json_t *schema);

/*! At the start: is all of the schema in the subset? Then api_valid() may be asked.
 *  \returns 0; -EINVAL, -ENOMEM and in err which keyword where */
int api_schema_check(struct api_schemas *s, const json_t *schema, struct err *err);

/* --- for api_valid.c, of what was checked */

/*! \param[in] v NULL: is there such a type at all? */
bool api_schema_is_type(const char *type, const json_t *v);
/*! Any thread; pure but for the memory of the matcher. */
bool api_schema_matches(const struct api_schemas *s, const char *pattern, const char *text);
