/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/ua_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/rng.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/product.h"
#include "ue/lib/http_challenges.h"
#include "ue/lib/http_url.h"
#include "ue/lib/ub_check.h"

#define USER_AGENT "gba-ue/" PACKAGE_VERSION " " PRODUCT_GBA
#define REALM      "3GPP-bootstrapping@"
#define NC         "00000001"
#define ROUNDS_MAX 6

struct ua_run {
	struct ua_client *c;
	struct err *err;
	const char *url;
	char *host, *target;
	bool https;
	uint8_t ua_id[GBA_UE_UA_ID_LEN];
	uint16_t suite; /* of the key that was taken last */
	struct ua_result *out;
	struct challenge_hdr challenge;
	struct span realm;
	struct digest_alg alg;
	struct digest_input in;
	char nonce[1400], cnonce[33];
	struct secret ha1;
};

int ua_realm_choose(struct span *out, struct span realms, const char *host)
{
	const size_t prefix = strlen(REALM);
	int rc = -ENOENT;

	for (size_t pos = 0, end; pos <= realms.len; pos = end + 1) {
		struct span one;

		for (end = pos; end < realms.len && realms.p[end] != ';';)
			end++;
		while (pos < end && realms.p[pos] == ' ')
			pos++;
		one = span_of(realms.p + pos, end - pos);
		if (one.len <= prefix || !span_ieq(span_of(one.p, prefix), span_str(REALM)))
			continue;
		if (span_ieq(span_of(one.p + prefix, one.len - prefix), span_str(host))) {
			*out = one;
			return 0;
		}
		rc = -EPERM;
	}
	return rc;
}

enum ua_next ua_decide(bool answered, bool stale, bool fresh)
{
	if (!answered || stale)
		return UA_ANSWER;
	/* a refused key means renegotiation (24.109 5.2.5): once; a fresh one that is refused is a refusal */
	return fresh ? UA_GIVE_UP : UA_RENEW;
}

static int wait_for(struct http_get *h, struct http_answer *out, struct err *err)
{
	struct pollfd p = { .fd = http_get_fd(h), .events = POLLIN };
	int rc = http_get_step(h, out, err);

	while (rc == -EINPROGRESS) {
		poll(&p, 1, -1);
		rc = http_get_step(h, out, err);
	}
	return rc;
}

static enum ue_cause fetch(struct ua_run *r, const char *authorization)
{
	struct http_answer a;
	int rc;

	r->c->trail.status = 0;
	rc = http_get_start(r->c->http, r->url, r->target, authorization, USER_AGENT, r->err);
	if (rc == 0)
		rc = wait_for(r->c->http, &a, r->err);
	if (rc < 0)
		return rc == -EIO ? UE_CAUSE_not_reached : rc == -EKEYREJECTED ? UE_CAUSE_certificate : UE_CAUSE_answer;
	r->c->trail.status = a.status;
	http_answer_clear(&r->out->answer);
	r->out->answer = a;
	return UE_CAUSE_ok;
}

/* Algorithm and qop of the answer, if the challenge offers some of ours. */
static int choose_protection(struct ua_run *r)
{
	const struct challenge_hdr *h = &r->challenge;

	if (!h->algorithm.p)
		r->alg = (struct digest_alg){ DIGEST_MD5, 0 };
	else if (digest_alg_parse(&r->alg, h->algorithm) < 0 || r->alg.aka_version != 0)
		return err_set(r->err, -ENOTSUP, "%s: algorithm '%.*s' is not supported; supported: MD5, SHA-256",
			       r->url, (int)h->algorithm.len, (const char *)h->algorithm.p);
	if (challenge_offers_qop(h->qop, "auth-int"))
		r->in.qop = DIGEST_QOP_AUTH_INT;
	else if (challenge_offers_qop(h->qop, "auth"))
		r->in.qop = DIGEST_QOP_AUTH;
	else
		return err_set(r->err, -ENOTSUP, "%s: the server offers neither qop auth nor auth-int", r->url);
	return 0;
}

static enum ue_cause suits(struct ua_run *r)
{
	const struct span realm = r->challenge.realm;
	int rc = ua_realm_choose(&r->realm, realm, r->host);

