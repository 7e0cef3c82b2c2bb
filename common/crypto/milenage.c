/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/milenage.h"

#include <errno.h>
#include <string.h>

#include "common/crypto/evp.h"

#define BLOCK 16

typedef uint8_t block[BLOCK];

static int key_set(const struct secret *k)
{
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();

	if (k->len != AKA_KEY_LEN)
		return -EINVAL;
	if (!a || !t || EVP_EncryptInit_ex2(t->aes_ecb, a->aes128_ecb, k->b, NULL, NULL) != 1)
		return -EIO;
	EVP_CIPHER_CTX_set_padding(t->aes_ecb, 0);
	return 0;
}

/* The expanded key must not outlive the call. */
static void key_clear(void)
{
	struct evp_thread *t = evp_thread();

	if (t)
		EVP_CIPHER_CTX_reset(t->aes_ecb);
}

static int encrypt(block out, const block in)
{
	int n;

	return EVP_EncryptUpdate(evp_thread()->aes_ecb, out, &n, in, BLOCK) == 1 && n == BLOCK ? 0 : -EIO;
}

static void xor_into(block a, const uint8_t *b)
{
	for (int i = 0; i < BLOCK; i++)
		a[i] ^= b[i];
}

/* One output block of TS 35.206 4.1: E(rot(x ^ OPc, r) ^ c ^ y) ^ OPc; r in octets, c only in the last octet. */
static int out_block(block out, const block x, const uint8_t *opc, unsigned rot, uint8_t c, const uint8_t *y)
{
	block in;
	int rc;

	for (unsigned i = 0; i < BLOCK; i++)
		in[i] = x[(i + rot) % BLOCK] ^ opc[(i + rot) % BLOCK];
	in[BLOCK - 1] ^= c;
	if (y)
		xor_into(in, y);
	rc = encrypt(out, in);
	xor_into(out, opc);
	return rc;
}

static int temp_block(block temp, const struct aka_cred *c, const uint8_t rand[16])
{
	int rc;

	if (c->opc.len != AKA_KEY_LEN)
		return -EINVAL;
	rc = key_set(&c->k);
	if (rc < 0)
		return rc;
	memcpy(temp, rand, BLOCK);
	xor_into(temp, c->opc.b);
	return encrypt(temp, temp);
}

int milenage_opc(struct secret *opc, const struct secret *k, const struct secret *op)
{
	block out;
	int rc;

	if (op->len != AKA_KEY_LEN)
		return -EINVAL;
	rc = key_set(k);
	if (rc == 0)
		rc = encrypt(out, op->b);
	key_clear();
	if (rc == 0) {
		xor_into(out, op->b);
		rc = secret_set(opc, out, BLOCK);
	}
	OPENSSL_cleanse(out, sizeof(out));
	return rc;
}

int milenage_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16],
		const uint8_t sqn[6], const uint8_t amf[2])
{
	block temp, in1, out;
	int rc = temp_block(temp, c, rand);

	memcpy(in1, sqn, 6);
	memcpy(in1 + 6, amf, 2);
	memcpy(in1 + 8, in1, 8);
	if (rc == 0)
		rc = out_block(out, in1, c->opc.b, 8, 0, temp);
	key_clear();
	if (rc == 0) {
		if (mac_a)
			memcpy(mac_a, out, 8);
		if (mac_s)
			memcpy(mac_s, out + 8, 8);
	}
	OPENSSL_cleanse(temp, sizeof(temp));
	OPENSSL_cleanse(out, sizeof(out));
	return rc;
}

int milenage_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
		   const struct aka_cred *c, const uint8_t rand[16])
{
	block temp, out[4]; /* OUT2 (f5, f2), OUT3 (f3), OUT4 (f4), OUT5 (f5*) */
	static const struct {
		uint8_t rot, c;
	} rc_of[4] = { { 0, 1 }, { 4, 2 }, { 8, 4 }, { 12, 8 } };
	const bool want[4] = { res || ak, ck != NULL, ik != NULL, ak_star != NULL };
	int rc = temp_block(temp, c, rand);

	for (int i = 0; i < 4 && rc == 0; i++) {
		if (want[i])
			rc = out_block(out[i], temp, c->opc.b, rc_of[i].rot, rc_of[i].c, NULL);
	}
	key_clear();
	if (rc == 0) {
		if (ak)
			memcpy(ak, out[0], 6);
		if (res)
			secret_set(res, out[0] + 8, 8);
		if (ck)
			secret_set(ck, out[1], BLOCK);
		if (ik)
			secret_set(ik, out[2], BLOCK);
		if (ak_star)
			memcpy(ak_star, out[3], 6);
	}
	OPENSSL_cleanse(temp, sizeof(temp));
	OPENSSL_cleanse(out, sizeof(out));
	return rc;
}
