/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file ascii.h
 *  Case of ASCII letters, whatever the locale: names of hosts, schemes and hex digits have no other letters. */
#pragma once

#include <stddef.h>
#include <stdint.h>

static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/*! \param[out] out len octets; may be in itself. Other octets stay as they are, NUL, too */
static inline void ascii_lower_copy(void *out, const void *in, size_t len)
{
	uint8_t *to = out;
	const uint8_t *from = in;

	for (size_t i = 0; i < len; i++)
		to[i] = ascii_lower(from[i]);
}
