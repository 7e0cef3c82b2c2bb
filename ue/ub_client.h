/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ub_client.h
 *  Bootstrapping at the BSF: the device's side of Ub (TS 33.220 4.5.2, TS 24.109 4, RFC 3310). */
#pragma once

#include "common/crypto/aka_digest.h"
#include "common/http/challenge_hdr.h"
#include "ue/http_get.h"
#include "ue/key_store.h"
#include "ue/usim.h"

/*! What can end a run, and the exit code of the program for it. */
enum ue_exit {
	UE_OK = 0,
	UE_USAGE = 1,       /* command line, configuration, local files */
	UE_REFUSED = 2,     /* the network refused this device or request */
	UE_DISTRUST = 3,    /* this device refused the network: AUTN, rspauth, realm */
	UE_UNREACHABLE = 4, /* not reached, 5xx, timeout: try again later */
};

struct ub_client {
	struct usim *card;
	struct key_store *keys;
	struct http_get *http;
	const char *url;      /* of the BSF */
	const char *bsf_name; /* realm of the first request, 23.003 16.2 */
};

/*! Run once: afterwards keys holds a fresh Ks, B-TID and TMPI, on disk.
 *  \returns UE_OK or what went wrong, with the reason in err; keys is unchanged then (but for a refused TMPI) */
enum ue_exit ub_client_run(struct ub_client *c, struct err *err);

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
