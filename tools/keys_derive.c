/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tools/keys_derive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/b64.h"
#include "common/base/bytes.h"
#include "common/base/hex.h"
#include "common/crypto/aka_algorithm.h"
#include "common/crypto/aka_digest.h"
#include "common/crypto/gba_u.h"
#include "common/crypto/kdf.h"
#include "common/crypto/sqn.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"
#include "common/gba/naf_id.h"
#include "common/gba/run_id.h"
#include "common/gba/tmpi.h"

/* What is known so far; a length of zero: not known. */
struct state {
	const struct keys_input *in;
	keys_step_fn *step;
	void *owner;
	struct err *err;
	int steps;
	struct aka_cred cred;
	struct secret res, ck, ik, ks;
	struct impi impi;
	char bsf[BSF_NAME_MAX + 1];
};

static bool has(const struct state *s, enum keys_name n)
{
	return s->in->v[n].set;
}

static const uint8_t *octets(const struct state *s, enum keys_name n)
{
	return s->in->v[n].octets.b;
}

static void text(struct state *s, const char *name, const char *value, const char *how, const char *clause)
{
	s->steps++;
	s->step(s->owner, name, value, how, clause);
}

static void hex(struct state *s, const char *name, const void *value, size_t len, const char *how, const char *clause)
{
	char digits[1000];

	hex_encode(digits, sizeof(digits), value, len);
	text(s, name, digits, how, clause);
	OPENSSL_cleanse(digits, sizeof(digits));
}

static void key(struct state *s, const char *name, const struct secret *value, const char *how, const char *clause)
{
	hex(s, name, value->b, value->len, how, clause);
}

static int contradictions(struct state *s)
{
	static const enum keys_name pairs[][2] = {
		{ IN_OP, IN_OPC }, { IN_SQN, IN_AUTN }, { IN_IMPI, IN_IMSI }, { IN_KS, IN_CK },
		{ IN_KS, IN_K },   { IN_CK, IN_K },     { IN_RES, IN_K },
	};
	static const char *const names[] = {
		"op and opc", "sqn and autn", "impi and imsi", "ks and ck", "ks and k", "ck and k", "res and k",
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (has(s, pairs[i][0]) && has(s, pairs[i][1]))
			return err_set(s->err, -EINVAL, "%s are both given; one follows from the other", names[i]);
	}
	if (has(s, IN_CK) != has(s, IN_IK))
		return err_set(s->err, -EINVAL, "ck and ik are needed together");
	return 0;
}

/* A number that stands as text. \returns it; 0 not given; -1 none, or above max */
static int number(const struct state *s, enum keys_name n, int max)
{
	const char *t = s->in->v[n].text;
	int v = 0;

	for (; *t; t++) {
		if (*t < '0' || *t > '9' || v > max)
			return -1;
		v = v * 10 + (*t - '0');
	}
	return !has(s, n) ? 0 : v < 1 || v > max ? -1 : v;
}

/* Which algorithm, and whether its lengths are right. */
static int algorithm(struct state *s)
{
	const char *name = s->in->v[IN_ALGORITHM].text;
	int bits = number(s, IN_RES_LENGTH, 8 * AKA_RES_MAX), rounds = number(s, IN_ROUNDS, 255);
	size_t op_len = s->in->v[has(s, IN_OP) ? IN_OP : IN_OPC].octets.len;

	if (has(s, IN_ALGORITHM) && aka_algorithm_find(&s->cred.kind, name, strlen(name)) < 0)
		return err_set(s->err, -EINVAL, "algorithm: allowed is %s", aka_algorithm_names(true));
	if (bits < 0 || bits % 8 || rounds < 0)
		return err_set(s->err, -EINVAL, "res-length: allowed are bits, 32 to 128; rounds: 1 to 255");
	if (!has(s, IN_K))
		return 0;
	s->cred.k = s->in->v[IN_K].octets;
	s->cred.opc = s->in->v[IN_OPC].octets;
	s->cred.res_len = (uint8_t)(bits / 8);
	s->cred.rounds = (uint8_t)rounds;
	if (!op_len && aka_algorithm_of(&s->cred)->op_len)
		return err_set(s->err, -EINVAL, "k needs op or opc beside it");
	return aka_algorithm_check(&s->cred, op_len, s->err);
}

static void sqn_parts(struct state *s, uint64_t sqn, const char *name, const char *how)
{
	uint8_t b[AKA_SQN_LEN];
	char words[60];

	be48_put(b, sqn);
	hex(s, name, b, sizeof(b), how, "33.102 6.3.3");
	snprintf(words, sizeof(words), "SEQ %llu, IND %u", (unsigned long long)sqn_seq(sqn), sqn_ind(sqn));
	text(s, name, words, "SEQ (43 bits) || IND (5 bits)", "33.102 C.1.1.1");
}

