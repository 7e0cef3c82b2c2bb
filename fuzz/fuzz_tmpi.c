/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/impi.h"
#include "common/gba/tmpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of(data, size);
	uint8_t tmpi[TMPI_LEN];
	char text[TMPI_MAX + 1];

	if (tmpi_parse(tmpi, s) < 0)
		return 0;
	if (!tmpi_is(s) || tmpi_format(text, tmpi) != (int)size || !span_ieq(span_str(text), s))
		abort();
	return 0;
}
