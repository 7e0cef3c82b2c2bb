/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/tool/export_wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No item reaches beyond the file, whatever it says, and the walk ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file = span_of(data, size), rest = file;
	struct export_item item;
	uint64_t items, n = 0;
	const char *why;

	while (export_next(&item, &rest) > 0) {
		if (item.key.p < data || item.value.p + item.value.len > data + size || item.key.len == 0)
			abort();
		n++;
	}
	if (export_check(file, &items, &why) == 0 && items > size)
		abort();
	return 0;
}
