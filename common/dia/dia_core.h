/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_core.h
 *  The Diameter node of this process: start, peers, stop (shared/recipes: one node per process life, none after fork).
 *  Log and counters leave by callback; this layer knows no libosmocore. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/base/err.h"

enum dia_log_level { DIA_LOG_DEBUG, DIA_LOG_INFO, DIA_LOG_NOTICE, DIA_LOG_ERROR };

/*! What the library tells through its hooks; never a message text. */
enum dia_event {
	DIA_EV_PEER_OPEN,        /* peer: identity */
	DIA_EV_PEER_CLOSED,
	DIA_EV_PEER_UNKNOWN,     /* CER refused: identity not configured */
	DIA_EV_PEER_ADDRESS,     /* CER refused: wrong source address */
	DIA_EV_PROTOCOL,         /* message refused or connection cut by the library; detail names the cause */
	DIA_EV_DROPPED_ANSWER,   /* second or late answer */
};

/*! Any thread of the library calls these; they must not block. */
struct dia_callbacks {
	void (*log)(void *owner, enum dia_log_level level, const char *text);
	void (*event)(void *owner, enum dia_event ev, const char *peer, const char *detail);
	/*! May this identity connect from this address? NULL: nobody connects to us.
	 *  \returns 0 yes; -ENOENT unknown identity; -EPERM other address */
	int (*accept)(void *owner, const char *identity, const struct sockaddr *from);
	void *owner;
};

struct dia_listen {
	struct sockaddr_storage addr; /* port inside; all must be the same */
};

struct dia_peer {
	char identity[256], realm[256];
	struct sockaddr_storage addr; /* with port */
};

#define DIA_LISTEN_MAX 8
#define DIA_PEERS_MAX  16

struct dia_cfg {
	const char *identity, *realm;
	struct dia_listen listen[DIA_LISTEN_MAX];
	size_t n_listen;              /* 0: client only */
	struct dia_peer peers[DIA_PEERS_MAX]; /* we connect to them */
	size_t n_peers;
	int tc_s, tw_s;               /* 0: defaults 5 and 10 */
	bool relay;                   /* advertise relay, so that foreign realms reach our forward callback (BSF) */
	struct dia_callbacks cb;
};

/*! Initialise, define the dictionary (dict_gba), register hooks and peers; does not listen yet. The caller then registers
 *  applications and dispatch callbacks (dia_handles()) and calls dia_core_start().
 *  \returns 0; -EADDRINUSE; -EINVAL; -EALREADY second call in this process. err: reason */
int dia_core_init(const struct dia_cfg *cfg, struct err *err);
int dia_core_start(struct err *err);

/*! Shut down and wait: up to 15 s if a peer ignores DPR. */
void dia_core_stop(void);

/*! Only dictionary and parser, no network: unit tests, fuzz targets (recipes "Parsing without a network"). */
int dia_core_init_parser(struct err *err);

/*! Is a connection to this identity open? */
bool dia_peer_is_open(const char *identity);

/*! Identity of the connection a message came on; "" if unknown. */
void dia_msg_peer(struct msg *m, char out[256]);

/*! TCP source address of a connected peer's messages is checked at CER (accept); nothing to do per message. */