	if (rc == -EPERM) {
		err_set(r->err, rc, "%s: the server asks for the key of another host (realm '%.*s'): refused", r->url,
			(int)realm.len, (const char *)realm.p);
		return UE_CAUSE_realm;
	}
	if (rc < 0)
		err_set(r->err, rc, "%s: realm '%.*s' is none of GBA with a key of this device", r->url, (int)realm.len,
			(const char *)realm.p);
	return rc == 0 && choose_protection(r) == 0 ? UE_CAUSE_ok : UE_CAUSE_challenge;
}

/* Of the challenges of a 401, in one header or several, the first one that we can answer. */
static enum ue_cause choose_challenge(struct ua_run *r)
{
	struct http_challenges all = { .lines = r->out->answer.www_authenticate };
	enum ue_cause rc = UE_CAUSE_challenge;

	err_set(r->err, -ENOENT, "%s: the server wants credentials, but not GBA's", r->url);
	while (rc != UE_CAUSE_ok && http_challenge_next(&r->challenge, &all)) {
		if (r->challenge.nonce.p && r->challenge.realm.p)
			rc = suits(r);
	}
	return rc;
}

/* Password of Ua: base64 of Ks_NAF (24.109 5.2). */
static int naf_ha1(struct ua_run *r)
{
	const struct gba_ue_key *key = r->out->key;
	char password[GBA_UE_PASSWORD_LEN + 1];
	int rc = gba_ue_key_password(key, password);

	if (rc == 0)
		rc = digest_ha1(&r->ha1, r->alg.hash, span_str(gba_ue_key_btid(key)), r->realm, span_str(password));
	OPENSSL_cleanse(password, sizeof(password));
	return rc < 0 ? err_set(r->err, rc, "the digest cannot be computed") : 0;
}

enum ue_cause ua_client_wait(const struct ua_client *c, struct gba_ue_request *q, struct err *err)
{
	switch (gba_ue_wait(q, c->wait_s ? c->wait_s * 1000 : -1)) {
	case GBA_UE_OK:
		return UE_CAUSE_ok;
	case GBA_UE_PENDING:
		err_set(err, -ETIMEDOUT, "no answer of the agent within %d s", c->wait_s);
		return UE_CAUSE_not_reached;
	default:
		err_set(err, -EACCES, "%s", gba_ue_text(q));
		return ue_cause_named(gba_ue_cause(q));
	}
}

/* By what is spoken here: within TLS a key is for its cipher suite, too (33.220 H.3). \returns NULL: HTTP Digest without TLS */
static const uint8_t *ua_id_of(struct ua_run *r)
{
	r->suite = r->out->answer.suite;
	memcpy(r->ua_id, (const uint8_t[]){ 0x01, 0x00, 0x01, r->suite >> 8, r->suite & 0xff }, sizeof(r->ua_id));
	return r->https ? r->ua_id : NULL;
}

/* A key for this host: the one there is, or, where that was refused, a newer one. */
static enum ue_cause take_key(struct ua_run *r, bool renew)
{
	const char *refused = renew && r->out->key ? gba_ue_key_btid(r->out->key) : NULL;
	struct gba_ue_request *q = gba_ue_start(r->c->ue, GBA_UE_APP_ANY, r->host, ua_id_of(r), renew, refused);
	enum ue_cause rc = ua_client_wait(r->c, q, r->err);
	struct gba_ue_key *key;

	if (rc != UE_CAUSE_ok || gba_ue_status(q)) {
		r->c->trail.status = gba_ue_status(q);
		snprintf(r->c->trail.run, sizeof(r->c->trail.run), "%s", gba_ue_run(q));
	}
	gba_ue_finish(q, &key);
	gba_ue_key_free(r->out->key);
	r->out->key = key;
	r->out->bootstrapped = r->out->bootstrapped || gba_ue_key_bootstrapped(key);
	return rc;
}

static int prepare(struct ua_run *r)
{
	uint8_t octets[16];

	if (rng_fill(octets, sizeof(octets)) < 0 || span_to_str(r->nonce, sizeof(r->nonce), r->challenge.nonce) < 0)
		return err_set(r->err, -EBADMSG, "%s: unusable nonce", r->url);
	hex_encode(r->cnonce, sizeof(r->cnonce), octets, sizeof(octets));
	r->in.hash = r->alg.hash;
	r->in.method = span_str("GET");
	r->in.uri = span_str(r->target);
	r->in.nonce = span_str(r->nonce);
	r->in.nc = span_str(NC);
	r->in.cnonce = span_str(r->cnonce);
	r->in.body = span_of(NULL, 0);
	return naf_ha1(r);
}

