/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/btid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[BTID_MAX + 1];
	struct btid id;

	if (btid_parse(&id, data, size) < 0)
		return 0;
	/* one text for one B-TID */
	if (btid_format(text, id.rand, id.domain) != (int)size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
