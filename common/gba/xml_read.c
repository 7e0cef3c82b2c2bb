/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/xml_read.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>

#define DEPTH_MAX 16

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What ended the parser before the document did. */
enum refused { REFUSED_NOT, REFUSED_DOCTYPE, REFUSED_DEPTH };

static void init(void)
{
	xmlInitParser();
}

/* A DTD is where entities, default attributes and foreign files come from: stop before the first of it is read. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *c = ctx;

	*(enum refused *)c->_private = REFUSED_DOCTYPE;
	xmlStopParser(c);
}

static void on_element(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
		       const xmlChar **ns, int n_attr, int n_default, const xmlChar **attr)
{
	xmlParserCtxt *c = ctx;

	if (c->nodeNr >= DEPTH_MAX) {
		*(enum refused *)c->_private = REFUSED_DEPTH;
		xmlStopParser(c);
		return;
	}
	xmlSAX2StartElementNs(ctx, name, prefix, uri, n_ns, ns, n_attr, n_default, attr);
}

static void explain(struct err *err, xmlParserCtxt *c, enum refused why)
{
	const xmlError *e = xmlCtxtGetLastError(c);

	if (why == REFUSED_DOCTYPE)
		err_set(err, 0, "has a DOCTYPE, which is refused");
	else if (why == REFUSED_DEPTH)
		err_set(err, 0, "more than %d elements inside each other", DEPTH_MAX);
	else
		err_set(err, 0, "not well-formed, line %d", e ? e->line : 1);
}

xmlDocPtr xml_read(const uint8_t *buf, size_t len, struct err *err)
{
	enum refused why = REFUSED_NOT;
	xmlParserCtxt *c;
	xmlDocPtr doc;

	pthread_once(&once, init);
	if (len == 0 || len > INT_MAX) {
		err_set(err, 0, "empty or too long");
		return NULL;
	}
	c = xmlNewParserCtxt();
	if (!c) {
		err_set(err, 0, "no memory");
		return NULL;
	}
	c->_private = &why;
	c->sax->internalSubset = on_doctype;
	c->sax->startElementNs = on_element;
	doc = xmlCtxtReadMemory(c, (const char *)buf, (int)len, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (!doc || why != REFUSED_NOT || !xmlDocGetRootElement(doc)) {
		explain(err, c, why);
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(c);
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

int xml_attr(char **out, const xmlNode *n, const char *name)
{
	xmlChar *value = xmlGetNoNsProp(n, (const xmlChar *)name);

	*out = NULL;
	if (!value)
		return xmlHasNsProp(n, (const xmlChar *)name, NULL) ? -ENOMEM : 0;
	*out = strdup((const char *)value);
	xmlFree(value);
	return *out ? 0 : -ENOMEM;
}

void xml_out_octets(struct xml_out *o, const void *p, size_t len)
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
	memcpy(o->text + o->len, p, len);
	o->len += len;
	o->text[o->len] = '\0';
}

void xml_out_raw(struct xml_out *o, const char *s)
{
	xml_out_octets(o, s, strlen(s));
}

void xml_out_text(struct xml_out *o, const char *s)
{
	static const char special[] = "<>&\"'";
	static const char *const escape[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&apos;" };

	while (*s) {
		size_t plain = strcspn(s, special);

		xml_out_octets(o, s, plain);
		s += plain;
		if (*s)
			xml_out_raw(o, escape[strchr(special, *s++) - special]);
	}
}
