/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The checks of HTTP Digest on Ua (TS 24.109 clause 5, RFC 7616), in this order: what needs no key before what needs
 * one, what needs no BSF before what does. The first that fails names the cause. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/gba/run_id.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_param.h"
#include "common/http/fields.h"
#include "common/http/target.h"
#include "naf-lib/naf_answer.h"
#include "naf-lib/naf_ctx.h"

#define NC_CHARS   8
#define GBA_DIGEST 2 /* GBA-Type */

/*! One request on its way through the checks. */
struct run {
	struct gba_naf *naf;
	struct naf_live *live; /* of this process */
	const struct gba_naf_request *req;
	bool whole; /* the body is there */
	struct naf_answer *out;
	struct naf_id naf_id;
	unsigned keys; /* that are offered */
	bool by_card;
	struct target target;
	char realm[NAF_REALM_MAX + 1];
	struct auth_hdr hdr;
	char *unescaped; /* what hdr points into, if Authorization holds backslashes */
	struct digest_input in;
	uint32_t nc;
	struct btid btid;
	struct naf_ks_id id;
	struct naf_now now;
};

static struct span text(const char *s)
{
	return s ? span_str(s) : span_of(NULL, 0);
}

static const char *realm_prefix(unsigned keys)
{
	return keys & GBA_NAF_KEY_CARD ? NAF_REALM_CARD : NAF_REALM;
}

/*! The host is one of our names (33.220 4.5.2); it decides realm and NAF_Id. An absolute target says which, whatever Host
 *  says (RFC 9112 3.2.2). */
static enum gba_naf_cause check_host(struct run *r)
{
	char host[FQDN_MAX + 8]; /* a port and a dot */
	struct span said;
	struct writer w;

	r->target = target_split(text(r->req->target));
	said = r->target.authority.p ? r->target.authority : text(r->req->host);
	if (!said.p || span_to_str(host, sizeof(host), said) < 0 ||
	    naf_ctx_host(r->naf, host, r->req->ua_id, &r->naf_id) < 0)
		return GBA_NAF_CAUSE_URI_MISMATCH;
	writer_init(&w, r->realm, sizeof(r->realm));
	writer_printf(&w, "%s%s", realm_prefix(r->keys), r->naf_id.fqdn);
	if (r->keys == (GBA_NAF_KEY_DEVICE | GBA_NAF_KEY_CARD))
		writer_printf(&w, ";%s%s", NAF_REALM, r->naf_id.fqdn);
	return writer_end(&w) < 0 ? GBA_NAF_CAUSE_URI_MISMATCH : GBA_NAF_CAUSE_OK;
}

/*! What the device answers under tells which key (33.220 5.3.3). Who repeats the whole list knows nothing of GBA_U. */
static bool realm_fits(struct run *r, struct span realm)
{
	struct span host = span_str(r->naf_id.fqdn), prefix = span_str(NAF_REALM_CARD);

	r->by_card = r->keys & GBA_NAF_KEY_CARD && realm.len == prefix.len + host.len &&
		     span_ieq(span_of(realm.p, prefix.len), prefix) &&
		     span_ieq(span_of(realm.p + prefix.len, host.len), host);
	if (r->by_card)
		return true;
	prefix = span_str(NAF_REALM);
	return r->keys & GBA_NAF_KEY_DEVICE &&
	       (span_ieq(realm, span_str(r->realm)) ||
		(realm.len == prefix.len + host.len && span_ieq(span_of(realm.p, prefix.len), prefix) &&
		 span_ieq(span_of(realm.p + prefix.len, host.len), host)));
}

static enum gba_naf_cause check_fields(struct run *r)
{
	return r->req->fields & FIELDS_BAD ? GBA_NAF_CAUSE_SYNTAX : GBA_NAF_CAUSE_OK;
}

/*! An Authorization that is no answer to a challenge of ours counts as none. */
static enum gba_naf_cause check_header(struct run *r)
{
	const char *text = r->req->authorization;
	int rc;

	if (!text)
		return GBA_NAF_CAUSE_CHALLENGED;
	if (strchr(text, '\\')) {
		text = r->unescaped = strdup(text);
		if (!text)
			return GBA_NAF_CAUSE_BSF_ERROR;
		auth_unescape(r->unescaped);
	}
	rc = auth_hdr_parse(&r->hdr, (const uint8_t *)text, strlen(text));
	if (rc == -ENOTSUP)
		return GBA_NAF_CAUSE_CHALLENGED;
	if (rc < 0)
		return GBA_NAF_CAUSE_SYNTAX;
	if (!r->hdr.realm.p || !realm_fits(r, r->hdr.realm))
		return GBA_NAF_CAUSE_CHALLENGED;
	if (r->hdr.nonce.p && r->hdr.nonce.len == 0)
		return GBA_NAF_CAUSE_CHALLENGED; /* a device that only says who it is */
	return GBA_NAF_CAUSE_OK;
}

/*! Only what we have offered (RFC 7616 3.4; without algorithm it is MD5). A qop always is: the form of RFC 2069, without
 *  nonce count, has no protection against repetition. */
