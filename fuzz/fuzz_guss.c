/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/gba/guss.h"
#include "common/gba/guss_edit.h"

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

/* What may come in says the same with another timestamp, and that one. */
static void stamped(const struct guss *g, const uint8_t *data, size_t size)
{
	char remarks[GUSS_REMARKS_MAX], *xml, *twice;
	struct guss *again;
	size_t len, len2;

	if (guss_edit_check(span_of(data, size), g->id ? g->id : "a@b", remarks, NULL) < 0)
		return;
	if (guss_edit_stamp(&xml, &len, span_of(data, size), 1767323045) < 0)
		abort();
	if (len <= GUSS_XML_MAX) {
		if (guss_parse(&again, (const uint8_t *)xml, len, NULL) < 0 || again->n_uss != g->n_uss ||
		    !again->has_timestamp || again->timestamp != 1767323045)
			abort();
		guss_free(again);
		if (guss_edit_stamp(&twice, &len2, span_of(xml, len), 1767323045) < 0 || len2 != len)
			abort();
		free(twice);
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
	stamped(g, data, size);
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
