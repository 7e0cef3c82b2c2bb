/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The checks of Ua: one good request, one thing changed at a time, and the cause it must give. */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/naf_device.h"

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

/* A device of another operator's BSF is not told to bootstrap again */
START_TEST(foreign)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);
	struct gba_naf_answer *a;

	d.user = "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.foreign.example";
	a = send_value(naf, &d, authorization(&d));
	ck_assert_int_eq(a->verdict, GBA_NAF_DENY);
	ck_assert_int_eq(a->status, 403);
	gba_naf_answer_free(a);
	done(naf);
}
END_TEST

/* Who does not have the key uses up no count of who has */
START_TEST(strangers_use_no_count)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	d.wrong_key = true;
	EXPECT(naf, &d, "naf_response");
	d.wrong_key = false;
	EXPECT(naf, &d, "naf_ok");
	done(naf);
}
END_TEST

static unsigned failures(struct gba_naf *naf, struct device *d, const char *nc)
{
	struct gba_naf_answer *a;
	unsigned n;

	d->nc = nc;
	a = send_value(naf, d, authorization(d));
	n = a->failures;
	gba_naf_answer_free(a);
	return n;
}

/* They are counted until the key is shown */
START_TEST(failures_in_a_row)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	d.wrong_key = true;
	ck_assert_uint_eq(failures(naf, &d, "00000001"), 1);
	ck_assert_uint_eq(failures(naf, &d, "00000001"), 2);
	d.wrong_key = false;
	ck_assert_uint_eq(failures(naf, &d, "00000001"), 0);
	d.wrong_key = true;
	ck_assert_uint_eq(failures(naf, &d, "00000002"), 1);
	done(naf);
}
END_TEST

static unsigned looks; /* at the clock */

static void clock_of_a_slow_bsf(struct naf_now *out)
{
	*out = clock_now;
	out->mono_ms += looks++ ? 300000 : 0; /* nonce_s */
}

/* The nonce lived when the request came, and is over when the key is there */
START_TEST(over_meanwhile)
{
	struct gba_naf *naf = plain();
	struct device d = good(naf);

	naf->clock = clock_of_a_slow_bsf;
	EXPECT(naf, &d, "naf_nonce_stale");
	ck_assert_uint_gt(looks, 1);
	done(naf);
}
END_TEST

SUITE("naf_digest", accepted, proof, one_thing_changed, quoted_pairs, before_body, before_body_auth, fields, qops,
      optional_slash, absolute_target, foreign, strangers_use_no_count, failures_in_a_row, over_meanwhile)
