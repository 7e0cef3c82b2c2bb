/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_dict.h
 *  The AVPs this program knows, by name: elsewhere no number of an AVP is written. Pure. */
#pragma once

#include <stdint.h>
#include "common/base/bytes.h"
#include "dict/gba_ids.h"

#define DIA_VENDOR_NONE 0
#define DIA_VENDOR_TGPP 10415

#define DIA_FLAG_V 0x80
#define DIA_FLAG_M 0x40

/*! AVP_UNKNOWN, then one for each line of the two tables. */
#define AVP(id, code, vendor, name, flags, type) AVP_##id,
enum dia_avp_id {
	AVP_UNKNOWN,
#include "common/dia/base_avps.h"
#include "dict/avp_table.h"
	AVP_COUNT
};
#undef AVP

/*! Forms of RFC 6733 4.2 and 4.3. Of an opaque one nobody looks inside: it is copied or read over. */
enum dia_type { DIA_OCTETS, DIA_UTF8, DIA_TIME, DIA_U32, DIA_ENUM, DIA_IDENTITY, DIA_ADDRESS, DIA_GROUPED, DIA_OPAQUE };

struct dia_def {
	uint32_t code, vendor;
	const char *name;
	uint8_t flags; /* V and M as we send it */
	enum dia_type type;
};

/*! \param[in] id not AVP_UNKNOWN */
const struct dia_def *dia_dict(enum dia_avp_id id);

/*! \returns AVP_UNKNOWN if no line has this code and vendor */
enum dia_avp_id dia_dict_find(uint32_t code, uint32_t vendor);

/*! Octets a value of this type has at least, and whether it has no others. */
size_t dia_dict_min(enum dia_type type);
bool dia_dict_fixed(enum dia_type type);

/*! May the AVP have this value? Enumerated: a value that is defined; UTF8String: it is, without NUL; DiameterIdentity: letters, digits,
 *  "-", "_", ".", no final dot, 1 to 255; Address: a family with its length. The octets have the type's length. */
bool dia_dict_value_ok(enum dia_avp_id id, struct span value);

/*! The order in which an election compares names (RFC 6733 5.6.4): A-Z as a-z, then by octets.
 *  \returns below, equal to or above 0 */
int dia_dict_identity_cmp(struct span a, struct span b);
