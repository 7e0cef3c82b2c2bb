/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_keks.h
 *  What the KEKs have sealed in the registry: the index key, what names a device, answers that are kept for who asks again. */
#pragma once

#include "reg/reg_db.h"

/*! The key of the index, made once, sealed by the first KEK: another one leaves all hashes as they are. \returns 0; -EIO */
int reg_keks_index(struct reg_db *db);

/*! All anew by the first KEK, in one transaction, so that the others can go. \returns 0; -errno, nothing was changed */
int reg_keks_renew(struct reg_db *db);
