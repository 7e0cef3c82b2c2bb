/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/vectors/vector_groups.h"

#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/crypto/aka_algorithm.h"
#include "common/crypto/aka_digest.h"
#include "common/crypto/gba_u.h"
#include "common/crypto/kdf.h"
#include "common/crypto/milenage.h"
#include "common/crypto/seal.h"
#include "common/crypto/tuak.h"
#include "common/gba/bsf_info.h"
#include "common/gba/impi.h"
#include "common/gba/naf_id.h"
#include "common/gba/tmpi.h"
#include "common/http/auth_hdr.h"
#include "common/http/challenge_hdr.h"

#define STEP_DEVICE "Ub and device, complete"
#define STEP_NAF    "NAF library for authors"
#define TEXT_MAX    1000

/* A value of the vector, taken out of it; "" and a failure if it is not there. */
static void take(char out[TEXT_MAX], json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	out[0] = '\0';
	if (!text || strlen(text) >= TEXT_MAX)
		vector_fail("is missing", name);
	else
		strcpy(out, text);
	json_object_del(o, name);
}

static size_t take_octets(uint8_t *out, size_t cap, json_t *o, const char *name)
{
	char text[TEXT_MAX];
	int n;

	take(text, o, name);
	n = hex_decode(out, cap, text, strlen(text));
	if (n < 0)
		vector_fail("is no hex of a size that fits", name);
	return n < 0 ? 0 : (size_t)n;
}

static void take_secret(struct secret *out, json_t *o, const char *name)
{
	uint8_t octets[SECRET_MAX];

	secret_set(out, octets, take_octets(octets, sizeof(octets), o, name));
}

/* The value of that name is these octets, in hex. */
static void want(json_t *o, const char *name, const void *got, size_t len)
{
	uint8_t octets[300];

	if (take_octets(octets, sizeof(octets), o, name) != len || memcmp(octets, got, len) != 0)
		vector_fail("differs", name);
}

static void want_secret(json_t *o, const char *name, const struct secret *got)
{
	want(o, name, got->b, got->len);
}

static void want_text(json_t *o, const char *name, const char *got)
{
	char text[TEXT_MAX];

	take(text, o, name);
	if (strcmp(text, got) != 0)
		vector_fail("differs", name);
}

static void want_b64(json_t *o, const char *name, const void *octets, size_t len)
{
	char text[100];

	b64_encode(text, sizeof(text), octets, len);
	want_text(o, name, text);
}

static void expect(bool ok, const char *what)
{
	if (!ok)
		vector_fail("failed", what);
}

/* f1 and f1* with the AMF given, f2 to f5* and AUTN; names are those of the group. */
struct milenage_names {
	const char *f1, *f1_star, *res, *ck, *ik, *ak, *ak_star;
};

static void milenage_values(json_t *v, const struct milenage_names *n, struct aka_cred *c, struct aka_vector *av)
{
	uint8_t sqn[6], mac_a[8], mac_s[8], ak[6], ak_star[6];
	struct secret op = { 0 }, opc = { 0 };

	take_secret(&c->k, v, "K");
	take_secret(&op, v, "OP");
	take_octets(av->rand, 16, v, "RAND");
	take_octets(sqn, 6, v, "SQN");
	take_octets(c->amf, 2, v, "AMF");
	expect(milenage_opc(&opc, &c->k, &op) == 0, "milenage_opc");
	want_secret(v, "OPc", &opc);
	c->opc = opc;
	expect(milenage_f1(mac_a, mac_s, c, av->rand, sqn, c->amf) == 0, "milenage_f1");
	want(v, n->f1, mac_a, 8);
	want(v, n->f1_star, mac_s, 8);
	expect(milenage_f2345(&av->res, &av->ck, &av->ik, ak, ak_star, c, av->rand) == 0, "milenage_f2345");
	want_secret(v, n->res, &av->res);
	want_secret(v, n->ck, &av->ck);
	want_secret(v, n->ik, &av->ik);
	want(v, n->ak, ak, 6);
	want(v, n->ak_star, ak_star, 6);
	expect(aka_vector_make(av, c, av->rand, be48_get(sqn)) == 0, "aka_vector_make");
	want(v, "AUTN", av->autn, 16);
}

