/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_nodes.h
 *  The "hss" nodes as they are written: whom we ask; how it is reached is a peer's affair (run/peer_cfg.h). From them come those
 *  that are asked (policy/hss.h). Main thread. */
#pragma once

#include "bsf/policy/policy.h"
#include "bsf/run/cfg.h"

#define HSS_TIMEOUT_S 5

struct bsf_hss {
	char *identity;
	char *realm;           /* NULL: not written yet */
	char *via;             /* peer; NULL: one of its own, of the same name */
	bool destination_host; /* our requests name it, not its realm alone; always where the peer is its own */
	uint32_t timeout_s, priority, load;
	struct hss_state *state;
	int line, realm_line, timeout_line, via_line, priority_line,
		load_line; /* of the file, for messages; 0: made at the VTY */
};

/*! \returns node or NULL; no case */
struct bsf_hss *hss_nodes_find(const char *identity);
/*! A new one at the end; there is none of that name, and room. \returns NULL no memory */
struct bsf_hss *hss_nodes_add(const char *identity);
/*! Without the peer that it may have for itself. */
void hss_nodes_remove(struct bsf_hss *h);
void hss_nodes_free(struct bsf_cfg *c);

/*! Name of the peer over which it is reached. */
static inline const char *hss_nodes_via(const struct bsf_hss *h)
{
	return h->via ? h->via : h->identity;
}

/*! No HSS at all, none that is asked by itself; one without realm or way. \returns 0; -EINVAL and the reason */
int hss_nodes_check(const struct bsf_cfg *c, struct err *err);
/*! Those that can be asked; what is not whole yet is nobody. \returns false: no memory, what was made so far is in p */
bool hss_nodes_to_policy(struct policy *p, const struct bsf_cfg *c);
