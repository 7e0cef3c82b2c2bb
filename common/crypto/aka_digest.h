/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file aka_digest.h
 *  Arithmetic of HTTP Digest (RFC 7616 3.4) as Ub (RFC 3310: password = RES octets) and Ua (password = base64 of Ks_NAF)
 *  use it. Contexts are kept per thread. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"
#include "common/base/secret.h"

#define DIGEST_HEX_MAX 65 /* SHA-256 in hex and the NUL */

enum digest_hash { DIGEST_MD5, DIGEST_SHA256 };
enum digest_qop { DIGEST_QOP_NONE, DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT };

struct digest_text {
	char hex[DIGEST_HEX_MAX]; /* lower case */
};

/*! Everything but the password; nonce, uri, nc, cnonce exactly as on the wire (unquoted). */
struct digest_input {
	enum digest_hash hash;
	enum digest_qop qop;
	struct span method, uri, nonce, nc, cnonce;
	struct span body; /* whole entity, used with auth-int only */
};

/*! Password of AKAv2 (RFC 4169 3): base64 of HMAC(RES || IK || CK, "http-digest-akav2-password") with the hash of the digest.
 *  \param[out] password 24 characters with MD5, 44 with SHA-256 \returns 0; -EIO */
int digest_akav2_password(struct secret *password, enum digest_hash hash, const struct secret *res,
			  const struct secret *ik, const struct secret *ck);

/*! H(user:realm:password). The result is as good as the password: keep it in a secret.
 *  \param[in] password raw octets, may hold NUL and ':'
 *  \returns 0 and the hex text in ha1; -EIO */
int digest_ha1(struct secret *ha1, enum digest_hash hash, struct span user, struct span realm, struct span password);

/*! request-digest. \returns 0; -EIO */
int digest_response(struct digest_text *out, const struct digest_input *in, const struct secret *ha1);

/*! response-auth of Authentication-Info: A2 has an empty method, in->body is the body of the answer. */
int digest_rspauth(struct digest_text *out, const struct digest_input *in, const struct secret *ha1);

/*! Compare with what came in, constant time, either case of hex. */
bool digest_match(const struct digest_text *want, struct span got);
