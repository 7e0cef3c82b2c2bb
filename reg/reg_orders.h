/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_orders.h
 *  What is ordered, each within a transaction that also has its audit row and what the targets are to be told. For reg_order_new();
 *  above each the members of `in`, those in brackets may be missing. What a caller does not see is not there: reg_scope.h. A list
 *  has [after] [limit], too. */
#pragma once

#include "reg/reg_call.h"
#include "reg/reg_text.h"

/* asp [contact] [public_id]; by an operator approved, by anybody else applied. */
int reg_asp_add(struct reg_order *o, struct reg_db *db);
/* asp; put: [contact] [public_id], and of an operator [state], which reaches all its applications */
int reg_asp_get(struct reg_order *o, struct reg_db *db);
int reg_asp_put(struct reg_order *o, struct reg_db *db);
int reg_asp_delete(struct reg_order *o, struct reg_db *db);
int reg_asp_list(struct reg_order *o, struct reg_db *db);

/* fqdn asp addresses [title] [ua_protocols] [tls_keys] [assurance_min] [published] [aliases: scheme value], of an operator [profile] [wildcard],
 * too. add: gbactl's, which may be ordered again and answers the naf.conf. */
int reg_app_register(struct reg_order *o, struct reg_db *db);
int reg_app_add(struct reg_order *o, struct reg_db *db);
/* The same without asp, all in brackets, and of an operator [state] */
int reg_app_put(struct reg_order *o, struct reg_db *db);
/* fqdn; delete: gbactl's, which may be ordered again */
int reg_app_conf(struct reg_order *o, struct reg_db *db);
int reg_app_show(struct reg_order *o, struct reg_db *db);
int reg_app_remove(struct reg_order *o, struct reg_db *db);
int reg_app_delete(struct reg_order *o, struct reg_db *db);
int reg_app_list(struct reg_order *o, struct reg_db *db);
/* [alias: SCHEME:VALUE] */
int reg_catalogue(struct reg_order *o, struct reg_db *db);

/* kyc_ref [assurance] */
int reg_user_add(struct reg_order *o, struct reg_db *db);
/* user; put: [kyc_ref] [assurance] */
int reg_user_get(struct reg_order *o, struct reg_db *db);
int reg_user_put(struct reg_order *o, struct reg_db *db);
int reg_user_delete(struct reg_order *o, struct reg_db *db);
int reg_user_list(struct reg_order *o, struct reg_db *db);

/* impi [msisdn] [iccid] [eid] [imei] [names: each KIND=VALUE] */
int reg_device_add(struct reg_order *o, struct reg_db *db);
/* device; show: with its grants; put: [msisdn] [iccid] [eid] [imei], in the place of those it has */
int reg_device_get(struct reg_order *o, struct reg_db *db);
int reg_device_show(struct reg_order *o, struct reg_db *db);
int reg_device_put(struct reg_order *o, struct reg_db *db);
int reg_device_delete(struct reg_order *o, struct reg_db *db);
/* [impi] or another of its names */
int reg_device_list(struct reg_order *o, struct reg_db *db);
/* device state: active, suspended or lost, of operator and user each his own; while one says it is not active it is refused at once
 * everywhere */
int reg_device_state(struct reg_order *o, struct reg_db *db);
/* device [user]: none, the operator himself. Consents, suspension and pseudonyms of the one before end. */
int reg_device_custodian(struct reg_order *o, struct reg_db *db);
/* device asp: the ASP knows it by another pseudonym from now on */
int reg_pseudonym_renew(struct reg_order *o, struct reg_db *db);

/* group */
int reg_group_get(struct reg_order *o, struct reg_db *db);
int reg_group_put(struct reg_order *o, struct reg_db *db);
int reg_group_delete(struct reg_order *o, struct reg_db *db);
int reg_group_list(struct reg_order *o, struct reg_db *db);
/* group devices */
int reg_member_add(struct reg_order *o, struct reg_db *db);
/* group device */
int reg_member_put(struct reg_order *o, struct reg_db *db);
int reg_member_delete(struct reg_order *o, struct reg_db *db);
/* group */
int reg_member_list(struct reg_order *o, struct reg_db *db);

/* device fqdn; put: [asp_agrees] [user_agrees] [operator_objects], each by whom it is of; delete: what is of who asks */
int reg_grant_get(struct reg_order *o, struct reg_db *db);
int reg_grant_put(struct reg_order *o, struct reg_db *db);
int reg_grant_delete(struct reg_order *o, struct reg_db *db);
/* fqdn, or device, not of an ASP */
int reg_grant_list(struct reg_order *o, struct reg_db *db);
/* lines: each as of put, or group in the place of device; all or none */
int reg_grant_bulk(struct reg_order *o, struct reg_db *db);
/* device fqdn: gbactl's, all consents at once */
int reg_grant(struct reg_order *o, struct reg_db *db);
int reg_withdraw(struct reg_order *o, struct reg_db *db);
/* group fqdn: the same of all that are in it */
int reg_group_grant(struct reg_order *o, struct reg_db *db);
int reg_group_withdraw(struct reg_order *o, struct reg_db *db);

int reg_audit_list(struct reg_order *o, struct reg_db *db);
int reg_outbox_show(struct reg_order *o, struct reg_db *db);
int reg_reconcile(struct reg_order *o, struct reg_db *db);
int reg_audit_head(struct reg_order *o, struct reg_db *db);
int reg_audit_check(struct reg_order *o, struct reg_db *db);
/* path */
int reg_backup(struct reg_order *o, struct reg_db *db);

/* --- between the files of the orders, and for who sends */

/*! \returns 0; -EINVAL: refused */
int reg_asp_check_name(struct reg_order *o, const char *asp);
/*! The operator names an ASP: it is there from now on, and approved if it is new. \returns 0; -EIO; -ENOSPC */
int reg_asp_need(struct reg_db *db, const char *asp);

/*! \param[out] out malloc'ed, for reg_app_clear() \returns 1; 0 there is none; -EIO; -ENOMEM */
int reg_app_get(struct reg_db *db, const char *fqdn, struct reg_app *out);
void reg_app_clear(struct reg_app *a);
/*! Answer one that is there. \returns 0; -EIO; -ENOMEM */
int reg_app_answer(struct reg_order *o, struct reg_db *db, const char *fqdn);
int reg_app_answer_conf(struct reg_order *o, const struct reg_app *a);

/*! Answer one that is there. \returns 0; -EIO; -ENOMEM */
int reg_device_answer(struct reg_order *o, struct reg_db *db, int64_t device);

/*! No ASP knows the device by what it did before. Who calls it reaches the device. \returns 0; -EIO; -ENOSPC */
int reg_pseudonym_renew_all(struct reg_db *db, int64_t device);

/*! The rights of a device as they are. \param[out] rights REG_GRANTS_MAX, for reg_rights_clear() \returns how many; -EIO; -ENOMEM */
int reg_rights(struct reg_db *db, int64_t device, struct reg_right *rights);
void reg_rights_clear(struct reg_right *rights, int n);
