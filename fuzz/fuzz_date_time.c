/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/gba_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[DATE_TIME_LEN + 1];
	time_t t, again;

	if (date_time_parse(&t, span_of(data, size)) < 0 || date_time_format(text, t) < 0)
		return 0;
	if (date_time_parse(&again, span_str(text)) < 0 || again != t)
		abort();
	return 0;
}
