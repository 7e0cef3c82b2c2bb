/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/gcm.h"

#include <errno.h>

#include "common/crypto/evp.h"

/* A context that knows its cipher is not told again: OpenSSL would begin it anew. */
static bool gcm_begin(EVP_CIPHER_CTX *ctx, const struct gcm *g, bool seals)
{
	const EVP_CIPHER *cipher = EVP_CIPHER_CTX_get0_cipher(ctx) ? NULL : evp_algorithms()->aes256_gcm;
	bool ok = EVP_CipherInit_ex2(ctx, cipher, g->key, g->iv, seals, NULL) == 1;
	int n;

	for (size_t i = 0; i < sizeof(g->aad) / sizeof(g->aad[0]) && ok; i++)
		ok = g->aad[i].len == 0 || EVP_CipherUpdate(ctx, NULL, &n, g->aad[i].p, (int)g->aad[i].len) == 1;
	return ok;
}

static bool gcm_text(EVP_CIPHER_CTX *ctx, uint8_t *out, struct span in)
{
	int n;

	return in.len == 0 || EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.len) == 1;
}

int gcm_seal(uint8_t *out, const struct gcm *g, struct span plain)
{
	struct evp_thread *t = evp_thread();
	uint8_t *tag = out + plain.len;
	int n;

	if (!t || !gcm_begin(t->sealing, g, true) || !gcm_text(t->sealing, out, plain) ||
	    EVP_CipherFinal_ex(t->sealing, tag, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(t->sealing, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) != 1)
		return -EIO;
	return 0;
}

int gcm_open(uint8_t *out, const struct gcm *g, struct span sealed)
{
	struct evp_thread *t = evp_thread();
	size_t len = sealed.len - GCM_TAG_LEN;
	int n;

	if (!t || !gcm_begin(t->opening, g, false) || !gcm_text(t->opening, out, span_of(sealed.p, len)) ||
	    EVP_CIPHER_CTX_ctrl(t->opening, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, (void *)(sealed.p + len)) != 1)
		return -EIO;
	return EVP_CipherFinal_ex(t->opening, out + len, &n) == 1 ? 0 : -EBADMSG;
}

void gcm_forget(void)
{
	struct evp_thread *t = evp_thread();

	if (!t)
		return;
	EVP_CIPHER_CTX_reset(t->sealing);
	EVP_CIPHER_CTX_reset(t->opening);
}
