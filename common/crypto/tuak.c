/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/tuak.h"

#include <errno.h>
#include <string.h>

#include "common/crypto/keccak.h"

/* Where the parts of the state begin, in octets (35.231 6.2 to 6.6). The octets of a value stand in it the last one first. */
enum {
	AT_TOP = 0,
	AT_INSTANCE = 32,
	AT_NAME = 33,
	AT_RAND = 40,
	AT_AMF = 56,
	AT_SQN = 58,
	AT_KEY = 64,
	AT_PAD = 96,      /* five ones */
	AT_PAD_END = 135, /* the last bit of the rate */
	AT_RES = 0,       /* of the output; MAC and TOPc too */
	AT_CK = 32,
	AT_IK = 64,
	AT_AK = 96,
};

/* The bits of INSTANCE, the first one (bit 0 of the text) being the highest. */
#define INST_F1_STAR 0x80
#define INST_F2345   0x40
#define INST_F5_STAR 0xc0
#define INST_CK_256  0x04
#define INST_IK_256  0x02
#define INST_K_256   0x01

/* The length in octets, as bits 2 to 4 tell it: 64 bits 001, 128 bits 010, 256 bits 100; RES of 32 bits 000. */
static uint8_t inst_length(uint8_t octets)
{
	return octets == 4 ? 0 : octets;
}

static void push(uint8_t state[KECCAK_LEN], int at, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		state[at + i] = p[len - 1 - i];
}

static void pull(uint8_t *out, const uint8_t state[KECCAK_LEN], int at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = state[at + len - 1 - i];
}

static void pull_secret(struct secret *out, const uint8_t state[KECCAK_LEN], int at, uint8_t len)
{
	if (!out)
		return;
	*out = (struct secret){ .len = len };
	pull(out->b, state, at, len);
}

/* What all functions have in common: the state before the permutation, without AMF and SQN. rand NULL: zeros. */
static void fill(uint8_t state[KECCAK_LEN], uint8_t instance, const struct secret *top, const struct secret *k,
		 const uint8_t *rand)
{
	static const uint8_t name[] = { 'T', 'U', 'A', 'K', '1', '.', '0' };

	memset(state, 0, KECCAK_LEN);
	push(state, AT_TOP, top->b, TUAK_OP_LEN);
	state[AT_INSTANCE] = instance | (k->len == 32 ? INST_K_256 : 0);
	push(state, AT_NAME, name, sizeof(name));
	if (rand)
		push(state, AT_RAND, rand, AKA_RAND_LEN);
	push(state, AT_KEY, k->b, k->len);
	state[AT_PAD] = 0x1f;
	state[AT_PAD_END] = 0x80;
}

static void permute(uint8_t state[KECCAK_LEN], unsigned rounds)
{
	while (rounds--)
		keccak_f1600(state);
}

static bool keys_fit(const struct secret *k, const struct secret *top, unsigned rounds)
{
	return (k->len == 16 || k->len == 32) && top->len == TUAK_OP_LEN && rounds > 0;
}

int tuak_topc(struct secret *topc, const struct secret *k, const struct secret *top, unsigned rounds)
{
	uint8_t state[KECCAK_LEN];

	if (!keys_fit(k, top, rounds))
		return -EINVAL;
	fill(state, 0, top, k, NULL);
	permute(state, rounds);
	pull_secret(topc, state, AT_TOP, TUAK_OP_LEN);
	OPENSSL_cleanse(state, sizeof(state));
	return 0;
}

static void mac(uint8_t *out, uint8_t instance, const struct secret *k, const struct secret *topc,
		const struct tuak_sizes *size, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf)
{
	uint8_t state[KECCAK_LEN];

	if (!out)
		return;
	fill(state, instance | inst_length(size->mac), topc, k, rand);
	push(state, AT_AMF, amf, AKA_AMF_LEN);
	push(state, AT_SQN, sqn, AKA_SQN_LEN);
	permute(state, size->rounds);
	pull(out, state, AT_RES, size->mac);
	OPENSSL_cleanse(state, sizeof(state));
}

int tuak_f1(uint8_t *mac_a, uint8_t *mac_s, const struct secret *k, const struct secret *topc,
	    const struct tuak_sizes *size, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2])
{
	if (!keys_fit(k, topc, size->rounds) || (size->mac != 8 && size->mac != 16 && size->mac != 32))
		return -EINVAL;
	mac(mac_a, 0, k, topc, size, rand, sqn, amf);
	mac(mac_s, INST_F1_STAR, k, topc, size, rand, sqn, amf);
	return 0;
}

static bool sizes_fit(const struct tuak_sizes *s)
{
	return (s->res == 4 || s->res == 8 || s->res == 16 || s->res == 32) && (s->ck == 16 || s->ck == 32) &&
	       (s->ik == 16 || s->ik == 32);
}

int tuak_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
	       const struct secret *k, const struct secret *topc, const struct tuak_sizes *size, const uint8_t rand[16])
{
	uint8_t state[KECCAK_LEN], instance;

	if (!keys_fit(k, topc, size->rounds) || !sizes_fit(size))
		return -EINVAL;
	instance = INST_F2345 | inst_length(size->res) | (size->ck == 32 ? INST_CK_256 : 0) |
		   (size->ik == 32 ? INST_IK_256 : 0);
	if (res || ck || ik || ak) {
		fill(state, instance, topc, k, rand);
		permute(state, size->rounds);
		pull_secret(res, state, AT_RES, size->res);
		pull_secret(ck, state, AT_CK, size->ck);
		pull_secret(ik, state, AT_IK, size->ik);
		if (ak)
			pull(ak, state, AT_AK, AKA_AK_LEN);
	}
	if (ak_star) {
		fill(state, INST_F5_STAR, topc, k, rand);
		permute(state, size->rounds);
		pull(ak_star, state, AT_AK, AKA_AK_LEN);
	}
	OPENSSL_cleanse(state, sizeof(state));
	return 0;
}
