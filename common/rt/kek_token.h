/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file kek_token.h
 *  A KEK in a PKCS#11 token: a generic secret that does not come out. The token makes the root of all sealing keys by HMAC-SHA-256; it is
 *  asked while a store is opened and then left, so no record ever waits for it. The module is loaded into this process. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/secret.h"

struct kek_token;

struct kek_token_cfg {
	const char *module; /* path of the library */
	const char *label;  /* of the token */
	const char *key;    /* CKA_LABEL of the generic secret */
	struct secret pin;
};

/*! Load, find the token, log in, find the key. \returns NULL; err says which of them failed, and why */
struct kek_token *kek_token_open(const struct kek_token_cfg *cfg, struct err *err);
/*! HMAC-SHA-256 in the token. \param[in] token as opened, in the same process \returns 0; -EIO, err says why */
int kek_token_hmac(void *token, uint8_t out[32], struct span what, struct err *err);
/*! Log out and unload; of those of one module the first that was opened comes last. NULL: nothing. */
void kek_token_free(struct kek_token *t);
