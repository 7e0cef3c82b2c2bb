/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/bsf_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[BSF_INFO_MAX];
	struct bsf_info info, again;
	int n;

	if (bsf_info_parse(&info, data, size) < 0)
		return 0;
	n = bsf_info_format(text, sizeof(text), &info);
	if (n < 0)
		return 0; /* a year that has no four digits */
	if (bsf_info_parse(&again, (const uint8_t *)text, (size_t)n) < 0 || again.expires_at != info.expires_at ||
	    strcmp(again.btid, info.btid) != 0)
		abort();
	return 0;
}
