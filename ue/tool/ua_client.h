/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ua_client.h
 *  A page of an application: the device's side of Ua with HTTP Digest (TS 24.109 5, TS 33.220 4.5.3). */
#pragma once

#include "common/crypto/kdf.h"
#include "ue/lib/ub_client.h"

struct ua_result {
	struct http_answer answer;
	bool bootstrapped;                         /* Ub ran for it */
	bool used_gba;                             /* a NAF key was used */
	char fingerprint[KEY_FINGERPRINT_LEN + 1]; /* of Ks_NAF */
	bool answer_proved;                        /* rspauth was there and right */
};

/*! \param[in] ub bootstraps when there is no valid Ks or the NAF asks for a new one
 *  \returns UE_CAUSE_ok also for 4xx/5xx of the application itself: out->answer.status tells */
enum ue_cause ua_client_get(struct ub_client *ub, const char *url, struct ua_result *out, struct err *err);
void ua_result_clear(struct ua_result *r);

/*! Of the realms a challenge offers (separated by ';') the one for Ks_NAF that names this host.
 *  \returns 0; -ENOENT no GBA realm; -EPERM a GBA realm of another host */
int ua_realm_choose(struct span *out, struct span realms, const char *host);

/*! What a 401 asks for. */
enum ua_next {
	UA_ANSWER,    /* answer with the key there is */
	UA_BOOTSTRAP, /* no valid key, or this one was refused: run Ub, then answer */
	UA_GIVE_UP,
};
enum ua_next ua_decide(bool have_key, bool answered, bool stale, unsigned refusals);
