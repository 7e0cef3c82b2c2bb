/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_cfg.h
 *  The configuration of gba-regd as read; conf/gba-reg.cfg is the grammar by example. Nothing of it changes after the start, so any
 *  thread may read it. */
#pragma once

#include "common/base/err.h"
#include "common/crypto/seal.h"
#include "reg/reg_proof.h"
#include "reg/reg_text.h"
#include "reg/reg_usage.h"

#define REG_TARGETS_MAX 16

/*! One "target NAME" node: a daemon that is told what has changed. */
struct reg_target {
	char *name;
	bool is_hss;            /* else a BSF */
	char *socket;           /* its control socket, absolute */
	char *policy_directory; /* of a BSF, absolute; NULL: its NAFs are in its configuration */
	bool unasked;           /* of an HSS: not whether it knows a subscriber */
	char *socket_typed, *directory_typed;
	int line;
};

struct reg_cfg {
	char *database; /* as typed */
	int registry_line, database_line;
	char *anchor, *anchor_typed;         /* absolute; NULL: the log alone */
	char *anchor_key, *anchor_key_typed; /* absolute; NULL: nobody signs it */
	int anchor_key_line;
	struct seal_kek keks[SEAL_KEKS_MAX]; /* read by main */
	size_t n_keks;
	struct reg_realm realm;
	struct reg_proof_cfg proof;
	struct reg_usage_cfg usage;
	int daily_changes; /* of an ASP, of a user */
	char *dns_typed;
	struct reg_target targets[REG_TARGETS_MAX];
	size_t n_targets;
};

extern struct reg_cfg reg_cfg;

/*! Install nodes and commands, before rt_config(). */
void reg_cfg_init(void);

/*! Is everything there that is needed? \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int reg_cfg_verify(struct err *err);
