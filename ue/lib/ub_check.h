/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ub_check.h
 *  What the device believes of what a BSF sends. Pure. */
#pragma once

#include <time.h>
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/crypto/aka_digest.h"
#include "common/gba/bsf_info.h"
#include "common/gba/btid.h"
#include "common/http/auth_hdr.h"
#include "common/http/challenge_hdr.h"

/*! Nonce text to RAND and AUTN; octets behind them are the server's own.
 *  \returns 0; -EBADMSG no base64 or under 32 octets */
int ub_check_nonce(uint8_t rand[AKA_RAND_LEN], uint8_t autn[AKA_AUTN_LEN], struct span nonce);

/*! Is this a challenge we can answer: AKA and auth-int? AKAv1-MD5 is what GBA has; the others are for networks that agree on them.
 *  \param[out] alg the form of Digest \param[in] keys the card gives CK and IK, which AKAv2 needs
 *  \returns 0; -ENOTSUP and the reason */
int ub_check_challenge(struct digest_alg *alg, const struct challenge_hdr *h, bool keys, struct err *err);

/*! Does Authentication-Info prove that the network knows RES?
 *  \param[in] in  as for the request, with the body of the answer
 *  \returns 0; -EBADMSG absent, other nc or cnonce, or wrong */
int ub_check_rspauth(const char *authentication_info, const struct digest_input *in, const struct secret *ha1);

/*! When the key of a 200 ends by the clock of this device. The lifetime is an instant of the server's clock, so its own time
 *  beside it counts first (Extension/currenttime), then the Date header, then the two clocks are taken to agree. At most the
 *  last instant an xs:dateTime of four digits holds.
 *  \param[in] date value of the Date header, NULL: none
 *  \returns 0; -ETIME it is over already */
int ub_check_expiry(time_t *out, const struct bsf_info *info, const char *date, time_t now);

/*! Is this the B-TID of the run with this RAND, at the BSF that was asked? \param[in] host of the BSF's URL, \param[in] name
 *  of the BSF, realm of the first request: one of the two \returns 0; -EBADMSG another run; -EPERM another BSF */
int ub_check_btid(const struct btid *id, const uint8_t rand[AKA_RAND_LEN], const char *host, const char *name);
