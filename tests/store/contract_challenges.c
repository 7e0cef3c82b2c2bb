/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contract of every store, as far as it is about challenges. */
#include <errno.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "tests/store/contract.h"

/* 102-6.3.3-5: a challenge is answered once; a replay is told from a stranger until its time is over */
CASE(challenge_once)
{
	struct gba_challenge c = challenge_make(1, 60000), other = challenge_make(2, 60000);

	c.guss = guss_blob_new(span_str("<guss/>"));
	ck_assert_int_eq(challenge_take(&h, &c), -ENOENT);
	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ck_assert_int_eq(challenge_put(&h, &c), -EEXIST);
	ck_assert_int_eq(challenge_take(&h, &other), -ENOENT);
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	ck_assert(span_eq(gba_challenge_key(&h.challenge), gba_challenge_key(&c)));
	ck_assert_int_eq(h.challenge.variant, c.variant);
	ck_assert(secret_equal(&h.challenge.aka.xres, &c.aka.xres));
	ck_assert(secret_equal(&h.challenge.aka.ks, &c.aka.ks));
	ck_assert_str_eq(h.challenge.impi.s, c.impi.s);
	ck_assert_str_eq(h.challenge.username, c.username);
	ck_assert_str_eq(h.challenge.opaque, c.opaque);
	ck_assert_int_eq(h.challenge.key_life_s, c.key_life_s);
	ck_assert(span_eq(guss_blob_span(h.challenge.guss), span_str("<guss/>")));
	ck_assert_int_eq(challenge_take(&h, &c), -EALREADY);
	ck_assert_int_eq(challenge_take(&h, &c), -EALREADY);
	gba_challenge_clear(&c);
}

/* Nonces have no one length: one that is the beginning of another names another challenge */
CASE(challenge_keys)
{
	struct gba_challenge whole = challenge_make(1, 60000), part = challenge_make(2, 60000);

	memcpy(part.key, whole.key, CHALLENGE_KEY_MIN);
	part.key_len = CHALLENGE_KEY_MIN;
	ck_assert_uint_gt(whole.key_len, part.key_len);
	ck_assert_int_eq(challenge_put(&h, &whole), 0);
	ck_assert_int_eq(challenge_take(&h, &part), -ENOENT);
	ck_assert_int_eq(challenge_put(&h, &part), 0);
	ck_assert_int_eq(challenge_take(&h, &part), 0);
	ck_assert_str_eq(h.challenge.impi.s, part.impi.s);
	ck_assert_int_eq(challenge_take(&h, &whole), 0);
	ck_assert_str_eq(h.challenge.impi.s, whole.impi.s);
	gba_challenge_clear(&whole);
	gba_challenge_clear(&part);
}

CASE(challenge_expires)
{
	struct gba_challenge c = challenge_make(1, 100), taken = challenge_make(2, 200);

	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ck_assert_int_eq(challenge_put(&h, &taken), 0);
	ck_assert_int_eq(challenge_take(&h, &taken), 0);
	while (clock_mono_ms() < c.expires_mono_ms)
		usleep(1000);
	ck_assert_int_eq(challenge_take(&h, &c), -ENOENT);
	while (clock_mono_ms() < taken.expires_mono_ms)
		usleep(1000);
	ck_assert_int_eq(challenge_take(&h, &taken), -ENOENT);
}

/* The store says when a challenge was made, and says it again when it is taken */
CASE(challenge_knows_its_instant)
{
	struct gba_challenge c = challenge_make(1, 60000);
	int64_t before = store_clock_ms(h.st);

	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	ck_assert_int_ge(h.challenge.made_ms, before);
	ck_assert_int_le(h.challenge.made_ms, store_clock_ms(h.st));
}

void contract_challenges_add(TCase *tc, int n)
{
	tcase_add_loop_test(tc, challenge_once, 0, n);
	tcase_add_loop_test(tc, challenge_keys, 0, n);
	tcase_add_loop_test(tc, challenge_expires, 0, n);
	tcase_add_loop_test(tc, challenge_knows_its_instant, 0, n);
}
