/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/decide.h"

#include <errno.h>
#include <string.h>
#include "common/base/b64.h"
#include "common/gba/btid.h"
#include "common/gba/tmpi.h"
#include "common/http/challenge_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/product.h"
#include "common/http/target.h"

static bool same(struct span a, const char *b)
{
	return span_eq(a, span_str(b));
}

static bool same_nocase(struct span a, const char *b)
{
	return span_ieq(a, span_str(b));
}

/* Host without port and without a dot at its end. */
static struct span host_name(struct span host)
{
	const uint8_t *colon = host.len ? memchr(host.p, ':', host.len) : NULL;

	if (colon && host.p[0] != '[') /* an IPv6 address is no name of ours */
		host.len = colon - host.p;
	if (host.len && host.p[host.len - 1] == '.')
		host.len--;
	return host;
}

static const char *own_name(const struct ub_self *self, struct span name)
{
	for (size_t i = 0; i < self->n_names; i++) {
		if (same_nocase(name, self->names[i]))
			return self->names[i];
	}
	return NULL;
}

/* The same target; one side may have the absolute form where the other has the path. */
static bool uri_matches(struct span text, struct span uri)
{
	struct target came = target_split(text), said = target_split(uri);

	if (came.authority.p && said.authority.p && !span_ieq(came.authority, said.authority))
		return false;
	return uri.len && target_same(&came, &said, false);
}

static bool path_served(struct span text, const char *path)
{
	struct target came = target_split(text), own = { .path = span_str(path) };
	const uint8_t *query = came.path.len ? memchr(came.path.p, '?', came.path.len) : NULL;

	if (query)
		came.path.len = query - came.path.p;
	return target_same(&came, &own, false);
}

/* An absolute target says whom the request is for, whatever Host says (RFC 9112 3.2.2). */
static struct span host_of(const struct ub_request *in)
{
	struct span authority = target_split(in->target).authority;

	return host_name(authority.p ? authority : in->host);
}

static bool nc_valid(struct span nc)
{
	if (nc.len != 8)
		return false;
	for (size_t i = 0; i < 8; i++) {
		if (!strchr("0123456789abcdefABCDEF", nc.p[i]) || !nc.p[i])
			return false;
	}
	return true;
}

/* Who is it? */
static enum cause read_user(struct ub_wish *w)
{
	struct span user = w->auth.username;

	if (!user.p)
		return CAUSE_ub_syntax;
	if (user.len > IMPI_MAX)
		return CAUSE_ub_impi_syntax;
	w->is_tmpi = tmpi_is(user);
	if (w->is_tmpi)
		return tmpi_parse(w->tmpi, user) < 0 ? CAUSE_ub_impi_syntax : CAUSE_ub_ok;
	return impi_parse(&w->impi, user.p, user.len) < 0 ? CAUSE_ub_impi_syntax : CAUSE_ub_ok;
}

static enum cause read_auts(struct ub_wish *w)
{
	if (!w->auth.auts.p)
		return CAUSE_ub_ok;
	if (w->auth.auts.len != B64_LEN(AKA_AUTS_LEN) ||
	    b64_decode(w->auts, sizeof(w->auts), w->auth.auts.p, w->auth.auts.len) != AKA_AUTS_LEN)
		return CAUSE_ub_auts_syntax;
	w->has_auts = true;
	return CAUSE_ub_ok;
}

/* Of whatever length a nonce of ours may have: the store tells whether it is one. */
static void read_nonce(struct ub_wish *w)
{
	struct span text = w->auth.nonce;
	int len = text.len <= B64_LEN(CHALLENGE_KEY_MAX) ? b64_decode(w->key, sizeof(w->key), text.p, text.len) : -1;

	w->key_len = len >= CHALLENGE_KEY_MIN ? (size_t)len : 0;
}

/* What an answer must hold. One with an empty response tells of a failed AUTN and needs no more (24.109 4.4). */
static enum cause read_answer(struct ub_wish *w)
{
	const struct auth_hdr *a = &w->auth;
	enum digest_qop qop;

	if (!a->response.p)
		return CAUSE_ub_syntax;
	read_nonce(w);
	w->alg = (struct digest_alg){ DIGEST_MD5, 1 };
	if (a->algorithm.p && (digest_alg_parse(&w->alg, a->algorithm) < 0 || !w->alg.aka_version))
		return CAUSE_ub_algorithm;
	if (a->response.len == 0)
		return read_auts(w);
	if (!a->qop.p || digest_qop_parse(&qop, a->qop) < 0 || qop != DIGEST_QOP_AUTH_INT)
		return CAUSE_ub_algorithm;
	if (!a->nc.p || !a->cnonce.p || !nc_valid(a->nc) || a->cnonce.len > UB_CNONCE_MAX)
		return CAUSE_ub_syntax;
	return read_auts(w);
}

static enum cause read_authorization(struct ub_wish *w, const struct ub_request *in, const struct ub_self *self)
{
	const struct auth_hdr *a = &w->auth;
	bool known, first;
	enum cause why;
	int rc;

