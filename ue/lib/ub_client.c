/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ub_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <curl/curl.h>

#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/crypto/kdf.h"
#include "common/crypto/rng.h"
#include "common/gba/gba_time.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/product.h"

#define USER_AGENT "gba-ue/" PACKAGE_VERSION " " PRODUCT_TMPI
#define NC         "00000001"
#define AT_MAX     253402300799 /* 9999-12-31T23:59:59Z, the last date_time_format() writes */

/* One run: what is known after each message. Wiped at its end. */
struct run {
	struct ub_client *c;
	struct err *err;
	char username[IMPI_MAX + 1];
	bool as_tmpi;
	char *host, *target;            /* of the URL; target is the uri of the Digest */
	struct http_answer answer;      /* the last one */
	struct challenge_hdr challenge; /* points into answer.www_authenticate */
	uint8_t rand[AKA_RAND_LEN];
	char cnonce[33];
	struct secret ha1;
	struct card_answer card;
};

int ub_nonce_open(uint8_t rand[AKA_RAND_LEN], uint8_t autn[AKA_AUTN_LEN], struct span nonce)
{
	uint8_t octets[1024];
	int n = b64_decode(octets, sizeof(octets), nonce.p, nonce.len);

	if (n < AKA_RAND_LEN + AKA_AUTN_LEN)
		return -EBADMSG;
	memcpy(rand, octets, AKA_RAND_LEN);
	memcpy(autn, octets + AKA_RAND_LEN, AKA_AUTN_LEN);
	return 0;
}

int ub_challenge_check(const struct challenge_hdr *h, struct err *err)
{
	struct digest_alg alg;

	if (digest_alg_parse(&alg, h->algorithm) < 0 || alg.aka_version != 1 || alg.hash != DIGEST_MD5)
		return err_set(err, -ENOTSUP, "the BSF wants algorithm '%.*s'; supported is AKAv1-MD5",
			       (int)h->algorithm.len, (const char *)h->algorithm.p);
	if (!challenge_offers_qop(h->qop, "auth-int"))
		return err_set(err, -ENOTSUP, "the BSF does not offer qop auth-int");
	return 0;
}

int ub_rspauth_check(const char *authentication_info, const struct digest_input *in, const struct secret *ha1)
{
	struct digest_text want;
	struct auth_info info;

	if (!authentication_info ||
	    auth_info_parse(&info, (const uint8_t *)authentication_info, strlen(authentication_info)) < 0)
		return -EBADMSG;
	if (!span_eq(info.nc, in->nc) || !span_eq(info.cnonce, in->cnonce))
		return -EBADMSG;
	if (digest_rspauth(&want, in, ha1) < 0)
		return -EIO;
	return digest_match(&want, info.rspauth) ? 0 : -EBADMSG;
}

static int send_authorization(struct run *r, const struct auth_hdr *h)
{
	char value[AUTH_HDR_MAX];
	struct http_answer a;
	int rc = auth_hdr_format(value, sizeof(value), h);

	if (rc < 0)
		return err_set(r->err, rc, "the challenge holds what no header can carry");
	r->c->trail.status = 0;
	rc = http_get_run(r->c->http, &a, r->c->url, r->target, value, USER_AGENT, r->err);
	OPENSSL_cleanse(value, sizeof(value));
	if (rc < 0)
		return rc;
	r->c->trail.status = a.status;
	/* the spans of h point into the old answer: not before now */
	http_answer_clear(&r->answer);
	r->answer = a;
	return 0;
}

/* Not reached, or a header that cannot be written, a body without end: that is the other side's doing. */
static enum ue_cause not_sent(int rc)
{
	return rc == -EIO ? UE_CAUSE_not_reached : rc == -EINVAL ? UE_CAUSE_challenge : UE_CAUSE_answer;
}

static void choose_username(struct run *r)
{
	struct key_store *k = r->c->keys;

	r->as_tmpi = k->has_tmpi;
	if (r->as_tmpi)
		tmpi_format(r->username, k->tmpi);
	else
		memcpy(r->username, k->impi.s, sizeof(r->username));
}

static int send_first(struct run *r)
{
	const struct auth_hdr h = {
		.username = span_str(r->username),
		.realm = span_str(r->c->bsf_name),
		.nonce = span_str(""),
		.uri = span_str(r->target),
		.response = span_str(""),
	};

	return send_authorization(r, &h);
}

static enum ue_cause ub_client_refused(struct run *r, const char *when)
{
	const char *later = r->answer.retry_after;
	long s = r->answer.status;
	enum ue_cause cause = ue_cause_of_status(s);

