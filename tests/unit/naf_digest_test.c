/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The checks of Ua with a fake BSF and a clock of the test's: one good request, one thing changed at a time, and the
 * cause it must give. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/b64.h"
#include "common/base/clock.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/challenge_hdr.h"
#include "naf-lib/naf_ctx.h"
#include "naf-lib/naf_sized.h"
#include "tests/unit/suite.h"

#define HOST   "naf1.example.com"
#define BSF    "bsf.mnc015.mcc234.pub.3gppnetwork.org"
#define BTID   "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF
#define OTHER  "n3yNAhrM9NshPM/wx/caag==@" BSF
#define KS_NAF "f8cf543ce60250e3da34fd1cb463ad17dffb7f6bdd021f82cb944b439d888430" /* vector V1 */
#define BODY   "name=value"

static struct naf_now clock_now;

static void test_clock(struct naf_now *out)
{
	*out = clock_now;
}

static struct gba_naf_fake *fake;

static struct gba_naf_key the_key(void)
{
	struct gba_naf_key k;

	gba_naf_key_init(&k);
	k.created_at = clock_now.wall_s;
	k.expires_at = clock_now.wall_s + 3600;
	octets_of(k.key, sizeof(k.key), KS_NAF);
	return k;
}

static struct gba_naf *context(struct gba_naf_config *c)
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

static struct gba_naf *plain(void)
{
	struct gba_naf_config c;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	return context(&c);
}

static void done(struct gba_naf *naf)
{
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
}

/*! A device: what it puts into its Authorization. A NULL text leaves the parameter out. */
struct device {
	const char *user, *realm, *nonce, *uri, *qop, *nc, *cnonce, *response, *algorithm;
	const char *method, *target, *host, *body;
	bool wrong_key;
};

static char nonce[128];

/*! A challenge is asked for and its nonce kept. */
static struct device good(struct gba_naf *naf)
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

static struct span text(const char *s)
{
	return s ? span_str(s) : span_of(NULL, 0);
}

static const char *authorization(const struct device *d)
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
	k.key[0] ^= d->wrong_key;
	gba_naf_key_password(&k, password);
	ck_assert_int_eq(digest_ha1(&ha1, in.hash, text(d->user), text(d->realm), text(password)), 0);
	ck_assert_int_eq(digest_response(&response, &in, &ha1), 0);
	h.response = !d->response ? span_str(response.hex) : *d->response ? text(d->response) : span_of(NULL, 0);
	ck_assert_int_ge(auth_hdr_format(out, sizeof(out), &h), 0);
	return out;
}

static const char *source = "192.0.2.1";

static void make_request(struct gba_naf_request *req, const struct device *d, const char *value)
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
}

static struct gba_naf_answer *send_value(struct gba_naf *naf, const struct device *d, const char *value)
{
	struct gba_naf_request req;

	make_request(&req, d, value);
	return gba_naf_digest(naf, &req);
}

static enum gba_naf_cause send_device(struct gba_naf *naf, const struct device *d)
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

#define EXPECT(naf, device, want) ck_assert_str_eq(gba_naf_cause_name(send_device(naf, device)), want)

/* 220-4.4.9-2, 220-4.5.3-10, 220-4.5.3-15 */
START_TEST(accepted)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;
	char fingerprint[GBA_NAF_FINGERPRINT_LEN + 1];

	a = send_value(naf, &d, authorization(&d));
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_OK);
	ck_assert_str_eq(a->btid, BTID);
	ck_assert_uint_eq(strlen(a->run), GBA_NAF_RUN_LEN);
	ck_assert_octets(a->key->key, KS_NAF);
	ck_assert_uint_eq(a->key->size, sizeof(*a->key));
	gba_naf_key_fingerprint(a->key, fingerprint);
	ck_assert_str_eq(fingerprint, "fc0168f9"); /* printf of label and key to sha256sum */
	gba_naf_answer_free(a);
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_ok");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 1);
	done(naf);
}
END_TEST

