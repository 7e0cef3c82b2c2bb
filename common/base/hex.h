/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file hex.h
 *  Hexadecimal text; lower case out, either case in. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*! \param[out] out NUL-terminated; needs 2 * len + 1
 *  \returns characters written; -ENOSPC */
int hex_encode(char *out, size_t cap, const void *in, size_t len);

/*! \returns octets written; -EBADMSG odd length or no hex digit; -ENOSPC. out untouched on error */
int hex_decode(uint8_t *out, size_t cap, const void *in, size_t len);
