/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gsup_wire.h
 *  GSUP, the protocol of osmo-hlr, as far as one who asks for authentication vectors needs it: frames of the IPA multiplex, its
 *  connection control (CCM), SendAuthInfo and its answers. Pure. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"
#include "common/crypto/aka.h"

#define GSUP_FRAME_MAX 4096 /* octets behind the frame's header; an answer of five vectors has 600 */
#define GSUP_NAME_MAX  63   /* characters of a name, ours or a peer's */
#define GSUP_ASK_MAX   80   /* octets of a request in its frame */
#define GSUP_CCM_MAX   (3 * (GSUP_NAME_MAX + 4) + 8) /* octets of a control message in its frame */
#define GSUP_IMSI_MAX  15

enum gsup_kind {
	GSUP_CONTROL,
	GSUP_MESSAGE,
	GSUP_OTHER, /* of another protocol on the same connection; to be passed over */
};

struct gsup_frame {
	enum gsup_kind kind;
	struct span body; /* behind the headers; lent */
};

/*! Take a frame off what has come.
 *  \returns octets it has, of which body is a part; 0 it is not whole yet; -EBADMSG longer than GSUP_FRAME_MAX, or empty */
int gsup_wire_frame(struct gsup_frame *out, struct span in);

/*! First octet of a control message. */
enum gsup_control { GSUP_PING = 0x00, GSUP_PONG = 0x01, GSUP_ID_GET = 0x04, GSUP_ID_RESP = 0x05, GSUP_ID_ACK = 0x06 };

void gsup_wire_pong_put(struct writer *w);

/*! Who we are: the name stands as unit name, serial number and unit, since servers differ in which they take.
 *  \param[in] name 1 to GSUP_NAME_MAX characters */
void gsup_wire_identity_put(struct writer *w, const char *name);

/*! A request for one vector. */
struct gsup_ask {
	char imsi[GSUP_IMSI_MAX + 1]; /* 6 to 15 digits */
	uint32_t session;             /* comes back in the answer, and is all that tells which one it is */
	bool has_resync;
	uint8_t rand[AKA_RAND_LEN], auts[AKA_AUTS_LEN];
};

void gsup_wire_ask_put(struct writer *w, const struct gsup_ask *a);

/*! What came for a request; clear it with gsup_answer_clear(). */
struct gsup_answer {
	char imsi[GSUP_IMSI_MAX + 1];
	bool has_session;
	uint32_t session;
	bool refused;
	uint8_t cause;            /* of 24.008 10.5.5.14, where refused; 0: none was there */
	bool has_vector;          /* the first one that is whole: a subscriber without 3G data has triplets alone */
	struct aka_vector vector; /* RES 4 to 16 octets */
};

static inline void gsup_answer_clear(struct gsup_answer *a)
{
	aka_vector_clear(&a->vector);
}

#define GSUP_CAUSE_IMSI_UNKNOWN 0x02
#define GSUP_CAUSE_CONGESTION   0x16

/*! \returns 0; -ENOMSG no answer to a request for vectors; -EBADMSG out holds nothing then */
int gsup_wire_answer_get(struct gsup_answer *out, struct span msg);
