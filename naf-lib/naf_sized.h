/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_sized.h
 *  Structs of the public header that the application fills: they begin with their size, so later ones may be longer. */
#pragma once

#include <stddef.h>

/*! Octets of a struct up to and with a field. */
#define NAF_SIZED_TO(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

/*! Copy what the caller knows; what it does not know is zero.
 *  \param[in] in    begins with its size; NULL is refused
 *  \param[in] least octets every caller knows
 *  \returns 0; -EINVAL the size is less than least or more than cap: not begun with its _init function. out is untouched */
int naf_sized_read(void *out, size_t cap, const void *in, size_t least);
