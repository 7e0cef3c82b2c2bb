/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/evp.h"
#include "common/crypto/seal.h"
#include "tests/unit/former_seal.h"
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
	/* same content, another record: nothing of it is the same */
	ck_assert_int_eq(seal_put(s, rec[1], sizeof(rec[1]), PLAIN, AAD), n);
	ck_assert_mem_eq(rec[0], rec[1], 2);
	for (int at = 2; at + 4 <= n; at++)
		ck_assert_mem_ne(rec[0] + at, rec[1] + at, 4);
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
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), span_str("lookup ke")), -EBADMSG);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), span_str("")), -EBADMSG);
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

static void open_whole(struct seal *s, const char *record)
{
	uint8_t rec[64], out[64];
	size_t len = strlen(record) / 2;

	octets_of(rec, len, record);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, len), AAD), (int)PLAIN.len);
	ck_assert_mem_eq(out, PLAIN.p, PLAIN.len);
}

static unsigned asked;

static int hmac_of(void *token, uint8_t out[32], struct span what, struct err *err)
{
	struct secret k = kek(7).key;

	asked++;
	return evp_hmac_sha256(out, k.b, k.len, &what, 1);
}

static const struct seal_kek in_token = { .id = 7, .hmac = hmac_of };

/* Layout and key derivation as written down in seal.h and seal_v1.h: these records were made with python3-cryptography. */
START_TEST(made_elsewhere)
{
	struct seal *s = seal_of(1, 0), *token = seal_new(&in_token, 1, NULL);

	open_whole(s, "02011011121314151617"
		      "46b07bd67780249dd8d92262f61bf7d494874cacaaeefb248b80d3");
	open_whole(token, "02071011121314151617"
			  "c749eb2a245770095ea8646b3257a0fbe6cc5fa8ccd871c8e92d4b");
	open_whole(s, "0101000102030405060708090a0b0000000000000005"
		      "80cca0052e8cd9d136a1ce29463a57970e51bd4d516aca9f7ced1b");
	seal_free(s);
	seal_free(token);
}
END_TEST

/* What a former release sealed: its KEK is told, it is due, and sealed anew it is as short as any */
START_TEST(former)
{
	const struct seal_kek k = kek(1);
	struct seal_kek not_k = k;
	struct seal *s = seal_of(1, 0), *other = seal_of(2, 1), *wrong;
	uint8_t rec[64], again[64], out[64];
	struct span was = span_of(rec, former_seal(rec, &k, 3, 9, PLAIN, AAD)), now;
	int n = seal_again(s, again, sizeof(again), was, AAD);

	ck_assert_int_eq(n, (int)PLAIN.len + SEAL_OVERHEAD);
	now = span_of(again, (size_t)n);
	ck_assert_uint_eq(seal_kek_id(was), 1);
	ck_assert_uint_eq(seal_kek_id(now), 1);
	ck_assert(seal_is_due(s, was) && !seal_is_due(s, now) && seal_is_due(other, now));
	ck_assert_int_eq(seal_content_len(was), (int)PLAIN.len);
	ck_assert_int_eq(seal_content_len(now), (int)PLAIN.len);
	ck_assert_int_eq(seal_open(other, out, sizeof(out), was, AAD), (int)PLAIN.len);
	not_k.key.b[31] ^= 1;
	wrong = seal_new(&not_k, 1, NULL); /* what this thread remembers of the right one must not help */
	ck_assert_int_eq(seal_open(wrong, out, sizeof(out), was, AAD), -EBADMSG);
	seal_free(wrong);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), was, span_str("lookup kez")), -EBADMSG);
	ck_assert_int_eq(seal_open(s, out, sizeof(out), span_of(rec, SEAL_OVERHEAD_MAX - 1), AAD), -EBADMSG);
	for (size_t bit = 16; bit < 8 * was.len; bit++) {
		rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(seal_open(s, out, sizeof(out), was, AAD), -EBADMSG);
		rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	seal_free(s);
	seal_free(other);
}
END_TEST

#define RECORDS 500
static uint8_t nonces[4][RECORDS][8];

static pthread_barrier_t start_line; /* they begin at once */

