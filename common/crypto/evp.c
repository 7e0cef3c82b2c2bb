/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/evp.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <openssl/crypto.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool usable;
static struct evp_algorithms alg;

static void thread_free(void *p)
{
	struct evp_thread *t = p;

	EVP_CIPHER_CTX_free(t->aes_ecb);
	EVP_CIPHER_CTX_free(t->sealing);
	EVP_CIPHER_CTX_free(t->opening);
	EVP_MD_CTX_free(t->md);
	EVP_MD_CTX_free(t->hmac);
	for (size_t i = 0; i < EVP_KEPT; i++) {
		EVP_MD_CTX_free(t->kept[i].inner);
		EVP_MD_CTX_free(t->kept[i].outer);
	}
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
	usable = pthread_key_create(&key, thread_free) == 0;
	if (!alg.aes128_ecb || !alg.aes256_gcm || !alg.md5 || !alg.sha1 || !alg.sha256)
		usable = false;
}

const struct evp_algorithms *evp_algorithms(void)
{
	pthread_once(&once, init);
	return usable ? &alg : NULL;
}

static bool kept_new(struct evp_kept *k)
{
	k->inner = EVP_MD_CTX_new();
	k->outer = EVP_MD_CTX_new();
	return k->inner && k->outer;
}

struct evp_thread *evp_thread(void)
{
	struct evp_thread *t;
	bool ok = true;

	if (!evp_algorithms())
		return NULL;
	t = pthread_getspecific(key);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->aes_ecb = EVP_CIPHER_CTX_new();
	t->sealing = EVP_CIPHER_CTX_new();
	t->opening = EVP_CIPHER_CTX_new();
	t->md = EVP_MD_CTX_new();
	t->hmac = EVP_MD_CTX_new();
	for (size_t i = 0; i < EVP_KEPT; i++)
		ok = kept_new(&t->kept[i]) && ok;
	if (!ok || !t->aes_ecb || !t->sealing || !t->opening || !t->md || !t->hmac ||
	    pthread_setspecific(key, t) != 0) {
		thread_free(t);
		return NULL;
	}
	return t;
}

static void blocks_make(uint8_t inner[EVP_HMAC_KEY_MAX], uint8_t outer[EVP_HMAC_KEY_MAX], const uint8_t *k,
			size_t keylen)
{
	for (size_t i = 0; i < EVP_HMAC_KEY_MAX; i++) {
		uint8_t c = i < keylen ? k[i] : 0;

		inner[i] = c ^ 0x36;
		outer[i] = c ^ 0x5c;
	}
}

static bool digest_begin(EVP_MD_CTX *md, const uint8_t block[EVP_HMAC_KEY_MAX])
{
	return EVP_DigestInit_ex2(md, alg.sha256, NULL) == 1 && EVP_DigestUpdate(md, block, EVP_HMAC_KEY_MAX) == 1;
}

static bool digest_end(EVP_MD_CTX *md, uint8_t out[32], const struct span *pieces, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = pieces[i].len == 0 || EVP_DigestUpdate(md, pieces[i].p, pieces[i].len) == 1;
	return ok && EVP_DigestFinal_ex(md, out, NULL) == 1;
}

/* By hand, the two digests of RFC 2104: with a key for each message EVP_MAC costs twice as much, since it copies contexts, and keeps
 * the key until it is told another one. */
int evp_hmac_sha256(uint8_t out[32], const uint8_t *k, size_t keylen, const struct span *pieces, size_t n)
{
	struct evp_thread *t = evp_thread();
	uint8_t inner[EVP_HMAC_KEY_MAX], outer[EVP_HMAC_KEY_MAX], digest[32];
	bool ok;

	if (!t || keylen > EVP_HMAC_KEY_MAX)
		return -EIO;
	blocks_make(inner, outer, k, keylen);
	ok = digest_begin(t->hmac, inner) && digest_end(t->hmac, digest, pieces, n) && digest_begin(t->hmac, outer) &&
	     digest_end(t->hmac, out, &(struct span){ digest, sizeof(digest) }, 1);
	EVP_DigestInit_ex2(t->hmac, alg.sha256, NULL); /* the last digest is what it has in its memory */
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
	OPENSSL_cleanse(digest, sizeof(digest));
	return ok ? 0 : -EIO;
}

int evp_hkdf_sha256(uint8_t out[32], struct span k, struct span salt, struct span info)
{
	uint8_t extracted[32];
	const struct span expand[] = { info, span_of("\1", 1) };
	int rc = evp_hmac_sha256(extracted, salt.p, salt.len, &k, 1);

	if (rc == 0)
		rc = evp_hmac_sha256(out, extracted, sizeof(extracted), expand, 2);
	OPENSSL_cleanse(extracted, sizeof(extracted));
	return rc;
}

static bool kept_make(struct evp_kept *kept, const uint8_t *k, size_t keylen)
{
	uint8_t inner[EVP_HMAC_KEY_MAX], outer[EVP_HMAC_KEY_MAX];
	bool ok;

	blocks_make(inner, outer, k, keylen);
	ok = digest_begin(kept->inner, inner) && digest_begin(kept->outer, outer);
	memcpy(kept->key, k, keylen);
	kept->len = ok ? keylen : 0;
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
	return ok;
}

/* The keys are few and ours, so to compare them may take its time. */
static const struct evp_kept *kept_of(struct evp_thread *t, const uint8_t *k, size_t keylen)
{
	struct evp_kept *kept;

	for (size_t i = 0; i < EVP_KEPT; i++)
		if (t->kept[i].len == keylen && memcmp(t->kept[i].key, k, keylen) == 0)
			return &t->kept[i];
	kept = &t->kept[t->kept_next++ % EVP_KEPT];
	return kept_make(kept, k, keylen) ? kept : NULL;
}

int evp_hmac_sha256_kept(uint8_t out[32], const uint8_t *k, size_t keylen, const struct span *pieces, size_t n)
{
	struct evp_thread *t = evp_thread();
	const struct evp_kept *kept = t && keylen && keylen <= EVP_HMAC_KEY_MAX ? kept_of(t, k, keylen) : NULL;
	uint8_t digest[32];

	if (!kept || EVP_MD_CTX_copy_ex(t->hmac, kept->inner) != 1 || !digest_end(t->hmac, digest, pieces, n) ||
	    EVP_MD_CTX_copy_ex(t->hmac, kept->outer) != 1 ||
	    !digest_end(t->hmac, out, &(struct span){ digest, sizeof(digest) }, 1))
		return -EIO;
	return 0;
}

void evp_kept_forget(void)
{
	struct evp_thread *t = evp_thread();

	if (t)
		EVP_MD_CTX_reset(t->hmac); /* the last key that was made by one of them */
	for (size_t i = 0; t && i < EVP_KEPT; i++) {
		EVP_MD_CTX_reset(t->kept[i].inner);
		EVP_MD_CTX_reset(t->kept[i].outer);
		OPENSSL_cleanse(t->kept[i].key, sizeof(t->kept[i].key));
		t->kept[i].len = 0;
	}
}