static const struct {
	enum gba_u_hash hash;
	const char *name, *how, *right;
} stars[] = {
	{ GBA_U_SHA1, "AUTN* SHA-1", "AUTN[0..7] || MAC-A xor SHA-1(IK)[0..7]",
	  "right, as MAC* of SHA-1: for the GBA context" },
	{ GBA_U_SHA256, "AUTN* SHA-256", "AUTN[0..7] || MAC-A xor SHA-256(IK)[0..7]",
	  "right, as MAC* of SHA-256: for the GBA context" },
};

#define N_STARS (sizeof(stars) / sizeof(stars[0]))

static int autn_star(struct state *s, const uint8_t *autn)
{
	uint8_t star[AKA_AUTN_LEN];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < N_STARS; i++) {
		rc = gba_u_autn(star, autn, &s->ik, stars[i].hash);
		if (rc == 0)
			hex(s, stars[i].name, star, sizeof(star), stars[i].how, "33.220 5.3.2");
	}
	return rc;
}

/* \returns words: whom an AUTN of this MAC is for */
static const char *mac_words(struct state *s, const uint8_t *autn, int rc)
{
	uint8_t plain[AKA_AUTN_LEN];
	uint64_t sqn;

	if (rc == 0)
		return "right";
	for (size_t i = 0; i < N_STARS; i++) {
		if (gba_u_autn(plain, autn, &s->ik, stars[i].hash) == 0 &&
		    aka_autn_open(&sqn, &s->cred, octets(s, IN_RAND), plain) == 0)
			return stars[i].right;
	}
	return "WRONG: the card refuses";
}

/* AUTN: made from SQN, or opened. */
static int autn(struct state *s)
{
	struct aka_vector v = { 0 };
	uint64_t sqn = 0;
	int rc = 0;

	if (has(s, IN_SQN)) {
		rc = aka_vector_make(&v, &s->cred, octets(s, IN_RAND), be48_get(octets(s, IN_SQN)));
		if (rc == 0) {
			hex(s, "MAC-A", v.autn + 8, 8, "f1(K, OPc, RAND, SQN, AMF)",
			    aka_algorithm_of(&s->cred)->specified + strlen("TS "));
			hex(s, "AUTN", v.autn, sizeof(v.autn), "(SQN xor AK) || AMF || MAC-A", "33.102 6.3.2");
			rc = s->ik.len == AKA_KEY_LEN ? autn_star(s, v.autn) : 0;
		}
	} else if (has(s, IN_AUTN)) {
		rc = aka_autn_open(&sqn, &s->cred, octets(s, IN_RAND), octets(s, IN_AUTN));
		if (rc == 0 || rc == -EBADMSG) {
			sqn_parts(s, sqn, "SQN", "AUTN[0..5] xor AK");
			text(s, "MAC-A", mac_words(s, octets(s, IN_AUTN), rc),
			     "f1(K, OPc, RAND, SQN, AMF) and AUTN[8..15]", "33.102 6.3.3");
			rc = 0;
		}
	}
	aka_vector_clear(&v);
	return rc;
}

static int auts(struct state *s)
{
	uint8_t made[AKA_AUTS_LEN];
	char b64[B64_LEN(AKA_AUTS_LEN) + 1];
	uint64_t sqn;
	bool ok;
	int rc = 0;

	if (has(s, IN_SQN_MS)) {
		rc = aka_auts_make(made, &s->cred, octets(s, IN_RAND), be48_get(octets(s, IN_SQN_MS)));
		if (rc < 0)
			return rc;
		hex(s, "AUTS", made, sizeof(made), "(SQN_MS xor AK*) || f1*(K, OPc, RAND, SQN_MS, AMF 0000)",
		    "33.102 6.3.3");
		b64_encode(b64, sizeof(b64), made, sizeof(made));
		text(s, "auts", b64, "base64(AUTS)", "RFC 3310 3.4");
	}
	if (has(s, IN_AUTS)) {
		rc = aka_auts_open(&sqn, &ok, &s->cred, octets(s, IN_RAND), octets(s, IN_AUTS));
		if (rc < 0)
			return rc;
		sqn_parts(s, sqn, "SQN_MS", "AUTS[0..5] xor AK*");
		text(s, "MAC-S", ok ? "right" : "WRONG: no counter may follow it",
		     "f1*(K, OPc, RAND, SQN_MS, AMF 0000) and AUTS[6..13]", "33.102 6.3.5");
	}
	return rc;
}

