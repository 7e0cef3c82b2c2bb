/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two nodes of ours over TLS: a connection whose certificate ends is ended, and it is said before. */
#include <openssl/ssl.h>
#include "tests/flow/tls_world.h"

START_TEST(who_is_certified_no_more_goes)
{
	SSL_CTX *renewed;

	tls_world_meet(tls_world_certified(BSF, 100 * DAY), tls_world_certified(NAF, 3), true);
	UNTIL(at_bsf.n[DIA_HUB_OPEN] && at_naf.n[DIA_HUB_OPEN]);
	UNTIL(at_bsf.n[DIA_HUB_EXPIRES] >= 2 && at_naf.n[DIA_HUB_LOST]);
	ck_assert_str_eq(at_bsf.detail[DIA_HUB_EXPIRES], "its certificate, or one above it, has expired");
	UNTIL(at_bsf.n[DIA_HUB_LOST]);
	ck_assert_str_eq(at_bsf.detail[DIA_HUB_LOST], "its certificate, or one above it, has expired");
	UNTIL(at_naf.n[DIA_HUB_TLS] && at_bsf.n[DIA_HUB_TLS]); /* it tries again */
	ck_assert_str_eq(at_naf.detail[DIA_HUB_TLS], "alert \"certificate expired\" from it");
	ck_assert_str_eq(at_bsf.detail[DIA_HUB_TLS], "its certificate, or one above it, has expired");
	ck_assert_uint_eq(at_naf.n[DIA_HUB_EXPIRES], 0);
	renewed = tls_world_certified(NAF, 100 * DAY);
	dia_hub_tls(naf, renewed); /* and with a new one is back */
	SSL_CTX_free(renewed);
	UNTIL(at_bsf.n[DIA_HUB_OPEN] == 2);
}
END_TEST

START_TEST(that_it_ends_is_said_before)
{
	tls_world_meet(tls_world_certified(BSF, 29 * DAY + 60), tls_world_certified(NAF, 31 * DAY), true);
	UNTIL(at_naf.n[DIA_HUB_EXPIRES]);
	ck_assert_str_eq(at_naf.detail[DIA_HUB_EXPIRES], "certificate ends in 29 days");
	UNTIL(at_bsf.n[DIA_HUB_OPEN]);
	dia_loop_turn(loop, 64);
	dia_loop_turn(loop, 64);
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_EXPIRES], 0);
	ck_assert_uint_eq(at_naf.n[DIA_HUB_EXPIRES], 1);
}
END_TEST

SUITE_WITH_FIXTURE("dia_expiry", tls_world_setup, tls_world_teardown, who_is_certified_no_more_goes,
		   that_it_ends_is_said_before)
