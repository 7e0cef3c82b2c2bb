/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/kek_json.h"

#include <stdio.h>
#include <string.h>

json_t *kek_json(const uint8_t *ids, size_t n, const uint64_t under[256], bool whole)
{
	json_t *out = json_object(), *one;
	char id[8];

	for (unsigned k = 1; k < 256; k++) {
		if (!memchr(ids, (int)k, n) && !(under && under[k]))
			continue;
		snprintf(id, sizeof(id), "%u", k);
		one = json_pack("{sb}", "seals", k == ids[0]);
		if (under)
			json_object_set_new(one, "records", json_integer((json_int_t)under[k]));
		json_object_set_new(one, "may_go", json_boolean(whole && under && k != ids[0] && !under[k]));
		json_object_set_new(out, id, one);
	}
	return out;
}
