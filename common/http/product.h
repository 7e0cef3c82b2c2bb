/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file product.h
 *  Product tokens of User-Agent and Server (TS 24.109, 33.220 4.5.2). Pure. */
#pragma once

#include "common/base/bytes.h"

#define PRODUCT_TMPI "3gpp-gba-tmpi"
#define PRODUCT_GBA  "3gpp-gba"
#define PRODUCT_UICC "3gpp-gba-uicc"

/*! Is token there as a whole word (delimited by blank, ';', ',', '/' or an end)? Any case. */
bool product_has(struct span header, const char *token);