/* Authentication-Info covers the body of our answer (24.109, RFC 7616 3.5) */
START_TEST(proof)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;
	struct auth_info info;
	struct digest_input in = { .qop = DIGEST_QOP_AUTH_INT,
				   .uri = text(d.uri),
				   .nonce = text(d.nonce),
				   .nc = text(d.nc),
				   .cnonce = text(d.cnonce),
				   .body = text("the page") };
	SECRET_AUTO ha1 = { 0 };
	struct digest_text want;
	const char *value;

	a = send_value(naf, &d, authorization(&d));
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_OK);
	value = gba_naf_digest_finish(a, "the page", 8);
	ck_assert_ptr_nonnull(value);
	ck_assert_int_eq(auth_info_parse(&info, (const uint8_t *)value, strlen(value)), 0);
	ck_assert_int_eq(digest_ha1(&ha1, DIGEST_MD5, text(d.user), text(d.realm),
				    text("+M9UPOYCUOPaNP0ctGOtF9/7f2vdAh+Cy5RLQ52IhDA=")),
			 0);
	ck_assert_int_eq(digest_rspauth(&want, &in, &ha1), 0);
	ck_assert(digest_match(&want, info.rspauth));
	ck_assert(span_eq(info.cnonce, text(d.cnonce)) && span_eq(info.nc, text(d.nc)));
	ck_assert(span_eq(info.qop, text("auth-int")));
	value = gba_naf_digest_finish(a, "another page", 12);
	ck_assert_int_eq(auth_info_parse(&info, (const uint8_t *)value, strlen(value)), 0);
	ck_assert(!digest_match(&want, info.rspauth));
	gba_naf_answer_free(a);
	done(naf);
}
END_TEST

#define HEX16       "0123456789abcdef"
#define HEX64       HEX16 HEX16 HEX16 HEX16
#define LONG_CNONCE HEX64 HEX64 HEX64 HEX64 "0"

