/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_cover.h
 *  For which names a connection's certificate was found to be good, and for which not: to look is a quarter of what a request
 *  costs. Each place holds the name that came last; who asks for many names costs himself the looking. */
#pragma once

#include <stdbool.h>
#include <openssl/types.h>

#define DIA_COVER_PLACES 64

struct dia_cover;

/*! \param[in,out] c made when it is first asked; without memory it is looked each time
 *  \param[in] x always the same for one c */
bool dia_cover_get(struct dia_cover **c, const X509 *x, const char *name);
void dia_cover_free(struct dia_cover *c); /* may be NULL */
