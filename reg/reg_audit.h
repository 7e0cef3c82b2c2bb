/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_audit.h
 *  Who did what, in the transaction that did it: a chain in which each row's hash is SHA-256 of the one before and the row. Where its
 *  head is kept elsewhere: reg_anchor.h. */
#pragma once

#include "reg/reg_db.h"

#define REG_HASH 32 /* octets */

struct reg_head {
	int64_t seq; /* 0: nothing happened yet */
	uint8_t hash[REG_HASH];
};

/*! \param[in] device 0: none; one that is there. \param[in] fqdn of an application, or another name of what it is about; may be NULL. No identity of a subscriber in any of it. \returns 0; -EIO; -ENOSPC; -ENOMEM */
int reg_audit_add(struct reg_db *db, const char *who, const char *what, int64_t device, const char *fqdn);

/*! The last row. \returns 0; -EIO */
int reg_audit_last(struct reg_head *out, struct reg_db *db);

/*! Every row. \param[out] rows that were looked at \returns 0; -EBADMSG and in err which row; -EIO */
int reg_audit_verify(struct reg_db *db, int64_t *rows, struct err *err);
