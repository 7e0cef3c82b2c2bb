/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file node.h
 *  The Diameter node of the BSF, for Zn and Zh: a hub on the loop of each shard, and each peer on one of them by its name.
 *  Made and ended by the main thread. */
#pragma once

#include "bsf/vectors/zh_dia.h"
#include "common/base/err.h"
#include "common/dia/dia_hub.h"

struct node;

/*! Of bsf_cfg, which is read and checked. \param[in] tls a reference is taken; NULL: none. \returns NULL and a reason in err */
struct node *node_new(unsigned n_shards, SSL_CTX *tls, struct err *err);

/*! On the thread of shard no: its part of the node.
 *  \param[in] ctx talloc context of the thread. \param[in] zn what answers BIRs there; lent until node_detach()
 *  \returns 0; -errno and a reason in err */
int node_attach(struct node *n, unsigned no, void *ctx, const struct dia_hub_service *zn, struct err *err);
/*! On the same thread, before it waits: what was written to peers outside of a turn leaves, and what has come is served.
 *  Never within a turn. */
void node_turn(struct node *n, unsigned no);
/*! \returns true: there is something left that needs a turn */
bool node_due(const struct node *n, unsigned no);
/*! On the same thread, at its end: what is still open is cut. */
void node_detach(struct node *n, unsigned no);

/*! When all shards are attached: listen and connect. \returns 0; -errno and a reason in err */
int node_begin(struct node *n, struct err *err);

/*! \returns the loop of a shard */
struct dia_loop *node_loop(const struct node *n, unsigned no);
/*! \returns where a peer of this name is, or would be; lent */
const struct zh_via *node_via(const struct node *n, const char *peer);

/*! Wait until requests may be sent to an HSS. \returns false: none came in that time */
bool node_wait_hss(struct node *n, unsigned ms);

/*! What is known of each peer that has or had a connection, or that we connect to. Main thread; waits for the loops, at most
 *  a second for each. identity in *out is lent until node_free().
 *  \param[out] out malloc'ed array, free() it. \returns how many; -ETIMEDOUT; -ENOMEM */
int node_figures(struct node *n, struct dia_hub_peer_figures **out);

/*! Keep a peer off, or take it up again or anew (dia_hub.h). Main thread; done a moment later. \returns 0; -ENOMEM */
int node_disconnect(struct node *n, const char *identity);
int node_reconnect(struct node *n, const char *identity);
/*! Each that is connected now, one after the other on each loop. \returns 0; -ENOMEM: not all loops know */
int node_reconnect_all(struct node *n);
/*! Another certificate for what begins from now on: each loop gets a reference of its own. For tls_keep. \returns 0; -ENOMEM */
int node_tls(void *node, SSL_CTX *tls);

/*! Begin and see the end: no new connections, DPR to all, at the latest after some seconds it is over. n_shards: so many
 *  shards run. */
void node_stop(struct node *n, unsigned n_shards);
/*! After all shards have ended. n may be NULL. */
void node_free(struct node *n);
