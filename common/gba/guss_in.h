/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file guss_in.h
 *  Between the files that read and write GUSSs: for this folder. */
#pragma once

#include "common/gba/guss.h"
#include "common/gba/xml_read.h"

#define GUSS_XML_DECL "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/*! As guss_parse(), with the document it was read from. \param[out] doc xmlFreeDoc(), if 0 is returned */
int guss_read(struct guss **out, xmlDoc **doc, struct span xml, enum guss_bad_uss rule, struct err *err);

/*! One uss from the model. \param[in] bare without uids and group: nothing that names anybody */
void guss_put_uss(struct xml_out *o, const struct guss_uss *u, bool bare);

/*! Elements that mean nothing here, as guss_edit_check() tells them.
 *  \param[in] all also those of a uss that resemble no word of ours: an operator may have his own there */
void guss_remark(char *out, size_t cap, const xmlNode *root, bool all);
