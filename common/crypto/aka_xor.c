/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/aka_xor.h"

#include <string.h>

#define XDOUT_LEN 16

/* 8.1.2.1 step 1 */
static void xdout_make(uint8_t xdout[XDOUT_LEN], const struct aka_cred *c, const uint8_t rand[16])
{
	for (int i = 0; i < XDOUT_LEN; i++)
		xdout[i] = c->k.b[i] ^ rand[i];
}

/* Step 2: the same, its first octets moved to the end. */
static void rotated(struct secret *out, const uint8_t xdout[XDOUT_LEN], int by)
{
	if (!out)
		return;
	*out = (struct secret){ .len = XDOUT_LEN };
	for (int i = 0; i < XDOUT_LEN; i++)
		out->b[i] = xdout[(i + by) % XDOUT_LEN];
}

int aka_xor_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16],
	       const uint8_t sqn[6], const uint8_t amf[2])
{
	uint8_t xdout[XDOUT_LEN], out[AKA_MAC_LEN];

	xdout_make(xdout, c, rand);
	for (int i = 0; i < AKA_MAC_LEN; i++)
		out[i] = xdout[i] ^ (i < AKA_SQN_LEN ? sqn[i] : amf[i - AKA_SQN_LEN]);
	if (mac_a)
		memcpy(mac_a, out, sizeof(out));
	if (mac_s)
		memcpy(mac_s, out, sizeof(out));
	OPENSSL_cleanse(xdout, sizeof(xdout));
	return 0;
}

int aka_xor_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
		  const struct aka_cred *c, const uint8_t rand[16])
{
	uint8_t xdout[XDOUT_LEN];

	xdout_make(xdout, c, rand);
	rotated(res, xdout, 0);
	if (res && c->res_len)
		res->len = c->res_len;
	rotated(ck, xdout, 1);
	rotated(ik, xdout, 2);
	if (ak)
		memcpy(ak, xdout + 3, AKA_AK_LEN);
	if (ak_star)
		memcpy(ak_star, xdout + 3, AKA_AK_LEN);
	OPENSSL_cleanse(xdout, sizeof(xdout));
	return 0;
}
