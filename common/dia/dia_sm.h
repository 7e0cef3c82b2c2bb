/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_sm.h
 *  The states of one connection (RFC 6733 5.6, RFC 3539 3.4) as a table without a hole: each event has its cell in each
 *  state. What is decided by looking at other connections of the same peer is dia_peer's. Pure. */
#pragma once

#include <stdint.h>

/*! Each but the last has a timer running. */
#define DIA_STATES(X) \
	X(CONN)     /* we connect: TCP, and TLS before CER */ \
	X(WAIT_CEA) /* we have sent CER */ \
	X(WAIT_CER) /* accepted, nobody knows yet who it is */ \
	X(HELD)     /* CER is there, the decision is open; not read from */ \
	X(INBAND)   /* TLS handshake after CEA; not read from as Diameter */ \
	X(OPEN) \
	X(PROBED)   /* a watchdog request is out */ \
	X(SUSPECT)  /* it was not answered: no requests to it; those of the peer are answered */ \
	X(DRAINING) /* we want it to go: what is out on it is waited for, nothing more is sent out on it */ \
	X(CLOSING)  /* we have sent DPR */ \
	X(LEAVING)  /* we have sent DPA: the peer closes */ \
	X(GONE)

#define DIA_EVENTS(X) \
	X(UP)   /* TCP is there, with its TLS; in INBAND: the handshake is done */ \
	X(FAIL) /* closed or reset by the other side, or no connection came */ \
	X(TIMER) \
	X(STOP)    /* we stop, or want this peer to go: with DPR where it is open */ \
	X(DROP)    /* decided: it goes without a word */ \
	X(REFUSE)  /* decided: its CER gets an error */ \
	X(WIN)     /* decided: its CER is accepted */ \
	X(WIN_TLS) /* the same, TLS after CEA */ \
	X(CER) \
	X(CEA_OK)  /* 2001, the right identity, a common application */ \
	X(CEA_TLS) /* the same, TLS follows */ \
	X(CEA_BAD) /* any other */ \
	X(DWR) \
	X(DWA)   /* of the request that is out */ \
	X(STRAY) /* a DWA of no request of ours */ \
	X(DPR) \
	X(DPA) \
	X(REQUEST) /* of an application */ \
	X(ANSWER) \
	X(FRAME)   /* octets that are no message */ \
	X(STALLED) /* it does not read */ \
	X(EXPIRED) /* its certificate */ \
	X(UNNAMED) /* it is not configured any more */ \
	X(DRAINED) /* no request of ours is out on it any more */

/*! What is to be done, in this order. */
#define DIA_ACTS(X) \
	X(FAILOVER) /* pending requests go to another peer */ \
	X(DRAIN)    /* say DRAINED when no request is out on it; and the timer that ends the waiting for that */ \
	X(FAILBACK) /* requests may go to it again */ \
	X(SEND_CER) \
	X(ELECT)        /* look at the held CER */ \
	X(SEND_CEA)     /* 2001 */ \
	X(SEND_REFUSAL) /* CEA with the error */ \
	X(SEND_DWR) \
	X(SEND_DWA) \
	X(SEND_DPR) \
	X(SEND_DPA) \
	X(DELIVER)    /* to the application, or to who asked */ \
	X(SEND_BUSY)  /* 3004 */ \
	X(SEND_ERROR) /* 5011 or 5015, if the head of a request can be read */ \
	X(HANDSHAKE)  /* TLS begins; octets that have come already are an attack */ \
	X(OPENED) \
	X(TCE)   /* timers: for CER, CEA, decision, handshake */ \
	X(TW)    /* watchdog */ \
	X(TDP)   /* for DPA, or for the peer to close */ \
	X(CLOSE) /* when all is sent */ \
	X(RESET) /* RST: what waits to be sent is lost */

#define DIA_ENUM_STATE(name) DIA_ST_##name,
#define DIA_ENUM_EVENT(name) DIA_ON_##name,
#define DIA_ENUM_ACT(name)   DIA_BIT_##name,
#define DIA_ENUM_MASK(name)  DIA_DO_##name = 1u << DIA_BIT_##name,
enum dia_state { DIA_STATES(DIA_ENUM_STATE) DIA_N_STATES };
enum dia_on { DIA_EVENTS(DIA_ENUM_EVENT) DIA_N_EVENTS };
enum dia_act_bit { DIA_ACTS(DIA_ENUM_ACT) DIA_N_ACTS };
enum dia_do { DIA_ACTS(DIA_ENUM_MASK) };

struct dia_step {
	enum dia_state next;
	uint32_t acts; /* DIA_DO_... */
};

struct dia_step dia_sm(enum dia_state state, enum dia_on event);

/*! Names for logs and tests. */
const char *dia_sm_state(enum dia_state s);
const char *dia_sm_event(enum dia_on e);
const char *dia_sm_act(enum dia_act_bit a);
