/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/guss.h"

/* The chosen USSs, as they go out on Zn, are a document that says the same, without the group. */
static void uss_list(const struct guss *g)
{
	const struct guss_uss *chosen;
	struct guss *again;
	size_t len;
	char *xml;

	if (!g->n_uss)
		return;
	chosen = guss_select(g, span_str(g->uss[0].id), g->uss[0].naf_group);
	if (!chosen || guss_uss_list(&xml, &len, &chosen, 1) < 0)
		abort();
	if (len <= GUSS_XML_MAX) {
		if (guss_parse(&again, (const uint8_t *)xml, len, NULL) < 0 || again->n_uss != 1 ||
		    again->uss[0].naf_group || again->uss[0].n_uids != chosen->n_uids)
			abort();
		guss_free(again);
	}
	free(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guss *g, *again;
	struct err err;
	size_t len;
	char *xml;

	if (guss_parse(&g, data, size, &err) < 0)
		return 0;
	uss_list(g);
	if (guss_format(&xml, &len, g) == 0) {
		if (len <= GUSS_XML_MAX) {
			if (guss_parse(&again, (const uint8_t *)xml, len, &err) < 0 || again->n_uss != g->n_uss ||
			    again->life_time_s != g->life_time_s)
				abort();
			guss_free(again);
		}
		free(xml);
	}
	guss_free(g);
	return 0;
}
