/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file kdf.h
 *  Key derivation of TS 33.220 annex B. Contexts are kept per thread. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/secret.h"

#define KDF_OUT_LEN    32
#define KDF_FC_GBA     0x01 /* annex B.3, B.4 */
#define KDF_PARAMS_MAX 8

/*! HMAC-SHA-256(key, FC || P0 || L0 || ... || Pn || Ln), B.2.0; Li two octets after its parameter.
 *  \param[in] fc 0x00..0xFE one octet; 0xFF00..0xFFFF two octets
 *  \param[in] p  n parameters, 0..KDF_PARAMS_MAX, each at most 65535 octets
 *  \returns 0 and 32 octets in out; -E2BIG; -EINVAL; -EIO */
int kdf_derive(struct secret *out, const struct secret *key, unsigned fc, const struct span *p, size_t n);

enum kdf_naf_key {
	KDF_KS_NAF,     /* "gba-me": Ks_NAF, Ks_ext_NAF, and the seed of the TMPI */
	KDF_KS_INT_NAF, /* "gba-u" */
};

/*! Ks_(ext/int)_NAF of B.3. IMPI and the host part of NAF_Id are brought to NFKC here (B.2.1.2).
 *  \param[in] ks     32 octets, CK || IK
 *  \param[in] impi   UTF-8, never the TMPI
 *  \param[in] naf_id FQDN || 5 octets, at least 6
 *  \returns as kdf_derive; -EBADMSG no UTF-8 */
int kdf_ks_naf(struct secret *out, enum kdf_naf_key which, const struct secret *ks, const uint8_t rand[16],
	       struct span impi, struct span naf_id);

/*! Ks = CK || IK. \returns 0; -EINVAL unless both have 16 octets */
int kdf_ks(struct secret *out, const struct secret *ck, const struct secret *ik);

#define KEY_FINGERPRINT_LEN 8 /* hex digits */

/*! For people to see that two sides hold the same key without seeing it:
 *  the first 8 hex digits of SHA-256("gba key fingerprint" || key). \returns 0; -EIO */
int key_fingerprint(char out[KEY_FINGERPRINT_LEN + 1], const struct secret *key);
