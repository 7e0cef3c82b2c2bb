/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file challenge_hdr.h
 *  WWW-Authenticate header value, scheme Digest (RFC 7616 3.3). */
#pragma once

#include "common/base/bytes.h"

#define CHALLENGE_HDR_MAX 4096

struct challenge_hdr {
	struct span realm, domain, nonce, opaque, algorithm, qop; /* qop: the list as offered; absent: p NULL */
	bool stale;
};

/*! Parse the first Digest challenge; other schemes in front of it in the same value are skipped. Pure; spans point into buf.
 *  \returns 0; -EBADMSG; -E2BIG; -ENOTSUP no Digest challenge in it */
int challenge_hdr_parse(struct challenge_hdr *out, const uint8_t *buf, size_t len);

/*! The next Digest challenge of a value: a server may offer several, and a proxy joins headers (RFC 7235 4.1).
 *  \param[in,out] rest begins as the whole value; behind the challenge afterwards, also behind one that is refused
 *  \returns 0; -EBADMSG, -E2BIG this one cannot be used, the rest may; -ENOTSUP no more Digest challenges */
int challenge_hdr_next(struct challenge_hdr *out, struct span *rest);

/*! For the fuzz target: every span lies in the input; aborts otherwise. */
void challenge_hdr_assert_inside(const struct challenge_hdr *h, const uint8_t *buf, size_t len);

/*! \returns characters written; -ENOSPC; -EINVAL value cannot be quoted */
int challenge_hdr_format(char *out, size_t cap, const struct challenge_hdr *h);

/*! Is qop one of the list? Whole words, any case. */
bool challenge_offers_qop(struct span list, const char *qop);
