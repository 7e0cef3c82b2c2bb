/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file auth_hdr.h
 *  Authorization header value, scheme Digest (RFC 7616 3.4; AKA use RFC 3310 3). */
#pragma once

#include "common/base/bytes.h"
#include "common/crypto/aka_digest.h"

#define AUTH_HDR_MAX 4096 /* octets of a header value */

/*! Values without quotes. A backslash escape in one of these is refused (-EBADMSG): implementations differ in what they
 *  hash. Absent: p NULL; empty ("") has p set and len 0. */
struct auth_hdr {
	struct span username, realm, nonce, uri, response, algorithm, qop, nc, cnonce, opaque, auts;
};

/*! Parse an Authorization header value. Generous in case, quoting, order, white space, unknown parameters, obs-fold.
 *  Pure: no allocation, I/O, clock or log. Spans in out point into buf; buf must outlive out.
 *  \param[out] out  written in full on success, untouched on error
 *  \param[in] buf   bytes, not NUL-terminated, attacker-controlled
 *  \param[in] len   bytes in buf, 0..AUTH_HDR_MAX
 *  \returns 0; -EBADMSG bad syntax or a parameter twice; -E2BIG over a limit; -ENOTSUP other scheme */
int auth_hdr_parse(struct auth_hdr *out, const uint8_t *buf, size_t len);

/*! For the fuzz target: every span lies in the input; aborts otherwise. */
void auth_hdr_assert_inside(const struct auth_hdr *h, const uint8_t *buf, size_t len);

/*! Client side: write the value ("Digest username=...") in the order of TS 24.109 A.3. Absent spans are left out.
 *  \returns characters written; -ENOSPC; -EINVAL a quoted value holds a quote, backslash or control character */
int auth_hdr_format(char *out, size_t cap, const struct auth_hdr *h);

struct digest_alg {
	enum digest_hash hash;
	int aka_version; /* 0: plain (Ua), 1: AKAv1, 2: AKAv2 */
};

/*! Algorithm text to what it names, any case. \returns 0; -ENOTSUP */
int digest_alg_parse(struct digest_alg *out, struct span s);
const char *digest_alg_name(struct digest_alg a);

/*! qop text (one token), any case. \returns 0; -ENOTSUP */
int digest_qop_parse(enum digest_qop *out, struct span s);
/*! \returns "" for DIGEST_QOP_NONE */
const char *digest_qop_name(enum digest_qop q);