static void run_milenage(json_t *v, const char *name)
{
	static const struct milenage_names names = {
		"f1", "f1star", "f2_RES", "f3_CK", "f4_IK", "f5_AK", "f5star_AKS",
	};
	struct aka_vector av = { 0 };
	struct aka_cred c = { 0 };

	json_object_del(v, "set");
	milenage_values(v, &names, &c, &av);
}

/* How many octets the value of that name has; it stays. */
static uint8_t octets_in(json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return (uint8_t)(text ? strlen(text) / 2 : 0);
}

/* Where a set has the lengths that AKA can carry, our table of algorithms gives the same. */
static void tuak_by_table(const struct aka_cred *c, const uint8_t *rand, const uint8_t *sqn, const uint8_t *mac_a,
			  const uint8_t *mac_s, const struct secret *want_ck)
{
	uint8_t a[AKA_MAC_LEN], s[AKA_MAC_LEN];
	struct secret res, ck, ik;

	expect(aka_f1(a, s, c, rand, sqn, c->amf) == 0, "aka_f1");
	expect(memcmp(a, mac_a, sizeof(a)) == 0 && memcmp(s, mac_s, sizeof(s)) == 0, "MAC by the table");
	expect(aka_f2345(&res, &ck, &ik, NULL, NULL, c, rand) == 0, "aka_f2345");
	expect(res.len == c->res_len && secret_equal(&ck, want_ck), "keys by the table");
}

/* TS 35.233 6.3 to 6.8: every length TUAK defines, set 1 also as AKA uses it. */
static void run_tuak(json_t *v, const char *name)
{
	struct tuak_sizes size = { octets_in(v, "f1"), octets_in(v, "f2"), octets_in(v, "f3"), octets_in(v, "f4"),
				   (uint8_t)json_integer_value(json_object_get(v, "it")) };
	struct aka_cred c = { .kind = AKA_TUAK, .res_len = size.res, .rounds = size.rounds };
	uint8_t rand[16], sqn[6], mac_a[32], mac_s[32], ak[6], ak_star[6];
	struct secret top, topc, res, ck, ik;

	json_object_del(v, "set");
	json_object_del(v, "it");
	take_secret(&c.k, v, "k");
	take_secret(&top, v, "top");
	take_octets(rand, sizeof(rand), v, "rand");
	take_octets(sqn, sizeof(sqn), v, "sqn");
	take_octets(c.amf, sizeof(c.amf), v, "amf");
	expect(tuak_topc(&topc, &c.k, &top, size.rounds) == 0, "tuak_topc");
	want_secret(v, "topc", &topc);
	c.opc = topc;
	expect(tuak_f1(mac_a, mac_s, &c.k, &topc, &size, rand, sqn, c.amf) == 0, "tuak_f1");
	want(v, "f1", mac_a, size.mac);
	want(v, "f1star", mac_s, size.mac);
	expect(tuak_f2345(&res, &ck, &ik, ak, ak_star, &c.k, &topc, &size, rand) == 0, "tuak_f2345");
	want_secret(v, "f2", &res);
	want_secret(v, "f3", &ck);
	want_secret(v, "f4", &ik);
	want(v, "f5", ak, sizeof(ak));
	want(v, "f5star", ak_star, sizeof(ak_star));
	if (size.mac == AKA_MAC_LEN && size.ck == AKA_KEY_LEN && size.ik == AKA_KEY_LEN)
		tuak_by_table(&c, rand, sqn, mac_a, mac_s, &ck);
}

/* What is derived from one bootstrapping run. */
struct run {
	struct aka_cred cred;
	struct aka_vector av;
	struct secret ks;
	char impi[TEXT_MAX], bsf[TEXT_MAX];
	char btid[BTID_MAX + 1];
};

