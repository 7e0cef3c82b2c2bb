/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What Ub answers, row by row of causes.csv. The numbers are those of vector V1 (tests/vectors, group gba). */
#include <errno.h>
#include "bsf/ub/decide.h"
#include "bsf/ub/make.h"
#include "tests/unit/suite.h"

#define USER   "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
#define NAME   "bsf.mnc015.mcc234.pub.3gppnetwork.org"
#define NONCE  "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M="
#define OPAQUE "5ccc069c403ebaf9f0171e9517f30e41"
#define RIGHT  "3f50dfd8bc19b14a59fc97a9f674d9ab"
#define TMPI   "2rBy9bL8T/1NFq7GP5vqj0H26PadfXr8@tmpi.bsf.3gppnetwork.org"

static const char names[][BSF_NAME_MAX + 1] = { NAME, "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org" };
static const struct ub_self self = { names, 2, NULL };
static const struct ub_self self_path = { names, 2, "/bsf" };

static struct ub_request request(const char *target, const char *authorization)
{
	return (struct ub_request){
		.method = span_str("GET"),
		.target = span_str(target),
		.host = span_str("bsf.example:8080"),
		.authorization = span_str(authorization),
		.n_authorization = 1,
		.user_agent = span_str("x 3gpp-gba-tmpi"),
	};
}

