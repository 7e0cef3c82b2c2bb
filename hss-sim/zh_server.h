/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_server.h
 *  Zh: from a MAR to its MAA. Main thread. zh_serve.c reads, zh_server.c does the rest. */
#pragma once

#include <osmocom/core/linuxlist.h>
#include "common/dia/dia_hub.h"
#include "common/gba/cause.h"
#include "common/gba/zh_msg.h"
#include "common/rt/deadline.h"
#include "common/rt/inbox.h"
#include "hss-sim/fault.h"
#include "hss-sim/mark_writer.h"
#include "hss-sim/slf.h"
#include "hss-sim/subscriber_cache.h"
#include "hss-sim/zh_repeats.h"

#define ZH_WAITING_MAX 4096 /* requests in work: decoded and not yet answered */
#define ZH_PEERS       256  /* that count apart; those that meet in a slot count as one */
#define ZH_SHARE       3 /* times what is free of them: as many one peer may have, so that a greedy one keeps nobody out */

struct zh_server {
	struct inbox *inbox;            /* from the mark writer */
	struct deadline_set *deadlines; /* delays asked for by a fault */
	struct subscriber_cache *cache;
	struct mark_writer *writer;
	struct faults *faults;
	const struct slf *slf;
	struct zh_repeats *repeats;
	struct dia_hub *hub;       /* NULL: not yet, or no more */
	struct llist_head delayed; /* struct zh_txn */
	unsigned in_work, of_peer[ZH_PEERS];
};

/*! One MAR in work; of which peer, see zh_serve.c. */
struct zh_txn {
	struct zh_server *server;
	unsigned peer;
	struct llist_head entry; /* delayed, or waiting of a subscriber */
	struct deadline delay;
	struct dia_reply *reply;
	struct zh_mar mar;
	struct zh_repeat_key key;
	struct fault_effect effect;
	bool repeated; /* T: it may have come before */
	bool listed;   /* entry is in a list */
	bool resynced; /* its AUTS has set the counter already */
};

/*! Main thread; everything in it is lent. \returns 0; -ENOMEM */
int zh_server_init(struct zh_server *s, void *ctx, struct subscriber_db *db, const struct subscriber_rules *rules,
		   struct faults *faults, const struct slf *slf);
void zh_server_clear(struct zh_server *s);

/*! Zh for the hub, served by s. zh_serve.c. \returns static */
const struct dia_hub_service *zh_serve(struct zh_server *s);

/*! Begin with a MAR; its end frees t. */
void zh_server_begin(struct zh_txn *t);

/*! Of mark_writer. */
void zh_server_mark_done(void *owner, const char *impi, uint64_t seq, int rc);

/*! Release what still waits, unanswered: at the end. */
void zh_server_drop_all(struct zh_server *s);

/*! How a MAR ended. Everything is lent. */
struct zh_server_end {
	enum cause cause;
	const char *impi, *peer; /* impi "": not known */
	const struct result *result;
	const uint8_t *rand; /* NULL: no vector was given */
	const char *fault;   /* the behaviours that were asked for; NULL: none */
};

/*! One INFO line a transaction, its counter, and its place in `show mar`. */
void zh_server_log(const struct zh_server_end *e);
