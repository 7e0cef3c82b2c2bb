/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file decide.h
 *  What a NAF is answered on Zn (TS 29.109 5.2, TS 33.220 4.2.1, 4.4.6, 4.5.3, 5.3.3). No I/O, no clock, no log: the
 *  same function serves the answer made at once and the one made on a shard. */
#pragma once

#include "bsf/store/gba_session.h"
#include "bsf/policy/policy.h"
#include "common/gba/cause.h"
#include "common/gba/zn_msg.h"

struct zn_ask {
	const struct zn_bir *bir;
	const struct naf_policy *naf; /* of bir->asker; NULL: not configured (any more) */
	int store_rc; /* of the look-up: 0; -ENOENT; -EKEYREVOKED older than what was revoked for this NAF; other: the store could not be asked */
	const struct gba_session *session; /* if store_rc is 0 */
	int64_t now_s;                     /* Unix seconds */
	uint32_t uses; /* of this Ks by it, this one too, where its policy asks; 0: not counted yet */
	bool twice;    /* another NAF claims the name in NAF-Id, too (policy_twice()) */
};

/*! Decide. The checks in this order, the first that fails is the answer:
 *  - the peer that handed it over says it is from another than Origin-Host (policy_who): 5402, zn_origin
 *  - no NAF of that name comes over this peer: 5402, zn_naf_unknown; what is written of it cannot be used: 5402, zn_policy_bad
 *  - it is given no keys: 5402, zn_keys_denied
 *  - FQDN of the NAF_Id not one it speaks for or no DNS name: 5402, zn_name_denied; a name that another claims, too: 5402, zn_name_twice
 *  - the NAF is in another network, whose Zn-Proxy does not vouch for the name: 5402, zn_not_vouched
 *  - Ua protocol identifier that is invalid (H.2: 00, not all zero) or the pseudo protocol of the TMPI derivation (H.3; its key would
 *    disclose TMPIs): 5402, zn_ua_invalid; one that is not for it: 5402, zn_ua_denied
 *  - no B-TID, unknown, expired, revoked: 5403, zn_btid_unknown; store not asked: 5012, store_failed
 *  - a variant that is not for it (2G and Digest, if nothing is written): 5402, zn_variant_denied
 *  - a Ks that is older than it takes, or than the last revocation of its keys: 5403, zn_key_old, so that the device bootstraps again
 *  - given a key of this Ks as often as may be, or nobody knows how often: 5403, zn_key_used
 *  - a USS that policy requires is not in the GUSS, asked for or not: 5402, zn_uss_missing
 *  - only the card's key is for it, and there is none: 5402, zn_keys_denied
 *  - else 2001 and the keys, zn_ok. USSs that were not found or are not allowed are left out without an error.
 *
 *  The GUSS is looked into only if a USS is required or one was asked for that this NAF may have.
 *  \param[out] out written in full; zn_bia_clear() it
 *  \returns cause, for counter and log line */
enum cause zn_decide(struct zn_bia *out, const struct zn_ask *in);
