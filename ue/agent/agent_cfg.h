/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file agent_cfg.h
 *  The configuration of gba-ued as read; conf/gba-ue.cfg is the grammar by example. Main thread. */
#pragma once

#include <sys/types.h>
#include <osmocom/core/linuxlist.h>
#include "common/rt/cfg_file.h"
#include "ue/agent/ask_line.h"
#include "ue/lib/ue_device.h"

#define AGENT_NAFS_MAX 32 /* a program's */

/*! One "realm NAME" node. */
struct agent_realm {
	struct llist_head entry;
	char *name, *card, *bsf;
	int line;
};

/*! One "program uid N" node: who may ask for what. */
struct agent_program {
	struct llist_head entry;
	uid_t uid;
	char *nafs[AGENT_NAFS_MAX]; /* a host name; "*.DOMAIN"; "any" */
	size_t n_nafs;
	bool manage; /* use, renew, drop */
};

struct agent_cfg {
	char *socket, *state; /* as typed; cfg_path() makes them absolute */
	char *consent;        /* a program; NULL: nobody is asked */
	char *connect_to[UE_CONNECT_TO_MAX];
	size_t n_connect_to;
	int consent_s, timeout_s, renewals, renewals_s, renew_s; /* 0: default */
	int agent_line, socket_line, state_line, consent_line;
	struct llist_head realms, programs;
};

#define AGENT_CONSENT_S 60 /* default */

struct agent_cfg *agent_cfg_new(void *ctx);

/*! Is everything there that is needed? \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int agent_cfg_verify(const struct agent_cfg *c, struct err *err);

/*! \returns NULL: none */
struct agent_program *agent_cfg_program(const struct agent_cfg *c, uid_t uid);

/*! May a program of this user ask this? An empty list allows nothing to nobody. */
bool agent_cfg_allows(const struct agent_cfg *c, uid_t uid, const struct ask_line *ask);

/*! Is it a name for "naf": a host name in lower case, one behind "*.", or "any"? Pure. */
bool agent_cfg_naf_valid(const char *name);

/*! Install the nodes agent, realm and program. */
void agent_vty_init(struct agent_cfg *c);