/* The input string S is right if HMAC over it gives the key. */
static void want_s(json_t *v, const char *name, const struct secret *ks, const struct secret *derived)
{
	uint8_t s[400], mac[32];
	size_t len = take_octets(s, sizeof(s), v, name);

	expect(seal_index(mac, ks, span_of(s, len)) == 0 && memcmp(mac, derived->b, 32) == 0, name);
}

static void naf_keys(json_t *v, struct run *r)
{
	uint8_t ua[UA_ID_LEN];
	char fqdn[TEXT_MAX];
	struct naf_id naf = { 0 };
	struct secret key = { 0 };
	struct span impi = span_str(r->impi);

	take(fqdn, v, "NAF_FQDN");
	take_octets(ua, sizeof(ua), v, "Ua_id");
	expect(naf_id_make(&naf, fqdn, ua) == 0, "naf_id_make");
	want(v, "NAF_Id", naf.raw, naf.len);
	expect(kdf_ks_naf(&key, KDF_KS_NAF, &r->ks, r->av.rand, impi, span_of(naf.raw, naf.len)) == 0, "kdf_ks_naf");
	want_secret(v, "Ks_NAF", &key);
	want_secret(v, "Ks_ext_NAF", &key);
	want_b64(v, "Ks_NAF_base64", key.b, key.len);
	want_s(v, "S_gba_me", &r->ks, &key);
	expect(kdf_ks_naf(&key, KDF_KS_INT_NAF, &r->ks, r->av.rand, impi, span_of(naf.raw, naf.len)) == 0,
	       "kdf_ks_naf");
	want_secret(v, "Ks_int_NAF", &key);
	want_b64(v, "Ks_int_NAF_base64", key.b, key.len);
	want_s(v, "S_gba_u", &r->ks, &key);
}

static void tmpi_values(json_t *v, struct run *r)
{
	static const uint8_t tail[] = { 0x01, 0x00, 0x00, 0x01, 0x00 };
	uint8_t bsf_id[TEXT_MAX + 5], tmpi[TMPI_LEN], back[TMPI_LEN];
	size_t len = strlen(r->bsf);
	char text[TMPI_MAX + 1];
	struct secret key = { 0 };

	memcpy(bsf_id, r->bsf, len);
	memcpy(bsf_id + len, tail, sizeof(tail));
	want(v, "BSF_Id", bsf_id, len + sizeof(tail));
	expect(kdf_ks_naf(&key, KDF_KS_NAF, &r->ks, r->av.rand, span_str(r->impi),
			  span_of(bsf_id, len + sizeof(tail))) == 0,
	       "kdf_ks_naf");
	want_secret(v, "TMPI_kdf_output", &key);
	want_s(v, "S_tmpi", &r->ks, &key);
	expect(tmpi_derive(tmpi, &r->ks, r->av.rand, span_str(r->impi), r->bsf) == 0, "tmpi_derive");
	expect(tmpi_format(text, tmpi) > 0, "tmpi_format");
	want_text(v, "TMPI", text);
	expect(tmpi_is(span_str(text)) && tmpi_parse(back, span_str(text)) == 0 && memcmp(back, tmpi, TMPI_LEN) == 0,
	       "tmpi_parse");
}

/* IMPI and BSF name of a subscriber whose IMPI is made from the IMSI. */
static void names_from_imsi(const struct run *r)
{
	char imsi[16] = "", bsf[BSF_NAME_MAX + 1], isim[BSF_NAME_MAX + 1];
	struct impi impi = { "" };

	if (!strstr(r->impi, "@ims.mnc"))
		return;
	memcpy(imsi, r->impi, 15);
	expect(impi_from_imsi(&impi, imsi, 2) == 0 && strcmp(impi.s, r->impi) == 0, "impi_from_imsi");
	expect(bsf_name_from_imsi(bsf, imsi, 2) == 0, "bsf_name_from_imsi");
	expect(bsf_name_from_impi(isim, &impi) == 0, "bsf_name_from_impi");
	expect(strcmp(bsf, r->bsf) == 0 || strcmp(isim, r->bsf) == 0, "BSF name");
}

