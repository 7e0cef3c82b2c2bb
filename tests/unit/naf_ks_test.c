/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The NAF's keys: bounds, lives, refusals (220-4.5.3-15, 220-4.2.2-6). */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "naf-lib/naf_ks.h"
#include "tests/unit/suite.h"

#define DOMAIN "bsf.mnc001.mcc001.pub.3gppnetwork.org"

static struct naf_ks_id id_of(unsigned n, const char *domain, const char *host, uint8_t ua_last)
{
	uint8_t ua[UA_ID_LEN] = { 1, 0, 0, 0, ua_last };
	struct naf_ks_id out;
	struct naf_id naf_id;
	struct btid btid = { 0 };

	memcpy(btid.rand, &n, sizeof(n));
	strcpy(btid.domain, domain);
	ck_assert_int_eq(naf_id_make(&naf_id, host, ua), 0);
	naf_ks_id_make(&out, &btid, &naf_id);
	return out;
}

static struct naf_ks_id id_n(unsigned n)
{
	return id_of(n, DOMAIN, "naf1.example.com", 2);
}

static struct gba_naf_key key_of(uint8_t octet, int64_t created, int64_t expires)
{
	struct gba_naf_key k = { .created_at = created, .expires_at = expires };

	memset(k.key, octet, sizeof(k.key));
	k.uss_list = strdup("<ussList/>");
	k.uss_list_len = strlen(k.uss_list);
	return k;
}

static void put(struct naf_ks *ks, unsigned n, const struct naf_now *now, int64_t life)
{
	struct gba_naf_key k = key_of((uint8_t)n, now->wall_s, now->wall_s + life), out;
	struct naf_ks_id id = id_n(n);

	ck_assert_int_eq(naf_ks_put(ks, &id, now, &k, &out), 0);
	ck_assert_ptr_null(k.uss_list);
	ck_assert_str_eq(out.uss_list, "<ussList/>");
	naf_key_clear(&out);
}

static int get(struct naf_ks *ks, unsigned n, const struct naf_now *now)
{
	struct gba_naf_key out = { 0 };
	struct naf_ks_id id = id_n(n);
	int rc = naf_ks_get(ks, &id, span_str("192.0.2.1"), now, &out);

	if (rc == 0) { /* all of it comes back: key, times, profile */
		ck_assert_uint_eq(out.key[31], (uint8_t)n);
		ck_assert_str_eq(out.uss_list, "<ussList/>");
		ck_assert_int_lt(out.created_at, out.expires_at);
		ck_assert_int_gt(out.created_at, 0);
	}
	naf_key_clear(&out);
	return rc;
}

static void refuse(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now, int rc)
{
	naf_ks_refuse(ks, id, span_str("192.0.2.1"), now, rc);
}

static void held(struct naf_ks *ks, unsigned keys, unsigned refusals)
{
	unsigned k, r;

	naf_ks_count(ks, &k, &r);
	ck_assert_uint_eq(k, keys);
	ck_assert_uint_eq(r, refusals);
}

