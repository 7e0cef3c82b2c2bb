/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ub_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/crypto/rng.h"
#include "common/http/auth_hdr.h"
#include "common/http/product.h"
#include "ue/lib/http_challenges.h"
#include "ue/lib/http_url.h"
#include "ue/lib/ub_check.h"
#include "ue/lib/ub_keys.h"

#define USER_AGENT "gba-ue/" PACKAGE_VERSION " " PRODUCT_TMPI
#define NC         "00000001"

/* What the awaited answer is for. */
typedef enum ue_cause ub_step_fn(struct ub_run *r);

/* One run: what is known after each message. Wiped at its end. */
struct ub_run {
	struct ub_client *c;
	struct err *err; /* of the call that is running */
	ub_step_fn *next;
	char username[IMPI_MAX + 1];
	bool as_tmpi;
	int resyncs;
	char *host, *target;            /* of the URL; target is the uri of the Digest */
	struct http_answer answer;      /* the last one */
	struct digest_alg alg;          /* of challenge */
	struct challenge_hdr challenge; /* points into answer.www_authenticate of the last 401 */
	char nonce[1400];               /* of the challenge, beyond that answer */
	uint8_t rand[AKA_RAND_LEN];
	char cnonce[33];
	struct secret ha1;
	struct card_answer card;
};

/* Not reached, or a header that cannot be written, a body without end: that is the other side's doing. */
static enum ue_cause not_sent(int rc)
{
	return rc == -EIO ? UE_CAUSE_not_reached : rc == -EINVAL ? UE_CAUSE_challenge : UE_CAUSE_answer;
}

static enum ue_cause send_authorization(struct ub_run *r, const struct auth_hdr *h, ub_step_fn *next)
{
	char value[AUTH_HDR_MAX];
	int rc = auth_hdr_format(value, sizeof(value), h);

	if (rc < 0) {
		err_set(r->err, rc, "the challenge holds what no header can carry");
		return not_sent(rc);
	}
	r->c->trail.status = 0;
	r->next = next;
	rc = http_get_start(r->c->http, r->c->url, r->target, value, USER_AGENT, r->err);
	OPENSSL_cleanse(value, sizeof(value));
	return rc < 0 ? UE_CAUSE_local : UE_CAUSE_pending;
}

static void choose_username(struct ub_run *r)
{
	struct key_store *k = r->c->keys;

	r->as_tmpi = k->has_tmpi;
	if (r->as_tmpi)
		tmpi_format(r->username, k->tmpi);
	else
		memcpy(r->username, k->impi.s, sizeof(r->username));
}

static ub_step_fn on_first, on_resync, on_told, on_session;

static enum ue_cause send_first(struct ub_run *r)
{
	const struct auth_hdr h = {
		.username = span_str(r->username),
		.realm = span_str(r->c->bsf_name),
		.nonce = span_str(""),
		.uri = span_str(r->target),
		.response = span_str(""),
	};

	return send_authorization(r, &h, on_first);
}

static enum ue_cause ub_client_refused(struct ub_run *r, const char *when)
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

/* The digest of the second request; password NULL: empty, for a resynchronisation. */
static int digest_of(struct ub_run *r, struct digest_text *out, const struct secret *password)
{
	const struct digest_input in = {
		.hash = r->alg.hash,
		.qop = DIGEST_QOP_AUTH_INT,
		.method = span_str("GET"),
		.uri = span_str(r->target),
		.nonce = r->challenge.nonce,
		.nc = span_str(NC),
		.cnonce = span_str(r->cnonce),
	};
	int rc = digest_ha1(&r->ha1, r->alg.hash, span_str(r->username), r->challenge.realm,
			    password ? span_of(password->b, password->len) : span_of(NULL, 0));

	return rc < 0 ? rc : digest_response(out, &in, &r->ha1);
}

static enum ue_cause send_second(struct ub_run *r, const char *response, const char *auts, ub_step_fn *next)
{
	const struct auth_hdr h = {
		.username = span_str(r->username),
		.realm = r->challenge.realm,
		.nonce = r->challenge.nonce,
		.uri = span_str(r->target),
		.response = span_str(response),
		.algorithm = span_str(digest_alg_name(r->alg)),
		.qop = span_str("auth-int"),
		.nc = span_str(NC),
		.cnonce = span_str(r->cnonce),
		.opaque = r->challenge.opaque,
		.auts = auts ? span_str(auts) : span_of(NULL, 0),
	};

	return send_authorization(r, &h, next);
}