struct digest_texts {
	char user[TEXT_MAX], realm[TEXT_MAX], method[TEXT_MAX], uri[TEXT_MAX], nonce[TEXT_MAX], nc[TEXT_MAX],
		cnonce[TEXT_MAX];
};

static struct digest_input input_of(const struct digest_texts *t, enum digest_hash hash, enum digest_qop qop)
{
	return (struct digest_input){
		.hash = hash,
		.qop = qop,
		.method = span_str(t->method),
		.uri = span_str(t->uri),
		.nonce = span_str(t->nonce),
		.nc = span_str(t->nc),
		.cnonce = span_str(t->cnonce),
	};
}

static void want_response(json_t *v, const char *name, const struct digest_texts *t, enum digest_hash hash,
			  enum digest_qop qop, struct span password)
{
	struct digest_input in = input_of(t, hash, qop);
	struct digest_text out = { "" };
	struct secret ha1 = { 0 };

	expect(digest_ha1(&ha1, hash, span_str(t->user), span_str(t->realm), password) == 0 &&
		       digest_response(&out, &in, &ha1) == 0,
	       name);
	want_text(v, name, out.hex);
}

static void want_ha1(json_t *v, const char *name, const struct digest_texts *t, struct span password)
{
	struct secret ha1 = { 0 };
	char text[DIGEST_HEX_MAX] = "";

	expect(digest_ha1(&ha1, DIGEST_MD5, span_str(t->user), span_str(t->realm), password) == 0, name);
	memcpy(text, ha1.b, ha1.len);
	want_text(v, name, text);
}

/* Intermediate values of the file fit each other: MD5 of the one is the other. */
static void want_md5(json_t *v, const char *name, const char *of)
{
	uint8_t md[16];
	char text[33];

	EVP_Digest(of, strlen(of), md, NULL, EVP_md5(), NULL);
	hex_encode(text, sizeof(text), md, sizeof(md));
	want_text(v, name, text);
}

static void want_info(const char *body, const char *btid)
{
	struct bsf_info info;

	expect(bsf_info_parse(&info, (const uint8_t *)body, strlen(body)) == 0 && strcmp(info.btid, btid) == 0 &&
		       info.expires_at == 1893499200,
	       "bsf_info_parse of body_200"); /* 2030-01-01T12:00:00Z */
}

static void ub_nonce(json_t *u, const struct run *r, char nonce[TEXT_MAX])
{
	uint8_t octets[64];
	size_t n;

	memcpy(octets, r->av.rand, 16);
	memcpy(octets + 16, r->av.autn, 16);
	n = take_octets(octets + 32, 32, u, "server_data");
	b64_encode(nonce, TEXT_MAX, octets, 32 + n);
	want_text(u, "nonce", nonce);
}