	if (in->n_authorization == 0)
		return CAUSE_ub_scheme;
	if (in->n_authorization > 1)
		return CAUSE_ub_syntax;
	rc = auth_hdr_parse(&w->auth, in->authorization.p, in->authorization.len);
	if (rc < 0)
		return rc == -ENOTSUP ? CAUSE_ub_scheme : CAUSE_ub_syntax;
	if (!a->uri.p)
		return CAUSE_ub_syntax;
	if (!uri_matches(in->target, a->uri))
		return CAUSE_ub_uri_mismatch;
	why = read_user(w);
	if (why != CAUSE_ub_ok)
		return why;
	first = a->nonce.len == 0;
	if (first && a->response.len)
		return CAUSE_ub_syntax;
	known = a->realm.p && own_name(self, a->realm);
	w->want = first ? UB_CHALLENGE : UB_ANSWER;
	if (first) {
		if (a->realm.len && !known)
			w->cause = CAUSE_ub_realm_unknown;
		return CAUSE_ub_ok;
	}
	if (!a->realm.p)
		return CAUSE_ub_syntax;
	return known ? read_answer(w) : CAUSE_ub_realm_unknown;
}

void ub_decide_request(struct ub_wish *out, const struct ub_request *in, const struct ub_self *self)
{
	enum cause why = CAUSE_ub_ok;

	memset(out, 0, sizeof(*out));
	out->cause = CAUSE_ub_challenged;
	if (!same(in->method, "GET"))
		why = CAUSE_ub_method;
	else if (self->path && !path_served(in->target, self->path))
		why = CAUSE_ub_path;
	else
		why = read_authorization(out, in, self);
	if (why != CAUSE_ub_ok) {
		out->want = UB_REFUSE;
		out->cause = why;
		return;
	}
	out->knows_tmpi = in->user_agent.p && product_has(in->user_agent, PRODUCT_TMPI);
	out->bsf_name = own_name(self, host_of(in));
	if (!out->bsf_name)
		out->bsf_name = own_name(self, out->auth.realm);
	if (!out->bsf_name)
		out->bsf_name = self->names[0];
}

static struct digest_input digest_of(const struct ub_wish *w, struct span body)
{
	return (struct digest_input){
		.hash = w->alg.hash,
		.qop = DIGEST_QOP_AUTH_INT,
		.method = span_str("GET"),
		.uri = w->auth.uri,
		.nonce = w->auth.nonce,
		.nc = w->auth.nc,
		.cnonce = w->auth.cnonce,
		.body = body,
	};
}

/* \returns 1 yes; 0 no; -errno: it could not be computed, which is not the device's fault */
static int response_is(const struct ub_wish *w, struct span body, const struct secret *ha1)
{
	struct digest_input in = digest_of(w, body);
	struct digest_text want;
	int rc = digest_response(&want, &in, ha1);

	return rc < 0 ? rc : digest_match(&want, w->auth.response);
}

enum cause ub_decide_answer(const struct ub_wish *w, const struct ub_request *in, const struct gba_challenge *c)
{
	const struct auth_hdr *a = &w->auth;
	struct span password = span_of(c->aka.xres.b, c->aka.xres.len);
	SECRET_AUTO ha1 = { 0 };
	int rc;

	if (!same(a->username, c->username))
		return CAUSE_ub_user_mismatch;
	if (!same(a->realm, c->bsf_name))
		return CAUSE_ub_realm_unknown;
	if (w->alg.hash != c->hash || w->alg.aka_version != (c->akav2 ? 2 : 1))
		return CAUSE_ub_algorithm;
	if (a->opaque.p && !same(a->opaque, c->opaque))
		return CAUSE_ub_opaque;
	if (!w->has_auts && a->response.len == 0)
		return c->variant == GBA_VARIANT_U || c->aka.uicc_gba_u ? CAUSE_ub_mac_context : CAUSE_ub_mac_failure;
	if (w->has_auts)
		password = span_of("", 0); /* RFC 3310 3.4 */
	if (a->response.len == 0)
		return w->has_auts ? CAUSE_ub_auts_response : CAUSE_ub_response;
	rc = digest_ha1(&ha1, c->hash, a->username, a->realm, password);
	if (rc == 0)
		rc = response_is(w, in->body, &ha1);
	if (rc < 0)
		return CAUSE_ub_busy;
	if (rc)
		return w->has_auts ? CAUSE_ub_challenged : CAUSE_ub_ok;
	if (w->has_auts)
		return CAUSE_ub_auts_response;
	/* right for another body than the one that came? a device sends none */
	if (in->body.len && response_is(w, span_of("", 0), &ha1) == 1)
		return CAUSE_ub_body_digest;
	return CAUSE_ub_response;
}

enum cause ub_decide_zh(const struct zh_result *r, bool resync)
{
	const struct result *d = &r->result;

