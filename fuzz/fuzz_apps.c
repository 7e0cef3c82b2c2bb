/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a registry says a device may use. */
#include <stdlib.h>
#include <string.h>
#include "ue/tool/apps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	json_t *list = apps_parse(data, size, &err), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *fqdn = json_string_value(json_object_get(one, "fqdn"));

		if (i >= APPS_MAX || !fqdn || strpbrk(fqdn, " \n\x1b"))
			abort();
	}
	json_decref(list);
	return 0;
}
