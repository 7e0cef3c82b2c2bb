/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_own.h
 *  The registry's own application, where a device asks which applications it may use. It is one like any other: registered, with a
 *  service number, and known to it is a pseudonym. Who has a right has that one, too. */
#pragma once

#include "reg/reg_call.h"

/*! Before any thread begins. \param[in] fqdn lent for good; NULL: there is none */
void reg_own_init(const char *fqdn);

/*! The rights of a device change: while it has any it may ask the registry's own application. \returns 0; -EIO; -ENOSPC */
int reg_own_right(struct reg_db *db, int64_t device);

/*! Applications go with all grants for them: whoever has no other right left has not the own one either. Before they go.
 *  \param[in] which a SELECT of their ids with ?1, \param[in] one what that is \returns 0; -EIO; -ENOSPC */
int reg_own_leave(struct reg_db *db, const char *which, const char *one);

/*! Has a device no grant, or the own one alone? \returns 1; 0; -EIO */
int reg_own_only(struct reg_db *db, int64_t device);

/*! What a device may use now: {"apps": [{fqdn, name, ua, profile, keys, since}...]}, but for the own one. Member uid: what the own
 *  application knows the device by; nobody's: an empty list. */
int reg_own_list(struct reg_order *o, struct reg_db *db);
