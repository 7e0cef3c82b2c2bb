/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file result_code.h
 *  Result codes used on Zh and Zn (RFC 6733 7.1, TS 29.109 6.2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DIA_VENDOR_3GPP 10415

#define DIA_SUCCESS                 2001
#define DIA_COMMAND_UNSUPPORTED     3001
#define DIA_UNABLE_TO_DELIVER       3002
#define DIA_REALM_NOT_SERVED        3003
#define DIA_TOO_BUSY                3004
#define DIA_APPLICATION_UNSUPPORTED 3007
#define DIA_AVP_UNSUPPORTED         5001
#define DIA_INVALID_AVP_VALUE       5004
#define DIA_MISSING_AVP             5005
#define DIA_AVP_TOO_MANY            5009
#define DIA_UNABLE_TO_COMPLY        5012
#define DIA_INVALID_AVP_LENGTH      5014
/* in Experimental-Result with Vendor-Id 10415 */
#define DIA_X_CX_USER_UNKNOWN     5001 /* of Cx; foreign HSSs send it on Zh */
#define DIA_X_IDENTITY_UNKNOWN    5401
#define DIA_X_NOT_AUTHORIZED      5402
#define DIA_X_TRANSACTION_INVALID 5403

/*! What an answer says. */
struct dia_result {
	uint32_t code;       /* 0: the answer held neither */
	bool experimental;   /* in Experimental-Result */
	uint32_t vendor;     /* of an experimental one */
	uint32_t failed_avp; /* code of the AVP for Failed-AVP; 0: none */
	uint32_t failed_vendor;
};

/*! \returns name for logs, "?" if unknown */
const char *dia_result_name(const struct dia_result *r);
