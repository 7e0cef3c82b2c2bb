/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_ask.h
 *  A request held against the document: which operation it is for, and what it says. Pure, but for what is allocated. */
#pragma once

#include "reg/api_doc.h"
#include "reg/api_valid.h"

/*! A name of the path that is written is before one that stands for any. \returns NULL: there is none */
const struct api_path *api_ask_path(const struct api_doc *d, const struct api_target *t);
/*! \param[in] method HEAD is GET \returns NULL: not this one */
const struct api_op *api_ask_op(const struct api_path *p, const char *method);
/*! "GET, HEAD, OPTIONS", for Allow. \param[out] out 64 octets */
void api_ask_allow(const struct api_path *p, char out[64]);

/*! Path, query and body as one object by their names, each as its schema wants it.
 *  \param[in] body NULL: there is none \param[out] in owned by the caller
 *  \returns 0; -EINVAL and what is wrong first in bad, where a parameter's field is its name and a body's a pointer; -ENOMEM */
int api_ask_in(const struct api_doc *d, const struct api_op *op, const struct api_target *t, const json_t *body,
	       json_t **in, struct api_bad *bad);
