/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/seal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "common/crypto/evp.h"
#include "common/crypto/rng.h"

#define VERSION     1
#define SALT_LEN    12
#define COUNTER_LEN 8
#define TAG_LEN     16
#define HEAD_LEN    (1 + 1 + SALT_LEN + COUNTER_LEN)
#define INFO        "gba record v1"
#define LEARNT_MAX  65536 /* starts of which records are still there */

_Static_assert(HEAD_LEN + TAG_LEN == SEAL_OVERHEAD, "the header of a sealed record");

struct seal {
	struct seal_kek keks[SEAL_KEKS_MAX];
	size_t n_keks;
	uint8_t salt[SALT_LEN];
	struct secret key; /* of this process start, under keks[0] */
	_Atomic uint64_t counter;
	/* of KEKs in tokens: in place before other threads come. By their salts, which are random; KEK 0: free; a quarter is */
	struct learnt {
		uint8_t kek_id, salt[SALT_LEN];
		struct secret key;
	} * learnt;
	size_t n_learnt, learnt_room; /* 0, or a power of two */
	unsigned serial;              /* tells objects apart in the thread caches, also after free and malloc */
};

/* HKDF costs more than the record itself, and a store holds records of few process starts: each thread remembers the
 * last keys it opened with. */
#define CACHE_SLOTS 8
struct cache_slot {
	unsigned serial;
	uint8_t kek_id, salt[SALT_LEN];
	struct secret key;
};
static _Thread_local struct cache_slot cache[CACHE_SLOTS];
static atomic_uint serials;

static int hkdf(struct secret *out, const struct secret *kek, const uint8_t salt[SALT_LEN])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	uint8_t key[SEAL_KEK_LEN];
	char digest[] = "SHA256", info[] = INFO;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)kek->b, kek->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, SALT_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(INFO) - 1),
		OSSL_PARAM_END,
	};
	int rc = -EIO;

	if (ctx && EVP_KDF_derive(ctx, key, sizeof(key), params) == 1)
		rc = secret_set(out, key, sizeof(key));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

