/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/gba_u.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/crypto/evp.h"

#define MAC_AT  8
#define MAC_LEN 8

int gba_u_autn(uint8_t out[AKA_AUTN_LEN], const uint8_t autn[AKA_AUTN_LEN], const struct secret *ik,
	       enum gba_u_hash hash)
{
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (ik->len != AKA_KEY_LEN)
		return -EINVAL;
	if (!a || !t || EVP_DigestInit_ex2(t->md, hash == GBA_U_SHA256 ? a->sha256 : a->sha1, NULL) != 1 ||
	    EVP_DigestUpdate(t->md, ik->b, ik->len) != 1 || EVP_DigestFinal_ex(t->md, digest, NULL) != 1)
		return -EIO;
	memmove(out, autn, AKA_AUTN_LEN);
	for (int i = 0; i < MAC_LEN; i++)
		out[MAC_AT + i] ^= digest[i];
	OPENSSL_cleanse(digest, sizeof(digest));
	return 0;
}

void gba_u_res(struct secret *res)
{
	assert(res->len);
	res->b[res->len - 1] ^= 1;
}
