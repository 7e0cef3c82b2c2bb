/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/guss_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "common/gba/gba_time.h"
#include "common/gba/guss.h"
#include "common/gba/guss_in.h"
#include "common/gba/impi.h"

#define GSID_DIGITS_MAX 10 /* Unsigned32 */

static int wrong(struct err *err, const xmlNode *n, const char *what)
{
	return err_set(err, -EBADMSG, "line %ld: %s: %s", xmlGetLineNo(n), (const char *)n->name, what);
}

/* --- what is nobody's */

static const char *const root_has[] = { "bsfInfo", "Extension", "ussList", NULL };
static const char *const info_has[] = { "uiccType", "lifeTime", "securityFeatures", "Extension", NULL };
static const char *const list_has[] = { "uss", "Extension", NULL };
static const char *const uss_has[] = { "uids", "flags", "keyChoice", "Extension", NULL };
static const char *const words[] = { "bsfInfo",   "uiccType",  "lifeTime", "securityFeatures",
				     "Extension", "timestamp", "macStar",  "ussList",
				     "uss",       "uids",      "uid",      "flags",
				     "flag",      "keyChoice", "nafGroup", NULL };

static bool is_one_of(const xmlNode *n, const char *const *names)
{
	for (; *names; names++) {
		if (xml_is(n, *names))
			return true;
	}
	return false;
}

/* In whatever case: "lifetime" is no word of the operator's. */
static bool resembles(const xmlNode *n, const char *const *names)
{
	for (; *names; names++) {
		if (strcasecmp((const char *)n->name, *names) == 0)
			return true;
	}
	return false;
}

static void remark_children(struct writer *w, const xmlNode *parent, const char *const *has, bool all)
{
	for (const xmlNode *c = parent ? parent->children : NULL; c; c = c->next) {
		if (c->type == XML_ELEMENT_NODE && !is_one_of(c, has) && (all || resembles(c, words)))
			writer_printf(w, "%sline %ld: %s", w->len ? "; " : "", xmlGetLineNo(c), (const char *)c->name);
	}
}

void guss_remark(char *out, size_t cap, const xmlNode *root, bool all)
{
	const xmlNode *list = xml_is(root, "ussList") ? root : xml_child(root, "ussList");
	struct writer w;

	writer_init(&w, out, cap);
	if (list != root) {
		remark_children(&w, root, root_has, true);
		remark_children(&w, xml_child(root, "bsfInfo"), info_has, true);
	}
	remark_children(&w, list, list_has, true);
	for (const xmlNode *c = list ? list->children : NULL; c; c = c->next) {
		if (xml_is(c, "uss"))
			remark_children(&w, c, uss_has, all);
	}
	if (writer_end(&w) < 0)
		memcpy(out + cap - 4, "...", 4);
}

/* --- what may not be */

static int check_info(const struct guss *g, const xmlNode *info, struct err *err)
{
	if (g->uicc_type && strcmp(g->uicc_type, "GBA") != 0 && strcmp(g->uicc_type, "GBA_U") != 0)
		return wrong(err, xml_child(info, "uiccType"), "allowed: GBA, GBA_U");
	if (g->has_life_time && g->life_time_s < 1)
		return wrong(err, xml_child(info, "lifeTime"), "no time a key can live; allowed: 1 or more, seconds");
	return 0;
}

static bool gsid_valid(const char *id)
{
	size_t digits = strspn(id, "0123456789");

	return digits && digits <= GSID_DIGITS_MAX && !id[digits] && strtoull(id, NULL, 10) <= UINT32_MAX;
}

static bool same_place(const struct guss_uss *a, const struct guss_uss *b)
{
	if (strcmp(a->id, b->id) != 0 || !a->naf_group != !b->naf_group)
		return false;
	return !a->naf_group || strcmp(a->naf_group, b->naf_group) == 0;
}

