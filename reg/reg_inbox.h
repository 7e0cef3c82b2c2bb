/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_inbox.h
 *  What a user is told of his devices: which application may serve one from now on, or not any more, with all
 *  that names it; and what becomes of the device. */
#pragma once

#include "reg/reg_orders.h"

#define REG_INBOX_MAX 1000 /* of a user; the oldest go */

/*! Tell the user of a device; one that has none is the operator's own. \param[in] event "granted", "ended", "request"; "active", "suspended", "lost", "received", "given_away"
 *  \param[in] fqdn of an application; NULL: it is about the device alone \returns 0; -EIO; -ENOSPC */
int reg_inbox_tell(struct reg_db *db, int64_t device, const char *event, const char *fqdn);

/* Order: a user's own. Each with device, event, at, and of the application fqdn, asp, title, gsid, public_id of its ASP, aliases */
int reg_inbox_list(struct reg_order *o, struct reg_db *db);
