/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The header of a request as the application's HTTP server hands it over, field by field. */
#include "common/http/fields.h"
#include "gba/naf.h"
#include "naf-lib/naf_sized.h"

void gba_naf_request_header(struct gba_naf_request *req, const char *name, const char *value)
{
	unsigned bit;

	if (!req || !name || req->size < NAF_SIZED_TO(struct gba_naf_request, fields))
		return;
	if (!value)
		value = "";
	bit = fields_note(&req->fields, span_str(name), span_str(value));
	if (bit == FIELDS_HOST)
		req->host = value;
	else if (bit == FIELDS_AUTHORIZATION)
		req->authorization = value;
}
