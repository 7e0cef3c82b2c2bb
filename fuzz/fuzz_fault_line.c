/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include "hss-sim/fault_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken can be written and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct faults t;
	struct err why;

	if (fault_scenario_read(&t, span_of(data, size), 0, NULL, NULL, &why) < 0)
		return 0;
	for (size_t i = 0; i < t.n; i++) {
		char buf[16];
		const char *value = fault_value_text(&t.f[i], buf);
		const char *words[2] = { fault_about(t.f[i].kind)->name, value };
		struct fault back;

		if (fault_words_read(&back, t.f[i].who, words, *value ? 2 : 1, &why) < 0 || back.kind != t.f[i].kind)
			abort();
	}
	return 0;
}
