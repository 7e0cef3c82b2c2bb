/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A stream cut anywhere is the same stream: whole at once, and octet by octet. */
#include <assert.h>
#include "common/dia/dia_frame.h"

/* \returns octets taken; bad: whether it ended in a bad one */
static size_t take(const uint8_t *p, size_t len, size_t step, bool *bad)
{
	size_t taken = 0, have = 0;
	struct dia_frame f;

	for (*bad = false; !*bad && have < len;) {
		have = have + step < len ? have + step : len;
		for (;;) {
			dia_frame(&f, p + taken, have - taken, DIA_FRAME_NAF);
			if (f.is != DIA_FRAME_WHOLE)
				break;
			assert(f.len >= DIA_HDR_LEN && f.len % 4 == 0 && f.len <= have - taken);
			taken += f.len;
		}
		*bad = f.is == DIA_FRAME_BAD;
		assert(*bad || (f.need > have - taken && f.need <= DIA_FRAME_NAF));
		assert(!*bad || f.fault.code == DIA_UNSUPPORTED_VERSION || f.fault.code == DIA_INVALID_MESSAGE_LENGTH);
	}
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool bad, bad_by_octet;

	assert(take(data, size, size ? size : 1, &bad) == take(data, size, 1, &bad_by_octet));
	assert(bad == bad_by_octet);
	return 0;
}
