/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contract of every store, as far as it is about what marks revoke. */
#include <errno.h>
#include <unistd.h>
#include "tests/store/contract.h"

/* What came in between, of its subscriber or of the run alone, also where nothing is there yet: nobody else is hindered */
CASE(revoked_meanwhile)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), other = session_make(2, IMPI_2, BSF_A, true);
	struct gba_session run = session_make(3, IMPI_2, BSF_B, false), next = session_make(4, IMPI_1, BSF_A, false);
	struct btid id = btid_of(&s), id_run = btid_of(&run), id_next = btid_of(&next);

	s.made_ms = other.made_ms = run.made_ms = store_clock_ms(h.st);
	ck_assert_int_eq(revoke_impi(&h, "001010000000001@IMS.mnc001.mcc001.3gppnetwork.org"), 0);
	ck_assert_int_eq(revoke_btid(&h, &id_run), 0);
	ck_assert_uint_eq(h.a.revoked, 0);
	ck_assert_int_eq(put(&h, &s), -EKEYREVOKED);
	ck_assert_int_eq(put(&h, &run), -EKEYREVOKED);
	ck_assert_int_eq(put(&h, &other), 0);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_eq(get(&h, &id_run), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), -ENOENT);
	ck_assert_int_eq(put(&h, &next), 0);
	ck_assert_int_eq(get(&h, &id_next), 0);
}

/* An application gets no key of what was made before, other applications do; whatever is the case of its name */
CASE(naf_revoked)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, false), next = session_make(2, IMPI_2, BSF_A, false);
	struct btid id = btid_of(&s), id_next = btid_of(&next);

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(revoke_naf(&h, "NAF1.example.com"), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	ck_assert(store_naf_revoked(h.st, "naf1.EXAMPLE.com", &h.session));
	ck_assert(!store_naf_revoked(h.st, "naf2.example.com", &h.session));
	/* by a clock that is another machine's: the device may have to begin again */
	for (unsigned n = 2; n < 100; n++) {
		next = session_make(n, IMPI_2, BSF_A, false);
		id_next = btid_of(&next);
		ck_assert_int_eq(put(&h, &next), 0);
		ck_assert_int_eq(get(&h, &id_next), 0);
		if (!store_naf_revoked(h.st, "naf1.example.com", &h.session))
			return;
		usleep(1000);
	}
	ck_abort_msg("revoked for ever");
}

/* All that was made before, also of a challenge that is not answered yet; what is made from then on counts */
CASE(all_revoked)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_2, BSF_B, false);
	struct gba_session run = session_make(3, IMPI_2, BSF_A, false), next = session_make(4, IMPI_1, BSF_A, true);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b), id_next = btid_of(&next);

	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	run.made_ms = store_clock_ms(h.st);
	ck_assert_int_eq(revoke_all(&h), 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(get(&h, &id_b), -ENOENT);
	ck_assert_int_eq(put(&h, &run), -EKEYREVOKED);
	ck_assert_int_eq(put(&h, &next), 0);
	ck_assert_int_eq(get(&h, &id_next), 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
}

/* Marks are of the store, not of who uses it */
CASE(marks_outlive_a_process)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, false), of_naf = session_make(2, IMPI_2, BSF_A, false);
	struct btid id = btid_of(&s), id_naf = btid_of(&of_naf);
	struct store_figures f;

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(revoke_all(&h), 0);
	ck_assert_int_eq(put(&h, &of_naf), 0);
	ck_assert_int_eq(revoke_naf(&h, "naf1.example.com"), 0);
	ck_assert_int_eq(revoke_impi(&h, "nobody@example.org"), 0);
	backend_again(backend);
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.marks, 3);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_eq(get(&h, &id_naf), 0);
	ck_assert(store_naf_revoked(h.st, "naf1.example.com", &h.session));
}

void contract_marks_add(TCase *tc, int n)
{
	tcase_add_loop_test(tc, revoked_meanwhile, 0, n);
	tcase_add_loop_test(tc, naf_revoked, 0, n);
	tcase_add_loop_test(tc, all_revoked, 0, n);
	tcase_add_loop_test(tc, marks_outlive_a_process, LMDB, n);
}
