/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_cfg.h
 *  The configuration of gba-hss-simd as read; conf/gba-hss-sim.cfg is the grammar by example. Main thread, but for the
 *  table of peers, which the Diameter library's threads ask. */
#pragma once

#include <osmocom/core/linuxlist.h>
#include "common/crypto/seal.h"
#include "common/dia/dia_hub.h"
#include "common/rt/cfg_file.h"
#include "common/rt/dia_node.h"
#include "common/rt/tls_cfg.h"
#include "hss-sim/fault.h"
#include "hss-sim/slf.h"
#include "hss-sim/subscriber_cache.h"

#define HSS_NETS_MAX 16

/*! One "bsf IDENTITY" node. */
struct hss_bsf {
	struct llist_head entry;
	char *identity;
	struct sockaddr_net nets[HSS_NETS_MAX];
	size_t n_nets;
	struct tls_peer tls;
	int line;
};

struct hss_cfg {
	struct dia_node dia;
	/* bsf */
	struct llist_head bsfs; /* struct hss_bsf */
	/* subscribers */
	char *database; /* as typed; cfg_path() makes it absolute */
	int subscribers_line, database_line;
	struct seal_kek keks[SEAL_KEKS_MAX]; /* read by main, wiped once they are handed over */
	size_t n_keks;
	struct subscriber_rules rules;
	/* fault */
	struct faults faults;
	/* redirect */
	struct slf slf;
};

struct hss_cfg *hss_cfg_new(void *ctx);

/*! Is everything there that is needed? \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int hss_cfg_verify(const struct hss_cfg *c, struct err *err);

/*! \returns entry, or NULL; no case */
struct hss_bsf *hss_cfg_bsf(const struct hss_cfg *c, const char *identity);

/*! Publish who may connect; after every change of the bsf nodes. \returns 0; -ENOMEM: the former table stays */
int hss_peers_publish(const struct hss_cfg *c);

/*! Any thread; for dia_hub_callbacks.admit. \returns 0; -ENOENT unknown identity; -EPERM other address */
int hss_peers_accept(void *owner, const char *identity, const struct sockaddr *from);
/*! The same for dia_hub_callbacks.security. */
void hss_peers_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out);
/*! Say who is beyond loopback without TLS. Once, at start. */
void hss_peers_say_plain(const struct hss_cfg *c);