static void ub_values(json_t *v, const char *name, struct run *r, struct digest_texts *t)
{
	static const char *const later[] = {
		"AKAv2_MD5_password",
		"response_AKAv2_MD5",
		"AKAv2_SHA_256_password",
		"response_AKAv2_SHA_256",
	};
	json_t *u = json_incref(json_object_get(v, "ub"));
	const struct span res = span_of(r->av.res.b, r->av.res.len);
	char body[TEXT_MAX], a2[TEXT_MAX];
	struct digest_input in;
	struct digest_text out = { "" };
	struct secret ha1 = { 0 };

	json_object_del(v, "ub");
	want_text(u, "algorithm", "AKAv1-MD5");
	want_text(u, "qop", "auth-int");
	strcpy(t->user, r->impi);
	take(t->realm, u, "realm");
	take(t->method, u, "method");
	take(t->uri, u, "uri");
	ub_nonce(u, r, t->nonce);
	take(t->nc, u, "nc");
	take(t->cnonce, u, "cnonce");
	take(body, u, "body_200");
	expect((size_t)json_integer_value(json_object_get(u, "body_200_len")) == strlen(body), "body_200_len");
	json_object_del(u, "body_200_len");
	want_info(body, r->btid);

	want_ha1(u, "HA1", t, res);
	want_md5(u, "H_empty_body", "");
	want_md5(u, "H_body_200", body);
	take(a2, u, "A2");
	want_md5(u, "HA2", a2);
	take(a2, u, "A2_rsp");
	want_md5(u, "HA2_rsp", a2);
	want_response(u, "response", t, DIGEST_MD5, DIGEST_QOP_AUTH_INT, res);
	want_response(u, "response_AKAv1_SHA_256", t, DIGEST_SHA256, DIGEST_QOP_AUTH_INT, res);
	in = input_of(t, DIGEST_MD5, DIGEST_QOP_AUTH_INT);
	in.body = span_str(body);
	digest_ha1(&ha1, DIGEST_MD5, span_str(t->user), span_str(t->realm), res);
	expect(digest_rspauth(&out, &in, &ha1) == 0, "digest_rspauth");
	want_text(u, "rspauth", out.hex);

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (json_object_del(u, later[i]) < 0)
			vector_fail("is missing", later[i]);
	}
	vector_skip("gba ub AKAv2", name, STEP_DEVICE);
	if (json_object_size(u))
		vector_fail("of ub has been read by nobody", json_object_iter_key(json_object_iter(u)));
	json_decref(u);
}

/* MAC*, AUTN*, and the nonce of GBA_U: that of GBA_ME with AUTN* in the place of AUTN. */
static void mac_star_values(json_t *u, const struct run *r, struct digest_texts *t, enum gba_u_hash hash)
{
	uint8_t star[AKA_AUTN_LEN], trunc[8], nonce[64];
	int n = b64_decode(nonce, sizeof(nonce), t->nonce, strlen(t->nonce));

	expect(gba_u_autn(star, r->av.autn, &r->av.ik, hash) == 0 && n >= 32, "gba_u_autn");
	for (int i = 0; i < 8; i++)
		trunc[i] = star[8 + i] ^ r->av.autn[8 + i];
	want(u, "trunc64", trunc, sizeof(trunc));
	want(u, "MAC_star", star + 8, 8);
	want(u, "AUTN_star", star, sizeof(star));
	memcpy(nonce + 16, star, sizeof(star));
	b64_encode(t->nonce, sizeof(t->nonce), nonce, n);
	want_text(u, "nonce", t->nonce);
	json_object_del(u, "note");
}

static void gba_u_values(json_t *v, const struct run *r, const struct digest_texts *ub)
{
	json_t *u = json_incref(json_object_get(v, "gba_u")), *sha256 = json_incref(json_object_get(u, "sha256"));
	struct secret res = r->av.res;
	struct digest_texts t = *ub;

	json_object_del(v, "gba_u");
	json_object_del(u, "sha256");
	json_object_del(u, "sha1_IK"); /* its beginning is trunc64 */
	mac_star_values(u, r, &t, GBA_U_SHA1);
	want_response(u, "response_auth_int_with_plain_RES", &t, DIGEST_MD5, DIGEST_QOP_AUTH_INT,
		      span_of(res.b, res.len));
	gba_u_res(&res);
	want_secret(u, "RES_lsb_flipped", &res);
	want_response(u, "response_auth_int_with_flipped_RES", &t, DIGEST_MD5, DIGEST_QOP_AUTH_INT,
		      span_of(res.b, res.len));
	mac_star_values(sha256, r, &t, GBA_U_SHA256);
	want_response(sha256, "response_auth_int_with_flipped_RES", &t, DIGEST_MD5, DIGEST_QOP_AUTH_INT,
		      span_of(res.b, res.len));
	if (json_object_size(u) || json_object_size(sha256))
		vector_fail("has more than was read", "gba_u");
	json_decref(sha256);
	json_decref(u);
}

