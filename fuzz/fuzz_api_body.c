/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A line "METHOD TARGET", then a body: against the document of the daemon. What is taken is an object, and none of its members names
 * what the document does not have. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "reg/api_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct api_doc *d, char *line, const char *body, size_t len)
{
	char *blank = strchr(line, ' ');
	const struct api_path *p;
	const struct api_op *op;
	struct api_target t;
	struct api_bad bad;
	json_t *v, *in = NULL;

	if (!blank)
		return;
	*blank = '\0';
	if (api_target_parse(&t, blank + 1) < 0 || !(p = api_ask_path(d, &t)) || !(op = api_ask_op(p, line)))
		return;
	v = len ? json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (api_ask_in(d, op, &t, v, &in, &bad) == 0 && !json_is_object(in))
		abort();
	json_decref(in);
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct api_doc *d;
	struct err err;
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	char line[256];

	if (!d)
		d = api_doc_new(api_openapi, &err);
	if (!d)
		abort();
	if (!end || (size_t)(end - data) >= sizeof(line))
		return 0;
	memcpy(line, data, (size_t)(end - data));
	line[end - data] = '\0';
	ask(d, line, (const char *)end + 1, size - (size_t)(end - data) - 1);
	return 0;
}
