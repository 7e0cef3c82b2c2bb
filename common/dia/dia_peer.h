/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_peer.h
 *  One peer, that is one identity: its connections, CERs that wait for a decision, election, watchdogs, when to connect next
 *  (RFC 6733 5.6, RFC 3539 3.4). It decides and does nothing: time comes in, actions go out by a function that may not call
 *  back. One thread for each peer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/dia/dia_sm.h"

#define DIA_CONNECTIONS_MAX 64
/*! Numbers of connections in a peer that may have n: those that are open, those that wait for their place, and four for attempts
 *  and some that leave. */
#define DIA_PEER_LINKS(n) (2 * (n) + 4)

#define DIA_CONNECT_MS      10000 /* TCP and TLS */
#define DIA_TCE_MS          10000
#define DIA_TDP_MS          5000
#define DIA_DRAIN_MS        5000 /* who asked has given up by then (an HSS has 5 s where nothing else is configured) */
#define DIA_TW_MIN_MS       6000
#define DIA_TW_JITTER_MS    2000
#define DIA_TRY_FIRST_MS    1000   /* after a loss; then doubled up to tc_ms */
#define DIA_TRY_ANEW_MS     50     /* after an end of ours that is to begin anew: the other side has seen it by then */
#define DIA_TRY_BUSY_MS     30000  /* after a DPR that says busy */
#define DIA_TRY_UNWANTED_MS 300000 /* after one that does not want us: it comes to us when it does */
#define DIA_HEARD_MS        1000   /* who was heard so lately is alive and not asked */
#define DIA_ROUND_MS        3000   /* whoever has not answered then has gone */
#define DIA_REOPEN_DWAS     3      /* after a failure, before requests flow (RFC 3539 3.4.1) */

struct dia_peer_cfg {
	const char *self, *name; /* identities, lent as long as the peer lives */
	bool dial;               /* we connect, it may come too; false: it comes to us */
	unsigned connections;    /* 1 .. DIA_CONNECTIONS_MAX */
	bool restart_is_proof; /* a greater Origin-State-Id can only be the peer's own: TLS, or its address is nobody else's */
	bool tls_after_cer;
	uint32_t tw_ms, tc_ms;
	uint64_t seed; /* of the jitter */
};

/*! What goes out, beside the actions of dia_sm.h but for ELECT and the timers. */
#define DIA_BIT_DIAL DIA_N_ACTS

/*! \param[in] link number of the connection in this peer, from DIAL or dia_peer_cer() to CLOSE or RESET
 *  \param[in] act  enum dia_act_bit or DIA_BIT_DIAL
 *  \param[in] arg  SEND_DWR: hop-by-hop id; SEND_REFUSAL: code; SEND_DPR: cause; OPENED: DWAs it still needs before requests
 *                  may flow, then FAILBACK tells so; else 0 */
typedef void dia_peer_fn(void *owner, unsigned link, unsigned act, uint32_t arg);

struct dia_peer_machine;

/*! \param[in] cfg copied. \returns new object, or NULL: no memory. It waits for dia_peer_tick() to begin. */
struct dia_peer_machine *dia_peer_new(const struct dia_peer_cfg *cfg, dia_peer_fn *act, void *owner, uint64_t now_ms);
void dia_peer_free(struct dia_peer_machine *p);

/*! A connection that was accepted has sent a good CER of this identity, admitted by dia_refusal_of().
 *  \param[in] has_state, state its Origin-State-Id
 *  \returns its link; -EBUSY: no room, close it */
int dia_peer_cer(struct dia_peer_machine *p, uint64_t now_ms, bool has_state, uint32_t state);

/*! Does TLS follow the CEA of CERs that come from now on? */
void dia_peer_tls_follows(struct dia_peer_machine *p, bool yes);

/*! Something happened on a connection.
 *  \param[in] on  not TIMER, DROP, REFUSE, WIN or CER: these come from here
 *  \param[in] arg DWA: hop-by-hop id; CEA_BAD: code; DPR: cause; STOP, UNNAMED, EXPIRED: cause of our DPR; CEA_OK, CEA_TLS:
 *                 Origin-State-Id, 0 none */
void dia_peer_event(struct dia_peer_machine *p, uint64_t now_ms, unsigned link, enum dia_on on, uint32_t arg);

/*! Time has passed. */
void dia_peer_tick(struct dia_peer_machine *p, uint64_t now_ms);
/*! When to tick next; UINT64_MAX: never. */
uint64_t dia_peer_next(const struct dia_peer_machine *p);

/*! All connections end, none is begun or let in any more. \param[in] on STOP or UNNAMED. \param[in] cause of the DPR */
void dia_peer_stop(struct dia_peer_machine *p, uint64_t now_ms, enum dia_on on, uint32_t cause);
/*! After dia_peer_stop(): as at the beginning, once what was open has gone. */
void dia_peer_again(struct dia_peer_machine *p, uint64_t now_ms);
/*! Do we connect? What is open stays, and an attempt goes on. */
void dia_peer_dial(struct dia_peer_machine *p, uint64_t now_ms, bool dial);
/*! How many it may have from now on; those that are open and too many stay until they end.
 *  \param[in,out] p may move \param[in] connections 1 .. DIA_CONNECTIONS_MAX. \returns 0; -ENOMEM, all is as it was */
int dia_peer_connections(struct dia_peer_machine **p, unsigned connections);

enum dia_state dia_peer_state(const struct dia_peer_machine *p, unsigned link);
/*! May a request go to it? OPEN or PROBED, and enough DWAs after a failure. */
bool dia_peer_usable(const struct dia_peer_machine *p, unsigned link);
unsigned dia_peer_links(const struct dia_peer_machine *p); /* numbers are below it */
