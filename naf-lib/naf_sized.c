/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_sized.h"

#include <errno.h>
#include <string.h>

int naf_sized_read(void *out, size_t cap, const void *in, size_t least)
{
	size_t size;

	if (!in)
		return -EINVAL;
	memcpy(&size, in, sizeof(size));
	if (size < least || size > cap)
		return -EINVAL;
	memset(out, 0, cap);
	memcpy(out, in, size);
	return 0;
}
