/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <pthread.h>

#include "common/crypto/evp.h"
#include "common/crypto/seal.h"
#include "tests/unit/suite.h"

#define PLAIN span_str("Ks and IMPI")
#define AAD   span_str("lookup key")

static struct seal_kek kek(uint8_t id)
{
	struct seal_kek k = { .id = id };

	memset(k.key.b, id, SEAL_KEK_LEN);
	k.key.len = SEAL_KEK_LEN;
	return k;
}

static struct seal *seal_of(uint8_t a, uint8_t b)
{
	struct seal_kek k[2] = { kek(a), kek(b) };
	struct seal *s = seal_new(k, b ? 2 : 1, NULL);

	ck_assert_ptr_nonnull(s);
	return s;
}

START_TEST(there_and_back)
{
	struct seal *s = seal_of(1, 0), *later = seal_of(1, 0);
	uint8_t rec[2][64], out[64];
	int n = seal_put(s, rec[0], sizeof(rec[0]), PLAIN, AAD);

	ck_assert_int_eq(n, (int)PLAIN.len + SEAL_OVERHEAD);
	ck_assert_ptr_null(memmem(rec[0], (size_t)n, "IMPI", 4));
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec[0], (size_t)n), AAD), (int)PLAIN.len);
	ck_assert_mem_eq(out, PLAIN.p, PLAIN.len);
	/* the next process start */
	memset(out, 0, sizeof(out));
	ck_assert_int_eq(seal_open(later, out, sizeof(out), span_of(rec[0], (size_t)n), AAD), (int)PLAIN.len);
	ck_assert_mem_eq(out, PLAIN.p, PLAIN.len);
	/* same content, another record: the counter is the nonce */
	ck_assert_int_eq(seal_put(s, rec[1], sizeof(rec[1]), PLAIN, AAD), n);
	ck_assert_mem_ne(rec[0] + 22, rec[1] + 22, PLAIN.len);
	ck_assert_mem_eq(rec[0], rec[1], 14);
	/* another start, another salt */
	ck_assert_int_eq(seal_put(later, rec[1], sizeof(rec[1]), PLAIN, AAD), n);
	ck_assert_mem_ne(rec[0] + 2, rec[1] + 2, 12);
	/* nothing inside is a record, too */
	n = seal_put(s, rec[0], SEAL_OVERHEAD, span_of(NULL, 0), span_of(NULL, 0));
	ck_assert_int_eq(n, SEAL_OVERHEAD);
	ck_assert_int_eq(seal_open(s, out, 0, span_of(rec[0], SEAL_OVERHEAD), span_of(NULL, 0)), 0);
	seal_free(s);
	seal_free(later);
	seal_free(NULL);
}
END_TEST

/* A thread keeps the key it sealed with last: another object has another one, also one in the place of a freed one. */
START_TEST(each_with_its_own_key)
{
	struct seal *a = seal_of(1, 0), *b = seal_of(2, 0);
	uint8_t rec[64], out[64];

	for (int i = 0; i < 4; i++) {
		struct seal *s = i % 2 ? b : a, *other = i % 2 ? a : b;
		int n = seal_put(s, rec, sizeof(rec), PLAIN, AAD);

		ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), AAD), (int)PLAIN.len);
		ck_assert_int_eq(seal_open(other, out, sizeof(out), span_of(rec, (size_t)n), AAD), -ENOKEY);
		if (i == 2) {
			seal_free(b);
			b = seal_of(3, 0);
		}
	}
	seal_free(a);
	seal_free(b);
}
END_TEST

/* Every bit counts: header, content, tag; and the additional data. */
START_TEST(altered)
{
	struct seal *s = seal_of(1, 0);
	uint8_t rec[64], out[64];
	int n = seal_put(s, rec, sizeof(rec), PLAIN, AAD);

	for (int bit = 0; bit < 8 * n; bit++) {
		int rc;

		rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), AAD);
		ck_assert_msg(rc == (bit / 8 == 1 ? -ENOKEY : -EBADMSG), "bit %d: %d", bit, rc);
		rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), span_str("lookup kez")), -EBADMSG);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, (size_t)n - 1), AAD), -EBADMSG);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, SEAL_OVERHEAD - 1), AAD), -EBADMSG);
	ck_assert_int_eq(seal_open(s, out, PLAIN.len - 1, span_of(rec, (size_t)n), AAD), -ENOSPC);
	ck_assert_int_eq(seal_put(s, rec, (size_t)n - 1, PLAIN, AAD), -ENOSPC);
	seal_free(s);
}
END_TEST