static void resync_values(json_t *v, struct run *r, const struct digest_texts *t)
{
	json_t *s = json_incref(json_object_get(v, "resync"));
	uint8_t sqn[6], auts[AKA_AUTS_LEN];
	uint64_t back = 0;
	bool mac_ok = false;

	json_object_del(v, "resync");
	want_text(s, "AMF_for_f1star", "0000");
	want_text(s, "password", "(empty)");
	take_octets(sqn, sizeof(sqn), s, "SQN_MS");
	expect(aka_auts_make(auts, &r->cred, r->av.rand, be48_get(sqn)) == 0, "aka_auts_make");
	want(s, "MAC_S", auts + 6, 8);
	want(s, "AUTS", auts, sizeof(auts));
	want_b64(s, "auts_base64", auts, sizeof(auts));
	expect(aka_auts_open(&back, &mac_ok, &r->cred, r->av.rand, auts) == 0 && mac_ok && back == be48_get(sqn),
	       "aka_auts_open");
	want_ha1(s, "HA1", t, span_of(NULL, 0));
	want_response(s, "response", t, DIGEST_MD5, DIGEST_QOP_AUTH_INT, span_of(NULL, 0));
	if (json_object_size(s))
		vector_fail("of resync has been read by nobody", json_object_iter_key(json_object_iter(s)));
	json_decref(s);
}

static void ua_values(json_t *v, const char *password, const struct run *r)
{
	json_t *u = json_incref(json_object_get(v, "ua_digest"));
	struct digest_texts t;

	json_object_del(v, "ua_digest");
	want_text(u, "password", "base64(Ks_NAF)");
	want_text(u, "username", r->btid);
	strcpy(t.user, r->btid);
	take(t.realm, u, "realm");
	take(t.method, u, "method");
	take(t.uri, u, "uri");
	take(t.nonce, u, "nonce");
	take(t.nc, u, "nc");
	take(t.cnonce, u, "cnonce");
	want_response(u, "response_auth_MD5", &t, DIGEST_MD5, DIGEST_QOP_AUTH, span_str(password));
	want_response(u, "response_auth_int_MD5_empty_body", &t, DIGEST_MD5, DIGEST_QOP_AUTH_INT, span_str(password));
	want_response(u, "response_auth_int_SHA_256_empty_body", &t, DIGEST_SHA256, DIGEST_QOP_AUTH_INT,
		      span_str(password));
	if (json_object_size(u))
		vector_fail("of ua_digest has been read by nobody", json_object_iter_key(json_object_iter(u)));
	json_decref(u);
}

static void run_gba(json_t *v, const char *name)
{
	static const struct milenage_names names = {
		"MAC_A", "MAC_S_with_set_AMF", "RES", "CK", "IK", "AK", "AK_star",
	};
	const char *password = json_string_value(json_object_get(v, "Ks_NAF_base64"));
	struct digest_texts ub = { 0 };
	struct run r = { 0 };
	char ks_naf[TEXT_MAX];
	struct btid id;

	snprintf(ks_naf, sizeof(ks_naf), "%s", password ? password : "");
	json_object_del(v, "milenage_set");
	milenage_values(v, &names, &r.cred, &r.av);
	want(v, "SQN_xor_AK", r.av.autn, 6);
	expect(kdf_ks(&r.ks, &r.av.ck, &r.av.ik) == 0, "kdf_ks");
	want_secret(v, "Ks", &r.ks);
	take(r.impi, v, "IMPI");
	take(r.bsf, v, "BSF_name");
	names_from_imsi(&r);
	expect(btid_format(r.btid, r.av.rand, r.bsf) > 0, "btid_format");
	want_text(v, "B_TID", r.btid);
	expect(btid_parse(&id, (const uint8_t *)r.btid, strlen(r.btid)) == 0 && memcmp(id.rand, r.av.rand, 16) == 0 &&
		       strcmp(id.domain, r.bsf) == 0,
	       "btid_parse");
	naf_keys(v, &r);
	tmpi_values(v, &r);
	ub_values(v, name, &r, &ub);
	resync_values(v, &r, &ub);
	ua_values(v, ks_naf, &r);
	gba_u_values(v, &r, &ub);
	if (json_object_del(v, "psk_tls12") == 0)
		vector_skip("gba psk_tls12", name, STEP_NAF);
}

