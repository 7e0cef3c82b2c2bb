/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contract of every store, as far as it is about when something is over. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "tests/store/contract.h"

/* 220-4.4.13-1: over at its second; the TMPI outlives it, until the next run */
CASE(expired_is_gone)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), live = session_make(2, IMPI_2, BSF_A, false);
	struct gba_session next = session_make(3, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s), id_live = btid_of(&live);

	s.expires_at = time(NULL) + 2;
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &live), 0);
	if (time(NULL) < s.expires_at - 1)
		ck_assert_int_eq(get(&h, &id), 0);
	while (time(NULL) < s.expires_at)
		usleep(10000);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	usleep(200000); /* Redis forgets it by its own clock, some ms later: until then it counts as one that is revoked */
	ck_assert_int_eq(revoke_btid(&h, &id), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
	ck_assert_str_eq(h.impi, IMPI_1);
	ck_assert_int_eq(get(&h, &id_live), 0);
	ck_assert_int_eq(put(&h, &next), 0);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, next.tmpi), 0);
}

/* 220-4.4.13-2: a TMPI is known for 30 days behind the end of its Ks, and then it is over and goes */
CASE(tmpi_ends)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), live = session_make(2, IMPI_2, BSF_A, true);
	int64_t end = time(NULL) + 2;
	uint64_t until = clock_mono_ms() + 20000;
	struct store_figures f;

	s.expires_at = end - STORE_TMPI_S;
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &live), 0);
	if (time(NULL) < end - 1) {
		ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
		ck_assert_str_eq(h.impi, IMPI_1);
	}
	while (time(NULL) < end)
		usleep(10000);
	usleep(50000); /* as above */
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), -ENOENT);
	do { /* a store in memory sweeps when it is used */
		ck_assert_int_eq(find_tmpi(&h, live.tmpi), 0);
		store_shared_figures(h.sh, &f);
	} while (backend < REDIS && f.tmpis > 1 && clock_mono_ms() < until);
	ck_assert_uint_le(f.tmpis, 1);
}

static int64_t an_hour(void)
{
	return 3600;
}

/* Sessions made while the clock was 10 years ahead are over once it is right; the slack is for a clock that is put right
 * by seconds. They can be revoked all the same. */
CASE(made_in_the_future)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), edge = session_make(2, IMPI_2, BSF_A, false);
	struct btid id = btid_of(&s), id_edge = btid_of(&edge);

	s.created_at = time(NULL) + 10 * 365 * 86400L;
	s.expires_at = s.created_at + 3600;
	edge.expires_at = time(NULL) + 3600 + 30;
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &edge), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	store_shared_life_max(h.sh, an_hour);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_eq(get(&h, &id_edge), 0);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
	store_shared_life_max(h.sh, NULL);
	if (backend == LMDB) { /* in memory it may have been swept */
		ck_assert_int_eq(get(&h, &id), 0);
		store_shared_life_max(h.sh, an_hour);
		ck_assert_int_eq(revoke_btid(&h, &id), 0);
		ck_assert_uint_eq(h.a.revoked, 1);
		store_shared_life_max(h.sh, NULL);
		ck_assert_int_eq(get(&h, &id), -ENOENT);
	}
}

/* What is over is swept, and only that; TMPIs stay */
CASE(swept)
{
	struct store_figures f;
	uint64_t until = clock_mono_ms() + 60000; /* what is over before it is put waits for the next round, of 32 s */
	int64_t end = time(NULL) + 1;

	for (unsigned n = 0; n < 300; n++) {
		char impi[64];
		struct gba_session s;

		snprintf(impi, sizeof(impi), "u%u@example.org", n);
		s = session_make(n, impi, BSF_A, n % 3 == 0);
		if (n % 2)
			s.expires_at = end;
		ck_assert_int_eq(put(&h, &s), 0);
	}
	while (time(NULL) < end)
		usleep(10000);
	do {
		struct gba_session none = session_make(5000, IMPI_1, BSF_A, false);
		struct btid id = btid_of(&none);

		ck_assert_int_eq(get(&h, &id), -ENOENT); /* a store in memory sweeps when it is used */
		store_shared_figures(h.sh, &f);
	} while (f.swept < 150 && clock_mono_ms() < until);
	ck_assert_uint_eq(f.sessions, 150);
	ck_assert_uint_eq(f.swept, 150);
	ck_assert_uint_eq(f.tmpis, 100);
	for (unsigned n = 0; n < 300; n++) {
		struct gba_session s = session_make(n, "", BSF_A, true);
		struct btid id = btid_of(&s);

		ck_assert_int_eq(get(&h, &id), n % 2 ? -ENOENT : 0);
		ck_assert_int_eq(find_tmpi(&h, s.tmpi), n % 3 ? -ENOENT : 0);
	}
}