static enum gba_naf_cause check_offer(struct run *r)
{
	struct digest_alg alg = { .hash = DIGEST_MD5 };
	unsigned bit;

	if (r->hdr.algorithm.p && (digest_alg_parse(&alg, r->hdr.algorithm) < 0 || alg.aka_version))
		return GBA_NAF_CAUSE_DOWNGRADE;
	bit = alg.hash == DIGEST_SHA256 ? GBA_NAF_SHA256 : GBA_NAF_MD5;
	if (!(r->naf->algorithms & bit) || digest_qop_parse(&r->in.qop, r->hdr.qop) < 0)
		return GBA_NAF_CAUSE_DOWNGRADE;
	if (!(r->naf->qop & (r->in.qop == DIGEST_QOP_AUTH_INT ? GBA_NAF_AUTH_INT : GBA_NAF_AUTH)))
		return GBA_NAF_CAUSE_DOWNGRADE;
	r->in.hash = alg.hash;
	return GBA_NAF_CAUSE_OK;
}

static enum gba_naf_cause check_parameters(struct run *r)
{
	const struct auth_hdr *h = &r->hdr;
	uint8_t nc[NC_CHARS / 2];

	if (!r->req->method || !r->req->target || !h->username.p || !h->nonce.p || !h->uri.p || !h->response.p)
		return GBA_NAF_CAUSE_SYNTAX;
	if (!h->nc.p || !h->cnonce.p || h->cnonce.len > NAF_CNONCE_MAX || h->nc.len != NC_CHARS ||
	    hex_decode(nc, sizeof(nc), h->nc.p, h->nc.len) < 0)
		return GBA_NAF_CAUSE_SYNTAX;
	r->nc = be32_get(nc);
	return GBA_NAF_CAUSE_OK;
}

/*! \returns is it one of our names, the one this request is for? */
static bool is_host_of(const struct run *r, struct span authority)
{
	char name[FQDN_MAX + 8];
	struct naf_id id;

	return span_to_str(name, sizeof(name), authority) == 0 && naf_id_make(&id, name, r->naf_id.ua) == 0 &&
	       strcmp(id.fqdn, r->naf_id.fqdn) == 0;
}

static enum gba_naf_cause check_uri(struct run *r)
{
	struct target said = target_split(r->hdr.uri);

	if (said.authority.p && !is_host_of(r, said.authority))
		return GBA_NAF_CAUSE_URI_MISMATCH;
	return target_same(&said, &r->target, r->naf->slash_optional) ? GBA_NAF_CAUSE_OK : GBA_NAF_CAUSE_URI_MISMATCH;
}

static enum gba_naf_cause check_btid(struct run *r)
{
	enum gba_naf_cause cause;
	int rc = naf_ctx_btid(r->naf, r->hdr.username, &r->btid);

	if (rc != -EINVAL) {
		span_to_str(r->out->pub.btid, sizeof(r->out->pub.btid), r->hdr.username);
		run_id(r->out->pub.run, r->btid.rand);
	}
	gba_naf_key_verdict(rc, &cause);
	return cause;
}

static enum gba_naf_cause check_nonce(struct run *r)
{
	int rc = naf_nonce_check(r->live->nonces, r->hdr.nonce, span_str(r->realm), r->now.mono_ms);

	return rc == 0 ? GBA_NAF_CAUSE_OK : rc == -ESTALE ? GBA_NAF_CAUSE_NONCE_STALE : GBA_NAF_CAUSE_BSF_ERROR;
}

static enum gba_naf_cause check_key(struct run *r)
{
	enum gba_naf_cause cause;
	int rc;

	naf_ks_id_make(&r->id, &r->btid, &r->naf_id);
	rc = naf_ctx_key(r->naf, r->live, &r->id, &r->btid, r->hdr.username, &r->naf_id, r->req, &r->out->key);
	gba_naf_key_verdict(rc, &cause);
	if (rc == 0 && r->out->key.gba_type == GBA_DIGEST)
		return GBA_NAF_CAUSE_NOT_AUTHORIZED; /* our realm asks for a key of a card (33.220 M.6.4) */
	if (rc == 0 && r->by_card && !r->out->key.has_card_key)
		return GBA_NAF_CAUSE_NOT_AUTHORIZED; /* its run was GBA_ME: the card has no such key */
	if (rc == 0 && r->out->key.use && !(r->out->key.use & (r->by_card ? GBA_NAF_KEY_CARD : GBA_NAF_KEY_DEVICE)))
		return GBA_NAF_CAUSE_NOT_AUTHORIZED; /* a USS demands the other one, whatever we offered (33.220 5.3.3) */
	return cause;
}

static int expected(struct run *r, struct digest_text *out)
{
	char password[GBA_NAF_PASSWORD_LEN + 1];
	int rc;

	r->in.method = span_str(r->req->method);
	r->in.uri = r->hdr.uri;
	r->in.nonce = r->hdr.nonce;
	r->in.nc = r->hdr.nc;
	r->in.cnonce = r->hdr.cnonce;
	r->in.body = span_of(r->req->body, r->req->body ? r->req->body_len : 0);
	b64_encode(password, sizeof(password), r->by_card ? r->out->key.card_key : r->out->key.key, GBA_NAF_KEY_LEN);
	rc = digest_ha1(&r->out->ha1, r->in.hash, r->hdr.username, r->hdr.realm,
			span_of(password, GBA_NAF_PASSWORD_LEN));
	OPENSSL_cleanse(password, sizeof(password));
	return rc < 0 ? rc : digest_response(out, &r->in, &r->out->ha1);
}

