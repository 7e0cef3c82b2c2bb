/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/seal_v1.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/crypto/evp.h"
#include "common/crypto/gcm.h"

#define SALT_LEN   12
#define HEAD_LEN   (1 + 1 + SALT_LEN + 8)
#define INFO       "gba record v1"
#define LEARNT_MAX 65536 /* starts of which records are still there */

_Static_assert(HEAD_LEN + GCM_TAG_LEN == SEAL_V1_OVERHEAD, "the header of a sealed record");

struct seal_v1_learnt {
	uint8_t kek_id, salt[SALT_LEN]; /* KEK 0: free */
	struct secret key;
};

/* HKDF costs more than the record itself, and a store holds records of few process starts: each thread remembers the
 * last keys it opened with. */
#define CACHE_SLOTS 8
static _Thread_local struct {
	unsigned serial;
	uint8_t kek_id, salt[SALT_LEN];
	struct secret key;
} cache[CACHE_SLOTS];
static atomic_uint serials;

void seal_v1_init(struct seal_v1 *v)
{
	v->serial = atomic_fetch_add(&serials, 1) + 1;
}

static void learnt_wipe(struct seal_v1 *v)
{
	if (v->learnt)
		OPENSSL_cleanse(v->learnt, v->room * sizeof(*v->learnt));
	free(v->learnt);
}

void seal_v1_end(struct seal_v1 *v)
{
	OPENSSL_cleanse(cache, sizeof(cache)); /* of this thread; the others' are overwritten or die with them */
	learnt_wipe(v);
}

/* Where it is, or a free place; there always is one. */
static struct seal_v1_learnt *learnt_place(struct seal_v1_learnt *table, size_t room, uint8_t kek_id,
					   const uint8_t salt[SALT_LEN])
{
	size_t at = be32_get(salt) & (room - 1);

	while (table[at].kek_id && (table[at].kek_id != kek_id || memcmp(table[at].salt, salt, SALT_LEN) != 0))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static const struct secret *learnt_key(const struct seal_v1 *v, const uint8_t *head)
{
	const struct seal_v1_learnt *l = v->room ? learnt_place(v->learnt, v->room, head[1], head + 2) : NULL;

	return l && l->kek_id ? &l->key : NULL;
}

/* Room for one more. */
static bool learnt_grow(struct seal_v1 *v)
{
	size_t room = v->room ? 2 * v->room : 16;
	struct seal_v1_learnt *more;

	if ((v->n + 1) * 4 <= v->room * 3)
		return true;
	more = calloc(room, sizeof(*more));
	if (!more)
		return false;
	for (size_t i = 0; i < v->room; i++)
		if (v->learnt[i].kek_id)
			*learnt_place(more, room, v->learnt[i].kek_id, v->learnt[i].salt) = v->learnt[i];
	learnt_wipe(v);
	v->learnt = more;
	v->room = room;
	return true;
}

static int hmac_in_token(struct secret *out, const struct seal_kek *kek, const uint8_t salt[SALT_LEN], struct err *err)
{
	uint8_t what[SALT_LEN + sizeof(INFO) - 1];

	memcpy(what, salt, SALT_LEN);
	memcpy(what + SALT_LEN, INFO, sizeof(INFO) - 1);
	out->len = SEAL_KEK_LEN;
	return kek->hmac(kek->token, out->b, span_of(what, sizeof(what)), err);
}

int seal_v1_learn(struct seal_v1 *v, const struct seal_kek *kek, struct span sealed, struct err *err)
{
	SECRET_AUTO key = { 0 };
	struct seal_v1_learnt *l;
	int rc;

	if (!kek->hmac || sealed.len < SEAL_V1_OVERHEAD || learnt_key(v, sealed.p))
		return 0;
	if (v->n == LEARNT_MAX)
		return err_set(err, -ENOSPC, "more than %d starts have sealed what is there", LEARNT_MAX);
	rc = hmac_in_token(&key, kek, sealed.p + 2, err);
	if (rc < 0)
		return rc;
	if (!learnt_grow(v))
		return err_set(err, -ENOMEM, "no memory");
	l = learnt_place(v->learnt, v->room, kek->id, sealed.p + 2);
	l->kek_id = kek->id;
	memcpy(l->salt, sealed.p + 2, SALT_LEN);
	l->key = key;
	v->n++;
	return 0;
}

/* The key a record was sealed under. \returns NULL and rc */
static const struct secret *record_key(const struct seal_v1 *v, const struct seal_kek *kek, const uint8_t *head,
				       int *rc)
{
	const uint8_t *salt = head + 2;
	size_t i = (salt[0] ^ head[1]) % CACHE_SLOTS;

	*rc = -ENOKEY;
	if (kek->hmac)
		return learnt_key(v, head);
	if (cache[i].serial == v->serial && cache[i].kek_id == head[1] && memcmp(cache[i].salt, salt, SALT_LEN) == 0)
		return &cache[i].key;
	cache[i].serial = 0;
	cache[i].key.len = SEAL_KEK_LEN;
	*rc = evp_hkdf_sha256(cache[i].key.b, span_of(kek->key.b, kek->key.len), span_of(salt, SALT_LEN),
			      span_str(INFO));
	if (*rc < 0)
		return NULL;
	cache[i].serial = v->serial;
	cache[i].kek_id = head[1];
	memcpy(cache[i].salt, salt, SALT_LEN);
	return &cache[i].key;
}

int seal_v1_open(const struct seal_v1 *v, uint8_t *out, const struct seal_kek *kek, struct span sealed, struct span aad)
{
	uint8_t iv[GCM_IV_LEN] = { 0 };
	int rc;
	const struct secret *key = record_key(v, kek, sealed.p, &rc);

	if (!key)
		return rc;
	memcpy(iv + 4, sealed.p + 2 + SALT_LEN, 8);
	return gcm_open(out, &(struct gcm){ key->b, iv, { span_of(sealed.p, HEAD_LEN), aad } },
			span_of(sealed.p + HEAD_LEN, sealed.len - HEAD_LEN));
}
