/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file b64.h
 *  Base64, standard alphabet, with padding, no line breaks (RFC 4648 4). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define B64_LEN(octets) (((octets) + 2) / 3 * 4) /* characters, without the NUL */

/*! \param[out] out NUL-terminated; needs B64_LEN(len) + 1
 *  \returns characters written; -ENOSPC */
int b64_encode(char *out, size_t cap, const void *in, size_t len);

/*! Strict: canonical, padded, nothing but the alphabet.
 *  \returns octets written (0..cap); -EBADMSG; -ENOSPC. out untouched on error */
int b64_decode(uint8_t *out, size_t cap, const void *in, size_t len);
