/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_answer.h"

#include <errno.h>
#include <stdlib.h>

#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/challenge_hdr.h"
#include "naf-lib/naf_ks.h"

#define RETRY_AFTER_S 5

static struct gba_naf_answer none = {
	.size = sizeof(none),
	.verdict = GBA_NAF_TEMPORARY,
	.cause = GBA_NAF_CAUSE_BSF_ERROR,
	.status = 503,
	.retry_after_s = RETRY_AFTER_S,
};

struct gba_naf_answer *naf_answer_none(void)
{
	return &none;
}

struct naf_answer *naf_answer_new(void)
{
	struct naf_answer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->pub.size = sizeof(a->pub);
	a->pub.challenge = a->list;
	return a;
}

void naf_answer_free(struct naf_answer *a)
{
	if (!a)
		return;
	naf_key_clear(&a->key);
	free(a->text);
	OPENSSL_cleanse(a, sizeof(*a));
	free(a);
}

void gba_naf_answer_free(struct gba_naf_answer *ans)
{
	if (ans && ans != &none)
		naf_answer_free((struct naf_answer *)ans);
}

static struct span answer_keep(uint8_t **at, struct span s)
{
	uint8_t *p = *at;

	memcpy(p, s.p, s.len);
	*at += s.len;
	return span_of(p, s.len);
}

int naf_answer_prove(struct naf_answer *a, const struct digest_input *in)
{
	uint8_t *at = malloc(in->uri.len + in->nonce.len + in->nc.len + in->cnonce.len);

	if (!at)
		return -ENOMEM;
	a->text = at;
	a->in.hash = in->hash;
	a->in.qop = in->qop;
	a->in.uri = answer_keep(&at, in->uri);
	a->in.nonce = answer_keep(&at, in->nonce);
	a->in.nc = answer_keep(&at, in->nc);
	a->in.cnonce = answer_keep(&at, in->cnonce);
	return 0;
}

/*! What each cause is answered: causes.csv. stale: the B-TID is good, only the nonce is not (RFC 7616 3.3); without it
 *  the device bootstraps again. */
static const struct {
	enum gba_naf_verdict verdict;
	int status;
	bool stale;
} answers[GBA_NAF_CAUSE_COUNT] = {
	[GBA_NAF_CAUSE_OK] = { GBA_NAF_ACCEPT, 200, false },
	[GBA_NAF_CAUSE_CHALLENGED] = { GBA_NAF_CHALLENGE, 401, false },
	[GBA_NAF_CAUSE_SYNTAX] = { GBA_NAF_DENY, 400, false },
	[GBA_NAF_CAUSE_URI_MISMATCH] = { GBA_NAF_DENY, 400, false },
	[GBA_NAF_CAUSE_DOWNGRADE] = { GBA_NAF_CHALLENGE, 401, false },
	[GBA_NAF_CAUSE_NONCE_STALE] = { GBA_NAF_CHALLENGE, 401, true },
	[GBA_NAF_CAUSE_REPLAY] = { GBA_NAF_CHALLENGE, 401, true },
	[GBA_NAF_CAUSE_RESPONSE] = { GBA_NAF_CHALLENGE, 401, false },
	[GBA_NAF_CAUSE_BTID_UNKNOWN] = { GBA_NAF_CHALLENGE, 401, false },
	[GBA_NAF_CAUSE_KEY_EXPIRED] = { GBA_NAF_CHALLENGE, 401, false },
	[GBA_NAF_CAUSE_BSF_FOREIGN] = { GBA_NAF_DENY, 403, false },
	[GBA_NAF_CAUSE_NOT_AUTHORIZED] = { GBA_NAF_DENY, 403, false },
	[GBA_NAF_CAUSE_BSF_DOWN] = { GBA_NAF_TEMPORARY, 503, false },
	[GBA_NAF_CAUSE_BSF_ERROR] = { GBA_NAF_TEMPORARY, 503, false },
	[GBA_NAF_CAUSE_KEY_ENDING] = { GBA_NAF_CHALLENGE, 401, false },
};

bool naf_answer_is_stale(enum gba_naf_cause cause)
{
	return answers[cause].stale;
}

void naf_answer_conclude(struct naf_answer *a, enum gba_naf_cause cause)
{
	struct gba_naf_answer *pub = &a->pub;

	pub->cause = cause;
	pub->verdict = answers[cause].verdict;
	pub->status = answers[cause].status;
	pub->retry_after_s = pub->verdict == GBA_NAF_TEMPORARY ? RETRY_AFTER_S : 0;
	if (pub->verdict == GBA_NAF_ACCEPT) {
		pub->key = &a->key;
		return;
	}
	naf_key_clear(&a->key);
	secret_clear(&a->ha1);
}

int naf_answer_challenge(struct naf_answer *a, const struct naf_offer *offer, const char *nonce)
{
	static const struct {
		unsigned bit;
		enum digest_hash hash;
	} hashes[NAF_CHALLENGES_MAX] = { { GBA_NAF_SHA256, DIGEST_SHA256 }, { GBA_NAF_MD5, DIGEST_MD5 } };
	static const char *const qops[] = { [GBA_NAF_AUTH] = "auth",
					    [GBA_NAF_AUTH_INT] = "auth-int",
					    [GBA_NAF_AUTH | GBA_NAF_AUTH_INT] = "auth,auth-int" };
	unsigned n = 0;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < NAF_CHALLENGES_MAX; i++) {
		const struct challenge_hdr h = {
			.realm = offer->realm,
			.nonce = span_str(nonce),
			.algorithm = span_str(digest_alg_name((struct digest_alg){ .hash = hashes[i].hash })),
			.qop = span_str(qops[offer->qop]),
			.stale = offer->stale,
		};

		if (!(offer->algorithms & hashes[i].bit))
			continue;
		rc = challenge_hdr_format(a->challenge[n], sizeof(a->challenge[n]), &h);
		a->list[n] = a->challenge[n];
		n++;
	}
	a->pub.n_challenges = rc < 0 ? 0 : n;
	return rc < 0 ? rc : 0;
}

const char *gba_naf_digest_finish(struct gba_naf_answer *ans, const void *body, size_t len)
{
	struct naf_answer *a = (struct naf_answer *)ans;
	struct digest_text rspauth;
	struct auth_info info;

	if (!ans || ans->verdict != GBA_NAF_ACCEPT)
		return NULL;
	a->in.body = span_of(body, body ? len : 0);
	if (digest_rspauth(&rspauth, &a->in, &a->ha1) < 0)
		return NULL;
	info = (struct auth_info){
		.qop = span_str(digest_qop_name(a->in.qop)),
		.rspauth = span_str(rspauth.hex),
		.cnonce = a->in.cnonce,
		.nc = a->in.nc,
	};
	return auth_info_format(a->info, sizeof(a->info), &info) < 0 ? NULL : a->info;
}