static int new_cnonce(struct ub_run *r)
{
	uint8_t octets[16];

	if (rng_fill(octets, sizeof(octets)) < 0)
		return err_set(r->err, -EIO, "no random octets");
	hex_encode(r->cnonce, sizeof(r->cnonce), octets, sizeof(octets));
	return 0;
}

/* Of the challenges of a 401, in one header or several, the first one that we can answer. */
static int read_challenge(struct ub_run *r, uint8_t autn[AKA_AUTN_LEN])
{
	struct http_challenges all = { .lines = r->answer.www_authenticate };
	int rc = err_set(r->err, -EBADMSG, "the 401 of the BSF holds no usable Digest challenge");

	while (rc < 0 && http_challenge_next(&r->challenge, &all)) {
		if (!r->challenge.realm.p || !r->challenge.nonce.p)
			continue;
		rc = ub_check_challenge(&r->alg, &r->challenge, ub_keys_context(r->c->card) == CARD_CONTEXT_3G, r->err);
		if (rc == 0 && ub_check_nonce(r->rand, autn, r->challenge.nonce) < 0)
			rc = err_set(r->err, -EBADMSG, "the nonce of the BSF does not hold RAND and AUTN");
	}
	return rc;
}

/* Tell the BSF that its AUTN is wrong: an answer with an empty response and no auts. Whether it arrives changes nothing. */
static enum ue_cause mac_failure(struct ub_run *r)
{
	enum ue_cause rc = send_second(r, "", NULL, on_told);

	return rc == UE_CAUSE_pending ? rc : on_told(r);
}

static enum ue_cause on_told(struct ub_run *r)
{
	err_set(r->err, -EKEYREJECTED,
		r->c->card->caps & CARD_CAP_GBA
			? "AUTN has a wrong MAC: the network does not know the key of this card, or takes it for one without GBA_U: refused"
			: "AUTN has a wrong MAC: the network does not know the key of this card, or takes it for one with GBA_U: refused");
	return UE_CAUSE_autn;
}

static enum ue_cause resynchronise(struct ub_run *r)
{
	char auts[B64_LEN(AKA_AUTS_LEN) + 1];
	struct digest_text response;

	/* one: a second one would mean that the HSS did not take the number */
	if (r->resyncs++) {
		err_set(r->err, -ERANGE, "the network still sends used sequence numbers after a resynchronisation");
		return UE_CAUSE_resync;
	}
	b64_encode(auts, sizeof(auts), r->card.auts, sizeof(r->card.auts));
	if (digest_of(r, &response, NULL) < 0)
		return UE_CAUSE_local;
	return send_second(r, response.hex, auts, on_resync);
}

static enum ue_cause answer_challenge(struct ub_run *r)
{
	struct digest_text response;
	SECRET_AUTO password = r->card.res;

	if (r->alg.aka_version == 2 &&
	    digest_akav2_password(&password, r->alg.hash, &r->card.res, &r->card.ik, &r->card.ck) < 0)
		return UE_CAUSE_local;

	/* the challenge lives in the answer that the next one replaces */
	if (span_to_str(r->nonce, sizeof(r->nonce), r->challenge.nonce) < 0 || digest_of(r, &response, &password) < 0)
		return UE_CAUSE_local;
	return send_second(r, response.hex, NULL, on_session);
}

/* Read the 401, let the card judge it, and answer. */
static enum ue_cause judge(struct ub_run *r)
{
	uint8_t autn[AKA_AUTN_LEN];
	struct card *card = r->c->card;

	if (read_challenge(r, autn) < 0)
		return UE_CAUSE_challenge;
	run_id(r->c->trail.run, r->rand);
	if (new_cnonce(r) < 0 || card_authenticate(card, &r->card, ub_keys_context(card), r->rand, autn, r->err) < 0)
		return UE_CAUSE_local;
	switch (r->card.outcome) {
	case CARD_OK:
		return answer_challenge(r);
	case CARD_SYNC_FAILURE:
		return resynchronise(r);
	default:
		return mac_failure(r);
	}
}

/* 401; or the BSF no longer knows the TMPI: again with the IMPI (33.220 4.5.2). */
static enum ue_cause on_first(struct ub_run *r)
{
	const long s = r->answer.status;

	if (s == 401)
		return judge(r);
	if (!r->as_tmpi || s < 400 || s >= 500 || s == 429)
		return ub_client_refused(r, "to the first request");
	r->c->keys->has_tmpi = false;
	if (key_store_save(r->c->keys, r->err) < 0)
		return UE_CAUSE_local;
	choose_username(r);
	return send_first(r);
}