	if (cause == UE_CAUSE_busy)
		err_set(r->err, -EAGAIN, "the BSF is busy or has no HSS (HTTP %ld)%s%s", s,
			later ? "; it says try again after seconds: " : "", later ? later : "");
	else
		err_set(r->err, -EACCES, "the BSF answered HTTP %ld %s", s, when);
	return cause;
}

/* The first request, again with the IMPI if the BSF no longer knows the TMPI (33.220 4.5.2). */
static enum ue_cause ask_challenge(struct run *r)
{
	int rc = send_first(r);

	if (rc < 0)
		return not_sent(rc);
	if (r->as_tmpi && r->answer.status >= 400 && r->answer.status < 500 && r->answer.status != 401 &&
	    r->answer.status != 429) {
		r->c->keys->has_tmpi = false;
		if (key_store_save(r->c->keys, r->err) < 0)
			return UE_CAUSE_local;
		choose_username(r);
		rc = send_first(r);
		if (rc < 0)
			return not_sent(rc);
	}
	return r->answer.status == 401 ? UE_CAUSE_ok : ub_client_refused(r, "to the first request");
}

/* The digest of the second request; password NULL: empty, for a resynchronisation. */
static int digest_of(struct run *r, struct digest_text *out, const struct secret *password)
{
	const struct digest_input in = {
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH_INT,
		.method = span_str("GET"),
		.uri = span_str(r->target),
		.nonce = r->challenge.nonce,
		.nc = span_str(NC),
		.cnonce = span_str(r->cnonce),
	};
	int rc = digest_ha1(&r->ha1, DIGEST_MD5, span_str(r->username), r->challenge.realm,
			    password ? span_of(password->b, password->len) : span_of(NULL, 0));

	return rc < 0 ? rc : digest_response(out, &in, &r->ha1);
}

static int send_second(struct run *r, const char *response, const char *auts)
{
	const struct auth_hdr h = {
		.username = span_str(r->username),
		.realm = r->challenge.realm,
		.nonce = r->challenge.nonce,
		.uri = span_str(r->target),
		.response = span_str(response),
		.algorithm = span_str("AKAv1-MD5"),
		.qop = span_str("auth-int"),
		.nc = span_str(NC),
		.cnonce = span_str(r->cnonce),
		.opaque = r->challenge.opaque,
		.auts = auts ? span_str(auts) : span_of(NULL, 0),
	};

	return send_authorization(r, &h);
}

static int new_cnonce(struct run *r)
{
	uint8_t octets[16];

	if (rng_fill(octets, sizeof(octets)) < 0)
		return err_set(r->err, -EIO, "no random octets");
	hex_encode(r->cnonce, sizeof(r->cnonce), octets, sizeof(octets));
	return 0;
}

/* Of the challenges of a 401, in one header or several, the first one that we can answer. */
static int read_challenge(struct run *r, uint8_t autn[AKA_AUTN_LEN])
{
	struct http_challenges all = { .lines = r->answer.www_authenticate };
	int rc = err_set(r->err, -EBADMSG, "the 401 of the BSF holds no usable Digest challenge");

	while (rc < 0 && http_challenge_next(&r->challenge, &all)) {
		if (!r->challenge.realm.p || !r->challenge.nonce.p)
			continue;
		rc = ub_challenge_check(&r->challenge, r->err);
		if (rc == 0 && ub_nonce_open(r->rand, autn, r->challenge.nonce) < 0)
			rc = err_set(r->err, -EBADMSG, "the nonce of the BSF does not hold RAND and AUTN");
	}
	return rc;
}

/* 33.220 5.3.2: chosen before the challenge is looked at, by what the card can do alone. */
static enum card_context context_of(const struct card *card)
{
	return card->caps & CARD_CAP_GBA ? CARD_CONTEXT_GBA : CARD_CONTEXT_3G;
}

/* Read the 401 and let the card judge it. */
static enum ue_cause judge(struct run *r)
{
	uint8_t autn[AKA_AUTN_LEN];

	if (read_challenge(r, autn) < 0)
		return UE_CAUSE_challenge;
	run_id(r->c->trail.run, r->rand);
	if (new_cnonce(r) < 0 ||
	    card_authenticate(r->c->card, &r->card, context_of(r->c->card), r->rand, autn, r->err) < 0)
		return UE_CAUSE_local;
	return UE_CAUSE_ok;
}

