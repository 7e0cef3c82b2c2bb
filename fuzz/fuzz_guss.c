/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include "common/gba/guss_copy.h"
#include "common/gba/guss_edit.h"

static void same_list(const struct guss_copy *c, const struct guss_copy_uss *chosen, const struct guss_uss *u,
		      bool bare)
{
	struct guss *again;
	size_t len;
	char *xml;

	if (guss_copy_list(c, &xml, &len, chosen, 1, bare) < 0 || strlen(xml) != len)
		abort();
	if (len <= GUSS_XML_MAX) {
		if (guss_parse(&again, (const uint8_t *)xml, len, NULL) < 0 || again->n_uss != 1 ||
		    again->uss[0].naf_group || strcmp(again->uss[0].id, u->id) != 0 ||
		    again->uss[0].n_flags != u->n_flags || again->uss[0].n_uids != (bare ? 0 : u->n_uids))
			abort();
		guss_free(again);
	}
	free(xml);
}

/* The chosen USSs, as they go out on Zn, are a document that says the same, without the group. */
static void copy(const struct guss *g, const uint8_t *data, size_t size)
{
	struct guss_copy_uss chosen;
	struct guss_copy c;
	uint8_t *made;
	size_t len;

	if (guss_copy_make(&made, &len, NULL, NULL, span_of(data, size), GUSS_BAD_USS_FAILS, NULL) < 0)
		return;
	if (guss_copy_open(&c, span_of(made, len)) < 0 || c.made || c.n != g->n_uss ||
	    c.has_timestamp != g->has_timestamp)
		abort();
	if (g->n_uss) {
		if (!guss_copy_find(&c, &chosen, span_str(g->uss[0].id), g->uss[0].naf_group))
			abort();
		same_list(&c, &chosen, &g->uss[0], false);
		same_list(&c, &chosen, &g->uss[0], true);
	}
	guss_copy_close(&c);
	free(made);
}

/* Octets that were never made by us, as if from a disk. */
static void kept(const uint8_t *data, size_t size)
{
	struct guss_copy_uss chosen;
	struct guss_copy c;
	size_t len;
	char *xml;

	if (guss_copy_open(&c, span_of(data, size)) < 0)
		return;
	if (guss_copy_find(&c, &chosen, span_str("1"), "A") && guss_copy_list(&c, &xml, &len, &chosen, 1, false) == 0)
		free(xml);
	guss_copy_close(&c);
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

	kept(data, size);
	if (guss_parse(&g, data, size, &err) < 0)
		return 0;
	copy(g, data, size);
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
