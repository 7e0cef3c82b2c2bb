/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_reach.h
 *  What a change reaches: devices whose GUSS becomes another one, applications that the BSFs are to have or not any more. All of it
 *  becomes rows of the outbox in the transaction of the change. 0; -EIO; -ENOSPC. */
#pragma once

#include "reg/reg_call.h"

/*! A device's GUSS is another one from now on, and has a later timestamp. */
int reg_reach_device(struct reg_order *o, struct reg_db *db, int64_t device);

/*! Those of all devices that a statement tells: "SELECT device ... ?1"; after the change if they are still found then. */
int reg_reach_devices(struct reg_order *o, struct reg_db *db, const char *which, const char *one);

/*! An application, and all devices with a grant for it. */
int reg_reach_app(struct reg_order *o, struct reg_db *db, const char *fqdn);

/*! All applications of an ASP, and all devices with a grant for one of them. */
int reg_reach_asp(struct reg_order *o, struct reg_db *db, const char *asp);

/*! Whether the BSFs serve a device at all. */
int reg_reach_state(struct reg_order *o, struct reg_db *db, int64_t device);