static enum ue_cause send_answer(struct ua_run *r)
{
	char value[AUTH_HDR_MAX];
	struct digest_text response;
	struct auth_hdr h;
	enum ue_cause rc;

	if (prepare(r) < 0)
		return UE_CAUSE_challenge;
	if (digest_response(&response, &r->in, &r->ha1) < 0)
		return UE_CAUSE_local;
	h = (struct auth_hdr){
		.username = span_str(gba_ue_key_btid(r->out->key)),
		.realm = r->realm,
		.nonce = r->in.nonce,
		.uri = r->in.uri,
		.response = span_str(response.hex),
		.algorithm = span_str(digest_alg_name(r->alg)),
		.qop = span_str(digest_qop_name(r->in.qop)),
		.nc = r->in.nc,
		.cnonce = r->in.cnonce,
		.opaque = r->challenge.opaque,
	};
	if (auth_hdr_format(value, sizeof(value), &h) < 0) {
		err_set(r->err, -EBADMSG, "%s: the challenge holds what no header can carry", r->url);
		return UE_CAUSE_challenge;
	}
	rc = fetch(r, value);
	OPENSSL_cleanse(value, sizeof(value));
	return rc;
}

/* rspauth is optional on Ua; one that is there must be right. */
static enum ue_cause check_proof(struct ua_run *r)
{
	const char *info = r->out->answer.authentication_info;
	struct auth_info parsed;

	if (!info || auth_info_parse(&parsed, (const uint8_t *)info, strlen(info)) < 0 || !parsed.rspauth.p)
		return UE_CAUSE_ok;
	r->in.body = span_of(r->out->answer.body, r->out->answer.body_len);
	if (ub_check_rspauth(info, &r->in, &r->ha1) < 0) {
		err_set(r->err, -EKEYREJECTED, "%s: the answer is not from who holds the key (rspauth): refused",
			r->url);
		return UE_CAUSE_rspauth;
	}
	r->out->answer_proved = true;
	return UE_CAUSE_ok;
}

static enum ue_cause run_rounds(struct ua_run *r)
{
	bool answered = false;
	enum ue_cause rc = fetch(r, NULL);

	for (int round = 0; rc == UE_CAUSE_ok && r->out->answer.status == 401 && round < ROUNDS_MAX; round++) {
		enum ua_next next;

		rc = choose_challenge(r);
		if (rc != UE_CAUSE_ok)
			return rc;
		if (r->https && !r->out->answer.suite) {
			err_set(r->err, -ENOTSUP,
				"%s: the cipher suite is not known, of which the key is made: libcurl needs OpenSSL",
				r->url);
			return UE_CAUSE_local;
		}
		next = ua_decide(answered && r->out->answer.suite == r->suite, r->challenge.stale,
				 r->out->bootstrapped);
		if (next == UA_GIVE_UP) {
			err_set(r->err, -EACCES, "%s: the server refused a fresh key", r->url);
			return UE_CAUSE_key_refused;
		}
		rc = take_key(r, next == UA_RENEW);
		if (rc == UE_CAUSE_ok)
			rc = send_answer(r);
		answered = true;
	}
	if (rc != UE_CAUSE_ok)
		return rc;
	if (r->out->answer.status == 401) {
		err_set(r->err, -EACCES, "%s: the server goes on asking", r->url);
		return UE_CAUSE_key_refused;
	}
	return answered ? check_proof(r) : UE_CAUSE_ok;
}

enum ue_cause ua_client_get(struct ua_client *c, const char *url, struct ua_result *out, struct err *err)
{
	struct ua_run r = { .c = c, .err = err, .url = url, .out = out };
	enum ue_cause rc;

	*out = (struct ua_result){ 0 };
	if (http_url_split_tls(url, &r.https, &r.host, &r.target, err) < 0)
		return UE_CAUSE_usage;
	rc = run_rounds(&r);
	free(r.host);
	free(r.target);
	OPENSSL_cleanse(&r, sizeof(r));
	return rc;
}

void ua_result_clear(struct ua_result *r)
{
	http_answer_clear(&r->answer);
	gba_ue_key_free(r->key);
	r->key = NULL;
}
