/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/dia_octets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/hex.h"
#include "common/dia/dia_dict.h"

#define HDR 20

static void be24_put(uint8_t *p, size_t v)
{
	p[0] = v >> 16;
	p[1] = v >> 8;
	p[2] = v;
}

static size_t be24_get(const uint8_t *p)
{
	return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

void octets_load(struct octets *o, const char *name)
{
	char path[512], text[4 * 4096];
	const char *src = getenv("srcdir");
	size_t n = 0;
	FILE *f;
	int c, rc;

	snprintf(path, sizeof(path), "%s/tests/vectors/dia/%s.hex", src ? src : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while ((c = fgetc(f)) != EOF && n + 1 < sizeof(text))
		if (c > ' ')
			text[n++] = (char)c;
	fclose(f);
	text[n] = '\0';
	rc = hex_decode(o->b, sizeof(o->b), text, n);
	ck_assert_int_gt(rc, HDR);
	o->len = (size_t)rc;
}

size_t octets_find(const struct octets *o, uint32_t code, unsigned n, size_t *size)
{
	size_t at;

	for (at = HDR; at + 8 <= o->len; at += padded(be24_get(o->b + at + 5))) {
		if (be32_get(o->b + at) == code && n-- == 0) {
			if (size)
				*size = padded(be24_get(o->b + at + 5));
			return at;
		}
	}
	return 0;
}

static size_t avp_hdr_len(const struct octets *o, size_t at)
{
	return o->b[at + 4] & DIA_FLAG_V ? 12 : 8;
}

struct span octets_data(const struct octets *o, uint32_t code, unsigned n)
{
	size_t at = octets_find(o, code, n, NULL), hdr;

	ck_assert_msg(at != 0, "no AVP %u", code);
	hdr = avp_hdr_len(o, at);
	return span_of(o->b + at + hdr, be24_get(o->b + at + 5) - hdr);
}

static void replace(struct octets *o, size_t at, size_t old_size, const uint8_t *with, size_t new_size)
{
	ck_assert_uint_le(o->len + new_size, sizeof(o->b));
	memmove(o->b + at + new_size, o->b + at + old_size, o->len - at - old_size);
	if (new_size)
		memcpy(o->b + at, with, new_size);
	o->len += new_size - old_size;
	be24_put(o->b + 1, o->len);
}

void octets_drop(struct octets *o, uint32_t code)
{
	size_t size, at = octets_find(o, code, 0, &size);

	ck_assert_uint_ne(at, 0);
	replace(o, at, size, NULL, 0);
}

void octets_twice(struct octets *o, uint32_t code)
{
	size_t size, at = octets_find(o, code, 0, &size);
	static uint8_t copy[OCTETS_MAX];

	ck_assert_uint_ne(at, 0);
	memcpy(copy, o->b + at, size);
	replace(o, o->len, 0, copy, size);
}

static size_t make(uint8_t *out, uint32_t code, uint8_t flags, uint32_t vendor, const void *data, size_t len)
{
	size_t hdr = vendor ? 12 : 8;

	memset(out, 0, padded(hdr + len));
	be32_put(out, code);
	out[4] = flags | (vendor ? DIA_FLAG_V : 0);
	be24_put(out + 5, hdr + len);
	if (vendor)
		be32_put(out + 8, vendor);
	if (len)
		memcpy(out + hdr, data, len);
	return padded(hdr + len);
}

void octets_add(struct octets *o, uint32_t code, uint8_t flags, uint32_t vendor, const void *data, size_t len)
{
	static uint8_t avp[OCTETS_MAX];

	replace(o, o->len, 0, avp, make(avp, code, flags, vendor, data, len));
}

void octets_set(struct octets *o, uint32_t code, const void *data, size_t len)
{
	size_t size, at = octets_find(o, code, 0, &size);
	static uint8_t avp[OCTETS_MAX];
	uint32_t vendor;

	ck_assert_uint_ne(at, 0);
	vendor = o->b[at + 4] & DIA_FLAG_V ? be32_get(o->b + at + 8) : 0;
	replace(o, at, size, avp, make(avp, code, o->b[at + 4] & ~DIA_FLAG_V, vendor, data, len));
}

uint8_t *octets_flags(struct octets *o, uint32_t code)
{
	size_t at = octets_find(o, code, 0, NULL);

	ck_assert_uint_ne(at, 0);
	return o->b + at + 4;
}

void octets_open(struct octets *inside, const struct octets *o, uint32_t code)
{
	struct span s = octets_data(o, code, 0);

	memset(inside->b, 0, HDR);
	memcpy(inside->b + HDR, s.p, s.len);
	inside->len = HDR + s.len;
}

void octets_close(struct octets *o, uint32_t code, const struct octets *inside)
{
	octets_set(o, code, inside->b + HDR, inside->len - HDR);
}
