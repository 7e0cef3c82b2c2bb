/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_dict.h"

#include <unistr.h>

#define IDENTITY_MAX 255

#define V    DIA_FLAG_V
#define M    DIA_FLAG_M
#define TGPP DIA_VENDOR_TGPP
#define IETF DIA_VENDOR_NONE

#define AVP(id, code, vendor, name, flags, type) [AVP_##id] = { code, vendor, name, flags, DIA_##type },
static const struct dia_def defs[AVP_COUNT] = {
#include "common/dia/base_avps.h"
#include "dict/avp_table.h"
};
#undef AVP

const struct dia_def *dia_dict(enum dia_avp_id id)
{
	return &defs[id];
}

/* A line that stands twice is a compiler's error here. */
#define AVP(id, code, vendor, name, flags, type) \
	case (uint64_t)(vendor) << 32 | (code): \
		return AVP_##id;
enum dia_avp_id dia_dict_find(uint32_t code, uint32_t vendor)
{
	switch ((uint64_t)vendor << 32 | code) {
#include "common/dia/base_avps.h"
#include "dict/avp_table.h"
	default:
		return AVP_UNKNOWN;
	}
}
#undef AVP

static const struct {
	size_t min;
	bool fixed;
} sizes[] = {
	[DIA_OCTETS] = { 0, false },  [DIA_UTF8] = { 0, false },    [DIA_TIME] = { 4, true },
	[DIA_U32] = { 4, true },      [DIA_ENUM] = { 4, true },     [DIA_IDENTITY] = { 0, false },
	[DIA_ADDRESS] = { 2, false }, [DIA_GROUPED] = { 0, false }, [DIA_OPAQUE] = { 0, false },
};

size_t dia_dict_min(enum dia_type type)
{
	return sizes[type].min;
}

bool dia_dict_fixed(enum dia_type type)
{
	return sizes[type].fixed;
}

/* Enumerated AVPs that are read here: the greatest value; they begin with 0. */
static bool enum_ok(enum dia_avp_id id, uint32_t v)
{
	switch (id) {
	case AVP_AUTH_SESSION_STATE:
	case AVP_GBA_U_AWARENESS:
		return v <= 1;
	case AVP_DISCONNECT_CAUSE:
	case AVP_GBA_TYPE:
		return v <= 2;
	case AVP_REDIRECT_HOST_USAGE:
		return v <= 6;
	default:
		return true;
	}
}

static bool identity_ok(struct span s)
{
	static const char others[] = "-_.";

	if (s.len < 1 || s.len > IDENTITY_MAX || s.p[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i] | 0x20;

		if (!(c >= 'a' && c <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !memchr(others, s.p[i], sizeof(others) - 1))
			return false;
	}
	return true;
}

/* Families 1 and 2 have a length; others (E.164) are text or none of ours. */
static bool address_ok(struct span s)
{
	uint16_t family = be16_get(s.p);

	return family != 0 && family != UINT16_MAX && (family != 1 || s.len == 6) && (family != 2 || s.len == 18);
}

bool dia_dict_value_ok(enum dia_avp_id id, struct span value)
{
	switch (defs[id].type) {
	case DIA_UTF8:
		return value.len == 0 || (!u8_check(value.p, value.len) && !memchr(value.p, '\0', value.len));
	case DIA_ENUM:
		return enum_ok(id, be32_get(value.p));
	case DIA_IDENTITY:
		return identity_ok(value);
	case DIA_ADDRESS:
		return address_ok(value);
	default:
		return true;
	}
}

static uint8_t folded(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

int dia_dict_identity_cmp(struct span a, struct span b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int d = (int)folded(a.p[i]) - (int)folded(b.p[i]);

		if (d)
			return d;
	}
	return (a.len > b.len) - (a.len < b.len);
}
