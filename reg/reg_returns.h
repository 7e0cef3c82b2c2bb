/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_returns.h
 *  Where a user is sent back to after a request that an application's side has begun: addresses that are registered with the
 *  application and compared octet for octet, so that no link can send him elsewhere. */
#pragma once

#include "reg/reg_orders.h"

#define REG_RETURNS_MAX 16  /* of an application */
#define REG_URL_MAX     512 /* characters */

/*! May it be one of this application? https, its own host name or one below it, no user name, no fragment. Pure.
 *  \returns NULL: yes; else what is allowed */
const char *reg_return_bad(const char *url, const char *fqdn);

/*! "URL?state=S&result=WORD", with & if there is a query already. \param[in] state any text \returns malloc'ed; NULL: no memory */
char *reg_return_with(const char *url, const char *state, const char *result);

/*! Is it registered? \returns 1; 0; -EIO */
int reg_return_known(struct reg_db *db, int64_t app, const char *url);

/* Orders: fqdn; put: return_addresses, all there are then */
int reg_returns_get(struct reg_order *o, struct reg_db *db);
int reg_returns_put(struct reg_order *o, struct reg_db *db);
