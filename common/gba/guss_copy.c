/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/guss_copy.h"

#include <errno.h>
#include <stdlib.h>
#include "common/gba/guss_in.h"

#define COPY_VERSION 1
#define FIXED_LEN    16
#define ENTRY_LEN    12
#define NO_GROUP     0xffff
#define LIFE_LEN     8
#define BARE_HEAD    GUSS_XML_DECL "<ussList xmlns=\"" GUSS_NAMESPACE "\">"
#define BARE_TAIL    "</ussList>"

enum copy_flag { COPY_TIMESTAMP = 1, COPY_FACTS = 2, COPY_LIFE = 4, COPY_GBA_U = 8, COPY_SHA256 = 16 };

/* --- making */

/* A prefix that is declared nowhere, or two of them: XML, but nothing that a reader of name spaces takes. */
static bool undeclared(const xmlChar *name)
{
	return xmlStrchr(name, ':') != NULL;
}

static void attributes_remove(xmlNode *n, const char *name)
{
	for (xmlAttr *a = n->properties, *next; a; a = next) {
		next = a->next;
		if (undeclared(a->name) || (name && strcmp((const char *)a->name, name) == 0))
			xmlRemoveProp(a);
	}
}

/* Notes of the operator's to himself are nobody else's. */
static void notes_remove(xmlNode *parent)
{
	for (xmlNode *c = parent->children, *next; c; c = next) {
		next = c->next;
		if (c->type == XML_COMMENT_NODE || c->type == XML_PI_NODE || undeclared(c->name)) {
			xmlUnlinkNode(c);
			xmlFreeNode(c);
		} else if (c->type == XML_ELEMENT_NODE) {
			attributes_remove(c, NULL);
			notes_remove(c);
		}
	}
}

/* Older schemas want all three. */
static bool gaps_fill(xmlNode *uss)
{
	xmlNode *uids = xml_child(uss, "uids"), *n;

	if (!xmlHasNsProp(uss, (const xmlChar *)"type", NULL) &&
	    !xmlNewProp(uss, (const xmlChar *)"type", (const xmlChar *)"0"))
		return false;
	if (!uids) {
		uids = xmlNewNode(uss->ns, (const xmlChar *)"uids");
		if (!uids)
			return false;
		if (uss->children)
			xmlAddPrevSibling(uss->children, uids);
		else
			xmlAddChild(uss, uids);
	}
	if (xml_child(uss, "flags"))
		return true;
	n = xmlNewNode(uss->ns, (const xmlChar *)"flags");
	return n && xmlAddNextSibling(uids, n);
}

/* Declared further in goes before further out. */
static bool declared(const xmlNode *inner, const xmlNode *outer, const xmlChar *prefix)
{
	for (; inner != outer; inner = inner->parent) {
		for (const xmlNs *ns = inner->nsDef; ns; ns = ns->next) {
			if (xmlStrEqual(ns->prefix, prefix))
				return true;
		}
	}
	return false;
}

static void put_name(struct xml_out *o, const xmlNode *list)
{
	if (list->ns && list->ns->prefix) {
		xml_out_raw(o, (const char *)list->ns->prefix);
		xml_out_raw(o, ":");
	}
	xml_out_raw(o, "ussList");
}

/* Its children were written where these name spaces held. A document that has none gets that of release 9. */
static void put_head(struct xml_out *o, const xmlNode *list)
{
	bool plain = false;

	xml_out_raw(o, GUSS_XML_DECL "<");
	put_name(o, list);
	for (const xmlNode *n = list; n && n->type == XML_ELEMENT_NODE; n = n->parent) {
		for (const xmlNs *ns = n->nsDef; ns; ns = ns->next) {
			if (declared(list, n, ns->prefix))
				continue;
			plain |= !ns->prefix;
			xml_out_raw(o, ns->prefix ? " xmlns:" : " xmlns");
			xml_out_raw(o, ns->prefix ? (const char *)ns->prefix : "");
			xml_out_raw(o, "=\"");
			xml_out_text(o, (const char *)ns->href);
			xml_out_raw(o, "\"");
		}
	}
	xml_out_raw(o, plain || list->ns ? ">" : " xmlns=\"" GUSS_NAMESPACE "\">");
}

static void put_be(struct xml_out *o, size_t v, size_t octets)
{
	uint8_t b[4];

	be32_put(b, (uint32_t)v);
	xml_out_octets(o, b + 4 - octets, octets);
}

