/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/http/auth_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_info h, again;
	char text[2 * AUTH_INFO_MAX];
	int n;

	if (auth_info_parse(&h, data, size) < 0)
		return 0;
	auth_info_assert_inside(&h, data, size);
	n = auth_info_format(text, sizeof(text), &h);
	if (n <= 0 || n > AUTH_INFO_MAX)
		return 0; /* a value that only our strict form refuses; or nothing but unknown parameters */
	if (auth_info_parse(&again, (const uint8_t *)text, (size_t)n) < 0 || !span_eq(h.rspauth, again.rspauth))
		abort();
	return 0;
}
