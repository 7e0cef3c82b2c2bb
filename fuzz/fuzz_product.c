/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/http/product.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span header = span_of(data, size);

	/* the token is there as a word only if it is there at all */
	if (product_has(header, PRODUCT_GBA) && size < strlen(PRODUCT_GBA))
		abort();
	if (product_has(header, PRODUCT_TMPI) && size < strlen(PRODUCT_TMPI))
		abort();
	return 0;
}
