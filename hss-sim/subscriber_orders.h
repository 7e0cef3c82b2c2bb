/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_orders.h
 *  Subscribers and their GUSSs, changed and listed while the daemon runs: work() of provision.h. */
#pragma once

#include "common/gba/zh_msg.h"
#include "hss-sim/provision.h"

#define SUBSCRIBER_CSV_MAX     (1u << 20) /* octets of a document; more is an import */
#define SUBSCRIBER_GUSS_MAX    ZH_GUSS_CARRIED
#define SUBSCRIBER_PAGE        500                      /* of a list, at most */
#define SUBSCRIBER_PAGE_OCTETS (SUBSCRIBER_CSV_MAX / 2) /* about: a page can be given back as a document */

enum subscriber_export {
	SUBSCRIBER_EXPORT_SEALED = 1, /* with K and OPc, sealed */
	SUBSCRIBER_EXPORT_JSON = 2,   /* and with GUSSs; else CSV */
};

int subscriber_order_add(struct provision_order *o, struct subscriber_db *db);
int subscriber_order_change(struct provision_order *o, struct subscriber_db *db);
int subscriber_order_delete(struct provision_order *o, struct subscriber_db *db);
/*! subscriber_lists.c */
int subscriber_order_list(struct provision_order *o, struct subscriber_db *db);
int subscriber_order_export(struct provision_order *o, struct subscriber_db *db);

/*! guss_order.c: a GUSS for a subscriber, an empty document for none; and what there is. */
int guss_order_put(struct provision_order *o, struct subscriber_db *db);
int guss_order_show(struct provision_order *o, struct subscriber_db *db);

/*! guss_csv_order.c: GUSSs of many, a table of guss_csv.h, all or none. */
int guss_order_csv(struct provision_order *o, struct subscriber_db *db);