/*! What is changed about the good device, by its place in the struct; NULL leaves it out. */
#define CHANGE(field, value) offsetof(struct device, field), value
static const struct {
	size_t field;
	const char *value;
	const char *cause;
} changes[] = {
	{ CHANGE(realm, "3GPP-bootstrapping@naf3.example.com"), "naf_challenged" },
	{ CHANGE(realm, "3GPP-bootstrapping@naf2.example.com"),
	  "naf_challenged" }, /* ours, but Host is the other name */
	{ CHANGE(realm, "3GPP-bootstrapping-uicc@" HOST), "naf_challenged" },
	{ CHANGE(realm, NULL), "naf_challenged" },
	{ CHANGE(nonce, ""), "naf_challenged" },
	{ CHANGE(user, NULL), "naf_syntax" },
	{ CHANGE(user, "alice"), "naf_syntax" },
	{ CHANGE(user, "I1U8vpY3qJ0hiuZNrke/NQ@" BSF), "naf_syntax" },
	{ CHANGE(nonce, NULL), "naf_syntax" },
	{ CHANGE(uri, NULL), "naf_syntax" },
	{ CHANGE(response, ""), "naf_syntax" },
	{ CHANGE(nc, NULL), "naf_syntax" },
	{ CHANGE(nc, "1"), "naf_syntax" },
	{ CHANGE(nc, "000001"), "naf_syntax" },
	{ CHANGE(nc, "0000000001"), "naf_syntax" },
	{ CHANGE(nc, "0000000x"), "naf_syntax" },
	{ CHANGE(cnonce, NULL), "naf_syntax" },
	{ CHANGE(cnonce, LONG_CNONCE), "naf_syntax" },
	{ CHANGE(target, "/page"), "naf_uri_mismatch" },
	{ CHANGE(uri, "/page"), "naf_uri_mismatch" },
	{ CHANGE(uri, "http://naf3.example.com/page?x=%20"), "naf_uri_mismatch" },
	{ CHANGE(uri, "http://naf2.example.com/page?x=%20"), "naf_uri_mismatch" },
	{ CHANGE(uri, "http://user@naf1.example.com/page?x=%20"), "naf_uri_mismatch" },
	{ CHANGE(uri, "/page%3Fx=%20"), "naf_uri_mismatch" },
	{ CHANGE(uri, "/page/?x=%20"), "naf_uri_mismatch" },
	{ CHANGE(uri, ""), "naf_uri_mismatch" },
	{ CHANGE(target, NULL), "naf_syntax" },
	/* an absolute target says whose it is (RFC 9112 3.2.2), whatever Host says */
	{ CHANGE(target, "http://naf3.example.com/page?x=%20"), "naf_uri_mismatch" },
	{ CHANGE(target, "http://naf2.example.com/page?x=%20"), "naf_challenged" }, /* ours, another realm */
	{ CHANGE(target, "http:///page?x=%20"), "naf_uri_mismatch" },
	{ CHANGE(host, "naf3.example.com"), "naf_uri_mismatch" }, /* 220-4.5.2-27 */
	{ CHANGE(host, ""), "naf_uri_mismatch" },
	{ CHANGE(host, NULL), "naf_uri_mismatch" },
	{ CHANGE(algorithm, "SHA-256"), "naf_downgrade" },
	{ CHANGE(algorithm, "MD5-sess"), "naf_downgrade" },
	{ CHANGE(algorithm, "AKAv1-MD5"), "naf_downgrade" },
	{ CHANGE(qop, NULL), "naf_downgrade" },
	{ CHANGE(qop, "auth-conf"), "naf_downgrade" },
	{ CHANGE(user, "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.foreign.example"), "naf_bsf_foreign" },
	{ CHANGE(nonce, "dcd98b7102dd2f0e8b11d0f600bfb0c093"), "naf_nonce_stale" },
	{ CHANGE(user, OTHER), "naf_btid_unknown" },
	{ CHANGE(response, "00000000000000000000000000000000"), "naf_response" },
	{ CHANGE(response, "0"), "naf_response" },
	/* and what may differ */
	{ CHANGE(algorithm, NULL), "naf_ok" },
	{ CHANGE(algorithm, "md5"), "naf_ok" },
	{ CHANGE(qop, "auth"), "naf_ok" },
	{ CHANGE(uri, "http://naf1.example.com:8080/page?x=%20"), "naf_ok" },
	{ CHANGE(uri, "HTTPS://NAF1.example.com/page?x=%20"), "naf_ok" },
	{ CHANGE(uri, "/%70age?x=%20"), "naf_ok" },
	{ CHANGE(uri, "http://naf1.example.com/page?x= "), "naf_ok" },
	{ CHANGE(target, "http://naf1.example.com/page?x=%20"), "naf_ok" },
	{ CHANGE(host, "NAF1.example.COM."), "naf_ok" },
	{ CHANGE(realm, "3GPP-bootstrapping@NAF1.example.com"), "naf_ok" },
	{ CHANGE(body, NULL), "naf_ok" },
	{ CHANGE(cnonce, ""), "naf_ok" },
};

START_TEST(one_thing_changed)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct gba_naf *naf = plain();
		struct device d = good(naf);
		const char *cause = changes[i].cause;
		bool asks = !strcmp(cause, "naf_ok") || !strcmp(cause, "naf_response") ||
			    !strcmp(cause, "naf_btid_unknown");

		*(const char **)((char *)&d + changes[i].field) = changes[i].value;
		ck_assert_msg(strcmp(gba_naf_cause_name(send_device(naf, &d)), cause) == 0, "row %zu", i);
		ck_assert_msg(gba_naf_fake_asked(fake) == asks, "row %zu: questions to the BSF", i);
		done(naf);
	}
}
END_TEST