static const struct {
	const char *authorization, *target;
	int want;
	enum cause cause;
} rows[] = {
	/* first requests */
	{ "Digest username=\"" USER "\", realm=\"" NAME "\", nonce=\"\", uri=\"/\", response=\"\"", "/", UB_CHALLENGE,
	  CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"/\"", "/", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", realm=\"other.example\", nonce=\"\", uri=\"/\", response=\"\"", "/",
	  UB_CHALLENGE, CAUSE_ub_realm_unknown },
	{ "Digest username=\"" USER "\", realm=\"" NAME
	  "\", nonce=\"\", uri=\"/\", response=\"\", opaque=\"any\", qop=auth, "
	  "algorithm=MD5",
	  "/", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" TMPI "\", realm=\"" NAME "\", nonce=\"\", uri=\"/\", response=\"\"", "/", UB_CHALLENGE,
	  CAUSE_ub_challenged },
	/* uri is the request target; one of them may be absolute */
	{ "Digest username=\"" USER "\", uri=\"/\"", "http://10.7.3.130:9443/", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"http://bsf.example/\"", "/", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"http://bsf.example\"", "/", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"/a?b\"", "/a?b", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"HTTP://BSF.example\"", "http://bsf.EXAMPLE/", UB_CHALLENGE,
	  CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"/%7euser\"", "/~user", UB_CHALLENGE, CAUSE_ub_challenged },
	{ "Digest username=\"" USER "\", uri=\"http://other.example/\"", "http://bsf.example/", UB_REFUSE,
	  CAUSE_ub_uri_mismatch },
	{ "Digest username=\"" USER "\", uri=\"/a\"", "/a?b", UB_REFUSE, CAUSE_ub_uri_mismatch },
	{ "Digest username=\"" USER "\", uri=\"http://bsf.example/a\"", "/", UB_REFUSE, CAUSE_ub_uri_mismatch },
	{ "Digest username=\"" USER "\", uri=\"\"", "/", UB_REFUSE, CAUSE_ub_uri_mismatch },
	/* what is missing or wrong */
	{ "Basic YWJj", "/", UB_REFUSE, CAUSE_ub_scheme },
	{ "Digest username=\"x", "/", UB_REFUSE, CAUSE_ub_syntax },
	{ "Digest realm=\"" NAME "\", uri=\"/\"", "/", UB_REFUSE, CAUSE_ub_syntax },
	{ "Digest username=\"" USER "\", nonce=\"\", response=\"\"", "/", UB_REFUSE, CAUSE_ub_syntax },
	{ "Digest username=\"" USER "\", uri=\"/\", nonce=\"\", response=\"" RIGHT "\"", "/", UB_REFUSE,
	  CAUSE_ub_syntax },
	{ "Digest username=\"" USER "\", realm=\"" NAME "\", uri=\"/\", nonce=\"" NONCE "\"", "/", UB_REFUSE,
	  CAUSE_ub_syntax },
	{ "Digest username=\"nobody\", uri=\"/\"", "/", UB_REFUSE, CAUSE_ub_impi_syntax },
	{ "Digest username=\"\", uri=\"/\"", "/", UB_REFUSE, CAUSE_ub_impi_syntax },
	{ "Digest username=\"AAAA@tmpi.bsf.3gppnetwork.org\", uri=\"/\"", "/", UB_REFUSE, CAUSE_ub_impi_syntax },
/* answers */
#define ANSWER_OF(user, realm, rest) \
	"Digest username=\"" user "\", realm=\"" realm "\", uri=\"/\", nonce=\"" NONCE "\", " rest
#define CNONCE_64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CNONCE_256 CNONCE_64 CNONCE_64 CNONCE_64 CNONCE_64
#define REST       "qop=auth-int, nc=00000001, cnonce=\"c\", response=\"" RIGHT "\""
	{ ANSWER_OF(USER, NAME, REST), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, REST ", algorithm=AKAv1-MD5"), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, REST ", algorithm=\"akav1-md5\""), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, "other.example", REST), "/", UB_REFUSE, CAUSE_ub_realm_unknown },
	{ ANSWER_OF(USER, NAME, REST ", algorithm=MD5"), "/", UB_REFUSE, CAUSE_ub_algorithm },
	{ ANSWER_OF(USER, NAME, REST ", algorithm=AKAv2-MD5"), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, REST ", algorithm=AKAv1-SHA-256"), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, "qop=auth, nc=00000001, cnonce=\"c\", response=\"" RIGHT "\""), "/", UB_REFUSE,
	  CAUSE_ub_algorithm },
	{ ANSWER_OF(USER, NAME, "nc=00000001, cnonce=\"c\", response=\"" RIGHT "\""), "/", UB_REFUSE,
	  CAUSE_ub_algorithm },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, cnonce=\"c\", response=\"" RIGHT "\""), "/", UB_REFUSE,
	  CAUSE_ub_syntax },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, nc=0000001, cnonce=\"c\", response=\"" RIGHT "\""), "/", UB_REFUSE,
	  CAUSE_ub_syntax },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, nc=000000010, cnonce=\"c\", response=\"" RIGHT "\""), "/", UB_REFUSE,
	  CAUSE_ub_syntax },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, nc=0000000g, cnonce=\"c\", response=\"" RIGHT "\""), "/", UB_REFUSE,
	  CAUSE_ub_syntax },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, nc=00000001, response=\"" RIGHT "\""), "/", UB_REFUSE, CAUSE_ub_syntax },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, nc=00000001, cnonce=\"" CNONCE_256 "\", response=\"" RIGHT "\""), "/",
	  UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, "qop=auth-int, nc=00000001, cnonce=\"" CNONCE_256 "x\", response=\"" RIGHT "\""), "/",
	  UB_REFUSE, CAUSE_ub_syntax },
	{ ANSWER_OF(USER, NAME, "response=\"\""), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, REST ", auts=\"uoU/PBIbHULnlDBfgb0=\""), "/", UB_ANSWER, CAUSE_ub_challenged },
	{ ANSWER_OF(USER, NAME, REST ", auts=\"uoU/PBIbHULnlDBfgb0\""), "/", UB_REFUSE, CAUSE_ub_auts_syntax },
	{ ANSWER_OF(USER, NAME, REST ", auts=\"uoU/PBIbHULnlDBfgQ==\""), "/", UB_REFUSE, CAUSE_ub_auts_syntax },
	{ ANSWER_OF(USER, NAME, REST ", auts=\"\""), "/", UB_REFUSE, CAUSE_ub_auts_syntax },
	{ ANSWER_OF(USER, NAME, REST ", auts=\"AAAAAAAAAAAAAAAAAAAA\""), "/", UB_REFUSE, CAUSE_ub_auts_syntax },
};

START_TEST(request_rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ub_request in = request(rows[i].target, rows[i].authorization);
		struct ub_wish w;

		ub_decide_request(&w, &in, &self);
		ck_assert_msg((int)w.want == rows[i].want && w.cause == rows[i].cause, "row %zu (%s): %d %s", i,
			      rows[i].authorization, w.want, cause_name(w.cause));
	}
}
END_TEST

