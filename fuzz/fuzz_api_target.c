/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "reg/api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside_text(const struct api_target *t, const char *part)
{
	if (part < t->text || part + strlen(part) > t->text + API_TARGET_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *raw = malloc(size + 1);
	struct api_target t;

	if (!raw)
		return 0;
	memcpy(raw, data, size);
	raw[size] = '\0';
	if (api_target_parse(&t, raw) == 0) {
		for (size_t i = 0; i < t.n; i++)
			inside_text(&t, t.segment[i]);
		for (size_t i = 0; i < t.n_pairs; i++) {
			inside_text(&t, t.pair[i].name);
			inside_text(&t, t.pair[i].value);
		}
	}
	free(raw);
	return 0;
}