/* \param[in,out] index, texts are added to */
static bool put_entry(struct xml_out *index, struct xml_out *texts, const struct guss_uss *u, xmlNode *node)
{
	xmlBuffer *whole = xmlBufferCreate();
	size_t before;
	bool ok;

	notes_remove(node);
	attributes_remove(node, "nafGroup"); /* which groups there are is nobody else's either (33.220 4.4.6) */
	ok = whole && gaps_fill(node) && xmlNodeDump(whole, node->doc, node, 0, 0) > 0;
	if (ok) {
		xml_out_octets(texts, xmlBufferContent(whole), (size_t)xmlBufferLength(whole));
		before = texts->len;
		guss_put_uss(texts, u, true);
		put_be(index, (size_t)xmlBufferLength(whole), 4);
		put_be(index, texts->len - before, 4);
		put_be(index, strlen(u->id), 2);
		put_be(index, u->naf_group ? strlen(u->naf_group) : NO_GROUP, 2);
		xml_out_raw(index, u->id);
		xml_out_raw(index, u->naf_group ? u->naf_group : "");
	}
	xmlBufferFree(whole);
	return ok;
}

static bool put_entries(struct xml_out *index, struct xml_out *texts, const struct guss *g, const xmlNode *list)
{
	size_t at = 0, i = 0;

	for (xmlNode *c = list ? list->children : NULL; c && i < g->n_uss; c = c->next) {
		if (!xml_is(c, "uss") || at++ != g->uss[i].at)
			continue;
		if (!put_entry(index, texts, &g->uss[i++], c))
			return false;
	}
	return i == g->n_uss;
}

static uint8_t flags_of(const struct guss *g)
{
	return (g->has_timestamp ? COPY_TIMESTAMP : 0) | (g->n_left_out ? 0 : COPY_FACTS) |
	       (g->has_life_time ? COPY_LIFE : 0) |
	       (g->uicc_type && strcmp(g->uicc_type, "GBA_U") == 0 ? COPY_GBA_U : 0) |
	       (g->mac_star_sha256 ? COPY_SHA256 : 0);
}

static void put_fixed(struct xml_out *o, const struct guss *g, size_t head, size_t tail)
{
	uint8_t b[FIXED_LEN + LIFE_LEN] = { COPY_VERSION, flags_of(g) };

	be64_put(b + 2, (uint64_t)(int64_t)g->timestamp);
	be16_put(b + 10, (uint16_t)g->n_uss);
	be16_put(b + 12, (uint16_t)head);
	be16_put(b + 14, (uint16_t)tail);
	be64_put(b + FIXED_LEN, (uint64_t)g->life_time_s);
	xml_out_octets(o, b, FIXED_LEN + (g->has_life_time ? LIFE_LEN : 0));
}

static int copy_put(uint8_t **copy, size_t *len, const struct guss *g, const xmlNode *list, struct err *err)
{
	struct xml_out all = { 0 }, index = { 0 }, texts = { 0 }, head = { 0 };
	bool ok = put_entries(&index, &texts, g, list);
	size_t head_len;

	if (list) {
		put_head(&head, list);
		head_len = head.len;
		xml_out_raw(&head, "</");
		put_name(&head, list);
		xml_out_raw(&head, ">");
		put_fixed(&all, g, head_len, head.len - head_len);
	} else {
		put_fixed(&all, g, 0, 0);
	}
	xml_out_octets(&all, index.text ? index.text : "", index.len);
	xml_out_octets(&all, head.text ? head.text : "", head.len);
	xml_out_octets(&all, texts.text ? texts.text : "", texts.len);
	ok = ok && !index.failed && !texts.failed && !head.failed && !all.failed;
	free(index.text);
	free(texts.text);
	free(head.text);
	if (ok && all.len <= GUSS_COPY_MAX && head.len <= UINT16_MAX) {
		*copy = (uint8_t *)all.text;
		*len = all.len;
		return 0;
	}
	free(all.text);
	return ok ? err_set(err, -E2BIG, "more than %d octets as it is kept", GUSS_COPY_MAX) : -ENOMEM;
}

int guss_copy_make(uint8_t **copy, size_t *len, struct guss **facts, struct err *odd, struct span xml,
		   enum guss_bad_uss rule, struct err *err)
{
	struct guss *g;
	xmlDoc *doc;
	xmlNode *root;
	int rc = guss_read(&g, &doc, xml, rule, err);

	if (rc < 0)
		return rc;
	root = xmlDocGetRootElement(doc);
	if (odd)
		guss_remark(odd->text, sizeof(odd->text), root, false);
	rc = copy_put(copy, len, g, g->is_uss_list ? root : xml_child(root, "ussList"), err);
	xmlFreeDoc(doc);
	if (rc == 0 && facts)
		*facts = g;
	else
		guss_free(g);
	return rc;
}

/* --- reading */

/* One entry of the index. */
struct entry {
	struct span gsid, group; /* group.p NULL: none */
	size_t whole, bare;
};

