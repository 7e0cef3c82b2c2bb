/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whom we connect to: another address, nobody any more, off and on again by the operator. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/flow/hub_world.h"

static const uint32_t zh[] = { GBA_APP_ZH };

static void on_another_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_HUB_LOST)
		snprintf(owner, sizeof(w.last_detail), "%s", detail);
}

static char bsf_lost[256];

static void start_bsf_that_tells(void)
{
	struct dia_hub_cfg cfg = { .self = { BSF, REALM },
				   .client_apps = zh,
				   .n_client_apps = 1,
				   .tc_ms = 1000,
				   .cb = { .event = on_another_event, .owner = bsf_lost } };

	dia_hub_free(w.bsf);
	w.bsf = dia_hub_new(w.loop, &cfg);
	ck_assert(w.bsf && dia_hub_dial(w.bsf, HSS, &w.hss_at, false) == 0);
}

START_TEST(test_dial_elsewhere)
{
	struct sockaddr_storage former = w.hss_at;

	start_bsf_that_tells();
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(dia_hub_dial(w.bsf, HSS, &w.hss_at, false), -EEXIST);
	w.hss_at = free_port();
	ck_assert_int_eq(dia_hub_dial(w.bsf, HSS, &w.hss_at, false), 0);
	UNTIL(bsf_lost[0]);
	ck_assert_str_eq(bsf_lost, "its address has changed");
	ck_assert(!dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(dia_hub_dial(w.bsf, HSS, &former, false), 0);
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	hub_world_ask_and_wait(1);
	ck_assert_int_eq(w.end_rc, 0);
}
END_TEST

START_TEST(test_dial_no_more)
{
	start_bsf_that_tells();
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	dia_hub_recheck(w.bsf);
	dia_hub_undial(w.bsf, "nobody.example.com");
	ck_assert(dia_hub_is_open(w.bsf, HSS));
	dia_hub_undial(w.bsf, HSS);
	ck_assert(dia_hub_is_open(w.bsf, HSS));
	dia_hub_recheck(w.bsf);
	ck_assert(!dia_hub_is_open(w.bsf, HSS));
	UNTIL(bsf_lost[0]);
	ck_assert_str_eq(bsf_lost, "it is not configured any more");
	ck_assert_int_eq(dia_hub_dial(w.bsf, HSS, &w.hss_at, false), 0);
	UNTIL(dia_hub_is_open(w.bsf, HSS));
}
END_TEST

START_TEST(test_operator_disconnects)
{
	unsigned refused;

	ck_assert_int_eq(dia_hub_reconnect(w.bsf, "nobody.example.com"), -ENOENT);
	ck_assert_int_eq(dia_hub_disconnect(w.bsf, "nobody.example.com"), 0); /* who has not come yet */
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(dia_hub_disconnect(w.hss, BSF), 0);
	UNTIL(!dia_hub_is_open(w.bsf, HSS));
	refused = w.told[DIA_HUB_REFUSED];
	ck_assert_int_eq(dia_hub_reconnect(w.bsf, HSS), 0); /* it tries, and is told */
	UNTIL(w.told[DIA_HUB_REFUSED] > refused);
	ck_assert_ptr_nonnull(strstr(w.last_detail, "its operator here has disconnected it"));
	ck_assert_int_eq(dia_hub_reconnect(w.hss, BSF), 0);
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	hub_world_ask_and_wait(1);
	ck_assert_int_eq(w.end_rc, 0);
}
END_TEST

/* Who connects may keep a peer off, too, and takes it up at once. */
START_TEST(test_dialler_disconnects)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(dia_hub_disconnect(w.bsf, HSS), 0);
	UNTIL(w.told[DIA_HUB_LOST] == 1);
	ck_assert(!dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(dia_hub_reconnect(w.bsf, HSS), 0);
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(dia_hub_reconnect(w.bsf, HSS), 0); /* anew */
	UNTIL(w.told[DIA_HUB_LOST] == 2);
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	hub_world_ask_and_wait(1);
	ck_assert_int_eq(w.end_rc, 0);
}
END_TEST

SUITE_WITH_FIXTURE("dia_dial", hub_world_setup, hub_world_teardown, test_dial_elsewhere, test_dial_no_more,
		   test_operator_disconnects, test_dialler_disconnects)
