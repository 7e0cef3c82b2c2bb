/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_keks.h
 *  Which KEKs have sealed the subscribers, and all of them anew by the first one: sql_keks.h. */
#pragma once

#include "common/rt/reseal.h"
#include "hss-sim/subscriber_db.h"

/*! Are all KEKs here that are needed? \returns 0; -errno and a reason */
int subscriber_keks_check(struct subscriber_db *db, const char *path, struct err *err);
/*! The first one seals from now on. \returns 0; -EIO; -ENOSPC */
int subscriber_keks_note(struct subscriber_db *db);
/*! Is it still the first one of this connection that seals? */
bool subscriber_keks_ours(struct subscriber_db *db);
/*! A step of a rotation, within a transaction. \returns as sql_keks_step() */
int subscriber_keks_step(struct subscriber_db *db, struct reseal_step *step);
