/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/keccak.h"

#include <openssl/crypto.h>

#define LANES  25
#define ROUNDS 24

/* Iota, FIPS 202 3.2.5. */
static const uint64_t round_constant[ROUNDS] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
	0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
	0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
	0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* Rho, FIPS 202 table 2, by lane x + 5 * y. */
static const uint8_t offset[LANES] = {
	0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
};

static uint64_t rotate(uint64_t v, unsigned by)
{
	return by ? v << by | v >> (64 - by) : v;
}

static void theta(uint64_t a[LANES])
{
	uint64_t c[5], d;

	for (int x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (int x = 0; x < 5; x++) {
		d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
		for (int y = 0; y < LANES; y += 5)
			a[x + y] ^= d;
	}
}

static void rho_pi(uint64_t b[LANES], const uint64_t a[LANES])
{
	for (int x = 0; x < 5; x++) {
		for (int y = 0; y < 5; y++)
			b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[x + 5 * y], offset[x + 5 * y]);
	}
}

static void chi(uint64_t a[LANES], const uint64_t b[LANES])
{
	for (int y = 0; y < LANES; y += 5) {
		for (int x = 0; x < 5; x++)
			a[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]);
	}
}

void keccak_f1600(uint8_t state[KECCAK_LEN])
{
	uint64_t a[LANES] = { 0 }, b[LANES];

	for (int i = 0; i < KECCAK_LEN; i++)
		a[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
	for (int r = 0; r < ROUNDS; r++) {
		theta(a);
		rho_pi(b, a);
		chi(a, b);
		a[0] ^= round_constant[r];
	}
	for (int i = 0; i < KECCAK_LEN; i++)
		state[i] = (uint8_t)(a[i / 8] >> 8 * (i % 8));
	OPENSSL_cleanse(a, sizeof(a));
	OPENSSL_cleanse(b, sizeof(b));
}
