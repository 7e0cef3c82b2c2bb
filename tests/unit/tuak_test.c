/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Keccak against OpenSSL's SHA-3 and TUAK's refusals. The published sets of 35.233 are run by tests/vectors. */
#include <errno.h>
#include <openssl/evp.h>

#include "common/crypto/keccak.h"
#include "common/crypto/tuak.h"
#include "tests/unit/suite.h"

/* One sponge of SHA3-256 (rate 136, padding 06) made with our permutation: equal to OpenSSL's for every length of a block. */
START_TEST(permutation_is_the_one_of_sha3)
{
	uint8_t state[KECCAK_LEN], message[135], want[32];

	for (size_t len = 0; len <= sizeof(message); len++) {
		for (size_t i = 0; i < len; i++)
			message[i] = (uint8_t)(i * 7 + len);
		memset(state, 0, sizeof(state));
		memcpy(state, message, len);
		state[len] ^= 0x06;
		state[135] ^= 0x80;
		keccak_f1600(state);
		ck_assert_int_eq(EVP_Digest(message, len, want, NULL, EVP_sha3_256(), NULL), 1);
		ck_assert_msg(memcmp(state, want, sizeof(want)) == 0, "length %zu", len);
	}
}
END_TEST

/* Twice in a row: FIPS 202's own constants and offsets reach every lane, the capacity too. */
START_TEST(second_block)
{
	uint8_t state[KECCAK_LEN] = { 0 }, message[136 + 9], want[32];

	memset(message, 0xa3, sizeof(message));
	for (size_t i = 0; i < 136; i++)
		state[i] = message[i];
	keccak_f1600(state);
	for (size_t i = 0; i < 9; i++)
		state[i] ^= message[136 + i];
	state[9] ^= 0x06;
	state[135] ^= 0x80;
	keccak_f1600(state);
	ck_assert_int_eq(EVP_Digest(message, sizeof(message), want, NULL, EVP_sha3_256(), NULL), 1);
	ck_assert_mem_eq(state, want, sizeof(want));
}
END_TEST

static const struct {
	uint8_t k, top;
	struct tuak_sizes size;
	bool f1, f2345;
} lengths[] = {
	{ 16, 32, { 8, 8, 16, 16, 1 }, true, true },     { 32, 32, { 8, 4, 16, 16, 1 }, true, true },
	{ 32, 32, { 32, 32, 32, 32, 9 }, true, true },   { 16, 32, { 16, 16, 16, 32, 1 }, true, true },
	{ 24, 32, { 8, 8, 16, 16, 1 }, false, false },   { 16, 16, { 8, 8, 16, 16, 1 }, false, false },
	{ 16, 32, { 8, 8, 16, 16, 0 }, false, false },   { 16, 32, { 4, 8, 16, 16, 1 }, false, true },
	{ 16, 32, { 8, 12, 16, 16, 1 }, true, false },   { 16, 32, { 8, 8, 24, 16, 1 }, true, false },
	{ 16, 32, { 8, 8, 16, 0, 1 }, true, false },     { 0, 32, { 8, 8, 16, 16, 1 }, false, false },
	{ 16, 32, { 64, 64, 16, 16, 1 }, false, false },
};

START_TEST(lengths_that_tuak_has)
{
	uint8_t mac[64], rand[16] = { 0 };
	struct secret res, before;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct secret k = { .len = lengths[i].k }, top = { .len = lengths[i].top };

		memset(mac, 0x55, sizeof(mac));
		memset(&res, 0x55, sizeof(res));
		before = res;
		ck_assert_msg(tuak_f1(mac, NULL, &k, &top, &lengths[i].size, rand, rand, rand) ==
				      (lengths[i].f1 ? 0 : -EINVAL),
			      "row %zu", i);
		ck_assert_msg(tuak_f2345(&res, NULL, NULL, NULL, NULL, &k, &top, &lengths[i].size, rand) ==
				      (lengths[i].f2345 ? 0 : -EINVAL),
			      "row %zu", i);
		if (!lengths[i].f1)
			ck_assert_uint_eq(mac[0], 0x55);
		else /* no octet more than asked for */
			ck_assert_uint_eq(mac[lengths[i].size.mac], 0x55);
		if (!lengths[i].f2345)
			ck_assert_mem_eq(&res, &before, sizeof(res));
	}
}
END_TEST

SUITE("tuak", permutation_is_the_one_of_sha3, second_block, lengths_that_tuak_has)
