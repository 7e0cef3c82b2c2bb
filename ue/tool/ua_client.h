/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ua_client.h
 *  A page of an application: the device's side of Ua with HTTP Digest (TS 24.109 5, TS 33.220 4.5.3). */
#pragma once

#include <gba/ue.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "ue/lib/http_get.h"
#include "ue/lib/ub_client.h"

struct ua_client {
	struct gba_ue *ue; /* keys come from it, bootstrapping included */
	struct http_get *http;
	struct ue_trail trail;
	int wait_s; /* for an answer of the agent; 0: there is none, and each request has its time-out */
};

struct ua_result {
	struct http_answer answer;
	struct gba_ue_key *key; /* the one that was used; NULL: none */
	bool bootstrapped;      /* Ub ran for it */
	bool answer_proved;     /* rspauth was there and right */
};

/*! \returns UE_CAUSE_ok also for 4xx/5xx of the application itself: out->answer.status tells */
enum ue_cause ua_client_get(struct ua_client *c, const char *url, struct ua_result *out, struct err *err);
/*! Wait for a key. \returns UE_CAUSE_ok; else err says why, and q may still be pending */
enum ue_cause ua_client_wait(const struct ua_client *c, struct gba_ue_request *q, struct err *err);
void ua_result_clear(struct ua_result *r);

/*! Of the realms a challenge offers (separated by ';') the one for Ks_NAF that names this host.
 *  \returns 0; -ENOENT no GBA realm; -EPERM a GBA realm of another host */
int ua_realm_choose(struct span *out, struct span realms, const char *host);

/*! What a 401 asks for. */
enum ua_next {
	UA_ANSWER, /* answer with the key the device has, or makes */
	UA_RENEW,  /* this one was refused: answer with a newer one */
	UA_GIVE_UP,
};
/*! \param[in] answered the 401 came to an answer of ours \param[in] fresh to one with a key that was made for it */
enum ua_next ua_decide(bool answered, bool stale, bool fresh);
