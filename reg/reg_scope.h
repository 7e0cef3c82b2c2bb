/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_scope.h
 *  Who sees what: an operator everything, an ASP what is its own, a user his own devices. What somebody does not see is for him not
 *  there, whatever he calls it. */
#pragma once

#include "reg/reg_call.h"
#include "reg/reg_text.h"

/*! Row of the ASP, of the user who asks; 0: somebody else does, and nothing is left out. For a WHERE: (?N = 0 OR ... = ?N) */
int64_t reg_scope_asp(const struct reg_order *o);
int64_t reg_scope_user(const struct reg_order *o);

/*! The ASP that asks for a change: its name, if it is approved. \returns 0; -EPERM: refused */
int reg_scope_asp_name(struct reg_order *o, struct reg_db *db, char out[REG_ASP_MAX + 1]);

/*! Not to an ASP that has only applied: anybody may do that, and what each change leaves in the audit is for good.
 *  \returns 0; -EPERM: refused; -EIO */
int reg_scope_not_applied(struct reg_order *o, struct reg_db *db);

/*! The application that member `fqdn` names. \param[out] a for reg_app_clear(), also on error \returns 0; -ENOENT, -EINVAL: refused; -EIO */
int reg_scope_app(struct reg_order *o, struct reg_db *db, struct reg_app *a);

/*! The same to be changed: by its ASP if that is approved, at the revision that if_match wants. \returns as above; -EPERM, -ESTALE: refused */
int reg_scope_app_change(struct reg_order *o, struct reg_db *db, struct reg_app *a);

/*! The device that member `device` names: for an operator its name, IMPI or KIND=VALUE; for a user its name; for an ASP the pseudonym
 *  it has there. \returns 0; -ENOENT, -EINVAL: refused; -EIO */
int reg_scope_device(struct reg_order *o, struct reg_db *db, int64_t *device);

/*! The same to be changed, at the revision that if_match wants. \param[out] rev its new one \returns as above; -ESTALE: refused */
int reg_scope_device_change(struct reg_order *o, struct reg_db *db, int64_t *device, int64_t *rev);

/*! A name among `impi`, `msisdn`, ..., or KIND=VALUE. \param[in] field that it stands in \returns 0; -EINVAL: refused */
int reg_scope_kind(struct reg_order *o, const char *field, const char *arg, enum reg_kind *kind, const char **value);