START_TEST(request_frame)
{
	struct ub_request in = request("/", rows[0].authorization);
	struct ub_wish w;

	in.n_authorization = 0;
	in.authorization = span_of(NULL, 0);
	ub_decide_request(&w, &in, &self);
	ck_assert_int_eq(w.cause, CAUSE_ub_scheme);

	in = request("/", rows[0].authorization);
	in.n_authorization = 2;
	ub_decide_request(&w, &in, &self);
	ck_assert_int_eq(w.cause, CAUSE_ub_syntax);

	in = request("/", rows[0].authorization);
	in.method = span_str("POST");
	ub_decide_request(&w, &in, &self);
	ck_assert_int_eq(w.cause, CAUSE_ub_method);

	in = request("/", rows[0].authorization);
	ub_decide_request(&w, &in, &self_path);
	ck_assert_int_eq(w.cause, CAUSE_ub_path);
	in = request("/bsf?x", "Digest username=\"" USER "\", uri=\"/bsf?x\"");
	ub_decide_request(&w, &in, &self_path);
	ck_assert_int_eq(w.want, UB_CHALLENGE);
	in = request("http://a/bsf", "Digest username=\"" USER "\", uri=\"/bsf\"");
	ub_decide_request(&w, &in, &self_path);
	ck_assert_int_eq(w.want, UB_CHALLENGE);
}
END_TEST

#define IMS_NAME "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org"

/* Which name a bootstrap has: an absolute target, Host, else realm, else the first. */
START_TEST(bsf_name_choice)
{
	static const struct {
		const char *host, *realm;
		int name;
		const char *target;
	} r[] = {
		{ NAME, NAME, 1, "http://" IMS_NAME "/" },
		{ NAME, NAME, 1, "http://BSF.ims.mnc015.mcc234.pub.3gppnetwork.org.:80" },
		{ IMS_NAME, NAME, 0, "http://" NAME "/" },
		{ IMS_NAME, NAME, 0, "http://other.example/" },
		{ "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org", NAME, 1, "/" },
		{ "BSF.ims.mnc015.mcc234.pub.3gppnetwork.org:80", NAME, 1, "/" },
		{ "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org.", NAME, 1, "/" },
		{ "10.0.0.1:8080", "bsf.IMS.mnc015.mcc234.pub.3gppnetwork.org", 1, "/" },
		{ "[::1]:80", NAME, 0, "/" },
		{ "", "bsf.ims.mnc015.mcc234.pub.3gppnetwork.org", 1, "/" },
		{ "10.0.0.1", "other.example", 0, "/" },
	};

	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		char text[512];
		struct ub_request in;
		struct ub_wish w;

		snprintf(text, sizeof(text), "Digest username=\"" USER "\", realm=\"%s\", uri=\"/\"", r[i].realm);
		in = request(r[i].target, text);
		in.host = span_str(r[i].host);
		ub_decide_request(&w, &in, &self);
		ck_assert_msg(w.bsf_name == names[r[i].name], "row %zu: %s", i, w.bsf_name);
	}
}
END_TEST

START_TEST(product_token)
{
	struct ub_request in = request("/", rows[0].authorization);
	struct ub_wish w;

	ub_decide_request(&w, &in, &self);
	ck_assert(w.knows_tmpi);
	in.user_agent = span_str("foreign/1.0 3gpp-gba-tmpix"); /* 220-4.5.2-6: unknown tokens are ignored */
	ub_decide_request(&w, &in, &self);
	ck_assert_int_eq(w.want, UB_CHALLENGE);
	ck_assert(!w.knows_tmpi);
	in.user_agent = span_of(NULL, 0);
	ub_decide_request(&w, &in, &self);
	ck_assert(!w.knows_tmpi);
}
END_TEST

/* 220-4.5.2-9: by form alone */
START_TEST(tmpi_by_form)
{
	struct ub_request in = request("/", rows[4].authorization);
	struct ub_wish w;

	ub_decide_request(&w, &in, &self);
	ck_assert(w.is_tmpi);
	ck_assert_octets(w.tmpi, "dab072f5b2fc4ffd4d16aec63f9bea8f41f6e8f69d7d7afc");
}
END_TEST

