/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_keys.h
 *  K and OPc of a subscriber as they stand in the database: sealed, bound to the IMPI, so that a row moved to another
 *  subscriber does not open. */
#pragma once

#include <sqlite3.h>
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/crypto/seal.h"

#define SUBSCRIBER_SEALED_MAX (AKA_K_MAX + AKA_OP_MAX + SEAL_OVERHEAD)

/*! K || OPc sealed; the algorithm, which is not sealed, fixes where K ends, and a row whose algorithm was altered has keys
 *  of lengths it cannot have.
 *  \param[in] impi as impi_key() gives it. \returns octets written; -errno of seal_put() */
int subscriber_keys_seal(struct seal *seal, uint8_t out[SUBSCRIBER_SEALED_MAX], const struct aka_cred *cred,
			 const char *impi);

/*! \param[in,out] cred algorithm and its lengths in, K and OPc out. \returns 0; -EBADMSG altered, or of another IMPI;
 *  -ENOKEY */
int subscriber_keys_open(struct seal *seal, struct aka_cred *cred, const char *impi, struct span sealed);

/*! The rows of a condition, each sealed anew by the first KEK and under its name as impi_key() writes it. Within the
 *  caller's transaction. \param[in] where an SQL expression
 *  \returns 0; -EEXIST two records of one subscriber, with the cure in err; -EBADMSG, -ENOKEY, -EIO, -ENOSPC */
int subscriber_keys_renew(sqlite3 *sql, struct seal *seal, const char *where, struct err *err);
