/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <ctype.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>

#include "common/gba/xml_read.h"

#define DEPTH_MAX 16

static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool too_deep(const xmlNode *n, int depth)
{
	for (; n; n = n->next) {
		if (depth > DEPTH_MAX || (n->type == XML_ELEMENT_NODE && too_deep(n->children, depth + 1)))
			return true;
	}
	return false;
}

xmlDocPtr xml_read(const uint8_t *buf, size_t len)
{
	xmlDocPtr doc;

	pthread_once(&once, xmlInitParser);
	if (len == 0 || len > INT_MAX || memmem(buf, len, "<!DOCTYPE", 9))
		return NULL;
	doc = xmlReadMemory((const char *)buf, (int)len, NULL, NULL,
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (!doc)
		return NULL;
	/* A DOCTYPE is where entities come from; no message of ours has one. Above: the cheap look before the parser
	 * sees it; here: whatever encoding it hid in. */
	if (xmlGetIntSubset(doc) || doc->extSubset || !xmlDocGetRootElement(doc) || too_deep(doc->children, 0)) {
		xmlFreeDoc(doc);
		return NULL;
	}
	return doc;
}

bool xml_is(const xmlNode *n, const char *local)
{
	return n && n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, local) == 0;
}

xmlNode *xml_child(const xmlNode *parent, const char *local)
{
	xmlNode *n;

	for (n = parent ? parent->children : NULL; n; n = n->next) {
		if (xml_is(n, local))
			return n;
	}
	return NULL;
}

char *xml_text(const xmlNode *n)
{
	xmlChar *content = xmlNodeGetContent(n);
	const char *s = content ? (const char *)content : "";
	size_t len = strlen(s);
	char *copy;

	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	while (len && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	copy = strndup(s, len);
	xmlFree(content);
	return copy;
}

char *xml_attr(const xmlNode *n, const char *name)
{
	xmlChar *value = xmlGetNoNsProp(n, (const xmlChar *)name);
	char *copy = value ? strdup((const char *)value) : NULL;

	xmlFree(value);
	return copy;
}

static void out_put(struct xml_out *o, const char *s, size_t len)
{
	if (o->failed)
		return;
	if (len >= o->cap - o->len) {
		size_t cap = (o->cap + len + 256) * 2;
		char *text = realloc(o->text, cap);

		if (!text) {
			o->failed = true;
			return;
		}
		o->text = text;
		o->cap = cap;
	}
	memcpy(o->text + o->len, s, len);
	o->len += len;
	o->text[o->len] = '\0';
}

void xml_out_raw(struct xml_out *o, const char *s)
{
	out_put(o, s, strlen(s));
}

void xml_out_text(struct xml_out *o, const char *s)
{
	static const char special[] = "<>&\"'";
	static const char *const escape[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&apos;" };

	while (*s) {
		size_t plain = strcspn(s, special);

		out_put(o, s, plain);
		s += plain;
		if (*s)
			xml_out_raw(o, escape[strchr(special, *s++) - special]);
	}
}
