/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_core.h
 *  The Diameter node of this process: start, peers, stop (one node per process life, none after fork).
 *  Log and counters leave by callback; this layer knows no libosmocore. */
#pragma once

#include <stdbool.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/base/err.h"

enum dia_log_level { DIA_LOG_DEBUG, DIA_LOG_INFO, DIA_LOG_NOTICE, DIA_LOG_ERROR };

/*! What the library tells through its hooks; never a message text. */
enum dia_event {
	DIA_EV_PEER_OPEN, /* peer: identity. The first time, requests reach it from here on; later, in a moment */
	DIA_EV_PEER_CLOSED,
	DIA_EV_PEER_UNKNOWN, /* CER refused: identity not configured */
	DIA_EV_PEER_ADDRESS, /* CER refused: wrong source address. Of refusals detail says why in words, and from where */
	DIA_EV_PEER_ROLE,    /* CER refused: one we connect to, without may_connect */
	DIA_EV_PEER_IN_USE,    /* CER refused: this identity has a connection */
	DIA_EV_UNSENT,         /* an answer of ours does not leave: its peer has gone, or too much waits to be sent */
	DIA_EV_REFUSED,        /* the peer refuses us: its result and Error-Message */
	DIA_EV_PROTOCOL,       /* message refused or connection cut by the library; detail names the cause */
	DIA_EV_DROPPED_ANSWER, /* second or late answer */
	DIA_EV_REALM,          /* request refused: Destination-Realm or -Host is not ours (3003, 3002) */
	DIA_EV_OVER,           /* the library has ended by itself: only another process can be a node again */
};

/*! Any thread of the library calls these; they must not block. */
struct dia_callbacks {
	void (*log)(void *owner, enum dia_log_level level, const char *text);
	void (*event)(void *owner, enum dia_event ev, const char *peer, const char *detail);
	/*! May this identity connect from this address? NULL: nobody connects to us.
	 *  \returns 0 yes; -ENOENT unknown identity; -EPERM other address */
	int (*accept)(void *owner, const char *identity, const struct sockaddr *from);
	/*! With relay: is this Destination-Realm, beside the Diameter realm, one of ours? NULL: none is.
	 *  \returns 0 yes; -ENOENT */
	int (*realm_is_ours)(void *owner, const char *realm);
	void *owner;
};

struct dia_listen {
	struct sockaddr_storage addr; /* port inside; all must be the same */
};

struct dia_peer {
	char identity[256];
	char realm[256];              /* requests for this Destination-Realm go to it; "": for any */
	struct sockaddr_storage addr; /* with port */
	bool may_connect;             /* it may also come to us, from addr */
};

#define DIA_LISTEN_MAX 8
#define DIA_PEERS_MAX  16

struct dia_cfg {
	const char *identity, *realm;
	struct dia_listen listen[DIA_LISTEN_MAX];
	size_t n_listen;                      /* 0: client only */
	struct dia_peer peers[DIA_PEERS_MAX]; /* we connect to them */
	size_t n_peers;
	int tc_s, tw_s; /* 0: defaults 5 and 10 */
	bool relay;     /* advertise relay, so that foreign realms reach our forward callback (BSF) */
	struct dia_callbacks cb;
};

/*! A request of a served application, parsed; on a thread of the library, which must not wait. Either turn *m into the
 *  answer (a codec's encode) and leave it there: it is sent; or take it (*m = NULL) and answer later by
 *  dia_tx_answer(). A request left as it is gets 5012. */
typedef void dia_request_fn(struct msg **m, void *owner);

/*! Initialise, define the dictionary (dict_gba), register hooks and peers; does not listen yet. The caller then
 *  registers applications with dia_serve() or dia_client() and calls dia_core_start(). Signals: SIGPIPE is ignored from
 *  here on, and the library's threads block every signal.
 *  \returns 0; -EADDRINUSE; -EINVAL; -EALREADY second call in this process. err: reason */
int dia_core_init(const struct dia_cfg *cfg, struct err *err);

/*! Answer requests of this application (GBA_APP_ZH, GBA_APP_ZN, GBA_APP_ZPN) with fn, whether they reach us as ours or
 *  through a Destination-Realm that realm_is_ours() accepts. Other commands of it are answered 3001. Before
 *  dia_core_start().
 *  \returns 0; -EINVAL unknown or second time */
int dia_serve(uint32_t app_id, dia_request_fn *fn, void *owner);

/*! Advertise an application we only send requests of; requests that come to us are answered 3001. */
int dia_client(uint32_t app_id);

/*! Listen and connect. \returns 0; -EIO; the node can then not be started again in this process */
int dia_core_start(struct err *err);

/*! Shut down and wait: up to 15 s if a peer ignores DPR. */
void dia_core_stop(void);

/*! Only dictionary and parser, no network: unit tests, fuzz targets. */
int dia_core_init_parser(struct err *err);

/*! Is a connection to this identity open? */
bool dia_peer_is_open(const char *identity);

/*! Requests sent to this peer that it has not answered. */
unsigned dia_peer_unanswered(const char *identity);

/*! Identity of the connection a message came on; "" if unknown. */
void dia_msg_peer(struct msg *m, char out[256]);

/*! TCP source address of a connected peer's messages is checked at CER (accept); nothing to do per message. */
