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

/*! FNV-1a of a name, whatever its case: for names that are configured or admitted. Strangers could choose theirs so that they
 *  collide (common/crypto/keyed_hash.h is for those). */
static inline uint32_t ascii_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ ascii_lower((uint8_t)*name)) * 16777619u;
	return h;
}

/*! \param[out] out len octets; may be in itself. Other octets stay as they are, NUL, too */
static inline void ascii_lower_copy(void *out, const void *in, size_t len)
{
	uint8_t *to = out;
	const uint8_t *from = in;

	for (size_t i = 0; i < len; i++)
		to[i] = ascii_lower(from[i]);
}