static void *seal_many(void *arg)
{
	struct seal *s = ((void **)arg)[0];
	uint8_t(*mine)[8] = ((void **)arg)[1];
	uint8_t rec[64], out[64];

	pthread_barrier_wait(&start_line);
	for (int i = 0; i < RECORDS; i++) {
		int n = seal_put(s, rec, sizeof(rec), PLAIN, AAD);

		memcpy(mine[i], rec + 2, 8);
		if (seal_open(s, out, sizeof(out), span_of(rec, (size_t)n), AAD) != (int)PLAIN.len)
			memset(mine[i], 0, 8);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

/* Two records of one lookup key under one nonce would give what is in them away: also where threads, or a child, seal the same */
START_TEST(nonce_never_twice)
{
	const uint8_t *all = (const uint8_t *)nonces;
	struct seal *s = seal_of(1, 0);
	pthread_t t[4];
	void *arg[4][2];

	pthread_barrier_init(&start_line, NULL, 4);
	for (int i = 0; i < 4; i++) {
		arg[i][0] = s;
		arg[i][1] = nonces[i];
		ck_assert_int_eq(pthread_create(&t[i], NULL, seal_many, arg[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	qsort(nonces, 4 * RECORDS, 8, compare);
	for (size_t i = 8; i < sizeof(nonces); i += 8)
		ck_assert_mem_ne(all + i - 8, all + i, 8);
	ck_assert_uint_ne(be64_get(all), 0);
	seal_free(s);
}
END_TEST

START_TEST(child_has_other_nonces)
{
	struct seal *s = seal_of(1, 0);
	uint8_t mine[64], childs[64];
	int way[2], n = seal_put(s, mine, sizeof(mine), PLAIN, AAD);
	pid_t pid;

	ck_assert_int_eq(pipe(way), 0);
	pid = fork();
	if (pid == 0) {
		n = seal_put(s, childs, sizeof(childs), PLAIN, AAD);
		_exit(write(way[1], childs, (size_t)n) != n);
	}
	ck_assert_int_eq(seal_put(s, mine, sizeof(mine), PLAIN, AAD), n);
	ck_assert_int_eq(read(way[0], childs, (size_t)n), n);
	ck_assert_mem_ne(mine, childs, 10);
	waitpid(pid, NULL, 0);
	close(way[0]);
	close(way[1]);
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
	static const uint8_t turn[] = { 1, 1, 2, 2, 1, 2, 1, 3, 4, 5, 1, 6, 2, 1, 5 }; /* more than are kept, too */
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

/* A KEK in a token: it is asked once a start, and no more for what is sealed then */
START_TEST(token_asked_once)
{
	struct seal *s = seal_new(&in_token, 1, NULL), *later;
	uint8_t rec[64], out[64];
	int n;

	asked = 0;
	later = seal_new(&in_token, 1, NULL);
	seal_learnt(later);
	for (int i = 0; i < 3; i++) {
		n = seal_put(s, rec, sizeof(rec), PLAIN, AAD);
		ck_assert_int_eq(seal_learn(later, span_of(rec, (size_t)n), NULL), 0);
		ck_assert_int_eq(seal_open(later, out, sizeof(out), span_of(rec, (size_t)n), AAD), (int)PLAIN.len);
	}
	ck_assert_uint_eq(asked, 1);
	seal_free(s);
	seal_free(later);
}
END_TEST

/* What a former release sealed by one: it is asked once for each start whose records are there, however many; each of them opens, no
 * other one does */
START_TEST(many_starts)
{
	enum { STARTS = 3000 };
	static uint8_t rec[STARTS + 1][64];
	struct seal *now = seal_new(&in_token, 1, NULL);
	const size_t len = PLAIN.len + SEAL_OVERHEAD_MAX;
	uint8_t out[64];

	for (unsigned i = 0; i <= STARTS; i++)
		former_seal(rec[i], &in_token, i, 5, PLAIN, AAD);
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

SUITE("seal", there_and_back, each_with_its_own_key, altered, rotation, wrong_kek, bad_keks, made_elsewhere, former,
      nonce_never_twice, child_has_other_nonces, index_key, index_keys_in_turn, token_asked_once, many_starts)
