/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/guss.h"
#include "hss-sim/guss_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is XML that reads, unless it has become too long. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guss *g;
	size_t len;
	char *xml;

	if (guss_json_read(&xml, &len, span_of(data, size), "a@b", NULL) < 0)
		return 0;
	if (len <= GUSS_XML_MAX && guss_parse(&g, (const uint8_t *)xml, len, NULL) == 0)
		guss_free(g);
	free(xml);
	return 0;
}
