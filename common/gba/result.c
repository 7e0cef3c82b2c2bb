/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/result.h"

#include <stddef.h>

static const struct {
	uint32_t code, vendor; /* vendor 0: in Result-Code */
	const char *name;
} names[] = {
	{ RESULT_SUCCESS, 0, "DIAMETER_SUCCESS" },
	{ RESULT_COMMAND_UNSUPPORTED, 0, "DIAMETER_COMMAND_UNSUPPORTED" },
	{ RESULT_UNABLE_TO_DELIVER, 0, "DIAMETER_UNABLE_TO_DELIVER" },
	{ RESULT_REALM_NOT_SERVED, 0, "DIAMETER_REALM_NOT_SERVED" },
	{ RESULT_TOO_BUSY, 0, "DIAMETER_TOO_BUSY" },
	{ RESULT_APPLICATION_UNSUPPORTED, 0, "DIAMETER_APPLICATION_UNSUPPORTED" },
	{ RESULT_AVP_UNSUPPORTED, 0, "DIAMETER_AVP_UNSUPPORTED" },
	{ RESULT_INVALID_AVP_VALUE, 0, "DIAMETER_INVALID_AVP_VALUE" },
	{ RESULT_MISSING_AVP, 0, "DIAMETER_MISSING_AVP" },
	{ RESULT_AVP_TOO_MANY, 0, "DIAMETER_AVP_OCCURS_TOO_MANY_TIMES" },
	{ RESULT_UNABLE_TO_COMPLY, 0, "DIAMETER_UNABLE_TO_COMPLY" },
	{ RESULT_INVALID_AVP_LENGTH, 0, "DIAMETER_INVALID_AVP_LENGTH" },
	{ RESULT_X_CX_USER_UNKNOWN, RESULT_VENDOR_3GPP, "DIAMETER_ERROR_USER_UNKNOWN" },
	{ RESULT_X_IDENTITY_UNKNOWN, RESULT_VENDOR_3GPP, "DIAMETER_ERROR_IDENTITY_UNKNOWN" },
	{ RESULT_X_NOT_AUTHORIZED, RESULT_VENDOR_3GPP, "DIAMETER_ERROR_NOT_AUTHORIZED" },
	{ RESULT_X_TRANSACTION_INVALID, RESULT_VENDOR_3GPP, "DIAMETER_ERROR_TRANSACTION_IDENTIFIER_INVALID" },
};

const char *result_name(const struct result *r)
{
	uint32_t vendor = r->experimental ? r->vendor : 0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == r->code && names[i].vendor == vendor && r->experimental == (names[i].vendor != 0))
			return names[i].name;
	return "?";
}