static int hmac_in_token(struct secret *out, const struct seal_kek *kek, const uint8_t salt[SALT_LEN], struct err *err)
{
	uint8_t what[SALT_LEN + sizeof(INFO) - 1], key[SEAL_KEK_LEN];
	int rc;

	memcpy(what, salt, SALT_LEN);
	memcpy(what + SALT_LEN, INFO, sizeof(INFO) - 1);
	rc = kek->hmac(kek->token, key, span_of(what, sizeof(what)), err);
	if (rc == 0)
		rc = secret_set(out, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

/* The sealing key of a start. A token has said before all others why it cannot. */
static int key_make(struct secret *out, const struct seal_kek *kek, const uint8_t salt[SALT_LEN], struct err *err)
{
	if (kek->hmac)
		return hmac_in_token(out, kek, salt, err);
	return hkdf(out, &kek->key, salt) == 0 ? 0 : err_set(err, -EIO, "OpenSSL gives no HKDF");
}

struct seal *seal_new(const struct seal_kek *keks, size_t n, struct err *err)
{
	struct seal *s;

	if (n == 0 || n > SEAL_KEKS_MAX) {
		err_set(err, -EINVAL, "one to %d KEKs are allowed, not %zu", SEAL_KEKS_MAX, n);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (keks[i].id == 0 || (!keks[i].hmac && keks[i].key.len != SEAL_KEK_LEN)) {
			err_set(err, -EINVAL, "KEK %u: id must be 1..255 and the key 32 octets", keks[i].id);
			return NULL;
		}
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	memcpy(s->keks, keks, n * sizeof(*keks));
	s->n_keks = n;
	s->serial = atomic_fetch_add(&serials, 1) + 1;
	if (rng_fill(s->salt, sizeof(s->salt)) < 0)
		err_set(err, -EIO, "OpenSSL gives no random octets");
	else if (key_make(&s->key, &s->keks[0], s->salt, err) == 0)
		return s;
	seal_free(s);
	return NULL;
}

/* Those of this thread, too. */
static void forget_keys(void)
{
	struct evp_thread *t = evp_thread();

	if (!t)
		return;
	evp_gcm_forget(&t->sealing);
	evp_gcm_forget(&t->opening);
}

void seal_free(struct seal *s)
{
	if (!s)
		return;
	OPENSSL_cleanse(cache, sizeof(cache)); /* of this thread; the others' are overwritten or die with them */
	forget_keys();
	if (s->learnt)
		OPENSSL_cleanse(s->learnt, s->learnt_room * sizeof(*s->learnt));
	free(s->learnt);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

static void gcm_iv(uint8_t iv[12], const uint8_t counter[COUNTER_LEN])
{
	memset(iv, 0, 4);
	memcpy(iv + 4, counter, COUNTER_LEN);
}

int seal_put(struct seal *s, uint8_t *out, size_t cap, struct span plain, struct span aad)
{
	struct evp_thread *t = evp_thread();
	EVP_CIPHER_CTX *gcm;
	uint8_t iv[12];
	int n = 0, ok;

	if (cap < SEAL_OVERHEAD || plain.len > cap - SEAL_OVERHEAD || plain.len > INT32_MAX / 2)
		return -ENOSPC;
	if (!t)
		return -EIO;
	out[0] = VERSION;
	out[1] = s->keks[0].id;
	memcpy(out + 2, s->salt, SALT_LEN);
	be64_put(out + 2 + SALT_LEN, atomic_fetch_add(&s->counter, 1));
	gcm_iv(iv, out + 2 + SALT_LEN);
	gcm = evp_gcm_begin(&t->sealing, true, s->key.b, iv);
	ok = gcm && EVP_EncryptUpdate(gcm, NULL, &n, out, HEAD_LEN) == 1 &&
	     (aad.len == 0 || EVP_EncryptUpdate(gcm, NULL, &n, aad.p, (int)aad.len) == 1) &&
	     (plain.len == 0 || EVP_EncryptUpdate(gcm, out + HEAD_LEN, &n, plain.p, (int)plain.len) == 1) &&
	     EVP_EncryptFinal_ex(gcm, out + HEAD_LEN + plain.len, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, out + HEAD_LEN + plain.len) == 1;
	return ok ? (int)(plain.len + SEAL_OVERHEAD) : -EIO;
}

/* Where it is, or a free place; there always is one. */
static struct learnt *learnt_place(struct learnt *table, size_t room, uint8_t kek_id, const uint8_t salt[SALT_LEN])
{
	size_t at = be32_get(salt) & (room - 1);

	while (table[at].kek_id && (table[at].kek_id != kek_id || memcmp(table[at].salt, salt, SALT_LEN) != 0))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static const struct secret *learnt_key(const struct seal *s, const uint8_t *head)
{
	const struct learnt *l = s->learnt_room ? learnt_place(s->learnt, s->learnt_room, head[1], head + 2) : NULL;

	return l && l->kek_id ? &l->key : NULL;
}

/* Room for one more. */
static bool learnt_grow(struct seal *s)
{
	size_t room = s->learnt_room ? 2 * s->learnt_room : 16;
	struct learnt *more;

	if ((s->n_learnt + 1) * 4 <= s->learnt_room * 3)
		return true;
	more = calloc(room, sizeof(*more));
	if (!more)
		return false;
	for (size_t i = 0; i < s->learnt_room; i++)
		if (s->learnt[i].kek_id)
			*learnt_place(more, room, s->learnt[i].kek_id, s->learnt[i].salt) = s->learnt[i];
	if (s->learnt)
		OPENSSL_cleanse(s->learnt, s->learnt_room * sizeof(*s->learnt));
	free(s->learnt);
	s->learnt = more;
	s->learnt_room = room;
	return true;
}

static const struct seal_kek *kek_of(const struct seal *s, uint8_t id)
{
	for (size_t i = 0; i < s->n_keks; i++)
		if (s->keks[i].id == id)
			return &s->keks[i];
	return NULL;
}

int seal_learn(struct seal *s, struct span sealed, struct err *err)
{
	const struct seal_kek *kek = sealed.len < SEAL_OVERHEAD ? NULL : kek_of(s, seal_kek_id(sealed));
	SECRET_AUTO key = { 0 };
	struct learnt *l;
	int rc;

	if (!kek || !kek->hmac || learnt_key(s, sealed.p))
		return 0;
	if (s->n_learnt == LEARNT_MAX)
		return err_set(err, -ENOSPC, "more than %d starts have sealed what is there", LEARNT_MAX);
	rc = key_make(&key, kek, sealed.p + 2, err);
	if (rc < 0)
		return rc;
	if (!learnt_grow(s))
		return err_set(err, -ENOMEM, "no memory");
	l = learnt_place(s->learnt, s->learnt_room, kek->id, sealed.p + 2);
	l->kek_id = kek->id;
	memcpy(l->salt, sealed.p + 2, SALT_LEN);
	l->key = key;
	s->n_learnt++;
	return 0;
}

void seal_learnt(struct seal *s)
{
	for (size_t i = 0; i < s->n_keks; i++)
		s->keks[i].token = NULL;
}

/* The key a record was sealed under. \returns NULL and rc */
static const struct secret *record_key(struct seal *s, const uint8_t *head, int *rc)
{
	const uint8_t *salt = head + 2;
	struct cache_slot *slot = &cache[(salt[0] ^ head[1]) % CACHE_SLOTS];
	const struct seal_kek *kek;

	if (head[1] == s->keks[0].id && memcmp(salt, s->salt, SALT_LEN) == 0)
		return &s->key;
	if (slot->serial == s->serial && slot->kek_id == head[1] && memcmp(slot->salt, salt, SALT_LEN) == 0)
		return &slot->key;
	kek = kek_of(s, head[1]);
	*rc = -ENOKEY;
	if (!kek)
		return NULL;
	if (kek->hmac)
		return learnt_key(s, head);
	slot->serial = 0;
	*rc = hkdf(&slot->key, &kek->key, salt);
	if (*rc < 0)
		return NULL;
	slot->serial = s->serial;
	slot->kek_id = head[1];
	memcpy(slot->salt, salt, SALT_LEN);
	return &slot->key;
}

int seal_open(struct seal *s, uint8_t *out, size_t cap, struct span sealed, struct span aad)
{
	struct evp_thread *t = evp_thread();
	const struct secret *key;
	EVP_CIPHER_CTX *gcm;
	const uint8_t *tag;
	uint8_t iv[12];
	size_t len;
	int n = 0, rc = -EIO, ok;

	if (!t)
		return -EIO;
	if (sealed.len < SEAL_OVERHEAD || sealed.len > INT32_MAX / 2 || sealed.p[0] != VERSION)
		return -EBADMSG;
	len = sealed.len - SEAL_OVERHEAD;
	if (len > cap)
		return -ENOSPC;
	key = record_key(s, sealed.p, &rc);
	if (!key)
		return rc;
	tag = sealed.p + HEAD_LEN + len;
	gcm_iv(iv, sealed.p + 2 + SALT_LEN);
	gcm = evp_gcm_begin(&t->opening, false, key->b, iv);
	ok = gcm && EVP_DecryptUpdate(gcm, NULL, &n, sealed.p, HEAD_LEN) == 1 &&
	     (aad.len == 0 || EVP_DecryptUpdate(gcm, NULL, &n, aad.p, (int)aad.len) == 1) &&
	     (len == 0 || EVP_DecryptUpdate(gcm, out, &n, sealed.p + HEAD_LEN, (int)len) == 1) &&
	     EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, (void *)tag) == 1;
	if (!ok)
		return -EIO;
	return EVP_DecryptFinal_ex(gcm, out + len, &n) == 1 ? (int)len : -EBADMSG;
}

int seal_again(struct seal *s, uint8_t *out, size_t cap, struct span sealed, struct span aad)
{
	uint8_t *plain = malloc(sealed.len + 1);
	int rc;

	if (!plain)
		return -ENOMEM;
	rc = seal_open(s, plain, sealed.len, sealed, aad);
	if (rc >= 0)
		rc = seal_put(s, out, cap, span_of(plain, (size_t)rc), aad);
	OPENSSL_cleanse(plain, sealed.len);
	free(plain);
	return rc;
}

uint8_t seal_kek_id(struct span sealed)
{
	return sealed.len >= SEAL_KEK_AT && sealed.p[0] == VERSION ? sealed.p[1] : 0;
}

uint8_t seal_first(const struct seal *s)
{
	return s->keks[0].id;
}

size_t seal_keks(const struct seal *s, uint8_t *ids)
{
	for (size_t i = 0; i < s->n_keks; i++)
		ids[i] = s->keks[i].id;
	return s->n_keks;
}

bool seal_knows(const struct seal *s, uint8_t kek_id)
{
	return kek_of(s, kek_id);
}

int seal_index(uint8_t out[32], const struct secret *index_key, struct span what)
{
	return evp_hmac_sha256_kept(out, index_key->b, index_key->len, what);
}