/* quoted-pairs that nobody needed (RFC 9110 5.6.4): the value is without the backslash */
START_TEST(quoted_pairs)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	char escaped[4096], *to = escaped;
	struct gba_naf_answer *a;
	bool quoted = false;

	for (const char *p = authorization(&d); *p; p++) {
		quoted ^= *p == '"';
		if (quoted && *p != '"')
			*to++ = '\\';
		*to++ = *p;
	}
	*to = 0;
	a = send_value(naf, &d, escaped);
	ck_assert_str_eq(gba_naf_cause_name(a->cause), "naf_ok");
	ck_assert_ptr_nonnull(gba_naf_digest_finish(a, "x", 1));
	gba_naf_answer_free(a);
	done(naf);
}
END_TEST

/* The header alone leads to the same answer, or to none where the body or the count must tell: a stranger's body is not
 * waited for */
START_TEST(before_body)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct gba_naf *naf = plain();
		struct device d = good(naf);
		struct gba_naf_answer *a;
		struct gba_naf_request req;

		*(const char **)((char *)&d + changes[i].field) = changes[i].value;
		make_request(&req, &d, authorization(&d));
		a = gba_naf_digest_before_body(naf, &req);
		if (!strcmp(changes[i].cause, "naf_ok") || !strcmp(changes[i].cause, "naf_response")) {
			ck_assert_msg(!a, "row %zu", i);
		} else {
			ck_assert_msg(a && strcmp(gba_naf_cause_name(a->cause), changes[i].cause) == 0, "row %zu", i);
			ck_assert_uint_eq(a->n_challenges > 0, a->verdict == GBA_NAF_CHALLENGE);
		}
		gba_naf_answer_free(a);
		done(naf);
	}
}
END_TEST

/* With auth the proof is whole without a body; the count is used once all the same */
START_TEST(before_body_auth)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;
	struct gba_naf_request req;

	d.qop = "auth";
	make_request(&req, &d, authorization(&d));
	ck_assert_ptr_null(gba_naf_digest_before_body(naf, &req));
	ck_assert_ptr_null(gba_naf_digest_before_body(naf, &req));
	EXPECT(naf, &d, "naf_ok");
	EXPECT(naf, &d, "naf_replay");
	d.wrong_key = true;
	make_request(&req, &d, authorization(&d));
	a = gba_naf_digest_before_body(naf, &req);
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_RESPONSE);
	ck_assert_uint_eq(a->failures, 1);
	gba_naf_answer_free(a);
	done(naf);
}
END_TEST

