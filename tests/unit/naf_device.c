/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/naf_device.h"

struct naf_now clock_now;

void test_clock(struct naf_now *out)
{
	*out = clock_now;
}

struct gba_naf_fake *fake;
bool fake_gba_u;

struct gba_naf_key the_key(void)
{
	struct gba_naf_key k;

	gba_naf_key_init(&k);
	k.created_at = clock_now.wall_s;
	k.expires_at = clock_now.wall_s + 3600;
	octets_of(k.key, sizeof(k.key), KS_NAF);
	k.has_card_key = fake_gba_u;
	if (fake_gba_u)
		octets_of(k.card_key, sizeof(k.card_key), KS_INT_NAF);
	return k;
}

struct gba_naf *context(struct gba_naf_config *c)
{
	static const char *const names[] = { HOST, "Naf2.Example.com" }, *const bsfs[] = { BSF, "bsf.other.example" };
	struct gba_naf_key k;
	char err[200];
	struct gba_naf *naf;

	naf_clock(&clock_now); /* the fake one uses the real clock for what is over */
	fake = gba_naf_fake_new();
	k = the_key();
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0);
	c->names = names;
	c->n_names = 2;
	c->bsf_names = bsfs;
	c->n_bsf_names = 2;
	c->fake = fake;
	naf = naf_ctx_new(c, test_clock, err, sizeof(err));
	ck_assert_msg(naf != NULL, "%s", err);
	return naf;
}

struct gba_naf *plain(void)
{
	struct gba_naf_config c;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	return context(&c);
}

void done(struct gba_naf *naf)
{
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
}

char nonce[128];

/*! A challenge is asked for and its nonce kept. */
struct device good(struct gba_naf *naf)
{
	struct gba_naf_request req;
	struct gba_naf_answer *a;
	struct challenge_hdr c;

	gba_naf_request_init(&req);
	req.method = "GET";
	req.target = "/";
	req.host = HOST;
	a = gba_naf_digest(naf, &req);
	ck_assert_int_eq(a->verdict, GBA_NAF_CHALLENGE);
	ck_assert_int_eq(challenge_hdr_parse(&c, (const uint8_t *)a->challenge[0], strlen(a->challenge[0])), 0);
	ck_assert_int_eq(span_to_str(nonce, sizeof(nonce), c.nonce), 0);
	gba_naf_answer_free(a);
	return (struct device){
		.user = BTID,
		.realm = "3GPP-bootstrapping@" HOST,
		.nonce = nonce,
		.uri = "/page?x=%20",
		.qop = "auth-int",
		.nc = "00000001",
		.cnonce = "6629fae49393a053",
		.algorithm = "MD5",
		.method = "POST",
		.target = "/page?x=%20",
		.host = HOST ":8080",
		.body = BODY,
	};
}

const char *authorization(const struct device *d)
{
	static char out[4096];
	struct digest_text response;
	SECRET_AUTO ha1 = { 0 };
	struct gba_naf_key k = the_key();
	char password[GBA_NAF_PASSWORD_LEN + 1];
	struct digest_alg alg = { 0 };
	struct digest_input in = {
		.method = text(d->method),
		.uri = text(d->uri),
		.nonce = text(d->nonce),
		.nc = text(d->nc),
		.cnonce = text(d->cnonce),
		.body = text(d->body),
	};
	struct auth_hdr h = {
		.username = text(d->user),
		.realm = text(d->realm),
		.nonce = text(d->nonce),
		.uri = text(d->uri),
		.qop = text(d->qop),
		.nc = text(d->nc),
		.cnonce = text(d->cnonce),
		.algorithm = text(d->algorithm),
	};

	if (d->algorithm)
		(void)digest_alg_parse(&alg, text(d->algorithm));
	if (d->qop)
		(void)digest_qop_parse(&in.qop, text(d->qop));
	in.hash = alg.hash;
	if (d->by_card)
		octets_of(k.key, sizeof(k.key), KS_INT_NAF);
	k.key[0] ^= d->wrong_key;
	gba_naf_key_password(&k, password);
	ck_assert_int_eq(digest_ha1(&ha1, in.hash, text(d->user), text(d->realm), text(password)), 0);
	ck_assert_int_eq(digest_response(&response, &in, &ha1), 0);
	h.response = !d->response ? span_str(response.hex) : *d->response ? text(d->response) : span_of(NULL, 0);
	ck_assert_int_ge(auth_hdr_format(out, sizeof(out), &h), 0);
	return out;
}

const char *source = "192.0.2.1";
struct gba_naf_fetch *the_fetch;

void make_request(struct gba_naf_request *req, const struct device *d, const char *value)
{
	gba_naf_request_init(req);
	req->method = d->method;
	req->target = d->target;
	req->host = d->host;
	req->authorization = value;
	req->body = d->body;
	req->body_len = d->body ? strlen(d->body) : 0;
	req->deadline_ms = 50;
	req->source = source;
	req->fetch = the_fetch;
}

struct gba_naf_answer *send_value(struct gba_naf *naf, const struct device *d, const char *value)
{
	struct gba_naf_request req;

	make_request(&req, d, value);
	return gba_naf_digest(naf, &req);
}

enum gba_naf_cause send_device(struct gba_naf *naf, const struct device *d)
{
	struct gba_naf_answer *a = send_value(naf, d, authorization(d));
	enum gba_naf_cause cause = a->cause;
	static const int status[] = { 200, 401, 0, 503 };

	ck_assert_int_eq(a->verdict == GBA_NAF_DENY ? 0 : a->status, status[a->verdict]);
	if (a->verdict == GBA_NAF_DENY) /* ours to mend, or nobody's */
		ck_assert_int_eq(a->status,
				 cause == GBA_NAF_CAUSE_SYNTAX || cause == GBA_NAF_CAUSE_URI_MISMATCH ? 400 : 403);
	ck_assert_uint_eq(a->n_challenges > 0, a->verdict == GBA_NAF_CHALLENGE);
	ck_assert_uint_eq(a->retry_after_s > 0, a->verdict == GBA_NAF_TEMPORARY);
	ck_assert_uint_eq(gba_naf_digest_finish(a, "", 0) != NULL, a->verdict == GBA_NAF_ACCEPT);
	ck_assert_uint_eq(a->key != NULL, a->verdict == GBA_NAF_ACCEPT);
	if (a->verdict == GBA_NAF_CHALLENGE)
		ck_assert_int_eq(strstr(a->challenge[0], "stale=true") != NULL,
				 cause == GBA_NAF_CAUSE_NONCE_STALE || cause == GBA_NAF_CAUSE_REPLAY);
	gba_naf_answer_free(a);
	return cause;
}
