/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file peer_cfg.h
 *  The peers as they are written: a "peer" node, or what an "hss" or "naf" node says of a connection of its own. Main thread. */
#pragma once

#include "bsf/policy/policy.h"
#include "bsf/run/cfg.h"
#include "common/rt/words.h"

/*! Which node wrote it. */
enum peer_of { PEER_NODE, PEER_OF_HSS, PEER_OF_NAF };

struct peer_cfg {
	struct peer_cfg *next;
	enum peer_of of;
	char *identity;
	struct bsf_listen connect;
	bool has_connect, may_connect;
	struct words nets, relays;
	unsigned connections;
	struct tls_peer tls;
	int line; /* of the file; 0: made at the VTY */
};

/*! \returns peer or NULL; no case */
struct peer_cfg *peer_cfg_find(const char *identity);
/*! A new one at the end; the identity is no peer's yet. \returns NULL no memory */
struct peer_cfg *peer_cfg_add(const char *identity, enum peer_of of);
void peer_cfg_remove(struct peer_cfg *p);
void peer_cfg_free(struct bsf_cfg *c);

/*! What stands against a node of that name having a connection of its own, as words for a message; NULL: nothing. */
const char *peer_cfg_taken_by(const char *identity);
/*! Which hss or naf comes over it, but for its own node; NULL: none. */
const char *peer_cfg_user(const struct peer_cfg *p);

/*! Peers without address, of our own name, relays that are NAFs; hss and naf nodes via a peer that is not there.
 *  \returns 0; -EINVAL and the reason */
int peer_cfg_check(const struct bsf_cfg *c, struct err *err);
/*! Has it an address beyond loopback? Then what is said of its TLS counts. */
bool peer_cfg_is_beyond(const struct peer_cfg *p);
/*! \returns false: no memory, what was made so far is in out */
bool peer_cfg_to_policy(struct policy_peer *out, const struct peer_cfg *p);

/*! What the commands of a peer node and of the short forms have in common, run/cfg_peer.c. Live. \returns CMD_SUCCESS;
 *  CMD_WARNING, vty has been told why */
int peer_cfg_cmd_address(struct vty *vty, struct peer_cfg *p, const char *net);
int peer_cfg_cmd_no_address(struct vty *vty, struct peer_cfg *p, const char *net); /* p may be NULL */
int peer_cfg_cmd_connections(struct vty *vty, struct peer_cfg *p, const char *number);
/*! After a command: what was written counts at once; while the file is read, main publishes at the end. */
int peer_cfg_changed(struct vty *vty);

void peer_cfg_vty_init(void); /* run/cfg_peer.c */
