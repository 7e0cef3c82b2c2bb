/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_bound.h
 *  How much an ASP, or a user, may write into the audit in a day (UTC): what they do is kept there for ever, and each may do the
 *  same and its contrary as often as he likes. */
#pragma once

#include "reg/reg_call.h"

#define REG_BOUND_CHANGES 100000 /* if nothing is configured: a fleet of 40,000 devices in a day */
#define REG_BOUND_DAY_S   86400

/*! Work on an order of whoever; of those two the rows of the audit that come of it are counted. One order may go beyond the bound.
 *  \returns as work(); -EDQUOT: nothing was done, the bound of today is reached */
int reg_bound_work(struct reg_order *o, struct reg_db *db, int (*work)(struct reg_order *o, struct reg_db *db));
