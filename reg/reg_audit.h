/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_audit.h
 *  Who did what, in the transaction that did it: a chain in which each row's hash is SHA-256 of the one before and the row. A chain
 *  whose end was cut off is a chain, too: so its head is written to a file elsewhere (anchor) and to the log, at each start and end, each
 *  hour and when it is asked for. */
#pragma once

#include "reg/reg_db.h"

#define REG_HASH 32 /* octets */

struct reg_head {
	int64_t seq; /* 0: nothing happened yet */
	uint8_t hash[REG_HASH];
};

/*! \param[in] device 0: none; one that is there. \param[in] fqdn of an application, or another name of what it is about; may be NULL. No identity of a subscriber in any of it. \returns 0; -EIO; -ENOSPC; -ENOMEM */
int reg_audit_add(struct reg_db *db, const char *who, const char *what, int64_t device, const char *fqdn);

/*! Write the head to the end of a file, made if it is not there, and to the log. \param[in] file NULL: only the log
 *  \param[out] head what was written \returns 0; -errno and why in err */
int reg_audit_anchor(struct reg_head *head, struct reg_db *db, const char *file, struct err *err);

/*! Every row, and every head that was anchored. \param[out] rows, anchors that were looked at
 *  \returns 0; -EBADMSG and in err which row, or which anchored head is not in the chain; -EIO */
int reg_audit_verify(struct reg_db *db, const char *file, int64_t *rows, int64_t *anchors, struct err *err);