static enum gba_naf_cause check_response(struct run *r)
{
	struct digest_text want;

	if (!r->whole && r->in.qop == DIGEST_QOP_AUTH_INT)
		return GBA_NAF_CAUSE_OK; /* the body tells */
	if (expected(r, &want) < 0)
		return GBA_NAF_CAUSE_BSF_ERROR;
	if (digest_match(&want, r->hdr.response)) {
		naf_ks_proved(r->live->ks, &r->id);
		return GBA_NAF_CAUSE_OK;
	}
	r->out->pub.failures = naf_ks_failed(r->live->ks, &r->id);
	return GBA_NAF_CAUSE_RESPONSE;
}

/*! Only now, so that nobody without the key can use up counts. The key may have been fetched for a while: new clock. */
static enum gba_naf_cause check_count(struct run *r)
{
	if (!r->whole)
		return GBA_NAF_CAUSE_OK;
	r->naf->clock(&r->now);
	switch (naf_nonce_use(r->live->nonces, r->hdr.nonce, r->btid.rand, r->nc, r->now.mono_ms)) {
	case 0:
		return GBA_NAF_CAUSE_OK;
	case -EALREADY:
		return GBA_NAF_CAUSE_REPLAY;
	case -ESTALE:
		return GBA_NAF_CAUSE_NONCE_STALE;
	default:
		return GBA_NAF_CAUSE_BSF_ERROR;
	}
}

/*! Only the device itself is told, since it is told once: what is not counted may be repeated by anybody. */
static enum gba_naf_cause check_ending(struct run *r)
{
	if (!r->whole)
		return GBA_NAF_CAUSE_OK;
	return naf_ks_ending(r->live->ks, &r->id, &r->now) ? GBA_NAF_CAUSE_KEY_ENDING : GBA_NAF_CAUSE_OK;
}

static enum gba_naf_cause keep_proof(struct run *r)
{
	return r->whole && naf_answer_prove(r->out, &r->in) < 0 ? GBA_NAF_CAUSE_BSF_ERROR : GBA_NAF_CAUSE_OK;
}

static enum gba_naf_cause check_all(struct run *r)
{
	static enum gba_naf_cause (*const checks[])(struct run *) = {
		check_fields, check_host, check_header,   check_offer, check_parameters, check_uri,  check_btid,
		check_nonce,  check_key,  check_response, check_count, check_ending,     keep_proof,
	};
	enum gba_naf_cause cause = GBA_NAF_CAUSE_OK;

	r->naf->clock(&r->now);
	for (size_t i = 0; cause == GBA_NAF_CAUSE_OK && i < sizeof(checks) / sizeof(checks[0]); i++)
		cause = checks[i](r);
	return cause;
}

static void challenge(struct run *r, bool stale)
{
	const struct naf_offer offer = { span_str(r->realm), r->naf->algorithms, r->naf->qop, stale };
	char nonce[NAF_NONCE_CHARS + 1];

	if (naf_nonce_make(r->live->nonces, offer.realm, r->now.mono_ms, nonce) < 0 ||
	    naf_answer_challenge(r->out, &offer, nonce) < 0)
		naf_answer_conclude(r->out, GBA_NAF_CAUSE_BSF_ERROR);
}

static struct gba_naf_answer *naf_digest_run(struct gba_naf *naf, const struct gba_naf_request *given, bool whole)
{
	struct naf_answer *out = naf_answer_new();
	struct gba_naf_request req;
	struct run r = { .naf = naf, .req = &req, .whole = whole, .out = out };
	enum gba_naf_cause cause;

	r.live = naf ? naf_ctx_live(naf) : NULL;
	if (!out || !r.live || naf_ctx_request(&req, given) < 0 || (req.keys & ~naf->keys)) {
		naf_answer_free(out);
		return naf_answer_none();
	}
	r.keys = req.keys ? req.keys : naf->keys;
	cause = check_all(&r);
	free(r.unescaped);
	if (cause == GBA_NAF_CAUSE_OK && !whole) {
		naf_answer_free(out);
		return NULL;
	}
	naf_answer_conclude(out, cause);
	out->pub.by_card = cause == GBA_NAF_CAUSE_OK && r.by_card;
	if (out->pub.verdict == GBA_NAF_CHALLENGE)
		challenge(&r, naf_answer_is_stale(cause));
	return &out->pub;
}

struct gba_naf_answer *gba_naf_digest_before_body(struct gba_naf *naf, const struct gba_naf_request *req)
{
	return naf_digest_run(naf, req, false);
}

struct gba_naf_answer *gba_naf_digest(struct gba_naf *naf, const struct gba_naf_request *req)
{
	return naf_digest_run(naf, req, true);
}
