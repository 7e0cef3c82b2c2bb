/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/evp.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "common/base/bytes.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool usable;
static struct evp_algorithms alg;

static void thread_free(void *p)
{
	struct evp_thread *t = p;

	EVP_CIPHER_CTX_free(t->aes_ecb);
	EVP_CIPHER_CTX_free(t->sealing.ctx);
	EVP_CIPHER_CTX_free(t->opening.ctx);
	EVP_MD_CTX_free(t->md);
	EVP_MD_CTX_free(t->hmac);
	EVP_MAC_CTX_free(t->kept);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

/* The main thread runs no key destructors at exit. */
static void __attribute__((destructor)) process_free(void)
{
	struct evp_thread *t;

	if (!usable)
		return;
	t = pthread_getspecific(key);
	if (t) {
		pthread_setspecific(key, NULL);
		thread_free(t);
	}
	EVP_CIPHER_free(alg.aes128_ecb);
	EVP_CIPHER_free(alg.aes256_gcm);
	EVP_MD_free(alg.md5);
	EVP_MD_free(alg.sha1);
	EVP_MD_free(alg.sha256);
	EVP_MAC_free(alg.hmac);
	alg = (struct evp_algorithms){ 0 };
	usable = false;
}

static void init(void)
{
	if (!OSSL_LIB_CTX_get0_global_default()) /* it found no memory to begin: to fetch anything from it would be the end */
		return;
	alg.aes128_ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	alg.aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	alg.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	alg.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	alg.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	alg.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	usable = pthread_key_create(&key, thread_free) == 0;
	if (!alg.aes128_ecb || !alg.aes256_gcm || !alg.md5 || !alg.sha1 || !alg.sha256 || !alg.hmac)
		usable = false;
}

const struct evp_algorithms *evp_algorithms(void)
{
	pthread_once(&once, init);
	return usable ? &alg : NULL;
}

/* Said once per context: told with each key, OpenSSL would look the digest up by name each time. */
static bool hmac_of_sha256(EVP_MAC_CTX *ctx)
{
	char name[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
				      OSSL_PARAM_END };

	return EVP_MAC_CTX_set_params(ctx, params) == 1;
}

struct evp_thread *evp_thread(void)
{
	struct evp_thread *t;

	if (!evp_algorithms())
		return NULL;
	t = pthread_getspecific(key);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->aes_ecb = EVP_CIPHER_CTX_new();
	t->sealing.ctx = EVP_CIPHER_CTX_new();
	t->opening.ctx = EVP_CIPHER_CTX_new();
	t->md = EVP_MD_CTX_new();
	t->hmac = EVP_MD_CTX_new();
	t->kept = EVP_MAC_CTX_new(alg.hmac);
	if (!t->aes_ecb || !t->sealing.ctx || !t->opening.ctx || !t->md || !t->hmac || !t->kept ||
	    !hmac_of_sha256(t->kept) || pthread_setspecific(key, t) != 0) {
		thread_free(t);
		return NULL;
	}
	return t;
}

EVP_CIPHER_CTX *evp_gcm_begin(struct evp_gcm *g, bool seals, const uint8_t *k, const uint8_t iv[12])
{
	bool again = g->has_key && CRYPTO_memcmp(g->key, k, EVP_GCM_KEY_LEN) == 0;
	const EVP_CIPHER *cipher = g->has_key ? NULL : alg.aes256_gcm;

	g->has_key = EVP_CipherInit_ex2(g->ctx, cipher, again ? NULL : k, iv, seals, NULL) == 1;
	if (g->has_key && !again)
		memcpy(g->key, k, EVP_GCM_KEY_LEN);
	return g->has_key ? g->ctx : NULL;
}

void evp_gcm_forget(struct evp_gcm *g)
{
	EVP_CIPHER_CTX_reset(g->ctx);
	OPENSSL_cleanse(g->key, sizeof(g->key));
	g->has_key = false;
}

/* One of the two digests of RFC 2104: of a block made of the key, and of what follows. */
static bool keyed_digest(EVP_MD_CTX *md, uint8_t out[32], const uint8_t block[EVP_HMAC_KEY_MAX],
			 const struct span *pieces, size_t n)
{
	bool ok = EVP_DigestInit_ex2(md, alg.sha256, NULL) == 1 && EVP_DigestUpdate(md, block, EVP_HMAC_KEY_MAX) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = pieces[i].len == 0 || EVP_DigestUpdate(md, pieces[i].p, pieces[i].len) == 1;
	return ok && EVP_DigestFinal_ex(md, out, NULL) == 1;
}

/* By hand: with a key for each message EVP_MAC costs twice as much, since it copies contexts, and keeps the key until it is told
 * another one. */
int evp_hmac_sha256(uint8_t out[32], const uint8_t *k, size_t keylen, const struct span *pieces, size_t n)
{
	struct evp_thread *t = evp_thread();
	uint8_t inner[EVP_HMAC_KEY_MAX], outer[EVP_HMAC_KEY_MAX], digest[32];
	bool ok;

	if (!t || keylen > EVP_HMAC_KEY_MAX)
		return -EIO;
	for (size_t i = 0; i < EVP_HMAC_KEY_MAX; i++) {
		uint8_t c = i < keylen ? k[i] : 0;

		inner[i] = c ^ 0x36;
		outer[i] = c ^ 0x5c;
	}
	ok = keyed_digest(t->hmac, digest, inner, pieces, n) &&
	     keyed_digest(t->hmac, out, outer, &(struct span){ digest, sizeof(digest) }, 1);
	EVP_DigestInit_ex2(t->hmac, alg.sha256, NULL); /* the last digest is what it has in its memory */
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
	OPENSSL_cleanse(digest, sizeof(digest));
	return ok ? 0 : -EIO;
}

/* k NULL: the key that ctx has. */
static int hmac_kept(EVP_MAC_CTX *ctx, uint8_t out[32], const uint8_t *k, size_t keylen, struct span what)
{
	size_t len;

	if (EVP_MAC_init(ctx, k, keylen, NULL) != 1 || (what.len && EVP_MAC_update(ctx, what.p, what.len) != 1))
		return -EIO;
	return EVP_MAC_final(ctx, out, &len, 32) == 1 && len == 32 ? 0 : -EIO;
}

int evp_hmac_sha256_kept(uint8_t out[32], const uint8_t *k, size_t keylen, struct span what)
{
	struct evp_thread *t = evp_thread();
	bool again;
	int rc;

	if (!t || keylen == 0 || keylen > EVP_HMAC_KEY_MAX)
		return -EIO;
	again = t->kept_len == keylen && CRYPTO_memcmp(t->kept_key, k, keylen) == 0;
	t->kept_len = 0; /* until it is known to be in the context */
	rc = hmac_kept(t->kept, out, again ? NULL : k, again ? 0 : keylen, what);
	if (rc < 0)
		return rc;
	memcpy(t->kept_key, k, keylen);
	t->kept_len = keylen;
	return 0;
}