/* Tell the BSF that its AUTN is wrong: an answer with an empty response and no auts. */
static enum ue_cause mac_failure(struct run *r)
{
	send_second(r, "", NULL);
	err_set(r->err, -EKEYREJECTED,
		r->c->card->caps & CARD_CAP_GBA
			? "AUTN has a wrong MAC: the network does not know the key of this card, or takes it for one without GBA_U: refused"
			: "AUTN has a wrong MAC: the network does not know the key of this card, or takes it for one with GBA_U: refused");
	return UE_CAUSE_autn;
}

static enum ue_cause resynchronise(struct run *r)
{
	char auts[B64_LEN(AKA_AUTS_LEN) + 1];
	struct digest_text response;
	int rc;

	b64_encode(auts, sizeof(auts), r->card.auts, sizeof(r->card.auts));
	if (digest_of(r, &response, NULL) < 0)
		return UE_CAUSE_local;
	rc = send_second(r, response.hex, auts);
	if (rc < 0)
		return not_sent(rc);
	return r->answer.status == 401 ? UE_CAUSE_ok : ub_client_refused(r, "to the resynchronisation");
}

int ub_expiry(time_t *out, const struct bsf_info *info, const char *date, time_t now)
{
	time_t theirs = date ? curl_getdate(date, NULL) : -1;
	time_t at;

	if (info->has_now)
		theirs = info->now;
	else if (theirs == -1)
		theirs = now;
	if (info->expires_at <= theirs)
		return -ETIME;
	at = now + (info->expires_at - theirs);
	*out = at < AT_MAX ? at : AT_MAX;
	return 0;
}

int ub_btid_check(const struct btid *id, const uint8_t rand[AKA_RAND_LEN], const char *host, const char *name)
{
	struct span domain = span_str(id->domain);

	if (memcmp(id->rand, rand, sizeof(id->rand)) != 0)
		return -EBADMSG;
	return span_ieq(domain, span_str(host)) || span_ieq(domain, span_str(name)) ? 0 : -EPERM;
}

static enum ue_cause check_body(struct run *r, struct bsf_info *info, struct btid *id, time_t *expires_at)
{
	int rc;

	if (bsf_info_parse(info, r->answer.body, r->answer.body_len) < 0 ||
	    btid_parse(id, (const uint8_t *)info->btid, strlen(info->btid)) < 0) {
		err_set(r->err, -EBADMSG, "the 200 of the BSF holds no B-TID and lifetime");
		return UE_CAUSE_answer;
	}
	rc = ub_btid_check(id, r->rand, r->host, r->c->bsf_name);
	if (rc < 0) {
		err_set(r->err, rc,
			rc == -EPERM ? "the B-TID is of the BSF %s, which was not asked: refused"
				     : "the B-TID (of %s) is not that of this run: refused",
			id->domain);
		return UE_CAUSE_btid;
	}
	if (ub_expiry(expires_at, info, r->answer.date, time(NULL)) < 0) {
		err_set(r->err, -ETIME,
			"the key of the BSF is over when it arrives: refused; perhaps one of the clocks is wrong");
		return UE_CAUSE_lifetime;
	}
	return UE_CAUSE_ok;
}

int ub_naf_key(struct ub_client *c, struct secret *out, struct span naf_id, struct err *err)
{
	const struct key_store *k = c->keys;
	const struct span impi = span_str(k->impi.s);
	struct card_gbabp bp;
	int rc;

	if (!k->on_card) {
		rc = kdf_ks_naf(out, KDF_KS_NAF, &k->ks, k->rand, impi, naf_id);
		return rc < 0 ? err_set(err, rc, "the key cannot be derived") : 0;
	}
	/* another device may have bootstrapped with this card since (31.102 5.2.21) */
	rc = card_gbabp_read(c->card, &bp, err);
	if (rc == 0 && (!bp.has_rand || memcmp(bp.rand, k->rand, sizeof(bp.rand)) != 0))
		rc = err_set(err, -ENOKEY, "the card's key is of another run");
	return rc < 0 ? rc : card_derive(c->card, out, naf_id, impi, err);
}

static int derive_tmpi(struct run *r, struct key_store *next, const char *bsf_name)
{
	uint8_t bsf_id[TMPI_BSF_ID_MAX];
	SECRET_AUTO seed = { 0 };
	int n = tmpi_bsf_id(bsf_id, bsf_name), rc;

	if (!next->on_card)
		return tmpi_derive(next->tmpi, &next->ks, next->rand, span_str(next->impi.s), bsf_name);
	rc = n < 0 ? n : card_derive(r->c->card, &seed, span_of(bsf_id, (size_t)n), span_str(next->impi.s), r->err);
	if (rc == 0)
		memcpy(next->tmpi, seed.b, TMPI_LEN);
	return rc;
}

