/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fault_orders.h
 *  Behaviours ordered by control socket and VTY while the daemon runs. Main thread. */
#pragma once

#include "common/rt/ctl.h"
#include "hss-sim/zh_server.h"

/*! Lent. NULL at the end. */
void fault_orders_init(struct zh_server *zh);

/*! Another scenario in the place of all behaviours there are; nothing changes if it is wrong.
 *  \returns 0; -EINVAL; -ENOTCONN the daemon does not serve. err: reason */
int fault_orders_scenario(struct span text, struct err *err);

/* of control.h */
void fault_order_set(struct ctl_request *q);
void fault_order_clear(struct ctl_request *q);
void fault_order_list(struct ctl_request *q);
void fault_order_scenario(struct ctl_request *q);

/*! How often each behaviour was done, those that were: {"wrong-mac": 2}. \returns a new object */
json_t *fault_orders_done(void);
struct vty;
/*! The same, a line each. */
void fault_orders_say_done(struct vty *vty);
