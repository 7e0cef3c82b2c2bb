/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file decide.h
 *  What Ub answers: pure functions, no I/O, time and random numbers are arguments (TS 24.109 4, TS 33.220 4.5.2). The
 * points the specifications leave open are decided as causes.csv says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "bsf/store/gba_session.h"
#include "bsf/vectors/zh_client.h"
#include "common/gba/bsf_info.h"
#include "common/gba/cause.h"
#include "common/http/auth_hdr.h"

#define UB_SERVER     "gba-bsfd 3gpp-gba-tmpi" /* 33.220 4.5.2: the token in every answer */
#define UB_QOP        "auth-int"
#define UB_CNONCE_MAX 256 /* characters; it comes back in Authentication-Info */

/*! A request as the HTTP server has read it, and whatever is to be known of the connection it came on. All spans are lent. */
struct ub_request {
	struct span method, target, host, authorization, user_agent, body;
	unsigned n_authorization; /* headers of this name */
};

/*! What this BSF is called and where it is. */
struct ub_self {
	const char (*names)[BSF_NAME_MAX + 1];
	size_t n_names;   /* at least 1 */
	const char *path; /* NULL: any */
};

/*! What a request wants. */
struct ub_wish {
	enum { UB_REFUSE, UB_CHALLENGE, UB_ANSWER } want;
	enum cause cause;     /* REFUSE: why. Else the cause of a 401: ub_challenged or ub_realm_unknown */
	struct auth_hdr auth; /* points into the request */
	const char *bsf_name; /* one of ub_self */
	bool is_tmpi;
	uint8_t tmpi[TMPI_LEN];
	struct impi impi;               /* if it is no TMPI */
	uint8_t key[CHALLENGE_KEY_MAX]; /* ANSWER: the decoded nonce */
	size_t key_len;                 /* 0: it has not the form of ours */
	struct digest_alg alg;          /* ANSWER: as it says, or AKAv1-MD5 */
	bool has_auts;
	uint8_t auts[AKA_AUTS_LEN];
	bool knows_tmpi; /* 3gpp-gba-tmpi in User-Agent */
};

void ub_decide_request(struct ub_wish *out, const struct ub_request *in, const struct ub_self *self);

/*! Judge an answer to a challenge that was taken for it.
 *  \returns CAUSE_ub_ok: right; CAUSE_ub_challenged: an honest AUTS, ask the HSS again; else why it is refused */
enum cause ub_decide_answer(const struct ub_wish *w, const struct ub_request *in, const struct gba_challenge *c);

/*! What the HSS said. \returns CAUSE_ub_challenged: a vector is there; else why the run ends */
enum cause ub_decide_zh(const struct zh_result *r, bool resync);

#define UB_HEADER_MAX 1024

/*! What goes out; ub_http adds Server and Cache-Control. */
struct ub_answer {
	int status;
	enum cause cause;
	bool retry_after;                     /* 503 */
	char www_authenticate[UB_HEADER_MAX]; /* "": none */
	char auth_info[UB_HEADER_MAX];        /* "": none */
	int64_t expires_at;                   /* 0: none */
	size_t body_len;
	char body[BSF_INFO_MAX]; /* BootstrappingInfo */
};

/*! An answer without content, as causes.csv says for the cause. */
void ub_answer_cause(struct ub_answer *out, enum cause cause);
/*! 401 with this challenge. cause as of the wish. \returns 0; -EIO */
int ub_answer_challenge(struct ub_answer *out, const struct gba_challenge *c, enum cause cause);
/*! 200 with the session. in: the request that earned it. \returns 0; -EIO */
int ub_answer_ok(struct ub_answer *out, const struct ub_wish *w, const struct gba_challenge *c,
		 const struct gba_session *s);