/* Published digests. One entry names only what differs from the entry before it. */
static void run_published(json_t *v, const char *name)
{
	static struct digest_texts t;
	static char password[TEXT_MAX];

	if (json_object_get(v, "username")) {
		take(t.user, v, "username");
		take(t.realm, v, "realm");
		take(password, v, "password");
		take(t.method, v, "method");
		take(t.uri, v, "uri");
		take(t.nonce, v, "nonce");
		take(t.nc, v, "nc");
		take(t.cnonce, v, "cnonce");
		want_text(v, "qop", "auth");
	}
	want_response(v, "response", &t, strstr(name, "SHA-256") ? DIGEST_SHA256 : DIGEST_MD5, DIGEST_QOP_AUTH,
		      span_str(password));
}

/* Texts of others that hold no key to compute with: what our readers say to them. */
static void run_parse_only(json_t *v, const char *name)
{
	char text[TEXT_MAX], want_realm[TEXT_MAX], btid[TEXT_MAX], key[TEXT_MAX];
	struct challenge_hdr h = { 0 };
	struct digest_alg alg;
	struct btid id;
	uint8_t octets[64];

	if (json_object_get(v, "www_authenticate")) {
		take(text, v, "www_authenticate");
		take(want_realm, v, "expected_selected_realm");
		take(btid, v, "btid");
		take(key, v, "ks_naf_base64");
		expect(challenge_hdr_parse(&h, (const uint8_t *)text, strlen(text)) == 0, "challenge_hdr_parse");
		expect(h.realm.len > strlen(want_realm) && memcmp(h.realm.p + h.realm.len - strlen(want_realm),
								  want_realm, strlen(want_realm)) == 0,
		       "realm");
		expect(challenge_offers_qop(h.qop, "auth-int") && !challenge_offers_qop(h.qop, "auth"), "qop");
		expect(digest_alg_parse(&alg, h.algorithm) < 0, "MD5-sess is not taken for another algorithm");
		expect(b64_decode(octets, sizeof(octets), h.nonce.p, h.nonce.len) == 32, "nonce");
		expect(btid_parse(&id, (const uint8_t *)btid, strlen(btid)) == 0, "btid_parse");
		expect(b64_decode(octets, sizeof(octets), key, strlen(key)) == 32, "ks_naf_base64");
		return;
	}
	if (json_object_get(v, "nonce")) {
		/* 44 characters and two more '=' behind them: a strict reader refuses */
		take(text, v, "nonce");
		expect(b64_decode(octets, sizeof(octets), text, strlen(text)) < 0, "nonce");
		expect(b64_decode(octets, sizeof(octets), text, strlen(text) - 2) == 33, "nonce without the surplus");
	}
	json_object_clear(v); /* placeholders, nothing to compute */
}

const struct vector_group vector_groups[] = {
	{ "milenage", run_milenage, NULL, NULL },
	{ "gba", run_gba, NULL, NULL },
	{ "published_other", run_published, NULL, NULL },
	{ "third_party_parse_only", run_parse_only, NULL, NULL },
	{ "gsm_milenage", NULL, STEP_DEVICE, "set_35208" },
	{ "tuak", run_tuak, NULL, NULL },
	{ "gba_2g", NULL, STEP_DEVICE, NULL },
	{ "gba_digest", NULL, STEP_DEVICE, NULL },
	{ 0 },
};