static void challenge(struct gba_challenge *c)
{
	memset(c, 0, sizeof(*c));
	c->key_len = 32;
	octets_of(c->key, 32, "23553cbe9637a89d218ae64dae47bf3555f328b43577b9b94a9ffac354dfafb3");
	strcpy(c->impi.s, USER);
	strcpy(c->username, USER);
	strcpy(c->bsf_name, NAME);
	strcpy(c->opaque, OPAQUE);
	c->variant = GBA_VARIANT_ME;
	c->aka.xres = secret_of("a54211d5e3ba50bf");
	c->aka.ks = secret_of("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441");
	c->key_life_s = 3600;
}

#define V1_REST      "qop=auth-int, nc=00000001, cnonce=\"6629fae49393a05397450978507c4ef1\""
#define V1(response) ANSWER_OF(USER, NAME, V1_REST ", response=\"" response "\"")

/* Judge an answer with a body. */
static enum cause judge(const char *authorization, const char *body, const struct gba_challenge *c)
{
	struct ub_request in = request("/", authorization);
	struct ub_wish w;

	in.body = span_str(body);
	ub_decide_request(&w, &in, &self);
	ck_assert_msg(w.want == UB_ANSWER && w.key_len, "%s: %s", authorization, cause_name(w.cause));
	return ub_decide_answer(&w, &in, c);
}

/* 220-4.5.2-17, 220-4.2.1-1 */
START_TEST(answer_rows)
{
	struct gba_challenge c;

	challenge(&c);
	ck_assert_int_eq(judge(V1(RIGHT), "", &c), CAUSE_ub_ok);
	ck_assert_int_eq(judge(V1("3F50DFD8BC19B14A59FC97A9F674D9AB"), "", &c), CAUSE_ub_ok);
	ck_assert_int_eq(judge(V1(RIGHT) ", opaque=\"" OPAQUE "\"", "", &c), CAUSE_ub_ok);
	ck_assert_int_eq(judge(V1(RIGHT) ", opaque=\"\"", "", &c), CAUSE_ub_opaque);
	ck_assert_int_eq(judge(V1(RIGHT), "body", &c), CAUSE_ub_body_digest);
	ck_assert_int_eq(judge(V1("3f50dfd8bc19b14a59fc97a9f674d9ac"), "", &c), CAUSE_ub_response);
	ck_assert_int_eq(judge(V1("3f50dfd8bc19b14a59fc97a9f674d9a"), "", &c), CAUSE_ub_response);
	ck_assert_int_eq(judge(V1("3f50dfd8bc19b14a59fc97a9f674d9ac"), "body", &c), CAUSE_ub_response);
	ck_assert_int_eq(judge(ANSWER_OF(USER, NAME, "response=\"\""), "", &c), CAUSE_ub_mac_failure);
	ck_assert_int_eq(judge(ANSWER_OF("a@b.example", NAME, V1_REST ", response=\"" RIGHT "\""), "", &c),
			 CAUSE_ub_user_mismatch);
	/* GBA_U is in play: the cause says so, whatever was sent */
	c.variant = GBA_VARIANT_U;
	ck_assert_int_eq(judge(ANSWER_OF(USER, NAME, "response=\"\""), "", &c), CAUSE_ub_mac_context);
	c.variant = GBA_VARIANT_ME;
	c.aka.uicc_gba_u = true;
	ck_assert_int_eq(judge(ANSWER_OF(USER, NAME, "response=\"\""), "", &c), CAUSE_ub_mac_context);
	strcpy(c.bsf_name, names[1]);
	ck_assert_int_eq(judge(V1(RIGHT), "", &c), CAUSE_ub_realm_unknown);
	gba_challenge_clear(&c);
}
END_TEST

/* A response made from the hex or base64 text of RES is not right (220-4.5.2-17). */
START_TEST(answer_text_password)
{
	struct gba_challenge c;

	challenge(&c);
	ck_assert_int_eq(secret_set(&c.aka.xres, "a54211d5e3ba50bf", 16), 0);
	ck_assert_int_eq(judge(V1(RIGHT), "", &c), CAUSE_ub_response);
	gba_challenge_clear(&c);
}
END_TEST

