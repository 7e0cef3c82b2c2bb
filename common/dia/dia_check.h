/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_check.h
 *  A message against the grammar of its command: the first thing that is wrong, with the code and the Failed-AVP that say so
 *  (RFC 6733 7.1, 7.5). Lengths, bits, unknown AVPs with M, occurrence, values. Pure, nothing is allocated. */
#pragma once

#include "common/dia/dia_wire.h"
#include "common/gba/result.h"

/*! Results that only the protocol knows, beside enum result_code (RFC 6733 7.1.3, 7.1.5). */
enum dia_code {
	DIA_INVALID_HDR_BITS = 3008,
	DIA_INVALID_AVP_BITS = 3009,
	DIA_UNKNOWN_PEER = 3010,
	DIA_ELECTION_LOST = 4003,
	DIA_NO_COMMON_APPLICATION = 5010,
	DIA_UNSUPPORTED_VERSION = 5011,
	DIA_INVALID_MESSAGE_LENGTH = 5015,
	DIA_NO_COMMON_SECURITY = 5017,
};

#define DIA_DEPTH_MAX      8    /* groups inside each other */
#define DIA_AVPS_MAX       256  /* of a message, on all levels */
#define DIA_PROXY_INFO_MAX 2048 /* octets of each: what an answer that waits must keep */
#define DIA_FAILED_MAX     4096 /* an AVP over it is not copied back whole */

/*! How often an AVP stands in a command or group. One that has no rule is known and read over, or unknown. */
struct dia_rule {
	enum dia_avp_id id;
	uint8_t min, max; /* max 0: any number */
	bool as_is;       /* its value is not looked at: it is compared or copied */
};

struct dia_grammar {
	uint32_t app, command;
	uint8_t flags; /* R and P of the request; of an answer P */
	const struct dia_rule *rules;
	size_t n;
};

#define DIA_MADE_MAX 64

struct dia_fault {
	uint32_t code; /* enum result_code or dia_code; 0: none */
	enum dia_avp_id id;
	struct span avp;            /* for Failed-AVP, lent by the message */
	uint8_t made[DIA_MADE_MAX]; /* else made here: what is missing, or what cannot be copied */
	size_t made_len;
};

/*! What goes into Failed-AVP, whole AVPs with padding but for the last; empty: no Failed-AVP. */
struct span dia_fault_avp(const struct dia_fault *f);
/*! The same as the numbers that decisions know. */
struct result dia_fault_result(const struct dia_fault *f);

/*! Check the AVPs; the header is for dia_local or the peer machine.
 *  \param[out] f         the fault; code 0 if there is none
 *  \param[out] read_over AVPs of 3GPP that are known and have no rule here (those of Zpn in a BIR); may be NULL
 *  \param[in] msg        whole message, DIA_HDR_LEN octets at least, lent as long as f is used
 *  \returns 0; -EBADMSG */
int dia_check(struct dia_fault *f, struct span msg, const struct dia_grammar *g, unsigned *read_over);

/*! A fault that only the reader of a value sees. \returns -EBADMSG */
int dia_fault_set(struct dia_fault *f, uint32_t code, const struct dia_avp *a);
/*! id is missing. \returns -EBADMSG */
int dia_fault_missing(struct dia_fault *f, enum dia_avp_id id);
