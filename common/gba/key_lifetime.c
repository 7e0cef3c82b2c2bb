/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/key_lifetime.h"

int64_t key_lifetime_s(int64_t default_s, int64_t max_s, bool has_guss, int64_t guss_s, bool *clamped)
{
	bool usable = has_guss && guss_s >= 1;
	int64_t s = usable ? guss_s : default_s;

	*clamped = has_guss && (!usable || guss_s > max_s);
	if (s < 1)
		return 1;
	return s > max_s ? max_s : s;
}