START_TEST(answer_auts)
{
#define AUTS ", auts=\"uoU/PBIbHULnlDBfgb0=\""
	struct gba_challenge c;

	challenge(&c);
	ck_assert_int_eq(judge(V1("205e094f2de210018399f0f1c323cd05") AUTS, "", &c), CAUSE_ub_challenged);
	ck_assert_int_eq(judge(V1(RIGHT) AUTS, "", &c), CAUSE_ub_auts_response);
	ck_assert_int_eq(judge(ANSWER_OF(USER, NAME, "response=\"\"") AUTS, "", &c), CAUSE_ub_auts_response);
	ck_assert_int_eq(judge(V1("205e094f2de210018399f0f1c323cd05"), "", &c), CAUSE_ub_response);
	gba_challenge_clear(&c);
}
END_TEST

START_TEST(hss_rows)
{
	static const struct {
		struct zh_result r;
		bool resync;
		enum cause cause;
	} r[] = {
		{ { .result = { .code = 2001 }, .vector.kind = ZH_VECTOR_AKA }, false, CAUSE_ub_challenged },
		{ { .result = { .code = 2001 } }, false, CAUSE_zh_no_vector },
		{ { .result = { .code = 5401, .experimental = true, .vendor = 10415 } }, false, CAUSE_ub_user_unknown },
		{ { .result = { .code = 5001, .experimental = true, .vendor = 10415 } }, false, CAUSE_ub_user_unknown },
		{ { .result = { .code = 5001, .experimental = true, .vendor = 9 } }, false, CAUSE_zh_error },
		{ { .result = { .code = 5006, .experimental = true, .vendor = 10415 } }, false, CAUSE_zh_error },
		{ { .result = { .code = 5001 } }, false, CAUSE_zh_error },
		{ { .result = { .code = 3004 } }, false, CAUSE_zh_busy },
		{ { .result = { .code = 5012 } }, false, CAUSE_zh_error },
		{ { .result = { .code = 5012 } }, true, CAUSE_ub_auts_refused },
		{ { .result = { .code = 3002 } }, false, CAUSE_zh_error },
		{ { .rc = -ENOTCONN, .result = { .code = 3002 } }, false, CAUSE_zh_down },
		{ { .rc = -EBADMSG }, false, CAUSE_zh_malformed },
		{ { .rc = 0 }, false, CAUSE_zh_malformed },
		{ { .result = { .code = 2002 }, .vector.kind = ZH_VECTOR_AKA }, false, CAUSE_zh_error },
	};

	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++)
		ck_assert_msg(ub_decide_zh(&r[i].r, r[i].resync) == r[i].cause, "row %zu", i);
}
END_TEST

/* An answer has the form its challenge has, whatever it says of itself. */
START_TEST(forms)
{
	static const char *const others[] = { "AKAv2-MD5", "AKAv1-SHA-256", "AKAv2-SHA-256" };
	char text[1000];
	struct ub_answer a;
	struct gba_challenge c;

	challenge(&c);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(text, sizeof(text), "%s, algorithm=%s", V1(RIGHT), others[i]);
		ck_assert_msg(judge(text, "", &c) == CAUSE_ub_algorithm, "%s", others[i]);
	}
	c.hash = DIGEST_SHA256;
	c.akav2 = true;
	ck_assert_int_eq(ub_answer_challenge(&a, &c, CAUSE_ub_challenged), 0);
	ck_assert_ptr_nonnull(strstr(a.www_authenticate, "algorithm=AKAv2-SHA-256"));
	ck_assert_int_eq(judge(V1(RIGHT), "", &c), CAUSE_ub_algorithm);
	ck_assert_int_eq(judge(V1(RIGHT) ", algorithm=AKAv2-SHA-256", "", &c), CAUSE_ub_response);
	gba_challenge_clear(&c);
}
END_TEST

/* Worked example of the Ub digest, from challenge to 200 (220-4.5.2-18, -20, -22, 220-B.4-1, 220-I.5.2-8, 220-4.4.4-3).
 */
