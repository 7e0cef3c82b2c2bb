/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file gcm.h
 *  AES-256-GCM of one piece, for seal.h alone. */
#pragma once

#include "common/base/bytes.h"

#define GCM_KEY_LEN 32
#define GCM_IV_LEN  12
#define GCM_TAG_LEN 16

/*! What both sides agree on. No two texts are sealed under one key and iv. */
struct gcm {
	const uint8_t *key, *iv;
	struct span aad[2];
};

/*! \param[out] out plain.len + GCM_TAG_LEN octets \returns 0; -EIO */
int gcm_seal(uint8_t *out, const struct gcm *g, struct span plain);

/*! \param[in] sealed at least GCM_TAG_LEN octets \param[out] out GCM_TAG_LEN less; garbage on error
 *  \returns 0; -EBADMSG; -EIO */
int gcm_open(uint8_t *out, const struct gcm *g, struct span sealed);

/*! The last keys of this thread. */
void gcm_forget(void);
