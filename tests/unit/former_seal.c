/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/former_seal.h"

#include "common/crypto/evp.h"
#include "common/crypto/gcm.h"
#include "tests/unit/suite.h"

#define SALT_LEN 12
#define HEAD_LEN 22
#define INFO     "gba record v1"

static void key_of(uint8_t key[GCM_KEY_LEN], const struct seal_kek *kek, const uint8_t *salt)
{
	uint8_t what[SALT_LEN + sizeof(INFO) - 1];

	if (!kek->hmac) {
		ck_assert_int_eq(evp_hkdf_sha256(key, span_of(kek->key.b, kek->key.len), span_of(salt, SALT_LEN),
						 span_str(INFO)),
				 0);
		return;
	}
	memcpy(what, salt, SALT_LEN);
	memcpy(what + SALT_LEN, INFO, sizeof(INFO) - 1);
	ck_assert_int_eq(kek->hmac(kek->token, key, span_of(what, sizeof(what)), NULL), 0);
}

size_t former_seal(uint8_t *out, const struct seal_kek *kek, uint32_t start, uint64_t counter, struct span plain,
		   struct span aad)
{
	uint8_t key[GCM_KEY_LEN], iv[GCM_IV_LEN] = { 0 };

	memset(out, 0x5a, HEAD_LEN);
	out[0] = 1;
	out[1] = kek->id;
	be32_put(out + 2, start * 2654435761u);
	be64_put(out + 2 + SALT_LEN, counter);
	key_of(key, kek, out + 2);
	be64_put(iv + 4, counter);
	ck_assert_int_eq(gcm_seal(out + HEAD_LEN, &(struct gcm){ key, iv, { span_of(out, HEAD_LEN), aad } }, plain), 0);
	return plain.len + SEAL_OVERHEAD_MAX;
}

size_t former_seal_again(uint8_t *out, size_t cap, struct seal *s, const struct seal_kek *kek, struct span sealed,
			 struct span aad)
{
	static uint64_t counter;
	uint8_t *plain = malloc(sealed.len);
	int n = seal_open(s, plain, sealed.len, sealed, aad);

	ck_assert_int_ge(n, 0);
	ck_assert_uint_le((size_t)n + SEAL_OVERHEAD_MAX, cap);
	former_seal(out, kek, 1, counter++, span_of(plain, (size_t)n), aad);
	free(plain);
	return (size_t)n + SEAL_OVERHEAD_MAX;
}
