/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "ue/vuicc/apdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct apdu a;

	if (apdu_parse(&a, data, size) != SW_OK)
		return 0;
	if (a.data.p < data || a.data.p + a.data.len > data + size || a.channel >= APDU_CHANNELS || a.le > 256)
		abort();
	/* head, Lc, data and Le are all there is */
	if (4 + (a.data.len ? 1 : 0) + a.data.len + (a.le ? 1 : 0) != size)
		abort();
	return 0;
}