/* \param[in,out] at of the entry in the index. \returns false: it is not there in full */
static bool entry_read(struct entry *e, struct span all, size_t *at)
{
	const uint8_t *p = all.p + *at;
	size_t left = all.len - *at, gsid, group;

	if (left < ENTRY_LEN)
		return false;
	gsid = be16_get(p + 8);
	group = be16_get(p + 10);
	e->whole = be32_get(p);
	e->bare = be32_get(p + 4);
	e->gsid = span_of(p + ENTRY_LEN, gsid);
	e->group = group == NO_GROUP ? span_of(NULL, 0) : span_of(p + ENTRY_LEN + gsid, group);
	*at += ENTRY_LEN + gsid + e->group.len;
	return *at <= all.len && e->whole <= all.len && e->bare <= all.len;
}

/* \returns where the index begins; 0: it is not there in full */
static size_t copy_facts(struct guss_copy *c, struct span all)
{
	c->has_timestamp = all.p[1] & COPY_TIMESTAMP;
	c->has_facts = all.p[1] & COPY_FACTS;
	c->has_life_time = all.p[1] & COPY_LIFE;
	c->gba_u = all.p[1] & COPY_GBA_U;
	c->mac_star_sha256 = all.p[1] & COPY_SHA256;
	if (!c->has_life_time)
		return FIXED_LEN;
	if (all.len < FIXED_LEN + LIFE_LEN)
		return 0;
	c->life_time_s = (int64_t)be64_get(all.p + FIXED_LEN);
	return FIXED_LEN + LIFE_LEN;
}

/* All lengths together are the length. */
static bool copy_index(struct guss_copy *c)
{
	size_t at, texts = 0, head, tail;
	struct span all = c->all;
	struct entry e;

	if (all.len < FIXED_LEN || all.len > GUSS_COPY_MAX || all.p[0] != COPY_VERSION)
		return false;
	at = copy_facts(c, all);
	if (!at)
		return false;
	c->timestamp = (int64_t)be64_get(all.p + 2);
	c->n = be16_get(all.p + 10);
	head = be16_get(all.p + 12);
	tail = be16_get(all.p + 14);
	c->index_at = at;
	for (size_t i = 0; i < c->n; i++) {
		if (!entry_read(&e, all, &at))
			return false;
		texts += e.whole + e.bare;
	}
	if (all.len - at != head + tail + texts)
		return false;
	c->head = span_of(all.p + at, head);
	c->tail = span_of(all.p + at + head, tail);
	c->texts_at = at + head + tail;
	return true;
}

int guss_copy_open(struct guss_copy *c, struct span kept)
{
	size_t len;
	int rc;

	*c = (struct guss_copy){ .all = kept };
	if (!kept.len)
		return 0;
	if (kept.p[0] != COPY_VERSION) {
		/* what is over a limit now was none when it was stored */
		rc = guss_copy_make(&c->made, &len, NULL, NULL, kept, GUSS_BAD_USS_LEFT_OUT, NULL);
		if (rc < 0)
			return rc == -ENOMEM ? rc : -EBADMSG;
		c->all = span_of(c->made, len);
	}
	if (copy_index(c))
		return 0;
	guss_copy_close(c);
	return -EBADMSG;
}

void guss_copy_close(struct guss_copy *c)
{
	free(c->made);
	c->made = NULL;
}

bool guss_copy_find(const struct guss_copy *c, struct guss_copy_uss *out, struct span gsid, const char *naf_group)
{
	size_t at = c->index_at, text = c->texts_at;
	bool found = false;
	struct entry e;

	for (size_t i = 0; i < c->n; i++) {
		struct guss_copy_uss here;
		bool own;

		(void)entry_read(&e, c->all, &at);
		here.whole = span_of(c->all.p + text, e.whole);
		here.bare = span_of(c->all.p + text + e.whole, e.bare);
		text += e.whole + e.bare;
		own = e.group.p && naf_group && span_eq(e.group, span_str(naf_group));
		if (!span_eq(e.gsid, gsid) || (e.group.p && !own) || (!own && found))
			continue;
		*out = here;
		if (own)
			return true;
		found = true;
	}
	return found;
}

int guss_copy_list(const struct guss_copy *c, char **xml, size_t *len, const struct guss_copy_uss *uss, size_t n,
		   bool bare)
{
	struct span head = bare ? span_str(BARE_HEAD) : c->head, tail = bare ? span_str(BARE_TAIL) : c->tail;
	size_t cap = head.len + tail.len + 1;
	struct writer w;

	for (size_t i = 0; i < n; i++)
		cap += bare ? uss[i].bare.len : uss[i].whole.len;
	*xml = malloc(cap);
	if (!*xml)
		return -ENOMEM;
	writer_init(&w, *xml, cap);
	writer_span(&w, head);
	for (size_t i = 0; i < n; i++)
		writer_span(&w, bare ? uss[i].bare : uss[i].whole);
	writer_span(&w, tail);
	*len = (size_t)writer_end(&w);
	return 0;
}
