/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_orders.h
 *  What is ordered, each within a transaction that also has its audit row and what the targets are to be told. All may be ordered
 *  again. For reg_order_new(); above each the members of `in`. */
#pragma once

#include "reg/reg_text.h"
#include "reg/reg_call.h"

/* asp fqdn addresses; the others fqdn; list: after */
int reg_app_add(struct reg_order *o, struct reg_db *db);
int reg_app_conf(struct reg_order *o, struct reg_db *db);
int reg_app_show(struct reg_order *o, struct reg_db *db);
int reg_app_delete(struct reg_order *o, struct reg_db *db);
int reg_app_list(struct reg_order *o, struct reg_db *db);

/* impi names (each KIND=VALUE); the others device: an IMPI or KIND=VALUE */
int reg_device_add(struct reg_order *o, struct reg_db *db);
int reg_device_show(struct reg_order *o, struct reg_db *db);
int reg_device_delete(struct reg_order *o, struct reg_db *db);

/* device fqdn */
int reg_grant(struct reg_order *o, struct reg_db *db);
int reg_withdraw(struct reg_order *o, struct reg_db *db);

/* after: a row */
int reg_audit_list(struct reg_order *o, struct reg_db *db);

int reg_outbox_show(struct reg_order *o, struct reg_db *db);
int reg_reconcile(struct reg_order *o, struct reg_db *db);
int reg_audit_head(struct reg_order *o, struct reg_db *db);
int reg_audit_check(struct reg_order *o, struct reg_db *db);
/* path */
int reg_backup(struct reg_order *o, struct reg_db *db);

/* --- between the files of the orders, and for who sends */

/*! The operator names an ASP: it is there from now on, and approved. \returns 0; -EPERM: refused, it was deleted; -EIO; -ENOSPC */
int reg_asp_need(struct reg_order *o, struct reg_db *db, const char *asp);

/*! \param[out] out malloc'ed, for reg_app_clear() \returns 1; 0 there is none; -EIO; -ENOMEM */
int reg_app_get(struct reg_db *db, const char *fqdn, struct reg_app *out);
void reg_app_clear(struct reg_app *a);

/*! The device that member `device` names. \returns 0; -ENOENT, -EINVAL: refused; -EIO */
int reg_device_named(struct reg_order *o, struct reg_db *db, int64_t *device);

/*! Its GUSS is another one from now on, and has a later timestamp; all targets are to be told. \returns 0; -EIO; -ENOSPC */
int reg_device_changed(struct reg_order *o, struct reg_db *db, int64_t device);

/*! The rights of a device as they are. \param[out] rights REG_GRANTS_MAX, for reg_rights_clear() \returns how many; -EIO; -ENOMEM */
int reg_rights(struct reg_db *db, int64_t device, struct reg_right *rights);
void reg_rights_clear(struct reg_right *rights, int n);