/* Ks, or where it is; what belongs to it goes beside it on the card (31.102 5.2.20). */
static int take_key(struct run *r, struct key_store *next, const struct bsf_info *info)
{
	char when[DATE_TIME_LEN + 1];

	next->on_card = context_of(r->c->card) == CARD_CONTEXT_GBA;
	if (!next->on_card)
		return kdf_ks(&next->ks, &r->card.ck, &r->card.ik);
	secret_clear(&next->ks);
	if (date_time_format(when, info->expires_at) < 0)
		return -EINVAL;
	return card_gbabp_write(r->c->card, info->btid, when, r->err);
}

/* 33.220 4.5.2: Ks, B-TID, and the TMPI if the BSF knows TMPIs. */
static enum ue_cause keep_session(struct run *r)
{
	struct key_store *k = r->c->keys, next = *k;
	struct bsf_info info;
	struct btid id;
	enum ue_cause cause = check_body(r, &info, &id, &next.expires_at);
	int rc;

	if (cause != UE_CAUSE_ok)
		return cause;
	rc = take_key(r, &next, &info);
	memcpy(next.rand, r->rand, sizeof(next.rand));
	memcpy(next.btid, info.btid, sizeof(next.btid));
	next.has_ks = true;
	if (rc == 0 && r->answer.server && product_has(span_str(r->answer.server), PRODUCT_TMPI)) {
		rc = derive_tmpi(r, &next, id.domain);
		next.has_tmpi = true;
	}
	if (rc < 0 && !r->err->text[0])
		err_set(r->err, rc, "the keys cannot be derived");
	if (rc == 0)
		rc = key_store_save(&next, r->err);
	if (rc == 0)
		*k = next;
	key_store_clear(&next);
	return rc == 0 ? UE_CAUSE_ok : UE_CAUSE_local;
}

static enum ue_cause ub_client_answer(struct run *r)
{
	struct digest_input in = {
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH_INT,
		.uri = span_str(r->target),
		.nc = span_str(NC),
		.cnonce = span_str(r->cnonce),
	};
	char nonce[1400];
	struct digest_text response;
	int rc;

	/* the challenge lives in the answer that the next one replaces */
	if (span_to_str(nonce, sizeof(nonce), r->challenge.nonce) < 0 || digest_of(r, &response, &r->card.res) < 0)
		return UE_CAUSE_local;
	rc = send_second(r, response.hex, NULL);
	if (rc < 0)
		return not_sent(rc);
	if (r->answer.status != 200)
		return ub_client_refused(r, "to the answer of the card");
	in.nonce = span_str(nonce);
	in.body = span_of(r->answer.body, r->answer.body_len);
	if (ub_rspauth_check(r->answer.authentication_info, &in, &r->ha1) < 0) {
		err_set(r->err, -EKEYREJECTED, "the BSF did not prove that it knows the key (rspauth): refused");
		return UE_CAUSE_rspauth;
	}
	return keep_session(r);
}

static enum ue_cause run_steps(struct run *r)
{
	enum ue_cause rc = ask_challenge(r);

	/* one resynchronisation: a second one would mean that the HSS did not take the number */
	for (int round = 0; rc == UE_CAUSE_ok; round++) {
		rc = judge(r);
		if (rc != UE_CAUSE_ok)
			break;
		if (r->card.outcome == CARD_MAC_FAILURE)
			return mac_failure(r);
		if (r->card.outcome == CARD_OK)
			return ub_client_answer(r);
		if (round == 1) {
			err_set(r->err, -ERANGE,
				"the network still sends used sequence numbers after a resynchronisation");
			return UE_CAUSE_resync;
		}
		rc = resynchronise(r);
	}
	return rc;
}

enum ue_cause ub_client_run(struct ub_client *c, struct err *err)
{
	struct run r = { .c = c, .err = err };
	enum ue_cause rc;

	c->trail = (struct ue_trail){ 0 };
	if (http_url_split(c->url, &r.host, &r.target, err) < 0)
		return UE_CAUSE_usage;
	choose_username(&r);
	rc = run_steps(&r);
	http_answer_clear(&r.answer);
	free(r.target);
	free(r.host);
	OPENSSL_cleanse(&r, sizeof(r));
	return rc;
}