static int check_uss(const struct guss *g, size_t i, const xmlNode *n, struct err *err)
{
	const struct guss_uss *u = &g->uss[i];

	if (!gsid_valid(u->id))
		return wrong(err, n, "id is no GSID; allowed: a number up to 4294967295");
	if (!xmlHasProp(n, (const xmlChar *)"type"))
		return wrong(err, n, "no type; allowed: the number of the GAA service type");
	if (u->naf_group && !u->naf_group[0])
		return wrong(err, n, "nafGroup is empty; allowed: the name of a group, or no nafGroup");
	if (u->key_choice && !u->key_choice[0])
		return wrong(err, n, "keyChoice is empty");
	if (!u->n_uids)
		return wrong(err, n, "no uid; allowed: one or more in uids");
	for (size_t k = 0; k < u->n_uids; k++) {
		if (!u->uids[k][0])
			return wrong(err, n, "an empty uid");
	}
	for (size_t k = 0; k < i; k++) {
		if (same_place(&g->uss[k], u))
			return wrong(err, n, "the same id and nafGroup as another uss before it; allowed: each once");
	}
	return 0;
}

static int check_list(const struct guss *g, const xmlNode *list, struct err *err)
{
	size_t i = 0;
	int rc = 0;

	for (const xmlNode *c = list ? list->children : NULL; c && rc == 0; c = c->next) {
		if (xml_is(c, "uss"))
			rc = check_uss(g, i++, c, err);
	}
	return rc;
}

static int check_root(const struct guss *g, const xmlNode *root, const char *impi, struct err *err)
{
	int rc;

	if (g->is_uss_list)
		return wrong(err, root, "allowed: a guss document (TS 29.109 annex A)");
	if (g->id && !impi_same(g->id, impi))
		return wrong(err, root, "its id is another subscriber's; allowed: this one's IMPI, or no id");
	if (!xml_child(root, "ussList"))
		return wrong(err, root, "no ussList; allowed: one, which may be empty");
	rc = check_info(g, xml_child(root, "bsfInfo"), err);
	return rc < 0 ? rc : check_list(g, xml_child(root, "ussList"), err);
}

int guss_edit_read(struct guss **out, struct span xml, const char *impi, char remarks[GUSS_REMARKS_MAX],
		   struct err *err)
{
	struct guss *g = NULL;
	xmlDoc *doc;
	int rc = guss_read(&g, &doc, xml, GUSS_BAD_USS_FAILS, err);

	if (rc < 0)
		return rc;
	rc = check_root(g, xmlDocGetRootElement(doc), impi, err);
	if (rc == 0)
		guss_remark(remarks, GUSS_REMARKS_MAX, xmlDocGetRootElement(doc), true);
	xmlFreeDoc(doc);
	if (rc == 0)
		*out = g;
	else
		guss_free(g);
	return rc;
}

int guss_edit_check(struct span xml, const char *impi, char remarks[GUSS_REMARKS_MAX], struct err *err)
{
	struct guss *g = NULL;
	int rc = guss_edit_read(&g, xml, impi, remarks, err);

	guss_free(g);
	return rc;
}

/* --- another timestamp */

/* Order inside guss: bsfInfo, Extension, ussList. */
static xmlNode *extension_make(xmlNode *root)
{
	xmlNode *n = xmlNewNode(root->ns, (const xmlChar *)"Extension"), *info = xml_child(root, "bsfInfo"), *list;

	if (!n)
		return NULL;
	if (info)
		return xmlAddNextSibling(info, n);
	list = xml_child(root, "ussList");
	return list ? xmlAddPrevSibling(list, n) : xmlAddChild(root, n);
}

static bool stamp(xmlNode *root, const char *when)
{
	xmlNode *extension = xml_child(root, "Extension"), *n;

	if (!extension)
		extension = extension_make(root);
	n = extension ? xml_child(extension, "timestamp") : NULL;
	if (!n)
		return extension &&
		       xmlNewChild(extension, extension->ns, (const xmlChar *)"timestamp", (const xmlChar *)when);
	xmlNodeSetContent(n, (const xmlChar *)when);
	return true;
}

int guss_edit_stamp(char **out, size_t *len, struct span xml, time_t timestamp)
{
	char when[DATE_TIME_LEN + 1];
	xmlDocPtr doc;
	xmlChar *text = NULL;
	int n = 0;

	if (date_time_format(when, timestamp) < 0)
		return -EINVAL;
	doc = xml_read(xml.p, xml.len, NULL);
	if (doc && stamp(xmlDocGetRootElement(doc), when))
		xmlDocDumpMemoryEnc(doc, &text, &n, "UTF-8");
	*out = text ? malloc((size_t)n + 1) : NULL;
	if (*out) {
		memcpy(*out, text, (size_t)n + 1);
		*len = (size_t)n;
	}
	xmlFree(text);
	if (doc)
		xmlFreeDoc(doc);
	return *out ? 0 : -ENOMEM;
}
