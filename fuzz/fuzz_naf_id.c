/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/naf_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct naf_id id, made;
	const char *name;

	if (naf_id_parse(&id, data, size) < 0)
		return 0;
	if (id.len != size || memcmp(id.raw, data, size) != 0 || strlen(id.fqdn) + UA_ID_LEN != size)
		abort();
	ua_id_classify(id.ua, &name);
	if (naf_id_make(&made, id.fqdn, id.ua) == 0 && made.len > id.len)
		abort();
	return 0;
}