START_TEST(whole_run)
{
	struct ub_request in = request("/", V1(RIGHT));
	struct gba_session s = { 0 };
	struct gba_challenge c;
	struct ub_answer a;
	struct ub_wish w;

	challenge(&c);
	ck_assert_int_eq(ub_answer_challenge(&a, &c, CAUSE_ub_challenged), 0);
	ck_assert_int_eq(a.status, 401);
	ck_assert_ptr_nonnull(strstr(a.www_authenticate, "nonce=\"" NONCE "\""));
	ck_assert_ptr_nonnull(strstr(a.www_authenticate, "realm=\"" NAME "\""));
	ck_assert_ptr_nonnull(strstr(a.www_authenticate, "qop=\"auth-int\""));
	ck_assert_ptr_nonnull(strstr(a.www_authenticate, "algorithm=AKAv1-MD5"));
	ck_assert_ptr_nonnull(strstr(a.www_authenticate, "opaque=\"" OPAQUE "\""));
	ck_assert_ptr_null(strstr(a.www_authenticate, "stale"));

	ub_decide_request(&w, &in, &self);
	ck_assert_int_eq(ub_decide_answer(&w, &in, &c), CAUSE_ub_ok);
	ck_assert_int_eq(ub_make_session(&s, &c, true, 1893499200 - 3600), 0);
	ck_assert_secret(s.ks, "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441");
	ck_assert(s.has_tmpi);
	ck_assert_octets(s.tmpi, "dab072f5b2fc4ffd4d16aec63f9bea8f41f6e8f69d7d7afc");
	ck_assert_int_eq(s.expires_at, 1893499200);
	ck_assert_int_eq(ub_answer_ok(&a, &w, &c, &s), 0);
	ck_assert_int_eq(a.status, 200);
	ck_assert_uint_eq(a.body_len, 228);
	ck_assert_ptr_nonnull(strstr(a.body, "<btid>I1U8vpY3qJ0hiuZNrke/NQ==@" NAME "</btid>"));
	ck_assert_ptr_nonnull(strstr(a.body, "<lifetime>2030-01-01T12:00:00Z</lifetime>"));
	ck_assert_str_eq(a.auth_info, "qop=auth-int, rspauth=\"03ecbd85c2396a7d4fe5c615e0901d48\", "
				      "cnonce=\"6629fae49393a05397450978507c4ef1\", nc=00000001");
	gba_session_clear(&s);
	/* 220-4.4.4-7: no token, no TMPI */
	ck_assert_int_eq(ub_make_session(&s, &c, false, 0), 0);
	ck_assert(!s.has_tmpi);
	gba_session_clear(&s);
	gba_challenge_clear(&c);
}
END_TEST

/* The answers of the table: a status for each, Retry-After with 503 only, nothing else in them. */
START_TEST(cause_answers)
{
	static const struct {
		enum cause cause;
		int status;
	} statuses[] = {
		{ CAUSE_ub_syntax, 400 },       { CAUSE_ub_uri_mismatch, 400 },  { CAUSE_ub_realm_unknown, 400 },
		{ CAUSE_ub_algorithm, 400 },    { CAUSE_ub_suspended, 403 },     { CAUSE_ub_user_unknown, 403 },
		{ CAUSE_ub_tmpi_unknown, 403 }, { CAUSE_ub_nonce_taken, 403 },   { CAUSE_ub_user_mismatch, 403 },
		{ CAUSE_ub_opaque, 403 },       { CAUSE_ub_response, 403 },      { CAUSE_ub_auts_response, 403 },
		{ CAUSE_ub_auts_refused, 403 }, { CAUSE_ub_auts_repeated, 403 }, { CAUSE_ub_mac_failure, 403 },
		{ CAUSE_ub_path, 404 },         { CAUSE_ub_method, 405 },        { CAUSE_ub_too_large, 413 },
		{ CAUSE_ub_limit_impi, 503 },   { CAUSE_ub_busy, 503 },          { CAUSE_store_failed, 503 },
	};

	for (int i = 0; i < CAUSE_COUNT; i++) {
		struct ub_answer a;

		ub_answer_cause(&a, i);
		ck_assert_int_ge(a.status, 400);
		ck_assert(a.retry_after == (a.status == 503));
		ck_assert(!a.www_authenticate[0] && !a.auth_info[0] && !a.body_len);
		if (strncmp(cause_name(i), "zh_", 3) == 0)
			ck_assert_int_eq(a.status, 503);
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct ub_answer a;

		ub_answer_cause(&a, statuses[i].cause);
		ck_assert_msg(a.status == statuses[i].status, "%s: %d", cause_name(statuses[i].cause), a.status);
	}
}
END_TEST

SUITE("ub_decide", request_rows, request_frame, bsf_name_choice, product_token, tmpi_by_form, answer_rows,
      answer_text_password, answer_auts, hss_rows, forms, whole_run, cause_answers)
