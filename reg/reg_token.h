/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_token.h
 *  What stands for who asks over HTTPS: a token of 256 random bits, which is shown once, or the name in a client certificate. Kept is
 *  its SHA-256, so that neither the database nor a copy of it lets anybody in. */
#pragma once

#include "reg/reg_call.h"

#define REG_PROOF_LEN  32  /* octets of the hash */
#define REG_TOKEN_TEXT 43  /* characters of a token: 32 octets in base64url without padding */
#define REG_TOKENS_MAX 100 /* of one owner */

/*! Hash of a token, or of a certificate's name. \param[in] name lower case \returns 0; -EIO */
int reg_proof_of_token(uint8_t out[REG_PROOF_LEN], const char *token);
int reg_proof_of_name(uint8_t out[REG_PROOF_LEN], const char *name);

/*! Whom does it stand for?
 *  \param[out] token its row. \param[out] stale it was used longer than ten minutes ago: reg_token_used() is due
 *  \returns 1; 0 nobody: never given, revoked, over, or its owner is deleted; -EIO */
int reg_token_find(struct reg_db *db, const uint8_t proof[REG_PROOF_LEN], struct reg_caller *out, int64_t *token,
		   bool *stale);

/*! For reg_work_tell() at the writer: row (int64_t)(intptr_t)data was used now. */
int reg_token_used(struct reg_order *o, struct reg_db *db);

/*! A token of an owner, within the order that makes the owner.
 *  \param[in] owner row of the asp or user; 0 of the operator \param[out] out the token \returns 0; -EIO; -ENOSPC */
int reg_token_make(struct reg_db *db, enum reg_role role, int64_t owner, const char *label,
		   char out[REG_TOKEN_TEXT + 1]);

/* Orders; role owner name expires_in certificate */
int reg_token_add(struct reg_order *o, struct reg_db *db);
/* after limit */
int reg_token_list(struct reg_order *o, struct reg_db *db);
/* token */
int reg_token_revoke(struct reg_order *o, struct reg_db *db);
