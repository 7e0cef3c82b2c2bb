/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two request targets, on a line each. Sameness holds both ways, with itself, and when one of them is coded anew. */
#include <stdio.h>
#include <stdlib.h>
#include "common/http/target.h"

#define INPUT 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*! Every octet of the path that is neither a delimiter nor part of a coding becomes a coded one. */
static struct span coded(char *out, size_t cap, struct span path)
{
	struct writer w;

	writer_init(&w, out, cap);
	for (size_t i = 0; i < path.len; i++) {
		bool plain = memchr(":/?#[]@!$&'()*+,;=%", path.p[i], 19) || (i && path.p[i - 1] == '%') ||
			     (i > 1 && path.p[i - 2] == '%');

		writer_printf(&w, plain ? "%c" : "%%%02x", path.p[i]);
	}
	return span_of(out, w.overflow ? 0 : w.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size && size < INPUT ? memchr(data, '\n', size) : NULL;
	struct target a, b, c;
	char mem[3 * INPUT];

	if (!line)
		return 0;
	a = target_split(span_of(data, (size_t)(line - data)));
	b = target_split(span_of(line + 1, size - (size_t)(line - data) - 1));
	c = a;
	c.path = coded(mem, sizeof(mem), a.path);
	for (int slash = 0; slash <= 1; slash++) {
		if (target_same(&a, &b, slash) != target_same(&b, &a, slash) || !target_same(&a, &a, slash))
			abort();
		if (!target_same(&a, &c, slash))
			abort();
	}
	if (target_same(&a, &b, false) && !target_same(&a, &b, true))
		abort();
	return 0;
}