START_TEST(rotation)
{
	struct seal *old = seal_of(1, 0), *both = seal_of(2, 1), *fresh = seal_of(2, 0);
	uint8_t rec[64], out[64];
	int n = seal_put(old, rec, sizeof(rec), PLAIN, AAD);

	ck_assert_uint_eq(rec[1], 1);
	ck_assert_int_eq(seal_open(both, out, sizeof(out), span_of(rec, (size_t)n), AAD), (int)PLAIN.len);
	ck_assert_int_eq(seal_open(fresh, out, sizeof(out), span_of(rec, (size_t)n), AAD), -ENOKEY);
	n = seal_put(both, rec, sizeof(rec), PLAIN, AAD);
	ck_assert_uint_eq(rec[1], 2);
	ck_assert_int_eq(seal_open(fresh, out, sizeof(out), span_of(rec, (size_t)n), AAD), (int)PLAIN.len);
	ck_assert_int_eq(seal_open(old, out, sizeof(out), span_of(rec, (size_t)n), AAD), -ENOKEY);
	seal_free(old);
	seal_free(both);
	seal_free(fresh);
}
END_TEST

/* The right id and another key: what was remembered of the right one must not help, also in memory used again. */
START_TEST(wrong_kek)
{
	struct seal_kek wrong = kek(1);
	uint8_t rec[64], out[64];

	wrong.key.b[31] ^= 1;
	for (int i = 0; i < 20; i++) {
		struct seal *s = seal_of(1, 0), *again = seal_of(1, 0), *w;
		int n = seal_put(s, rec, sizeof(rec), PLAIN, AAD);

		ck_assert_int_eq(seal_open(again, out, sizeof(out), span_of(rec, (size_t)n), AAD), (int)PLAIN.len);
		seal_free(again);
		w = seal_new(&wrong, 1, NULL);
		ck_assert_int_eq(seal_open(w, out, sizeof(out), span_of(rec, (size_t)n), AAD), -EBADMSG);
		seal_free(w);
		seal_free(s);
	}
}
END_TEST

START_TEST(bad_keks)
{
	struct seal_kek k[SEAL_KEKS_MAX + 1] = { kek(1), kek(2) };
	struct err err;

	ck_assert_ptr_null(seal_new(k, 0, &err));
	ck_assert_ptr_null(seal_new(k, SEAL_KEKS_MAX + 1, &err));
	k[1].key.len = 31;
	ck_assert_ptr_null(seal_new(k, 2, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "KEK 2"));
	k[0].id = 0;
	ck_assert_ptr_null(seal_new(k, 1, &err));
}
END_TEST

/* Layout and key derivation as written down in seal.h: this record was made with python3-cryptography. */
START_TEST(made_elsewhere)
{
	static const char record[] = "0101000102030405060708090a0b0000000000000005"
				     "80cca0052e8cd9d136a1ce29463a57970e51bd4d516aca9f7ced1b";
	struct seal *s = seal_of(1, 0);
	uint8_t rec[SEAL_OVERHEAD + 11], out[64];

	octets_of(rec, sizeof(rec), record);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, sizeof(rec)), AAD), (int)PLAIN.len);
	ck_assert_mem_eq(out, PLAIN.p, PLAIN.len);
	seal_free(s);
}
END_TEST

#define RECORDS 500
static uint8_t counters[4][RECORDS][8];

static pthread_barrier_t start_line; /* they begin at once */