static int card(struct state *s)
{
	const char *from = aka_algorithm_of(&s->cred)->specified + strlen("TS ");
	uint8_t ak[6], ak_star[6];
	int rc = 0;

	if (!has(s, IN_K))
		return 0;
	if (has(s, IN_AMF))
		memcpy(s->cred.amf, octets(s, IN_AMF), sizeof(s->cred.amf));
	if (has(s, IN_OP)) {
		rc = aka_opc_make(&s->cred.opc, &s->cred, &s->in->v[IN_OP].octets);
		key(s, "OPc", &s->cred.opc, s->cred.kind == AKA_TUAK ? "TOPc(K, TOP)" : "OP xor AES(K, OP)", from);
	}
	if (rc < 0 || !has(s, IN_RAND))
		return rc;
	rc = aka_f2345(&s->res, &s->ck, &s->ik, ak, ak_star, &s->cred, octets(s, IN_RAND));
	if (rc < 0)
		return rc;
	key(s, "RES", &s->res, "f2(K, OPc, RAND)", from);
	key(s, "CK", &s->ck, "f3(K, OPc, RAND)", from);
	key(s, "IK", &s->ik, "f4(K, OPc, RAND)", from);
	hex(s, "AK", ak, sizeof(ak), "f5(K, OPc, RAND)", from);
	hex(s, "AK*", ak_star, sizeof(ak_star), "f5*(K, OPc, RAND)", from);
	rc = autn(s);
	return rc == 0 ? auts(s) : rc;
}

static int names(struct state *s)
{
	const char *imsi = s->in->v[IN_IMSI].text, *mnc = s->in->v[IN_MNC_LENGTH].text, *given = s->in->v[IN_IMPI].text;
	int len = mnc[0] - '0';

	if (has(s, IN_IMSI)) {
		if (!has(s, IN_MNC_LENGTH) || strlen(mnc) != 1 || impi_from_imsi(&s->impi, imsi, len) < 0)
			return err_set(s->err, -EINVAL, "imsi needs 6 to 15 digits, and mnc-length 2 or 3 beside it");
		text(s, "IMPI", s->impi.s, "IMSI, MNC length", "23.003 13.3");
		if (!has(s, IN_BSF) && bsf_name_from_imsi(s->bsf, imsi, len) == 0)
			text(s, "BSF name", s->bsf, "IMSI, MNC length (card application USIM)", "23.003 16.2");
	} else if (has(s, IN_IMPI) && impi_parse(&s->impi, (const uint8_t *)given, strlen(given)) < 0) {
		return err_set(s->err, -EINVAL, "impi: allowed is user@domain; a TMPI is none");
	}
	if (has(s, IN_BSF)) {
		if (!fqdn_valid(span_str(s->in->v[IN_BSF].text), BSF_NAME_MAX))
			return err_set(s->err, -EINVAL, "bsf: allowed is a DNS name of up to %d characters",
				       BSF_NAME_MAX);
		strcpy(s->bsf, s->in->v[IN_BSF].text);
	}
	return 0;
}

static int ha1(struct state *s, const char *name, const struct secret *res, const char *how)
{
	char value[SECRET_MAX + 1] = "";
	SECRET_AUTO ha1 = { 0 };
	int rc = digest_ha1(&ha1, DIGEST_MD5, span_str(s->impi.s), span_str(s->bsf), span_of(res->b, res->len));

	if (rc < 0)
		return rc;
	memcpy(value, ha1.b, ha1.len);
	text(s, name, value, how, "RFC 3310 3.3");
	OPENSSL_cleanse(value, sizeof(value));
	return 0;
}

/* What a device proves itself with, by either variant. */
static int proofs(struct state *s)
{
	SECRET_AUTO turned = s->res;
	bool named = s->impi.s[0] && s->bsf[0];
	int rc = 0;

	gba_u_res(&turned);
	if (named)
		rc = ha1(s, "HA1 of Ub", &s->res, "MD5(IMPI : BSF name : RES), if the IMPI is the user name");
	key(s, "RES of GBA_U", &turned, "RES, its last bit turned over", "33.220 5.3.2");
	if (rc == 0 && named)
		rc = ha1(s, "HA1 of GBA_U", &turned, "MD5(IMPI : BSF name : RES of GBA_U)");
	return rc;
}

