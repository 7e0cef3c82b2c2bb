/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_usage.h
 *  Who used the token of a device: which application got a key of which bootstrap, and when. BSFs know it for a day; what they told is
 *  here for as long as `usage-kept` says, by the device's number. */
#pragma once

#include "reg/reg_call.h"

#define REG_USAGE_INTERVAL_S 10 /* between two looks at a BSF, if nothing is configured */
#define REG_USAGE_KEPT_S     (30 * 86400)

struct reg_usage_cfg {
	int interval_s;
	int kept_s;
};

/*! What a BSF answered on `usage`. */
struct reg_used {
	const char *target;
	const json_t *answer; /* lent */
};

/*! Orders of the registry itself. data: struct reg_used: kept, with the cursor, in one transaction, so that nothing is kept twice or
 *  left out whatever ends in between. */
int reg_usage_keep(struct reg_order *o, struct reg_db *db);
/*! What is older than kept_s goes. */
int reg_usage_expire(struct reg_order *o, struct reg_db *db);

/*! \param[out] out where the last answer of a target ended, as it was told, malloc'ed \returns 1; 0 there was none; -EIO; -ENOMEM */
int reg_usage_cursor(struct reg_db *db, char **out, const char *target);

/*! Two cursors of one target: has it run all the time between them? */
bool reg_usage_same_run(const char *before, const char *now);

/*! device after limit: newest first. Of operators, and of the user who has it. */
int reg_usage_list(struct reg_order *o, struct reg_db *db);
