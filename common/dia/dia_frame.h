/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_frame.h
 *  Octets of a stream to whole messages. A length is believed only within the limit of who sends: little before its CER, more
 *  after. What it says does not depend on how the octets were cut. Pure. */
#pragma once

#include "common/dia/dia_check.h"

#define DIA_FRAME_UNKNOWN 4096    /* before CER */
#define DIA_FRAME_NAF     65536   /* who asks for keys */
#define DIA_FRAME_HSS     1048576 /* who gives a GUSS */

enum dia_frame_is {
	DIA_FRAME_MORE,  /* need octets in all, then look again */
	DIA_FRAME_WHOLE, /* a message of len octets stands at the front */
	DIA_FRAME_BAD,   /* no message can follow: the stream ends here */
};

struct dia_frame {
	enum dia_frame_is is;
	size_t need; /* MORE: at least; what a length promises is not for reserving memory */
	size_t len;  /* WHOLE */
	/* BAD: 5011 or 5015 */
	struct dia_fault fault;
	bool answerable; /* it has the head of a request, DIA_HDR_LEN octets: dia_build_refusal() of these */
};

/*! \param[in] p     what has come and was not taken yet
 *  \param[in] limit octets of a message, DIA_HDR_LEN at least */
void dia_frame(struct dia_frame *out, const uint8_t *p, size_t len, size_t limit);
