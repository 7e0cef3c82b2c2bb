/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of algorithms: every row makes vectors a card of the same row opens, and lengths are refused by name. */
#include <errno.h>

#include "common/crypto/aka_algorithm.h"
#include "common/crypto/sqn.h"
#include "tests/unit/suite.h"

#define K    "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP   "cdc202d5123e20f62b6d676ac72cb318"
#define RAND "23553cbe9637a89d218ae64dae47bf35"

static uint8_t rand_[AKA_RAND_LEN];

/* Credentials of every kind and length the table allows, one after the other. \returns false at the end */
static bool nth(struct aka_cred *c, unsigned n)
{
	for (int kind = 0; kind < AKA_KINDS; kind++) {
		const struct aka_algorithm *a;
		struct secret op = { 0 };

		*c = (struct aka_cred){ .kind = (enum aka_kind)kind, .amf = { 0, 0x5a } };
		a = aka_algorithm_of(c);
		op.len = a->op_len;
		memset(op.b, 0x3c, op.len);
		for (unsigned k = 0; k < 2 && a->k_len[k]; k++) {
			for (unsigned r = 0; r < 4 && a->res_len[r]; r++) {
				if (n-- > 0)
					continue;
				c->k.len = a->k_len[k];
				memset(c->k.b, 0x77 + kind, c->k.len);
				c->res_len = a->res_len[r];
				if (a->opc)
					ck_assert_int_eq(aka_opc_make(&c->opc, c, &op), 0);
				return true;
			}
		}
	}
	return false;
}

START_TEST(every_row_both_sides)
{
	struct aka_cred c;
	unsigned n;

	octets_of(rand_, sizeof(rand_), RAND);
	for (n = 0; nth(&c, n); n++) {
		struct aka_vector v = { 0 };
		struct secret res = { 0 }, ck = { 0 }, ik = { 0 };
		uint8_t auts[AKA_AUTS_LEN];
		uint64_t sqn = 0;
		bool ok = false;

		ck_assert_int_eq(aka_vector_make(&v, &c, rand_, sqn_make(77, 4)), 0);
		ck_assert_uint_eq(v.res.len, c.res_len);
		ck_assert_uint_eq(v.ck.len, 16);
		ck_assert_uint_eq(v.ik.len, 16);
		ck_assert_int_eq(aka_autn_open(&sqn, &c, rand_, v.autn), 0);
		ck_assert_uint_eq(sqn, sqn_make(77, 4));
		ck_assert_int_eq(aka_f2345(&res, &ck, &ik, NULL, NULL, &c, rand_), 0);
		ck_assert(secret_equal(&res, &v.res) && secret_equal(&ck, &v.ck) && secret_equal(&ik, &v.ik));
		v.autn[15] ^= 1;
		ck_assert_int_eq(aka_autn_open(&sqn, &c, rand_, v.autn), -EBADMSG);
		ck_assert_int_eq(aka_auts_make(auts, &c, rand_, 0x123456789abc), 0);
		ck_assert_int_eq(aka_auts_open(&sqn, &ok, &c, rand_, auts), 0);
		ck_assert(ok && sqn == 0x123456789abc);
		auts[13] ^= 1;
		ck_assert_int_eq(aka_auts_open(&sqn, &ok, &c, rand_, auts), 0);
		ck_assert(!ok);
		ck_assert(aka_algorithm_fits(&c));
		c.k.b[0] ^= 1; /* another K: another everything */
		ck_assert_int_eq(aka_f2345(NULL, &ck, NULL, NULL, NULL, &c, rand_), 0);
		ck_assert(!secret_equal(&ck, &v.ck));
	}
	ck_assert_uint_eq(n, 1 + 2 * 3 + 3);
}
END_TEST