/* Two Host or Authorization headers: neither counts (the first did) */
START_TEST(fields)
{
	static const struct {
		const char *name, *value, *cause;
	} rows[] = {
		{ "Accept", "*/*", "naf_ok" },
		{ "host", HOST, "naf_syntax" },
		{ "AUTHORIZATION", "Basic YTpi", "naf_syntax" },
		{ "Content-Length", "11", "naf_syntax" },
		{ "Transfer-Encoding", "chunked", "naf_syntax" },
		{ "Accept ", "*/*", "naf_syntax" },
		{ "Accept", "*\r/*", "naf_syntax" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gba_naf *naf = plain();
		struct device d = good(naf);
		struct gba_naf_request req;
		struct gba_naf_answer *a;

		make_request(&req, &d, NULL);
		req.host = NULL;
		gba_naf_request_header(&req, "Content-Length", "10");
		gba_naf_request_header(&req, "Authorization", authorization(&d));
		gba_naf_request_header(&req, "hOsT", HOST);
		gba_naf_request_header(&req, rows[i].name, rows[i].value);
		a = gba_naf_digest(naf, &req);
		ck_assert_msg(strcmp(gba_naf_cause_name(a->cause), rows[i].cause) == 0, "row %zu", i);
		gba_naf_answer_free(a);
		done(naf);
	}
}
END_TEST

/* What is offered, and no more, is taken; most clients can do auth, and that is the default */
START_TEST(qops)
{
	static const struct {
		unsigned qop;
		const char *offer, *of_auth, *of_auth_int;
	} rows[] = {
		{ 0, "qop=\"auth\"", "naf_ok", "naf_downgrade" },
		{ GBA_NAF_AUTH, "qop=\"auth\"", "naf_ok", "naf_downgrade" },
		{ GBA_NAF_AUTH_INT, "qop=\"auth-int\"", "naf_downgrade", "naf_ok" },
		{ GBA_NAF_AUTH | GBA_NAF_AUTH_INT, "qop=\"auth,auth-int\"", "naf_ok", "naf_ok" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gba_naf_config c;
		struct gba_naf_answer *a;
		struct gba_naf *naf;
		struct device d;

		gba_naf_config_init(&c);
		c.qop = rows[i].qop;
		naf = context(&c);
		d = good(naf);
		a = send_value(naf, &d, NULL);
		ck_assert_msg(strstr(a->challenge[0], rows[i].offer) != NULL, "%s", a->challenge[0]);
		gba_naf_answer_free(a);
		d.qop = "auth";
		EXPECT(naf, &d, rows[i].of_auth);
		d.qop = "auth-int";
		d.nc = "00000002";
		EXPECT(naf, &d, rows[i].of_auth_int);
		done(naf);
	}
}
END_TEST

START_TEST(optional_slash)
{
	for (int on = 0; on <= 1; on++) {
		struct gba_naf_config c;
		struct gba_naf *naf;
		struct device d;

		gba_naf_config_init(&c);
		c.qop = GBA_NAF_AUTH_INT;
		c.slash_optional = on;
		naf = context(&c);
		d = good(naf);
		d.uri = "/page/?x=%20";
		EXPECT(naf, &d, on ? "naf_ok" : "naf_uri_mismatch");
		d.uri = "/page//?x=%20";
		EXPECT(naf, &d, "naf_uri_mismatch");
		done(naf);
	}
}
END_TEST

/* An absolute target wins over Host, also one that is foreign, of the other name, or missing */
START_TEST(absolute_target)
{
	static const char *const hosts[] = { "naf3.example.com", "naf2.example.com", "", NULL };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct gba_naf *naf = plain();
		struct device d = good(naf);

		d.target = "http://naf1.example.com:8080/page?x=%20";
		d.host = hosts[i];
		EXPECT(naf, &d, "naf_ok");
		done(naf);
	}
}
END_TEST

START_TEST(header_forms)
{
	static const struct {
		const char *value, *cause;
	} rows[] = {
		{ NULL, "naf_challenged" },
		{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "naf_challenged" },
		{ "Digest realm=\"x\"", "naf_challenged" },
		{ "Digest", "naf_syntax" },
		{ "", "naf_syntax" },
		{ "Digest username=\"", "naf_syntax" },
		{ "Digest realm=\"a\", realm=\"b\"", "naf_syntax" },
	};
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;
	char large[AUTH_HDR_MAX + 2];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = send_value(naf, &d, rows[i].value);
		ck_assert_msg(strcmp(gba_naf_cause_name(a->cause), rows[i].cause) == 0, "row %zu: %s", i,
			      gba_naf_cause_name(a->cause));
		gba_naf_answer_free(a);
	}
	memset(large, 'a', sizeof(large));
	memcpy(large, "Digest ", 7);
	large[sizeof(large) - 1] = '\0';
	a = send_value(naf, &d, large);
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_SYNTAX);
	gba_naf_answer_free(a);
	done(naf);
}
END_TEST

START_TEST(offers)
{
	struct gba_naf_config c;
	struct gba_naf *naf;
	struct device d;
	struct gba_naf_answer *a;

	gba_naf_config_init(&c);
	c.algorithms = GBA_NAF_SHA256 | GBA_NAF_MD5;
	c.qop = GBA_NAF_AUTH_INT;
	naf = context(&c);
	d = good(naf);
	a = send_value(naf, &d, NULL);
	ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_CHALLENGED);
	ck_assert_uint_eq(a->n_challenges, 2);
	ck_assert_ptr_nonnull(strstr(a->challenge[0], "algorithm=SHA-256, qop=\"auth-int\""));
	ck_assert_ptr_nonnull(strstr(a->challenge[1], "algorithm=MD5, qop=\"auth-int\""));
	gba_naf_answer_free(a);
	EXPECT(naf, &d, "naf_ok");
	d.algorithm = "SHA-256";
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_ok");
	d.qop = "auth";
	d.nc = "00000003";
	EXPECT(naf, &d, "naf_downgrade");
	done(naf);
	c.algorithms = GBA_NAF_SHA256;
	naf = context(&c);
	d = good(naf);
	EXPECT(naf, &d, "naf_downgrade"); /* MD5 */
	done(naf);
}
END_TEST

