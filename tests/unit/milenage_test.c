/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Milenage as the card and the network use it. The published sets themselves are run by tests/vectors. */
#include <errno.h>
#include <pthread.h>

#include "common/base/bytes.h"
#include "common/crypto/milenage.h"
#include "tests/unit/suite.h"

/* TS 35.208 set 3 */
#define K    "fec86ba6eb707ed08905757b1bb44b8f"
#define RAND "9f7c8d021accf4db213ccff0c7f71a6a"
#define OP   "dbc59adcb6f9a0ef735477b7fadf8374"
#define OPC  "1006020f0a478bf6b699f15c062e42b3"
#define SQN  0x9d0277595ffcull
#define AUTN "ae4a3a9b4c97725c9cabc3e99baf7281"

static struct aka_cred cred;
static uint8_t rand_[AKA_RAND_LEN];

static void set3(void)
{
	cred.k = secret_of(K);
	cred.opc = secret_of(OPC);
	octets_of(cred.amf, 2, "725c");
	octets_of(rand_, sizeof(rand_), RAND);
}

/* 102-6.3.2-2 */
START_TEST(network_vector)
{
	struct aka_vector v = { 0 };
	struct secret op = secret_of(OP), opc = { 0 };

	set3();
	ck_assert_int_eq(milenage_opc(&opc, &cred.k, &op), 0);
	ck_assert(secret_equal(&opc, &cred.opc));
	ck_assert_int_eq(aka_vector_make(&v, &cred, rand_, SQN), 0);
	ck_assert_octets(v.rand, RAND);
	ck_assert_octets(v.autn, AUTN);
	ck_assert_secret(v.res, "8011c48c0c214ed2");
	ck_assert_secret(v.ck, "5dbdbb2954e8f3cde665b046179a5098");
	ck_assert_secret(v.ik, "59a92d3b476a0443487055cf88b2307b");
}
END_TEST

/* 102-6.3.3-1: the difference of one bit, wherever it is, is a MAC failure */
START_TEST(card_checks_mac)
{
	uint8_t autn[AKA_AUTN_LEN];
	uint64_t sqn = 0;

	set3();
	octets_of(autn, sizeof(autn), AUTN);
	ck_assert_int_eq(aka_autn_open(&sqn, &cred, rand_, autn), 0);
	ck_assert_uint_eq(sqn, SQN);
	for (unsigned bit = 0; bit < 8 * AKA_AUTN_LEN; bit++) {
		autn[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		ck_assert_msg(aka_autn_open(&sqn, &cred, rand_, autn) == -EBADMSG, "bit %u", bit);
		autn[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
	rand_[0] ^= 1;
	ck_assert_int_eq(aka_autn_open(&sqn, &cred, rand_, autn), -EBADMSG);
	rand_[0] ^= 1;
	cred.k.b[15] ^= 1;
	ck_assert_int_eq(aka_autn_open(&sqn, &cred, rand_, autn), -EBADMSG);
}
END_TEST

/* 102-6.3.3-3: MAC-S over AMF 0000 (not the AMF of the credential), masked with f5* */
START_TEST(auts_both_sides)
{
	uint8_t auts[AKA_AUTS_LEN], mac_s[8], sqn[6];
	uint64_t sqn_ms = 0;
	bool ok = false;

	set3();
	ck_assert_int_eq(aka_auts_make(auts, &cred, rand_, 0x123456789abc), 0);
	be48_put(sqn, 0x123456789abc);
	ck_assert_int_eq(milenage_f1(NULL, mac_s, &cred, rand_, sqn, (const uint8_t[2]){ 0, 0 }), 0);
	ck_assert_mem_eq(auts + 6, mac_s, 8);
	ck_assert_int_eq(aka_auts_open(&sqn_ms, &ok, &cred, rand_, auts), 0);
	ck_assert_uint_eq(sqn_ms, 0x123456789abc);
	ck_assert(ok);
	for (unsigned bit = 0; bit < 8 * AKA_AUTS_LEN; bit++) {
		auts[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		ck_assert_int_eq(aka_auts_open(&sqn_ms, &ok, &cred, rand_, auts), 0);
		ck_assert_msg(!ok, "bit %u", bit);
		auts[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}
END_TEST

START_TEST(wrong_sizes)
{
	struct secret out = { .len = 3, .b = "abc" }, short_key = secret_of("00112233");
	struct aka_vector v;
	uint8_t mac[8];

	set3();
	memset(&v, 0x55, sizeof(v));
	ck_assert_int_eq(milenage_opc(&out, &short_key, &cred.opc), -EINVAL);
	ck_assert_int_eq(milenage_opc(&out, &cred.k, &short_key), -EINVAL);
	cred.k.len = 15;
	ck_assert_int_eq(aka_vector_make(&v, &cred, rand_, 1), -EINVAL);
	ck_assert_int_eq(milenage_f1(mac, NULL, &cred, rand_, rand_, rand_), -EINVAL);
	cred.k.len = 16;
	cred.opc.len = 17;
	ck_assert_int_eq(milenage_f2345(&out, NULL, NULL, NULL, NULL, &cred, rand_), -EINVAL);
	ck_assert_uint_eq(out.len, 3);
	ck_assert_uint_eq(v.autn[0], 0x55);
}
END_TEST

static pthread_barrier_t start_line; /* they begin at once */

static void *many(void *failed)
{
	struct aka_cred c = cred;
	uint8_t autn[AKA_AUTN_LEN];
	uint64_t sqn;

	octets_of(autn, sizeof(autn), AUTN);
	pthread_barrier_wait(&start_line);
	for (int i = 0; i < 300; i++) {
		if (aka_autn_open(&sqn, &c, rand_, autn) != 0 || sqn != SQN)
			*(int *)failed = 1;
	}
	return NULL;
}

/* Contexts are the thread's own, and end with it. */
START_TEST(threads)
{
	pthread_t t[8];
	int failed[8] = { 0 };

	set3();
	pthread_barrier_init(&start_line, NULL, 8);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, many, &failed[i]), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		ck_assert_int_eq(failed[i], 0);
	}
}
END_TEST

SUITE("milenage", network_vector, card_checks_mac, auts_both_sides, wrong_sizes, threads)
