/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/base/bytes.h"
#include "common/base/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t octets[4096];
	char text[2 * sizeof(octets) + 1];
	int n = hex_decode(octets, sizeof(octets), data, size);

	if (n < 0)
		return 0;
	if (hex_encode(text, sizeof(text), octets, (size_t)n) != (int)size ||
	    !span_ieq(span_of(text, size), span_of(data, size)))
		abort();
	return 0;
}
