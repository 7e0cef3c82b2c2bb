/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/result_code.h"

#include <stddef.h>

static const struct {
	uint32_t code, vendor; /* vendor 0: in Result-Code */
	const char *name;
} names[] = {
	{ DIA_SUCCESS, 0, "DIAMETER_SUCCESS" },
	{ DIA_COMMAND_UNSUPPORTED, 0, "DIAMETER_COMMAND_UNSUPPORTED" },
	{ DIA_UNABLE_TO_DELIVER, 0, "DIAMETER_UNABLE_TO_DELIVER" },
	{ DIA_REALM_NOT_SERVED, 0, "DIAMETER_REALM_NOT_SERVED" },
	{ DIA_TOO_BUSY, 0, "DIAMETER_TOO_BUSY" },
	{ DIA_APPLICATION_UNSUPPORTED, 0, "DIAMETER_APPLICATION_UNSUPPORTED" },
	{ DIA_AVP_UNSUPPORTED, 0, "DIAMETER_AVP_UNSUPPORTED" },
	{ DIA_INVALID_AVP_VALUE, 0, "DIAMETER_INVALID_AVP_VALUE" },
	{ DIA_MISSING_AVP, 0, "DIAMETER_MISSING_AVP" },
	{ DIA_AVP_TOO_MANY, 0, "DIAMETER_AVP_OCCURS_TOO_MANY_TIMES" },
	{ DIA_UNABLE_TO_COMPLY, 0, "DIAMETER_UNABLE_TO_COMPLY" },
	{ DIA_INVALID_AVP_LENGTH, 0, "DIAMETER_INVALID_AVP_LENGTH" },
	{ DIA_X_CX_USER_UNKNOWN, DIA_VENDOR_3GPP, "DIAMETER_ERROR_USER_UNKNOWN" },
	{ DIA_X_IDENTITY_UNKNOWN, DIA_VENDOR_3GPP, "DIAMETER_ERROR_IDENTITY_UNKNOWN" },
	{ DIA_X_NOT_AUTHORIZED, DIA_VENDOR_3GPP, "DIAMETER_ERROR_NOT_AUTHORIZED" },
	{ DIA_X_TRANSACTION_INVALID, DIA_VENDOR_3GPP, "DIAMETER_ERROR_TRANSACTION_IDENTIFIER_INVALID" },
};

const char *dia_result_name(const struct dia_result *r)
{
	uint32_t vendor = r->experimental ? r->vendor : 0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == r->code && names[i].vendor == vendor && r->experimental == (names[i].vendor != 0))
			return names[i].name;
	return "?";
}
