/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file xml_read.h
 *  libxml2 with everything off that reaches beyond the document: network, DTD, entities, depth. For this folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libxml/tree.h>
#include "common/base/err.h"

/*! \param[out] err may be NULL: what is wrong in which line; nothing of the content, it is about persons
 *  \returns document (xmlFreeDoc), or NULL: not well-formed, has a DOCTYPE, nested deeper than 16 */
xmlDocPtr xml_read(const uint8_t *buf, size_t len, struct err *err);

/*! Element with this local name, whatever the namespace? */
bool xml_is(const xmlNode *n, const char *local);

/*! First child element of that name, or NULL. */
xmlNode *xml_child(const xmlNode *parent, const char *local);

/*! Text of an element without white space around; malloc'ed. \returns NULL: no memory */
char *xml_text(const xmlNode *n);

/*! Attribute without namespace. \param[out] out malloc'ed; NULL if absent. \returns 0; -ENOMEM */
int xml_attr(char **out, const xmlNode *n, const char *name);

/*! Append text with the five special characters escaped. */
struct xml_out {
	char *text;
	size_t len, cap;
	bool failed;
};
void xml_out_raw(struct xml_out *o, const char *s);
void xml_out_octets(struct xml_out *o, const void *p, size_t len);
void xml_out_text(struct xml_out *o, const char *s);