/* Each application's keys of each session are counted for themselves, whatever the case of its name; once more after a start: Redis goes
 * on, and where nobody knows it none is left. */
CASE(uses_are_counted)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), other = session_make(2, IMPI_2, BSF_A, false);
	struct btid id = btid_of(&s), id_other = btid_of(&other);

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &other), 0);
	for (uint32_t n = 1; n <= 20; n++)
		ck_assert_uint_eq(use(&h, &id, n % 2 ? "naf.example.com" : "NAF.example.COM"), n);
	ck_assert_uint_eq(use(&h, &id, "naf2.example.com"), 1);
	ck_assert_uint_eq(use(&h, &id_other, "naf.example.com"), 1);
	if (backend == MEM)
		return;
	backend_again(backend);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), backend == LMDB ? UINT32_MAX : 21);
	ck_assert_uint_eq(use(&h, &id, "never.example.com"), backend == LMDB ? UINT32_MAX : 1);
	s = session_make(3, IMPI_1, BSF_A, true);
	id = btid_of(&s);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), 1);
}

/* What was revoked while it was counted is not given. */
CASE(revoked_while_counted)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	s = h.session;
	s.guss = NULL;
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_int_eq(use_again(&h, &s, "naf.example.com"), -ENOENT);
	ck_assert(!h.a.session);
}

static int put_with(unsigned n, const char *impi, const char *bsf_name, const char *guss, int64_t expires_at)
{
	struct gba_session s = session_make(n, impi, bsf_name, false);
	int rc;

	s.guss = guss_blob_new(span_str(guss));
	if (expires_at)
		s.expires_at = expires_at;
	rc = put(&h, &s);
	guss_blob_put(s.guss);
	return rc;
}

static bool is_kept(const char *impi, const char *guss)
{
	return span_eq(guss_blob_span(find_guss(&h, impi)), span_str(guss));
}

#define GUSS_OF(second) "<guss><Extension><timestamp>2026-01-01T00:00:0" second "Z</timestamp></Extension></guss>"

/* 220-4.4.5-6: the GUSS that is kept of a subscriber is the latest of his sessions that live, and goes with the last of them */
CASE(guss_is_kept)
{
	struct gba_session b = session_make(3, IMPI_1, BSF_B, false);
	struct btid id = btid_of(&b);
	int64_t end;

	ck_assert(is_kept(IMPI_1, ""));
	ck_assert_int_eq(put_with(1, IMPI_1, BSF_A, "<guss/>", 0), 0);
	ck_assert(is_kept(IMPI_1, ""));
	ck_assert_int_eq(put_with(2, IMPI_1, BSF_A, GUSS_OF("1"), 0), 0);
	ck_assert(is_kept(IMPI_1, GUSS_OF("1")));
	ck_assert_int_eq(put_with(3, IMPI_1, BSF_B, GUSS_OF("2"), 0), 0);
	ck_assert(is_kept("001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org", GUSS_OF("2")));
	ck_assert(is_kept(IMPI_2, ""));
	ck_assert_int_eq(revoke_btid(&h, &id), 0);
	ck_assert(is_kept(IMPI_1, GUSS_OF("1")));
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert(is_kept(IMPI_1, ""));
	end = time(NULL) + 1;
	ck_assert_int_eq(put_with(4, IMPI_2, BSF_A, GUSS_OF("3"), end), 0);
	while (store_now_s(h.st) < end) /* before it is swept */
		usleep(50000);
	ck_assert(is_kept(IMPI_2, ""));
}

void contract_life_add(TCase *tc, int n)
{
	tcase_add_loop_test(tc, expired_is_gone, 0, n);
	tcase_add_loop_test(tc, tmpi_ends, 0, n);
	tcase_add_loop_test(tc, guss_is_kept, 0, n);
	tcase_add_loop_test(tc, uses_are_counted, 0, n);
	tcase_add_loop_test(tc, revoked_while_counted, 0, n);
	tcase_add_loop_test(tc, made_in_the_future, 0, n);
	tcase_add_loop_test(tc, swept, 0, REDIS); /* which sweeps by itself */
}