/* TS 34.108 8.1.2, worked by hand: XDOUT = K xor RAND */
START_TEST(xor_by_hand)
{
	struct aka_cred c = { .kind = AKA_XOR,
			      .k = secret_of("000102030405060708090a0b0c0d0e0f"),
			      .amf = { 0x12, 0x34 } };
	struct aka_vector v;

	octets_of(rand_, sizeof(rand_), "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0");
	ck_assert_int_eq(aka_vector_make(&v, &c, rand_, 0x010203040506), 0);
	ck_assert_secret(v.res, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
	ck_assert_secret(v.ck, "f1f2f3f4f5f6f7f8f9fafbfcfdfefff0");
	ck_assert_secret(v.ik, "f2f3f4f5f6f7f8f9fafbfcfdfefff0f1");
	/* AK f3f4f5f6f7f8 over the SQN, AMF, MAC = XDOUT[0..7] xor (SQN || AMF) */
	ck_assert_octets(v.autn, "f2f6f6f2f2fe1234f1f3f1f7f1f3e4c3");
	c.res_len = 4;
	ck_assert_int_eq(aka_vector_make(&v, &c, rand_, 1), 0);
	ck_assert_secret(v.res, "f0f1f2f3");
}
END_TEST

static const struct {
	enum aka_kind kind;
	uint8_t k, op, res, rounds;
	const char *says; /* NULL: fits */
} lengths[] = {
	{ AKA_MILENAGE, 16, 16, 0, 0, NULL },
	{ AKA_MILENAGE, 16, 16, 8, 0, NULL },
	{ AKA_MILENAGE, 32, 16, 0, 0, "K of 256 bits; allowed with milenage: 128" },
	{ AKA_MILENAGE, 16, 32, 0, 0, "op or opc of 256 bits; allowed with milenage: 128" },
	{ AKA_MILENAGE, 16, 0, 0, 0, "op or opc of 0 bits; allowed with milenage: 128" },
	{ AKA_MILENAGE, 16, 16, 4, 0, "RES of 32 bits; allowed with milenage: 64" },
	{ AKA_MILENAGE, 16, 16, 0, 2, "rounds; allowed with tuak only" },
	{ AKA_TUAK, 16, 32, 0, 0, NULL },
	{ AKA_TUAK, 32, 32, 4, 2, NULL },
	{ AKA_TUAK, 32, 32, 16, 255, NULL },
	{ AKA_TUAK, 24, 32, 0, 0, "K of 192 bits; allowed with tuak: 128 or 256" },
	{ AKA_TUAK, 16, 16, 0, 0, "op or opc of 128 bits; allowed with tuak: 256" },
	{ AKA_TUAK, 16, 32, 32, 0, "RES of 256 bits; allowed with tuak: 64, 32 or 128" },
	{ AKA_TUAK, 16, 32, 12, 0, "RES of 96 bits; allowed with tuak: 64, 32 or 128" },
	{ AKA_XOR, 16, 0, 0, 0, NULL },
	{ AKA_XOR, 16, 16, 0, 0, "op or opc; allowed with xor: none" },
	{ AKA_XOR, 32, 0, 0, 0, "K of 256 bits; allowed with xor: 128" },
};

START_TEST(lengths_by_name)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct aka_cred c = { .k.len = lengths[i].k,
				      .kind = lengths[i].kind,
				      .res_len = lengths[i].res,
				      .rounds = lengths[i].rounds };
		uint8_t mac[AKA_MAC_LEN];
		struct err err = { "" };
		int want = lengths[i].says ? -EINVAL : 0;

		ck_assert_msg(aka_algorithm_check(&c, lengths[i].op, &err) == want, "row %zu: %s", i, err.text);
		ck_assert_msg(!lengths[i].says || strstr(err.text, lengths[i].says), "row %zu: %s", i, err.text);
		c.opc.len = lengths[i].op;
		ck_assert_int_eq(aka_f1(mac, NULL, &c, rand_, rand_, rand_), want);
		ck_assert_int_eq(aka_f2345(NULL, NULL, NULL, mac, NULL, &c, rand_), want);
	}
}
END_TEST

START_TEST(names)
{
	enum aka_kind kind = AKA_KINDS;

	ck_assert_int_eq(aka_algorithm_find(&kind, "TUAK;", 4), 0);
	ck_assert_int_eq(kind, AKA_TUAK);
	ck_assert_int_eq(aka_algorithm_find(&kind, "Milenage", 8), 0);
	ck_assert_int_eq(kind, AKA_MILENAGE);
	ck_assert_int_eq(aka_algorithm_find(&kind, "xor", 3), 0);
	ck_assert_int_eq(aka_algorithm_find(&kind, "comp128v1", 9), -ENOENT);
	ck_assert_int_eq(aka_algorithm_find(&kind, "", 0), -ENOENT);
	ck_assert_int_eq(kind, AKA_XOR);
	ck_assert_ptr_null(strstr(aka_algorithm_names(false), "xor"));
	for (int k = 0; k < AKA_KINDS; k++) { /* the list has every row that it may have */
		const struct aka_algorithm *a = aka_algorithm_of(&(struct aka_cred){ .kind = (enum aka_kind)k });

		ck_assert_ptr_nonnull(strstr(aka_algorithm_names(true), a->name));
		ck_assert_int_eq(a->test_only, k == AKA_XOR);
	}
}
END_TEST

SUITE("aka_algorithm", every_row_both_sides, xor_by_hand, lengths_by_name, names)
