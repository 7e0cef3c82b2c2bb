/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/seal.h"

#include <errno.h>
#include <stdlib.h>

#include "common/crypto/evp.h"
#include "common/crypto/gcm.h"
#include "common/crypto/rng.h"
#include "common/crypto/seal_v1.h"

#define VERSION   2
#define NONCE_LEN 8
#define HEAD_LEN  (1 + 1 + NONCE_LEN)
#define INFO      "gba record v2"

_Static_assert(HEAD_LEN + GCM_TAG_LEN == SEAL_OVERHEAD, "the header of a sealed record");
_Static_assert(SEAL_OVERHEAD <= SEAL_V1_OVERHEAD, "SEAL_OVERHEAD_MAX");

static const uint8_t zero_iv[GCM_IV_LEN]; /* as no key is used twice */

struct seal {
	struct seal_kek keks[SEAL_KEKS_MAX];
	struct secret roots[SEAL_KEKS_MAX]; /* of which the keys of records are made */
	size_t n_keks;
	struct seal_v1 v1;
};

/* A token is asked once. */
static int root_make(struct secret *out, const struct seal_kek *kek, struct err *err)
{
	out->len = SEAL_KEK_LEN;
	if (kek->hmac)
		return kek->hmac(kek->token, out->b, span_str(INFO), err);
	if (evp_hkdf_sha256(out->b, span_of(kek->key.b, kek->key.len), span_of(NULL, 0), span_str(INFO)) < 0)
		return err_set(err, -EIO, "OpenSSL gives no HKDF");
	return 0;
}

static int keks_take(struct seal *s, const struct seal_kek *keks, size_t n, struct err *err)
{
	int rc = 0;

	for (; s->n_keks < n && rc == 0; s->n_keks++) {
		const struct seal_kek *k = &keks[s->n_keks];

		if (k->id == 0 || (!k->hmac && k->key.len != SEAL_KEK_LEN))
			return err_set(err, -EINVAL, "KEK %u: id must be 1..255 and the key 32 octets", k->id);
		s->keks[s->n_keks] = *k;
		rc = root_make(&s->roots[s->n_keks], k, err);
	}
	return rc;
}

struct seal *seal_new(const struct seal_kek *keks, size_t n, struct err *err)
{
	struct seal *s;

	if (n == 0 || n > SEAL_KEKS_MAX) {
		err_set(err, -EINVAL, "one to %d KEKs are allowed, not %zu", SEAL_KEKS_MAX, n);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	seal_v1_init(&s->v1);
	if (keks_take(s, keks, n, err) == 0)
		return s;
	seal_free(s);
	return NULL;
}

void seal_free(struct seal *s)
{
	if (!s)
		return;
	evp_kept_forget();
	gcm_forget();
	seal_v1_end(&s->v1);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

static int kek_at(const struct seal *s, uint8_t id)
{
	for (size_t i = 0; i < s->n_keks; i++)
		if (s->keks[i].id == id)
			return (int)i;
	return -1;
}

/* The key of one record. All of its head and of what it is bound to is in it, so GCM need not be told these. */
static int record_key(uint8_t key[GCM_KEY_LEN], const struct secret *root, const uint8_t *head, struct span aad)
{
	return evp_hmac_sha256_kept(key, root->b, root->len, (struct span[]){ span_of(head, HEAD_LEN), aad }, 2);
}

int seal_put(struct seal *s, uint8_t *out, size_t cap, struct span plain, struct span aad)
{
	uint8_t key[GCM_KEY_LEN];
	int rc;

	if (cap < SEAL_OVERHEAD || plain.len > cap - SEAL_OVERHEAD || plain.len > INT32_MAX / 2)
		return -ENOSPC;
	out[0] = VERSION;
	out[1] = s->keks[0].id;
	rc = rng_fill(out + 2, NONCE_LEN);
	if (rc == 0)
		rc = record_key(key, &s->roots[0], out, aad);
	if (rc == 0)
		rc = gcm_seal(out + HEAD_LEN, &(struct gcm){ .key = key, .iv = zero_iv }, plain);
	OPENSSL_cleanse(key, sizeof(key));
	return rc < 0 ? rc : (int)(plain.len + SEAL_OVERHEAD);
}

static int open_v2(const struct secret *root, uint8_t *out, struct span sealed, struct span aad)
{
	uint8_t key[GCM_KEY_LEN];
	int rc = record_key(key, root, sealed.p, aad);

	if (rc == 0)
		rc = gcm_open(out, &(struct gcm){ .key = key, .iv = zero_iv },
			      span_of(sealed.p + HEAD_LEN, sealed.len - HEAD_LEN));
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

int seal_open(struct seal *s, uint8_t *out, size_t cap, struct span sealed, struct span aad)
{
	int len = seal_content_len(sealed), at, rc;

	if (len < 0)
		return len;
	if ((size_t)len > cap)
		return -ENOSPC;
	at = kek_at(s, sealed.p[1]);
	if (at < 0)
		return -ENOKEY;
	rc = sealed.p[0] == SEAL_V1 ? seal_v1_open(&s->v1, out, &s->keks[at], sealed, aad)
				    : open_v2(&s->roots[at], out, sealed, aad);
	return rc < 0 ? rc : len;
}

int seal_learn(struct seal *s, struct span sealed, struct err *err)
{
	int at = sealed.len && sealed.p[0] == SEAL_V1 ? kek_at(s, seal_kek_id(sealed)) : -1;

	return at < 0 ? 0 : seal_v1_learn(&s->v1, &s->keks[at], sealed, err);
}

void seal_learnt(struct seal *s)
{
	for (size_t i = 0; i < s->n_keks; i++)
		s->keks[i].token = NULL;
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

size_t seal_overhead(struct span sealed)
{
	if (sealed.len < SEAL_KEK_AT)
		return 0;
	return sealed.p[0] == VERSION ? SEAL_OVERHEAD : sealed.p[0] == SEAL_V1 ? SEAL_V1_OVERHEAD : 0;
}

int seal_content_len(struct span sealed)
{
	size_t overhead = seal_overhead(sealed);

	if (overhead == 0 || sealed.len < overhead || sealed.len > INT32_MAX / 2)
		return -EBADMSG;
	return (int)(sealed.len - overhead);
}

uint8_t seal_kek_id(struct span sealed)
{
	return seal_overhead(sealed) ? sealed.p[1] : 0;
}

bool seal_is_due(const struct seal *s, struct span sealed)
{
	return seal_overhead(sealed) && (sealed.p[0] != VERSION || sealed.p[1] != seal_first(s));
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
	return kek_at(s, kek_id) >= 0;
}

int seal_index(uint8_t out[32], const struct secret *index_key, struct span what)
{
	return evp_hmac_sha256_kept(out, index_key->b, index_key->len, &what, 1);
}