/* The form of RFC 2069 has no count, so it could be repeated */
START_TEST(without_count)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	d.qop = d.nc = d.cnonce = NULL;
	EXPECT(naf, &d, "naf_downgrade");
	done(naf);
}
END_TEST

START_TEST(counting)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;

	EXPECT(naf, &d, "naf_ok");
	EXPECT(naf, &d, "naf_replay");
	d.nc = "00000010";
	EXPECT(naf, &d, "naf_ok");
	d.nc = "00000009";
	EXPECT(naf, &d, "naf_ok");
	EXPECT(naf, &d, "naf_replay");
	d.nc = "00000011";
	d.wrong_key = true;
	for (unsigned i = 1; i <= 3; i++) {
		a = send_value(naf, &d, authorization(&d));
		ck_assert_int_eq(a->cause, GBA_NAF_CAUSE_RESPONSE);
		ck_assert_uint_eq(a->failures, i);
		gba_naf_answer_free(a);
	}
	d.wrong_key = false; /* a stranger has not used up the count */
	EXPECT(naf, &d, "naf_ok");
	clock_now.mono_ms += 300000;
	d.nc = "00000012";
	EXPECT(naf, &d, "naf_nonce_stale");
	d = good(naf);
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

/* 220-4.2.2-6, 220-4.5.3-3, 220-4.5.3-14: renegotiation, and one question for what is refused */
START_TEST(lives)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	EXPECT(naf, &d, "naf_ok");
	clock_now.wall_s += 3600;
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_key_expired");
	EXPECT(naf, &d, "naf_key_expired");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 1);
	d.user = OTHER;
	for (int i = 0; i < 5; i++)
		EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	d.user = "n3yNAhrM9NshPM/wx/caag==@BSF.mnc015.mcc234.pub.3gppnetwork.org";
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2); /* the same B-TID, spelt otherwise */
	clock_now.mono_ms += 4999;
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	clock_now.mono_ms += 1;
	d = good(naf);
	d.user = OTHER;
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 3);
	done(naf);
}
END_TEST

/* A refused B-TID is remembered for who has sent it: a stranger who has seen RAND on Ub does not keep its owner out */
START_TEST(stranger_first)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_key k = the_key();

	gba_naf_fake_remove(fake, BTID);
	source = "198.51.100.9";
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0); /* the bootstrapping is done now */
	source = "192.0.2.1";
	EXPECT(naf, &d, "naf_ok");
	source = "198.51.100.9";
	d.nc = "00000002";
	EXPECT(naf, &d, "naf_ok"); /* known is known */
	done(naf);
}
END_TEST

/* An application that gives no source: nothing is remembered, so nobody is kept out */
START_TEST(no_source)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_key k = the_key();

	source = NULL;
	gba_naf_fake_remove(fake, BTID);
	EXPECT(naf, &d, "naf_btid_unknown");
	EXPECT(naf, &d, "naf_btid_unknown");
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2);
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0);
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

START_TEST(moods)
{
	static const struct {
		enum gba_naf_fake_mood mood;
		const char *cause;
	} rows[] = {
		{ GBA_NAF_FAKE_DOWN, "naf_bsf_down" },         { GBA_NAF_FAKE_SILENT, "naf_bsf_down" },
		{ GBA_NAF_FAKE_BROKEN, "naf_bsf_error" },      { GBA_NAF_FAKE_REFUSE, "naf_not_authorized" },
		{ GBA_NAF_FAKE_NORMAL, "naf_not_authorized" }, /* remembered */
	};
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gba_naf_fake_set(fake, rows[i].mood);
		ck_assert_int_eq(gba_naf_connected(naf), rows[i].mood != GBA_NAF_FAKE_DOWN);
		EXPECT(naf, &d, rows[i].cause);
	}
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 3);
	clock_now.mono_ms += 30000;
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