/* A key per B-TID and NAF_Id; the domain in any case is the same B-TID */
START_TEST(identity)
{
	struct naf_ks_id a = id_n(1), same = id_of(1, "BSF.mnc001.MCC001.pub.3gppnetwork.org", "NAF1.example.com", 2);
	struct naf_ks_id others[] = {
		id_n(2),
		id_of(1, DOMAIN, "naf2.example.com", 2),
		id_of(1, DOMAIN, "naf1.example.com", 3),
		id_of(1, DOMAIN ".x", "naf1.example.com", 2),
	};

	ck_assert_int_eq(naf_ks_id_cmp(&a, &same), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_ne(naf_ks_id_cmp(&a, &others[i]), 0);
}
END_TEST

START_TEST(lives)
{
	const struct naf_ks_cfg cfg = { .keys = 10, .refusals = 10, .refusal_s = 30 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };

	ck_assert_int_eq(get(ks, 1, &now), -EAGAIN);
	put(ks, 1, &now, 100);
	now.wall_s += 99;
	ck_assert_int_eq(get(ks, 1, &now), 0);
	now.wall_s += 1;
	ck_assert_int_eq(get(ks, 1, &now), -EKEYEXPIRED);
	held(ks, 0, 1);
	ck_assert_int_eq(get(ks, 1, &now), -EKEYEXPIRED); /* remembered: the BSF is not asked for what is over */
	now.mono_ms += 29999;
	ck_assert_int_eq(get(ks, 1, &now), -EKEYEXPIRED);
	now.mono_ms += 1;
	ck_assert_int_eq(get(ks, 1, &now), -EAGAIN);
	held(ks, 0, 0);
	naf_ks_free(ks);
}
END_TEST

/* Our own limit on the age of a bootstrapping (33.220 4.5.3, local validity condition) */
START_TEST(age)
{
	const struct naf_ks_cfg cfg = { .keys = 10, .refusals = 10, .refusal_s = 30, .age_max_s = 60 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };
	struct gba_naf_key old = key_of(7, now.wall_s - 60, now.wall_s + 1000), out;
	struct naf_ks_id id = id_n(7);

	put(ks, 1, &now, 100);
	now.wall_s += 59;
	ck_assert_int_eq(get(ks, 1, &now), 0);
	now.wall_s += 1;
	ck_assert_int_eq(get(ks, 1, &now), -EKEYEXPIRED);
	now.wall_s -= 60;
	ck_assert_int_eq(naf_ks_put(ks, &id, &now, &old, &out), -EKEYEXPIRED);
	ck_assert_ptr_null(old.uss_list);
	ck_assert_int_eq(get(ks, 7, &now), -EKEYEXPIRED);
	id = id_n(8); /* the BSF did not say when: its expiry is all there is */
	old = key_of(8, NAF_TIME_NONE, now.wall_s + 1000);
	ck_assert_int_eq(naf_ks_put(ks, &id, &now, &old, &out), 0);
	ck_assert_int_eq(out.expires_at, now.wall_s + 1000);
	ck_assert_int_eq(out.created_at, 0);
	naf_key_clear(&out);
	id = id_n(9); /* it said the first of January 1970 */
	old = key_of(9, 0, now.wall_s + 1000);
	ck_assert_int_eq(naf_ks_put(ks, &id, &now, &old, &out), -EKEYEXPIRED);
	naf_ks_free(ks);
}
END_TEST

/* Key-ExpiryTime is optional in a BIA (29.109 5.2): a key without one is used for minutes */
START_TEST(without_end)
{
	const struct naf_ks_cfg cfg = { .keys = 10, .refusals = 10, .refusal_s = 30 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };
	struct gba_naf_key k = key_of(1, now.wall_s, NAF_TIME_NONE), out;
	struct naf_ks_id id = id_n(1);

	ck_assert_int_eq(naf_ks_put(ks, &id, &now, &k, &out), 0);
	ck_assert_int_eq(out.expires_at, now.wall_s + 300);
	naf_key_clear(&out);
	now.wall_s += 300;
	ck_assert_int_eq(get(ks, 1, &now), -EKEYEXPIRED);
	naf_ks_free(ks);
}
END_TEST

/* Keys are bounded and the least recently used goes; refusals have their own bound and cannot push a key out */
START_TEST(bounds)
{
	const struct naf_ks_cfg cfg = { .keys = 3, .refusals = 2, .refusal_s = 30 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };

	for (unsigned n = 1; n <= 3; n++)
		put(ks, n, &now, 100);
	ck_assert_int_eq(get(ks, 1, &now), 0);
	put(ks, 4, &now, 100);
	held(ks, 3, 0);
	ck_assert_int_eq(get(ks, 2, &now), -EAGAIN);
	ck_assert_int_eq(get(ks, 1, &now), 0);
	for (unsigned n = 100; n < 1100; n++) {
		struct naf_ks_id id = id_n(n);

		refuse(ks, &id, &now, -ENOENT);
	}
	held(ks, 3, 2);
	ck_assert_int_eq(get(ks, 1099, &now), -ENOENT);
	ck_assert_int_eq(get(ks, 100, &now), -EAGAIN);
	ck_assert_int_eq(get(ks, 4, &now), 0);
	put(ks, 1099, &now, 100); /* known after all */
	held(ks, 3, 2);           /* what one source was told runs out by itself */
	ck_assert_int_eq(get(ks, 1099, &now), 0);
	naf_ks_free(ks);
}
END_TEST

static int get_from(struct naf_ks *ks, unsigned n, struct span source, const struct naf_now *now)
{
	struct gba_naf_key out = { 0 };
	struct naf_ks_id id = id_n(n);
	int rc = naf_ks_get(ks, &id, source, now, &out);

	naf_key_clear(&out);
	return rc;
}

/* "Unknown" is remembered by source; "not authorised" and "over" for all; none of a source that is not known */
START_TEST(sources)
{
	const struct naf_ks_cfg cfg = { .keys = 10, .refusals = 10, .refusal_s = 5 };
	const char a[] = "2001:db8::1",
		   long_one[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };
	struct naf_ks_id id = id_n(1), third = id_n(3);
	struct span none = { 0 };

	naf_ks_refuse(ks, &id, none, &now, -ENOENT);
	held(ks, 0, 0);
	naf_ks_refuse(ks, &id, span_str(a), &now, -ENOENT);
	held(ks, 0, 1);
	ck_assert_int_eq(get_from(ks, 1, span_str(a), &now), -ENOENT);
	ck_assert_int_eq(get_from(ks, 1, span_str("2001:db8::2"), &now), -EAGAIN);
	ck_assert_int_eq(get_from(ks, 1, span_str(""), &now), -EAGAIN);
	ck_assert_int_eq(get_from(ks, 1, none, &now), -EAGAIN);
	ck_assert_int_eq(get_from(ks, 2, span_str(a), &now), -EAGAIN);
	naf_ks_refuse(ks, &third, span_str(""), &now, -ENOENT); /* a source that has no name is one all the same */
	ck_assert_int_eq(get_from(ks, 3, span_str(""), &now), -ENOENT);
	ck_assert_int_eq(get_from(ks, 3, none, &now), -EAGAIN);
	ck_assert_int_eq(get_from(ks, 3, span_str(a), &now), -EAGAIN);
	naf_ks_refuse(ks, &id, span_str(long_one), &now, -ENOENT);
	ck_assert_int_eq(get_from(ks, 1, span_of(long_one, GBA_NAF_SOURCE_MAX), &now), -ENOENT);
	ck_assert_int_eq(get_from(ks, 1, span_of(long_one, GBA_NAF_SOURCE_MAX - 1), &now), -EAGAIN);
	put(ks, 1, &now, 100); /* somebody was given the key: whoever asks now has it in the cache */
	ck_assert_int_eq(get_from(ks, 1, span_str(a), &now), 0);
	naf_ks_refuse(ks, &third, none, &now, -EPERM);
	ck_assert_int_eq(get_from(ks, 3, none, &now), -EPERM);
	ck_assert_int_eq(get_from(ks, 3, span_str(a), &now), -EPERM);
	now.mono_ms += 5000;
	ck_assert_int_eq(get_from(ks, 3, span_str(a), &now), -EAGAIN);
	naf_ks_free(ks);
}
END_TEST

/* What is over is wiped without being asked for */
START_TEST(sweeping)
{
	const struct naf_ks_cfg cfg = { .keys = 100, .refusals = 100, .refusal_s = 30 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 100000 };
	struct naf_ks_id id = id_n(50);

	ck_assert_int_eq(get(ks, 99, &now), -EAGAIN); /* the first look sweeps an empty house */
	for (unsigned n = 1; n <= 20; n++)
		put(ks, n, &now, n <= 10 ? 30 : 300);
	refuse(ks, &id, &now, -ENOENT);
	held(ks, 20, 1);
	now.wall_s += 60;
	now.mono_ms += 60000;
	ck_assert_int_eq(get(ks, 99, &now), -EAGAIN);
	held(ks, 10, 0);
	naf_ks_free(ks);
}
END_TEST

START_TEST(failures)
{
	const struct naf_ks_cfg cfg = { .keys = 3, .refusals = 2, .refusal_s = 30 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };
	struct naf_ks_id id = id_n(1);

	ck_assert_uint_eq(naf_ks_failed(ks, &id), 0);
	naf_ks_refuse(ks, &id, span_str(""), &now, -EPERM); /* no key, so nothing to fail at */
	ck_assert_uint_eq(naf_ks_failed(ks, &id), 0);
	put(ks, 1, &now, 100);
	ck_assert_uint_eq(naf_ks_failed(ks, &id), 1);
	ck_assert_uint_eq(naf_ks_failed(ks, &id), 2);
	naf_ks_proved(ks, &id);
	ck_assert_uint_eq(naf_ks_failed(ks, &id), 1);
	naf_ks_free(ks);
}
END_TEST

static pthread_barrier_t start_line;

static void *hammer(void *arg)
{
	struct naf_ks *ks = arg;
	struct naf_now now = { .wall_s = 1000000, .mono_ms = 5000 };

	pthread_barrier_wait(&start_line);
	for (unsigned i = 0; i < 3000; i++) {
		struct naf_ks_id id = id_n(i % 40);

		if (i % 7 == 0)
			put(ks, i % 40, &now, 100);
		else if (i % 11 == 0)
			refuse(ks, &id, &now, -ENOENT);
		else
			get(ks, i % 40, &now);
		naf_ks_failed(ks, &id);
	}
	return NULL;
}

/* For the thread sanitizer */
START_TEST(threads)
{
	const struct naf_ks_cfg cfg = { .keys = 16, .refusals = 8, .refusal_s = 30 };
	struct naf_ks *ks = naf_ks_new(&cfg);
	pthread_t t[4];
	unsigned keys, refusals;

	pthread_barrier_init(&start_line, NULL, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, hammer, ks), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	naf_ks_count(ks, &keys, &refusals);
	ck_assert_uint_le(keys, 16);
	ck_assert_uint_le(refusals, 8);
	naf_ks_free(ks);
}
END_TEST

SUITE("naf_ks", identity, lives, age, without_end, bounds, sources, sweeping, failures, threads)
