/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/gba/gba_time.h"
#include "common/gba/guss.h"
#include "common/gba/guss_in.h"

static void put_attr(struct xml_out *o, const char *name, const char *value)
{
	if (!value)
		return;
	xml_out_raw(o, " ");
	xml_out_raw(o, name);
	xml_out_raw(o, "=\"");
	xml_out_text(o, value);
	xml_out_raw(o, "\"");
}

static void put_element(struct xml_out *o, const char *name, const char *value)
{
	xml_out_raw(o, "<");
	xml_out_raw(o, name);
	xml_out_raw(o, ">");
	xml_out_text(o, value);
	xml_out_raw(o, "</");
	xml_out_raw(o, name);
	xml_out_raw(o, ">");
}

static void put_flags(struct xml_out *o, const struct guss_uss *u)
{
	char text[24];

	if (u->n_flags == 0) {
		xml_out_raw(o, "<flags/>");
		return;
	}
	xml_out_raw(o, "<flags>");
	for (size_t i = 0; i < u->n_flags; i++) {
		snprintf(text, sizeof(text), "%ld", u->flags[i]);
		put_element(o, "flag", text);
	}
	xml_out_raw(o, "</flags>");
}

void guss_put_uss(struct xml_out *o, const struct guss_uss *u, bool bare)
{
	char type[16];

	snprintf(type, sizeof(type), "%d", u->type);
	xml_out_raw(o, "<uss");
	put_attr(o, "id", u->id);
	put_attr(o, "type", type);
	put_attr(o, "nafGroup", bare ? NULL : u->naf_group);
	xml_out_raw(o, "><uids>");
	for (size_t i = 0; !bare && i < u->n_uids; i++)
		put_element(o, "uid", u->uids[i]);
	xml_out_raw(o, "</uids>");
	put_flags(o, u);
	if (u->key_choice)
		put_element(o, "keyChoice", u->key_choice);
	xml_out_raw(o, "</uss>");
}

static int finish(char **xml, size_t *len, struct xml_out *o)
{
	if (o->failed) {
		free(o->text);
		return -ENOMEM;
	}
	*xml = o->text;
	*len = o->len;
	return 0;
}

static void put_bsf_info(struct xml_out *o, const struct guss *g)
{
	char life[24];

	if (!g->uicc_type && !g->has_life_time && !g->mac_star_sha256 && !g->n_features)
		return;
	xml_out_raw(o, "<bsfInfo>");
	if (g->uicc_type)
		put_element(o, "uiccType", g->uicc_type);
	if (g->has_life_time) {
		snprintf(life, sizeof(life), "%lld", (long long)g->life_time_s);
		put_element(o, "lifeTime", life);
	}
	for (size_t i = 0; i < g->n_features; i++)
		put_element(o, "securityFeatures", g->features[i]);
	if (g->mac_star_sha256) {
		xml_out_raw(o, "<Extension>");
		put_element(o, "macStar", "SHA-256");
		xml_out_raw(o, "</Extension>");
	}
	xml_out_raw(o, "</bsfInfo>");
}

int guss_format(char **xml, size_t *len, const struct guss *g)
{
	struct xml_out o = { 0 };
	char when[DATE_TIME_LEN + 1];

	xml_out_raw(&o, GUSS_XML_DECL "<guss");
	put_attr(&o, "id", g->id);
	xml_out_raw(&o, " xmlns=\"" GUSS_NAMESPACE "\">");
	put_bsf_info(&o, g);
	if (g->has_timestamp && date_time_format(when, g->timestamp) == 0) {
		xml_out_raw(&o, "<Extension>");
		put_element(&o, "timestamp", when);
		xml_out_raw(&o, "</Extension>");
	}
	xml_out_raw(&o, "<ussList>");
	for (size_t i = 0; i < g->n_uss; i++)
		guss_put_uss(&o, &g->uss[i], false);
	xml_out_raw(&o, "</ussList></guss>");
	return finish(xml, len, &o);
}
