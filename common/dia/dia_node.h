/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_node.h
 *  The one node of this process, shared by dia_core.c, dia_hooks.c, dia_out.c and dia_route.c only. */
#pragma once

#include <stdatomic.h>
#include "common/dia/dia_core.h"

#define DIA_APPS_MAX 3

struct dia_app {
	uint32_t app_id;
	command_code_t command;
	dia_request_fn *fn; /* NULL: we are only client */
	void *owner;
};

struct dia_node {
	struct dia_cfg cfg;                /* identity and realm are copies */
	struct dia_app apps[DIA_APPS_MAX]; /* written before start only */
	size_t n_apps;
	struct dia_peer_state {
		_Atomic bool open;        /* told as open: a loss is told once */
		_Atomic bool opened_once; /* the library has called on_first_open() */
	} peers[DIA_PEERS_MAX];           /* beside cfg.peers */
	_Atomic bool running;
	_Atomic bool stopping; /* from dia_core_stop() on */
};

extern struct dia_node dia_node;

/*! Peer of the configuration we connect to, no case; NULL: none. */
const struct dia_peer *dia_node_peer(const char *identity);

void dia_log(enum dia_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dia_event(enum dia_event ev, const char *peer, const char *detail);

/* dia_hooks.c */
/*! Tell that an answer of ours does not leave. */
void dia_unsent(struct msg *answer, const char *why);
int dia_hooks_register(void);
int dia_logger_register(void);
/*! \returns the socket of its connection; -1: it has none any more. */
int dia_peer_socket(struct peer_hdr *peer);
struct cnxctx;
int dia_cnx_socket(struct cnxctx *cnx);
/*! Where its connection comes from. \returns 0; -ENOTCONN */
int dia_address_of(int fd, struct sockaddr_storage *out);
/*! For fd_peer_add(): a peer of ours can be sent to for the first time. */
void dia_first_open(struct peer_info *info, void *data);

/* dia_admit.c */
int dia_validate_register(void);
/*! Whoever comes under the name of a peer we connect to is not validated by the library, and while it is let in and cut
 *  off again our own attempts to connect wait. \returns false: it may not; told and answered, *cer may be NULL */
bool dia_may_connect(struct msg **cer, struct cnxctx *cnx);

/* dia_out.c */
/*! Send a CEA on a connection that is no peer's. */
void dia_out_now(struct msg **cea, struct cnxctx *cnx);

/* dia_route.c */
int dia_route_register(void);
