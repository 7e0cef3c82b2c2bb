/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include "common/base/b64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t octets[4096];
	char text[B64_LEN(sizeof(octets)) + 1];
	int n = b64_decode(octets, sizeof(octets), data, size);

	if (n < 0)
		return 0;
	/* canonical: one text for one value */
	if (b64_encode(text, sizeof(text), octets, (size_t)n) != (int)size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
