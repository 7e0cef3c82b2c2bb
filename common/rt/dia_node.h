/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_node.h
 *  The node "diameter" of a daemon that has one hub: who it is, where it listens, by which certificate. Main thread. */
#pragma once

#include "common/base/err.h"
#include "common/dia/dia_hub.h"
#include "common/rt/daemon.h"
#include "common/rt/tls_cfg.h"

struct vty;

struct dia_node {
	char *identity, *realm;
	struct sockaddr_storage listen[DIA_HUB_LISTEN_MAX];
	bool listen_tls[DIA_HUB_LISTEN_MAX];
	int listen_line[DIA_HUB_LISTEN_MAX];
	size_t n_listen;
	struct tls_cfg tls; /* towards who comes */
	int tc_s, tw_s;     /* 0: default */
	int line;           /* 0: not written */
};

/*! "diameter" and what stands in it: identity, realm, listen, tls, tc, tw; only at the start. Once in a process.
 *  \param[in] d lent, talloc object of ctx \param[in] node its number
 *  \param[in] write_more what the program has in it beside, written behind realm; NULL: nothing */
void dia_node_vty_init(struct dia_node *d, void *ctx, int node, void (*write_more)(struct vty *vty));

/*! Is all there that is needed, and does it fit together? \returns 0; -EINVAL, err: as cfg_error() */
int dia_node_verify(const struct dia_node *d, struct err *err);

/*! Could it listen there, and could the sockets of VTY and control be made? Before anything is created or changed.
 *  \returns as rt_held(), rt_vty_check() */
int dia_node_probe(const struct rt_args *a, const struct dia_node *d, struct err *err);

/*! Put it into the configuration of a hub, all but its TLS. \param[in] d lent for the life of the hub */
void dia_node_hub(const struct dia_node *d, struct dia_hub_cfg *out);