static int run_values(struct state *s)
{
	char btid[BTID_MAX + 1], id[RUN_ID_LEN + 1];

	if (has(s, IN_RAND)) {
		run_id(id, octets(s, IN_RAND));
		text(s, "run id", id, "first 8 hex digits of SHA-256(RAND)", "names the run in logs");
	}
	if (has(s, IN_RAND) && s->bsf[0]) {
		btid_format(btid, octets(s, IN_RAND), s->bsf);
		text(s, "B-TID", btid, "base64(RAND) @ BSF name", "33.220 4.5.2");
	}
	return s->res.len ? proofs(s) : 0;
}

static int ks(struct state *s)
{
	uint8_t tmpi[TMPI_LEN];
	char name[TMPI_MAX + 1];
	int rc = 0;

	if (has(s, IN_CK)) {
		s->ck = s->in->v[IN_CK].octets;
		s->ik = s->in->v[IN_IK].octets;
	}
	if (has(s, IN_KS)) {
		s->ks = s->in->v[IN_KS].octets;
	} else if (s->ck.len) {
		rc = kdf_ks(&s->ks, &s->ck, &s->ik);
		key(s, "Ks", &s->ks, "CK || IK", "33.220 4.5.2");
	}
	if (rc == 0 && s->ks.len && has(s, IN_RAND) && s->impi.s[0] && s->bsf[0]) {
		rc = tmpi_derive(tmpi, &s->ks, octets(s, IN_RAND), span_str(s->impi.s), s->bsf);
		tmpi_format(name, tmpi);
		text(s, "TMPI", name,
		     "base64(first 24 octets of KDF(Ks, 01, \"gba-me\", RAND, IMPI, BSF name || 0100000100))",
		     "33.220 B.4");
	}
	return rc;
}

static int naf_keys(struct state *s)
{
	const uint8_t *ua = has(s, IN_UA) ? octets(s, IN_UA) : UA_ID_HTTP_DIGEST;
	char words[B64_LEN(KDF_OUT_LEN) + 1], print[KEY_FINGERPRINT_LEN + 1];
	struct span impi = span_str(s->impi.s);
	struct secret k = { 0 };
	struct naf_id naf;
	int rc = 0;

	if (!has(s, IN_NAF))
		return 0;
	if (naf_id_make(&naf, s->in->v[IN_NAF].text, ua) < 0)
		return err_set(s->err, -EINVAL, "naf: allowed is a host name");
	hex(s, "NAF_Id", naf.raw, naf.len, "NAF host name || Ua identifier", "33.220 H");
	if (!s->ks.len || !has(s, IN_RAND) || !s->impi.s[0])
		return 0;
	rc = kdf_ks_naf(&k, KDF_KS_NAF, &s->ks, octets(s, IN_RAND), impi, span_of(naf.raw, naf.len));
	if (rc == 0) {
		key(s, "Ks_NAF", &k, "KDF(Ks, 01, \"gba-me\", RAND, IMPI, NAF_Id); the same is Ks_ext_NAF",
		    "33.220 B.3");
		b64_encode(words, sizeof(words), k.b, k.len);
		text(s, "password", words, "base64(Ks_NAF), password of HTTP Digest on Ua", "24.109 5.2");
		OPENSSL_cleanse(words, sizeof(words));
		rc = key_fingerprint(print, &k);
		text(s, "fingerprint", print, "first 8 hex digits of SHA-256(\"gba key fingerprint\" || Ks_NAF)",
		     "as gba-ue shows it");
	}
	if (rc == 0)
		rc = kdf_ks_naf(&k, KDF_KS_INT_NAF, &s->ks, octets(s, IN_RAND), impi, span_of(naf.raw, naf.len));
	if (rc == 0)
		key(s, "Ks_int_NAF", &k, "KDF(Ks, 01, \"gba-u\", RAND, IMPI, NAF_Id); GBA_U only", "33.220 B.3");
	secret_clear(&k);
	return rc;
}

int keys_derive(const struct keys_input *in, keys_step_fn *step, void *owner, struct err *err)
{
	static int (*const stages[])(struct state *) = { contradictions, algorithm, card,    names,
							 run_values,     ks,        naf_keys };
	struct state s = { .in = in, .step = step, .owner = owner, .err = err };
	int rc = 0;

	err_set(err, -EIO, "OpenSSL failed");
	if (in->v[IN_RES].set)
		s.res = in->v[IN_RES].octets;
	for (size_t i = 0; rc == 0 && i < sizeof(stages) / sizeof(stages[0]); i++)
		rc = stages[i](&s);
	if (rc == 0 && s.steps == 0)
		rc = err_set(err, -EINVAL,
			     "nothing follows from this; give at least k, opc and rand, or ks, rand, impi and naf");
	OPENSSL_cleanse(&s, sizeof(s));
	return rc;
}
