/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_valid.h
 *  Is a JSON value what a schema of the document wants? What a schema may say: api_schema.h. */
#pragma once

#include "reg/api_schema.h"

/*! What is wrong first. */
struct api_bad {
	char field[256]; /* JSON pointer (RFC 6901); "" the value itself; cut to what fits */
	char what[96];
	char allowed[256];
};

/*! Any thread; pure but for the memory of the matcher.
 *  \param[out] bad written only if something is wrong \returns 0; -EINVAL */
int api_valid(const struct api_schemas *s, const json_t *schema, const json_t *value, struct api_bad *bad);
