/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_cfg.h
 *  The "naf" nodes as they are written; from them the policy is made that requests are answered by. Main thread. */
#pragma once

#include <stdbool.h>
#include "bsf/run/cfg.h"
#include "bsf/run/peer_cfg.h"

struct naf_cfg {
	struct naf_cfg *next;
	struct naf_policy policy; /* via NULL: its own peer, of the same name; rate: talloc's destructor drops it */
	int line;                 /* of the file; 0: made at the VTY */
};

/*! \returns node or NULL; no case */
struct naf_cfg *naf_cfg_find(const char *identity);
/*! A new node at the end; identity is in none yet. \returns NULL no memory */
struct naf_cfg *naf_cfg_add(const char *identity);
void naf_cfg_remove(struct naf_cfg *n);

/*! Name of the peer it comes over. */
static inline const char *naf_cfg_via(const struct naf_cfg *n)
{
	return n->policy.via ? n->policy.via : n->policy.identity;
}
/*! The connection it has for itself. \returns NULL: none (yet) */
struct peer_cfg *naf_cfg_own_peer(const struct naf_cfg *n);
/*! The same, made when it is first spoken of; run/cfg_naf.c. \returns NULL: vty has been told why not */
struct peer_cfg *naf_cfg_make_own_peer(struct vty *vty, const struct naf_cfg *n);
/*! Of a connection of which nothing is said any more nothing is left. p may be NULL. */
void naf_cfg_forget_own_peer(struct peer_cfg *p);

/*! Whose the identity is already, as words for a message; NULL: nobody's. */
const char *naf_cfg_taken_by(const struct bsf_cfg *c, const char *identity);
