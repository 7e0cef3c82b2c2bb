/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_inbox.h
 *  What a user is told of his devices: which application may serve one from now on, or not any more, with all
 *  that names it; and what becomes of the device. */
#pragma once

#include "reg/reg_orders.h"

#define REG_INBOX_MAX    1000 /* of a user; the oldest go */
#define REG_INBOX_OF_APP 10   /* of a device and an application within a day, so that none fills it */
#define REG_INBOX_DAY_S  86400

/*! Tell the user of a device; one that has none is the operator's own. \param[in] event "granted", "ended", "request"; "active", "suspended", "lost", "received", "given_away"
 *  \param[in] fqdn of an application; NULL: it is about the device alone \returns 0; -EIO; -ENOSPC */
int reg_inbox_tell(struct reg_db *db, int64_t device, const char *event, const char *fqdn);

/*! What is changed for many: an application, all of an ASP, all devices of a user; by their name. */
enum reg_of { REG_OF_FQDN, REG_OF_ASP_NAME, REG_OF_USER };

/*! What changes between the two, their users are told as "granted" or "ended"; on the thread that writes, within one order.
 *  \returns 0; -EIO; -ENOSPC */
int reg_inbox_before(struct reg_db *db, enum reg_of of, const char *name);
int reg_inbox_after(struct reg_db *db, enum reg_of of, const char *name);

/*! Order, now and then: applications that are no more, and in no event, are forgotten. */
int reg_inbox_expire(struct reg_order *o, struct reg_db *db);

/* Order: a user's own. Each with device, event, at, and of the application fqdn, asp, title, gsid, public_id of its ASP, aliases */
int reg_inbox_list(struct reg_order *o, struct reg_db *db);
