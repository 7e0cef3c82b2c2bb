/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file proxy_cfg.h
 *  The configuration of gba-znproxyd as read; conf/gba-znproxy.cfg is the grammar by example. All of this daemon runs on the main
 *  thread, so it is what requests are judged by, too. */
#pragma once

#include <osmocom/core/linuxlist.h>
#include "common/base/sockaddr.h"
#include "common/dia/dia_hub.h"
#include "common/rt/cfg_file.h"
#include "common/rt/dia_node.h"
#include "common/rt/rate.h"
#include "common/rt/tls_cfg.h"
#include "common/rt/words.h"

#define PROXY_NETS_MAX    16
#define PROXY_BSFS_MAX    8
#define PROXY_HOMES_MAX   1000
#define PROXY_TIMEOUT_S   5
#define PROXY_WAITING_MAX DIA_HUB_PENDING /* requests that wait for one home */
#define PROXY_NAF_SLOTS   256             /* NAFs count apart; those that meet in a slot count as one */

/*! One "naf IDENTITY" node: a NAF of our network. */
struct proxy_naf {
	struct llist_head entry;
	char *identity;
	struct sockaddr_net nets[PROXY_NETS_MAX];
	size_t n_nets;
	unsigned connections;
	struct tls_peer tls;
	struct words speaks_for, gsids;
	struct name_table *names; /* of speaks_for; malloc'ed */
	struct rate *rate;
	int line;
};

/*! One "bsf IDENTITY ADDRESS PORT" line. */
struct proxy_bsf {
	char *identity;
	struct sockaddr_storage at;
};

/*! One "home NAME" node: an operator whose subscribers visit us. */
struct proxy_home {
	struct llist_head entry;
	char *name;
	struct words realms; /* its realms and the names of its BSFs, and all below them */
	struct tls_cfg tls;  /* that it has certified us by (33.220 K.1) */
	struct tls_peer peer;
	struct proxy_bsf bsfs[PROXY_BSFS_MAX]; /* asked in this order */
	size_t n_bsfs;
	unsigned timeout_s;
	int line;
	/* while running */
	SSL_CTX *ctx; /* until it is kept elsewhere */
	struct dia_hub *hub;
	unsigned in_work, of_naf[PROXY_NAF_SLOTS]; /* requests that wait for it */
	uint64_t passed, lost;                     /* answers handed on, requests that got none */
};

#define PROXY_WHOSE_PLACES 64

struct proxy_whose_place {
	size_t len; /* 0: nothing yet */
	char name[DIA_NAME_MAX + 1];
	struct proxy_home *home;
	bool own;
};

struct proxy_cfg {
	struct dia_node dia;
	struct words own_realms; /* more than its realm */
	struct llist_head nafs, homes;
	struct name_table *by_identity;                     /* of nafs */
	struct name_table *by_realm;                        /* of homes */
	struct name_table *own;                             /* our own realms */
	struct proxy_whose_place whose[PROXY_WHOSE_PLACES]; /* homes and own realms stay as they are while we run */
};

/*! \returns new object owned by ctx; NULL no memory */
struct proxy_cfg *proxy_cfg_new(void *ctx);

/*! Is everything there that is needed? Also makes what the look-ups look into. \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int proxy_cfg_verify(struct proxy_cfg *c, struct err *err);

/*! \returns entry, or NULL; no case */
struct proxy_naf *proxy_cfg_naf(const struct proxy_cfg *c, const char *identity);
struct proxy_home *proxy_cfg_home(const struct proxy_cfg *c, const char *name);
/*! A new one at the end. \returns NULL no memory */
struct proxy_naf *proxy_cfg_naf_add(struct proxy_cfg *c, const char *identity);
void proxy_cfg_naf_remove(struct proxy_cfg *c, struct proxy_naf *n);

/*! Whose subscribers have this name in their B-TID, or are reached by this realm? */
struct proxy_whose {
	struct proxy_home *home; /* NULL: nobody's that is known */
	bool own;                /* our own operator's */
};
/*! Names that came last are not looked for again. \param[in] name from a peer */
struct proxy_whose proxy_cfg_whose(struct proxy_cfg *c, struct span name);

/*! For dia_hub_callbacks of those who come; owner struct proxy_cfg. */
int proxy_cfg_admit(void *cfg, const char *identity, const struct sockaddr *from);
void proxy_cfg_limits(void *cfg, const char *identity, struct dia_hub_limits *out);
void proxy_cfg_security(void *cfg, const char *identity, const struct sockaddr *at, struct dia_hub_security *out);
/*! Say which NAFs are beyond loopback without TLS. Once, at start. */
void proxy_cfg_say_plain(const struct proxy_cfg *c);
