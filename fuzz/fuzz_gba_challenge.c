/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "bsf/store/gba_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is packed to the same octets again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[GBA_RECORD_MAX];
	struct gba_challenge c;

	if (size > sizeof(again) || gba_challenge_unpack(&c, data, size) < 0)
		return 0;
	if (gba_challenge_pack(again, sizeof(again), &c) != (int)size || memcmp(again, data, size))
		abort();
	gba_challenge_clear(&c);
	return 0;
}
