/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_node.h
 *  Our Diameter node with its thread: one peer, to which it keeps a connection and puts BIRs. Of one process. */
#pragma once

#include <sys/socket.h>
#include "common/base/err.h"
#include "naf-lib/naf_bir.h"
#include "naf-lib/naf_tls.h"

/*! Lent until naf_node_free(). */
struct naf_node_cfg {
	const char *identity, *realm; /* ours */
	const char *peer;             /* its identity */
	struct sockaddr_storage addr;
	const struct naf_tls *tls;
	unsigned connect_ms; /* so long after its birth questions wait for the connection */
	void (*log)(void *owner, int level,
		    const char *text); /* enum gba_naf_log_level; on the thread. NULL: nobody listens */
	void *log_owner;
};

struct naf_node;

/*! \returns new object, its thread runs and connects; NULL: no memory, descriptor or thread, or a certificate that cannot be
 *  used any more; the log says which */
struct naf_node *naf_node_new(const struct naf_node_cfg *cfg);
/*! Take leave of the peer, end the thread; who waits is told -ENOTCONN. Not from the thread. A second or two, at most 6 s if
 *  the peer does not answer. n may be NULL. */
void naf_node_free(struct naf_node *n);

/*! naf_fork_process() of who made it. Any thread, also in a child. */
uint64_t naf_node_process(const struct naf_node *n);

/*! Another certificate, other CAs: the connection is ended when what was asked is answered, and begun anew; who asks meanwhile
 *  waits for it. Any thread, of this process. \param[in] tls lent for the call \returns 0; -ENOMEM; -EINVAL: err says why, nothing is changed */
int naf_node_tls(struct naf_node *n, const struct naf_tls *tls, struct err *err);

/*! Any thread. */
bool naf_node_connected(const struct naf_node *n);
/*! Wait until it is connected, or refused, at most so long. Any thread. */
void naf_node_wait(struct naf_node *n, unsigned ms);

/*! A question on its way to the thread; on the heap, the node's from naf_node_ask() on until end() was called. */
struct naf_word {
	struct dia_post post; /* first */
	struct naf_node *node;
	struct naf_word *next;
	struct naf_bir bir; /* what it points to lives as long as the word */
	unsigned patience_ms;
	/*! Once, on the thread. rc as of naf_bir_fn, and -EBUSY, -EMSGSIZE; w may be freed. */
	void (*end)(struct naf_word *w, int rc, struct zn_bia *bia, const char *why);
};

/*! Any thread. \returns 0; -ENOTCONN not connected: w is still the caller's */
int naf_node_ask(struct naf_node *n, struct naf_word *w);