	if (r->rc == -ENOTCONN)
		return CAUSE_zh_down;
	if (r->rc == -ETIMEDOUT)
		return CAUSE_zh_timeout;
	if (r->rc == -ELOOP)
		return CAUSE_zh_redirect_loop;
	if (r->rc == -EACCES)
		return CAUSE_zh_redirect_foreign;
	if (r->rc == -ENODATA)
		return CAUSE_zh_guss_bad;
	if (r->rc == -ENOMEM || r->rc == -EBUSY)
		return CAUSE_ub_busy;
	if (r->rc < 0 || d->code == 0)
		return CAUSE_zh_malformed;
	if (d->experimental) {
		if (d->vendor == RESULT_VENDOR_3GPP &&
		    (d->code == RESULT_X_IDENTITY_UNKNOWN || d->code == RESULT_X_CX_USER_UNKNOWN))
			return CAUSE_ub_user_unknown;
		return CAUSE_zh_error;
	}
	if (d->code == RESULT_SUCCESS)
		return r->vector.kind == ZH_VECTOR_AKA ? CAUSE_ub_challenged : CAUSE_zh_no_vector;
	if (d->code == RESULT_TOO_BUSY)
		return CAUSE_zh_busy;
	if (d->code == RESULT_UNABLE_TO_COMPLY && resync)
		return CAUSE_ub_auts_refused;
	return CAUSE_zh_error;
}

/* causes.csv, column "answer"; not named: 503. */
static const uint16_t statuses[CAUSE_COUNT] = {
	[CAUSE_ub_syntax] = 400,        [CAUSE_ub_uri_mismatch] = 400,  [CAUSE_ub_realm_unknown] = 400,
	[CAUSE_ub_scheme] = 400,        [CAUSE_ub_algorithm] = 400,     [CAUSE_ub_auts_syntax] = 400,
	[CAUSE_ub_suspended] = 403,     [CAUSE_ub_http_rejected] = 400, [CAUSE_ub_user_unknown] = 403,
	[CAUSE_ub_tmpi_unknown] = 403,  [CAUSE_ub_impi_syntax] = 403,   [CAUSE_ub_nonce_taken] = 403,
	[CAUSE_ub_user_mismatch] = 403, [CAUSE_ub_opaque] = 403,        [CAUSE_ub_response] = 403,
	[CAUSE_ub_body_digest] = 403,   [CAUSE_ub_auts_response] = 403, [CAUSE_ub_auts_refused] = 403,
	[CAUSE_ub_auts_repeated] = 403, [CAUSE_ub_mac_failure] = 403,   [CAUSE_ub_mac_context] = 403,
	[CAUSE_ub_path] = 404,          [CAUSE_ub_method] = 405,        [CAUSE_ub_too_large] = 413,
};

void ub_answer_cause(struct ub_answer *out, enum cause cause)
{
	memset(out, 0, sizeof(*out));
	out->cause = cause;
	out->status = statuses[cause] ? statuses[cause] : 503;
	out->retry_after = out->status == 503;
}

int ub_answer_challenge(struct ub_answer *out, const struct gba_challenge *c, enum cause cause)
{
	char nonce[B64_LEN(CHALLENGE_KEY_MAX) + 1];
	struct challenge_hdr h = {
		.realm = span_str(c->bsf_name),
		.opaque = span_str(c->opaque),
		.algorithm = span_str(digest_alg_name((struct digest_alg){ c->hash, c->akav2 ? 2 : 1 })),
		.qop = span_str(UB_QOP),
	};

	memset(out, 0, sizeof(*out));
	if (b64_encode(nonce, sizeof(nonce), c->key, c->key_len) < 0)
		return -EIO;
	h.nonce = span_str(nonce);
	if (challenge_hdr_format(out->www_authenticate, sizeof(out->www_authenticate), &h) < 0)
		return -EIO;
	out->status = 401;
	out->cause = cause;
	return 0;
}

int ub_answer_ok(struct ub_answer *out, const struct ub_wish *w, const struct gba_challenge *c,
		 const struct gba_session *s)
{
	struct bsf_info info = { .expires_at = s->expires_at };
	struct digest_input in;
	struct digest_text rspauth;
	struct auth_info ai = { .qop = span_str(UB_QOP), .cnonce = w->auth.cnonce, .nc = w->auth.nc };
	SECRET_AUTO ha1 = { 0 };
	int len;

	memset(out, 0, sizeof(*out));
	btid_format(info.btid, s->rand, s->bsf_name);
	len = bsf_info_format(out->body, sizeof(out->body), &info);
	if (len < 0)
		return -EIO;
	in = digest_of(w, span_of(out->body, len));
	if (digest_ha1(&ha1, c->hash, w->auth.username, w->auth.realm, span_of(c->aka.xres.b, c->aka.xres.len)) < 0 ||
	    digest_rspauth(&rspauth, &in, &ha1) < 0)
		return -EIO;
	ai.rspauth = span_str(rspauth.hex);
	if (auth_info_format(out->auth_info, sizeof(out->auth_info), &ai) < 0)
		return -EIO;
	out->body_len = len;
	out->expires_at = s->expires_at;
	out->status = 200;
	out->cause = CAUSE_ub_ok;
	return 0;
}