/* Who asks may wait less long than the context would */
START_TEST(own_deadline)
{
	struct gba_naf_config c;
	struct gba_naf *naf;
	struct device d;
	uint64_t began;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH_INT;
	c.deadline_ms = 30000;
	naf = context(&c);
	d = good(naf);
	gba_naf_fake_set(fake, GBA_NAF_FAKE_SILENT);
	began = clock_mono_ms();
	EXPECT(naf, &d, "naf_bsf_down"); /* in 50 ms */
	ck_assert_uint_lt(clock_mono_ms() - began, 15000);
	done(naf);
}
END_TEST

/* A key of GBA_Digest does not fit our realm (33.220 M.6.4) */
START_TEST(wrong_type)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_key k = the_key();

	k.gba_type = 2;
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &k), 0);
	EXPECT(naf, &d, "naf_not_authorized");
	done(naf);
}
END_TEST

/* A struct of who knows fewer fields: the others are zero */
START_TEST(sized)
{
	struct later {
		size_t size;
		int old, new;
	} in = { NAF_SIZED_TO(struct later, old), 1, 2 }, out = { 9, 9, 9 };

	ck_assert_int_eq(naf_sized_read(&out, sizeof(out), &in, in.size + 1), -EINVAL);
	ck_assert_int_eq(naf_sized_read(&out, in.size - 1, &in, 0), -EINVAL);
	ck_assert_int_eq(naf_sized_read(&out, sizeof(out), NULL, 0), -EINVAL);
	ck_assert_int_eq(out.old, 9);
	ck_assert_int_eq(naf_sized_read(&out, sizeof(out), &in, in.size), 0);
	ck_assert_int_eq(out.old, 1);
	ck_assert_int_eq(out.new, 0);
}
END_TEST

START_TEST(shared_nonces)
{
	uint8_t secret[32] = { 1 };
	struct gba_naf_config c;
	struct gba_naf *a, *b;
	struct gba_naf_fake *first;
	struct device d;

	gba_naf_config_init(&c);
	c.qop = GBA_NAF_AUTH_INT;
	c.nonce_secret = secret;
	a = context(&c);
	first = fake;
	d = good(a);
	b = context(&c);
	EXPECT(b, &d, "naf_ok");
	EXPECT(b, &d, "naf_replay");
	done(b);
	secret[sizeof(secret) - 1] = 1; /* another secret */
	b = context(&c);
	EXPECT(b, &d, "naf_nonce_stale");
	done(b);
	fake = first;
	done(a);
}
END_TEST

/* A context from before a fork answers in the child, and its release touches nothing */
START_TEST(forked)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	const char *value;
	struct gba_naf_answer *a;
	struct gba_naf_key *k;
	int status;
	pid_t pid;

	EXPECT(naf, &d, "naf_ok"); /* so the key is in the cache */
	d.nc = "00000002";
	value = authorization(&d);
	pid = fork();
	if (pid == 0) {
		bool right = true;

		a = send_value(naf, &d, value);
		right = right && a->cause == GBA_NAF_CAUSE_BSF_DOWN && a->status == 503;
		gba_naf_answer_free(a);
		right = right && gba_naf_fetch_key(naf, BTID, NULL, &k) == -ECHILD && !gba_naf_connected(naf);
		gba_naf_free(naf);
		_exit(right ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

SUITE("naf_digest", accepted, proof, one_thing_changed, quoted_pairs, before_body, before_body_auth, fields, qops,
      optional_slash, absolute_target, header_forms, offers, without_count, counting, lives, stranger_first, no_source,
      moods, own_deadline, wrong_type, sized, shared_nonces, forked)
