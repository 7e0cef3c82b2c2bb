/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two nodes of ours: which of them has to be whom, by which certificate and which key, before there is a connection and while there
 * is one. */
#include <stdio.h>
#include <openssl/ssl.h>
#include "common/base/sockaddr.h"
#include "common/dia/dia_hub_in.h"
#include "tests/flow/tls_world.h"

#define ANOTHER "hss.example.com"
#define NO_KEY  "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static char its_key[72];

static void key_of(void *owner, const struct dia_hub_peer_figures *f)
{
	snprintf(its_key, sizeof(its_key), "%s", f->key);
}

static void meet(bool tls)
{
	tls_world_meet(tls_world_certified(BSF, DAY), tls_world_certified(NAF, DAY), tls);
}

/* What is wanted of a peer, by where it is and what else is known of it */
START_TEST(how_it_has_to_be_protected)
{
	static const char *const keys[] = { NO_KEY };
	static const struct {
		const char *from;
		enum dia_hub_protection said;
		bool key;
		enum dia_hub_protection how;
	} rows[] = {
		{ "127.0.0.1", DIA_HUB_BEYOND_LOOPBACK, false, DIA_HUB_PLAIN },
		{ "::1", DIA_HUB_BEYOND_LOOPBACK, false, DIA_HUB_PLAIN },
		{ "192.0.2.1", DIA_HUB_BEYOND_LOOPBACK, false, DIA_HUB_BY_TLS },
		{ "2001:db8::1", DIA_HUB_BEYOND_LOOPBACK, false, DIA_HUB_BY_TLS },
		{ "127.0.0.1", DIA_HUB_BEYOND_LOOPBACK, true, DIA_HUB_BY_TLS },
		{ "192.0.2.1", DIA_HUB_PLAIN, false, DIA_HUB_PLAIN },
		{ "192.0.2.1", DIA_HUB_PLAIN, true, DIA_HUB_BY_TLS },
		{ "127.0.0.1", DIA_HUB_BY_TLS, false, DIA_HUB_BY_TLS },
		{ "127.0.0.1", DIA_HUB_TLS_AFTER_CER, true, DIA_HUB_TLS_AFTER_CER },
	};

	meet(true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dia_conn c = { .hub = bsf };

		ck_assert_int_eq(sockaddr_parse(&c.from, rows[i].from, "3868"), 0);
		at_bsf.security = (struct dia_hub_security){ .how = rows[i].said, .keys = keys, .n_keys = rows[i].key };
		ck_assert_msg(dia_secure_of(&c, NAF).how == rows[i].how, "row %zu", i);
	}
}
END_TEST

/* The key of its certificate is known (tls-key): no other one comes in, and one that is withdrawn goes */
START_TEST(by_its_key)
{
	const char *key = its_key;

	meet(true);
	UNTIL(at_bsf.n[DIA_HUB_OPEN]);
	dia_hub_figures(bsf, key_of, NULL);
	ck_assert_uint_eq(strlen(its_key), strlen(NO_KEY));
	at_bsf.security.keys = &key;
	at_bsf.security.n_keys = 1;
	dia_hub_recheck(bsf);
	for (int i = 0; i < 5; i++)
		dia_loop_turn(loop, 64);
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_LOST], 0);
	key = NO_KEY;
	dia_hub_recheck(bsf);
	UNTIL(at_bsf.n[DIA_HUB_LOST] && at_naf.n[DIA_HUB_LOST]);
	UNTIL(at_bsf.n[DIA_HUB_KEY]); /* it came again */
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_OPEN], 1);
	key = its_key;
	UNTIL(at_bsf.n[DIA_HUB_OPEN] == 2);
}
END_TEST

/* A peer whose key is known has to show it: in clear it is nobody */
START_TEST(by_its_key_in_clear)
{
	static const char *const keys[] = { NO_KEY };

	at_bsf.security = (struct dia_hub_security){ .how = DIA_HUB_PLAIN, .keys = keys, .n_keys = 1 };
	at_naf.security.how = DIA_HUB_PLAIN;
	meet(false);
	UNTIL(at_bsf.n[DIA_HUB_TLS] + at_bsf.n[DIA_HUB_CERTIFICATE] + at_bsf.n[DIA_HUB_KEY] +
	      at_bsf.n[DIA_HUB_REFUSED] + at_bsf.n[DIA_HUB_OPEN]);
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_OPEN], 0);
}
END_TEST

/* A connection in clear that is to be protected from now on ends */
START_TEST(in_clear_no_more)
{
	at_bsf.security.how = at_naf.security.how = DIA_HUB_PLAIN;
	meet(false);
	UNTIL(at_bsf.n[DIA_HUB_OPEN] && at_naf.n[DIA_HUB_OPEN]);
	at_bsf.security.how = DIA_HUB_BY_TLS;
	dia_hub_recheck(bsf);
	UNTIL(at_bsf.n[DIA_HUB_LOST] && at_naf.n[DIA_HUB_LOST]);
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_OPEN], 1);
}
END_TEST

/* Whom we call has to be who we called: it, or a name that is said of it */
START_TEST(whom_we_call)
{
	static const char *const names[] = { "other.example.com", ANOTHER };

	tls_world_meet(tls_world_certified(ANOTHER, DAY), tls_world_certified(NAF, DAY), true);
	UNTIL(at_naf.n[DIA_HUB_CERTIFICATE]);
	ck_assert_str_eq(at_naf.detail[DIA_HUB_CERTIFICATE], "its certificate is for another name");
	ck_assert_uint_eq(at_naf.n[DIA_HUB_OPEN], 0);
	at_naf.security.names = names;
	at_naf.security.n_names = 2;
	UNTIL(at_naf.n[DIA_HUB_OPEN]);
}
END_TEST

/* Who calls us has to be who it says */
START_TEST(who_calls_us)
{
	tls_world_meet(tls_world_certified(BSF, DAY), tls_world_certified(ANOTHER, DAY), true);
	UNTIL(at_bsf.n[DIA_HUB_CERTIFICATE]);
	ck_assert_msg(strstr(at_bsf.detail[DIA_HUB_CERTIFICATE], "does not name it"), "%s",
		      at_bsf.detail[DIA_HUB_CERTIFICATE]);
	ck_assert_uint_eq(at_bsf.n[DIA_HUB_OPEN] + at_naf.n[DIA_HUB_OPEN], 0);
}
END_TEST

SUITE_WITH_FIXTURE("dia_secure", tls_world_setup, tls_world_teardown, how_it_has_to_be_protected, by_its_key,
		   by_its_key_in_clear, in_clear_no_more, whom_we_call, who_calls_us)