static void *seal_many(void *arg)
{
	struct seal *s = ((void **)arg)[0];
	uint8_t(*mine)[8] = ((void **)arg)[1];
	uint8_t rec[64], out[64];

	pthread_barrier_wait(&start_line);
	for (int i = 0; i < RECORDS; i++) {
		int n = seal_put(s, rec, sizeof(rec), PLAIN, AAD);

		memcpy(mine[i], rec + 14, 8);
		if (seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), AAD) != (int)PLAIN.len)
			memset(mine[i], 0xff, 8);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

/* Two records under one nonce would give the key away. */
START_TEST(counter_never_twice)
{
	struct seal *s = seal_of(1, 0);
	pthread_t t[4];
	void *arg[4][2];

	pthread_barrier_init(&start_line, NULL, 4);
	for (int i = 0; i < 4; i++) {
		arg[i][0] = s;
		arg[i][1] = counters[i];
		ck_assert_int_eq(pthread_create(&t[i], NULL, seal_many, arg[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	qsort(counters, 4 * RECORDS, 8, compare);
	for (uint64_t i = 0; i < 4 * RECORDS; i++)
		ck_assert_uint_eq(be64_get((const uint8_t *)counters + 8 * i), i);
	seal_free(s);
}
END_TEST

/* HMAC-SHA-256 of RFC 4231 case 2 */
START_TEST(index_key)
{
	struct secret k = secret_of("4a656665");
	uint8_t out[32];

	ck_assert_int_eq(seal_index(out, &k, span_str("what do ya want for nothing?")), 0);
	ck_assert_octets(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

/* One message after another, with the same key and with another one: a context that is used again knows nothing of the last. */
START_TEST(index_keys_in_turn)
{
	static const uint8_t turn[] = { 1, 1, 2, 2, 1, 2, 1 };
	const struct span what[] = { span_str("one"),
				     span_str("a longer one, of more than one block of the hash, which "
					      "has 64 octets"),
				     span_of(NULL, 0) };

	for (size_t i = 0; i < sizeof(turn); i++) {
		uint8_t out[32], want[32];
		struct secret k = kek(turn[i]).key;

		ck_assert_int_eq(seal_index(out, &k, what[i % 3]), 0);
		ck_assert_int_eq(evp_hmac_sha256(want, k.b, k.len, &what[i % 3], 1), 0);
		ck_assert_mem_eq(out, want, 32);
	}
}
END_TEST

static unsigned asked;

static int hmac_of(void *token, uint8_t out[32], struct span what, struct err *err)
{
	struct secret k = kek(7).key;

	asked++;
	return evp_hmac_sha256(out, k.b, k.len, &what, 1);
}

/* A KEK in a token: it is asked once for each start whose records are there, however many; each of them opens, no other one does */
START_TEST(many_starts)
{
	enum { STARTS = 3000 };
	static uint8_t rec[STARTS + 1][64];
	const struct seal_kek k = { .id = 7, .hmac = hmac_of };
	struct seal *now = seal_new(&k, 1, NULL);
	const size_t len = PLAIN.len + SEAL_OVERHEAD;
	uint8_t out[64];

	for (unsigned i = 0; i <= STARTS; i++) {
		struct seal *s = seal_new(&k, 1, NULL);

		ck_assert_int_eq(seal_put(s, rec[i], sizeof(rec[i]), PLAIN, AAD), (int)len);
		seal_free(s);
	}
	asked = 0;
	for (unsigned i = 0; i < 2 * STARTS; i++)
		ck_assert_int_eq(seal_learn(now, span_of(rec[i % STARTS], len), NULL), 0);
	ck_assert_uint_eq(asked, STARTS);
	seal_learnt(now);
	for (unsigned i = 0; i < STARTS; i++)
		ck_assert_int_eq(seal_open(now, out, sizeof(out), span_of(rec[i], len), AAD), (int)PLAIN.len);
	ck_assert_int_eq(seal_open(now, out, sizeof(out), span_of(rec[STARTS], len), AAD), -ENOKEY);
	ck_assert_uint_eq(asked, STARTS);
	seal_free(now);
}
END_TEST

SUITE("seal", there_and_back, each_with_its_own_key, altered, rotation, wrong_kek, bad_keks, made_elsewhere,
      counter_never_twice, index_key, index_keys_in_turn, many_starts)
