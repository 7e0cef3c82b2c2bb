/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file result.h
 *  What an answer of Zh or Zn says, by whatever protocol it came. The numbers are those of TS 29.109 6.2 and RFC 6733
 *  7.1, so that logs and the specifications speak of the same. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RESULT_VENDOR_3GPP 10415

enum result_code {
	RESULT_SUCCESS = 2001,
	RESULT_COMMAND_UNSUPPORTED = 3001,
	RESULT_UNABLE_TO_DELIVER = 3002,
	RESULT_REALM_NOT_SERVED = 3003,
	RESULT_TOO_BUSY = 3004,
	RESULT_REDIRECT = 3006,
	RESULT_APPLICATION_UNSUPPORTED = 3007,
	RESULT_AVP_UNSUPPORTED = 5001,
	RESULT_INVALID_AVP_VALUE = 5004,
	RESULT_MISSING_AVP = 5005,
	RESULT_AVP_TOO_MANY = 5009,
	RESULT_UNABLE_TO_COMPLY = 5012,
	RESULT_INVALID_AVP_LENGTH = 5014,
	/* experimental ones of 3GPP */
	RESULT_X_CX_USER_UNKNOWN = 5001, /* of Cx; foreign HSSs send it on Zh */
	RESULT_X_IDENTITY_UNKNOWN = 5401,
	RESULT_X_NOT_AUTHORIZED = 5402,
	RESULT_X_TRANSACTION_INVALID = 5403,
};

/*! What an answer says. */
struct result {
	uint32_t code;       /* enum result_code or any other number; 0: the answer held none */
	bool experimental;   /* code is one of vendor's */
	uint32_t vendor;     /* of an experimental one */
	uint32_t failed_avp; /* number of the part of the request that is wrong; 0: none */
	uint32_t failed_vendor;
};

/*! \returns name for logs, "?" if unknown */
const char *result_name(const struct result *r);