static enum ue_cause on_resync(struct ub_run *r)
{
	return r->answer.status == 401 ? judge(r) : ub_client_refused(r, "to the resynchronisation");
}

static enum ue_cause check_body(struct ub_run *r, struct bsf_info *info, struct btid *id, time_t *expires_at)
{
	int rc;

	if (bsf_info_parse(info, r->answer.body, r->answer.body_len) < 0 ||
	    btid_parse(id, (const uint8_t *)info->btid, strlen(info->btid)) < 0) {
		err_set(r->err, -EBADMSG, "the 200 of the BSF holds no B-TID and lifetime");
		return UE_CAUSE_answer;
	}
	rc = ub_check_btid(id, r->rand, r->host, r->c->bsf_name);
	if (rc < 0) {
		err_set(r->err, rc,
			rc == -EPERM ? "the B-TID is of the BSF %s, which was not asked: refused"
				     : "the B-TID (of %s) is not that of this run: refused",
			id->domain);
		return UE_CAUSE_btid;
	}
	if (ub_check_expiry(expires_at, info, r->answer.date, time(NULL)) < 0) {
		err_set(r->err, -ETIME,
			"the key of the BSF is over when it arrives: refused; perhaps one of the clocks is wrong");
		return UE_CAUSE_lifetime;
	}
	return UE_CAUSE_ok;
}

/* 33.220 4.5.2: Ks, B-TID, and the TMPI if the BSF knows TMPIs. */
static enum ue_cause keep_session(struct ub_run *r)
{
	struct key_store *k = r->c->keys, next = *k;
	struct bsf_info info;
	struct btid id;
	enum ue_cause cause = check_body(r, &info, &id, &next.expires_at);
	int rc;

	if (cause != UE_CAUSE_ok)
		return cause;
	rc = ub_keys_take(r->c->card, &next, &r->card, &info, r->err);
	memcpy(next.rand, r->rand, sizeof(next.rand));
	memcpy(next.btid, info.btid, sizeof(next.btid));
	next.has_ks = true;
	if (rc == 0 && r->answer.server && product_has(span_str(r->answer.server), PRODUCT_TMPI)) {
		rc = ub_keys_tmpi(r->c->card, &next, id.domain, r->err);
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

static enum ue_cause on_session(struct ub_run *r)
{
	const struct digest_input in = {
		.hash = r->alg.hash,
		.qop = DIGEST_QOP_AUTH_INT,
		.uri = span_str(r->target),
		.nonce = span_str(r->nonce),
		.nc = span_str(NC),
		.cnonce = span_str(r->cnonce),
		.body = span_of(r->answer.body, r->answer.body_len),
	};

	if (r->answer.status != 200)
		return ub_client_refused(r, "to the answer of the card");
	if (ub_check_rspauth(r->answer.authentication_info, &in, &r->ha1) < 0) {
		err_set(r->err, -EKEYREJECTED, "the BSF did not prove that it knows the key (rspauth): refused");
		return UE_CAUSE_rspauth;
	}
	return keep_session(r);
}

static enum ue_cause ended(struct ub_client *c, enum ue_cause rc)
{
	if (rc != UE_CAUSE_pending)
		ub_client_stop(c);
	return rc;
}

enum ue_cause ub_client_start(struct ub_client *c, struct err *err)
{
	struct ub_run *r = calloc(1, sizeof(*r));

	ub_client_stop(c);
	c->trail = (struct ue_trail){ 0 };
	if (!r)
		return UE_CAUSE_local;
	c->run = r;
	r->c = c;
	r->err = err;
	if (http_url_split(c->url, &r->host, &r->target, err) < 0)
		return ended(c, UE_CAUSE_usage);
	choose_username(r);
	return ended(c, send_first(r));
}

enum ue_cause ub_client_step(struct ub_client *c, struct err *err)
{
	struct ub_run *r = c->run;
	struct http_answer a;
	int rc;

	if (!r)
		return UE_CAUSE_local;
	rc = http_get_step(c->http, &a, err);
	if (rc == -EINPROGRESS)
		return UE_CAUSE_pending;
	r->err = err;
	if (rc < 0)
		return ended(c, r->next == on_told ? on_told(r) : not_sent(rc));
	c->trail.status = a.status;
	http_answer_clear(&r->answer);
	r->answer = a;
	return ended(c, r->next(r));
}

void ub_client_stop(struct ub_client *c)
{
	struct ub_run *r = c->run;

	if (!r)
		return;
	c->run = NULL;
	http_get_stop(c->http);
	http_answer_clear(&r->answer);
	free(r->target);
	free(r->host);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
}
