/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ub_client.h
 *  Bootstrapping at the BSF: the device's side of Ub (TS 33.220 4.5.2, TS 24.109 4, RFC 3310). */
#pragma once

#include "common/crypto/aka_digest.h"
#include "common/gba/bsf_info.h"
#include "common/gba/run_id.h"
#include "common/http/challenge_hdr.h"
#include "ue/card/card.h"
#include "ue/lib/http_get.h"
#include "ue/lib/key_store.h"
#include "ue/lib/ue_cause.h"

/*! What is known of a command when it ends, for whoever has to find it in the logs of the network. */
struct ue_trail {
	long status;              /* HTTP, of the last answer; 0: none came */
	char run[RUN_ID_LEN + 1]; /* of the last challenge of a BSF; "" none came */
};

struct ub_client {
	struct card *card;
	struct key_store *keys;
	struct http_get *http;
	const char *url;      /* of the BSF */
	const char *bsf_name; /* realm of the first request, 23.003 16.2 */
	struct ue_trail trail;
};

/*! Run once: afterwards keys holds a fresh Ks, B-TID and TMPI, on disk.
 *  \returns UE_CAUSE_ok or what went wrong, with the reason in err; keys is unchanged then (but for a refused TMPI) */
enum ue_cause ub_client_run(struct ub_client *c, struct err *err);

/*! Ks_NAF, or Ks_ext_NAF where the card made Ks: of the key that is there, for one NAF.
 *  \param[out] out 32 octets \param[in] naf_id FQDN || 5 octets
 *  \returns 0; -ENOKEY the card's Ks is of another run: as if there were no key; as card_derive(), kdf_ks_naf() */
int ub_naf_key(struct ub_client *c, struct secret *out, struct span naf_id, struct err *err);

/* The decisions as pure functions, for tests. */

/*! Nonce text to RAND and AUTN; octets behind them are the server's own.
 *  \returns 0; -EBADMSG no base64 or under 32 octets */
int ub_nonce_open(uint8_t rand[AKA_RAND_LEN], uint8_t autn[AKA_AUTN_LEN], struct span nonce);

/*! Is this a challenge we can answer: AKAv1-MD5 and auth-int? \returns 0; -ENOTSUP and the reason */
int ub_challenge_check(const struct challenge_hdr *h, struct err *err);

/*! Does Authentication-Info prove that the network knows RES?
 *  \param[in] in  as for the request, with the body of the answer
 *  \returns 0; -EBADMSG absent, other nc or cnonce, or wrong */
int ub_rspauth_check(const char *authentication_info, const struct digest_input *in, const struct secret *ha1);

/*! When the key of a 200 ends by the clock of this device. The lifetime is an instant of the server's clock, so its own time
 *  beside it counts first (Extension/currenttime), then the Date header, then the two clocks are taken to agree. At most the
 *  last instant an xs:dateTime of four digits holds.
 *  \param[in] date value of the Date header, NULL: none
 *  \returns 0; -ETIME it is over already */
int ub_expiry(time_t *out, const struct bsf_info *info, const char *date, time_t now);

/*! Is this the B-TID of the run with this RAND, at the BSF that was asked? \param[in] host of the BSF's URL, \param[in] name
 *  of the BSF, realm of the first request: one of the two \returns 0; -EBADMSG another run; -EPERM another BSF */
int ub_btid_check(const struct btid *id, const uint8_t rand[AKA_RAND_LEN], const char *host, const char *name);
