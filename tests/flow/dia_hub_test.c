/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two nodes of ours: questions and their one end, answers now and later, loss, coming back, an end with DPR. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/flow/hub_world.h"

START_TEST(test_asked_and_answered)
{
	ck_assert_int_eq(hub_world_ask(1000, 1), -ENOTCONN);
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	ck_assert(dia_hub_is_open(w.bsf, "HSS.Example.com"));
	for (uint64_t i = 1; i <= 200; i++) {
		hub_world_ask_and_wait(i);
		ck_assert_uint_eq(w.maa.result.code, RESULT_SUCCESS);
	}
	ck_assert_uint_eq(w.served, 200);
	ck_assert_uint_eq(w.told[DIA_HUB_OPEN], 1);
	for (uint64_t i = 0; i < 1000; i++) /* many at once: each ends once */
		ck_assert_int_eq(hub_world_ask(5000, i), 0);
	UNTIL(w.ends == 1200);
	ck_assert_uint_eq(w.told[DIA_HUB_STRAY], 0);
}
END_TEST

START_TEST(test_answered_later)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.keep = true;
	ck_assert_int_eq(hub_world_ask(5000, 7), 0);
	UNTIL(w.kept);
	ck_assert_uint_eq(w.ends, 0);
	hub_world_reply(w.kept);
	UNTIL(w.ends == 1);
	ck_assert_uint_eq(w.maa.result.code, RESULT_SUCCESS);
}
END_TEST

START_TEST(test_later_is_too_late)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.keep = true;
	ck_assert_int_eq(hub_world_ask(5000, 7), 0);
	UNTIL(w.kept);
	dia_hub_free(w.bsf);
	w.bsf = NULL;
	ck_assert_uint_eq(w.ends, 1);
	ck_assert_int_eq(w.end_rc, -ENOTCONN);
	UNTIL(w.told[DIA_HUB_LOST] == 1);
	hub_world_turn(0);
	hub_world_reply(w.kept); /* to nobody: it goes nowhere, and the connection it came on lives until here */
}
END_TEST

START_TEST(test_asked_again_while_all_ends)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.keep = true;
	ck_assert_int_eq(hub_world_ask(5000, 1), 0);
	UNTIL(w.kept);
	w.ask_again = true;
	dia_hub_free(w.bsf);
	w.bsf = NULL;
	ck_assert_uint_eq(w.ends, 1);
	dia_reply_drop(w.kept);
}
END_TEST

START_TEST(test_no_answer)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.drop = true;
	ck_assert_int_eq(hub_world_ask(50, 9), 0);
	UNTIL(w.ends == 1);
	ck_assert_int_eq(w.end_rc, -ETIMEDOUT);
	w.drop = false;
	hub_world_ask_and_wait(10);
	ck_assert_int_eq(w.end_rc, 0);
	w.keep = true;
	ck_assert_int_eq(hub_world_ask(50, 11), 0);
	UNTIL(w.ends == 3);
	ck_assert_int_eq(w.end_rc, -ETIMEDOUT);
	hub_world_reply(w.kept); /* comes after its time: counted, no second end */
	w.keep = false;
	hub_world_ask_and_wait(12);
	ck_assert_uint_eq(w.ends, 4);
}
END_TEST

static int put_of_another_command(struct writer *out, struct span request, const struct dia_self *self,
				  const void *answer)
{
	struct zh_maa m = { .result.code = RESULT_SUCCESS };
	int len = zh_wire_maa_put(out, request, self, &m);

	out->p[7] ^= 1; /* of its code */
	return len;
}

/* What has the right hop-by-hop id is an answer, if it is of the command that was asked */
START_TEST(test_answer_of_another_command)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.keep = true;
	ck_assert_int_eq(hub_world_ask(5000, 1), 0);
	UNTIL(w.kept);
	ck_assert_int_eq(dia_reply_put(w.kept, put_of_another_command, NULL), 0);
	w.kept = NULL;
	UNTIL(w.ends == 1);
	ck_assert_int_eq(w.end_rc, -EBADMSG);
}
END_TEST

/* A peer that never answers is not asked without end */
START_TEST(test_bound_of_one_peer)
{
	unsigned n = 0;
	int rc = 0;

	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.drop = true;
	for (; rc == 0 && n < 2 * DIA_HUB_PENDING; n += rc == 0) {
		if (n % 64 == 0)
			UNTIL(w.served == n);
		rc = hub_world_ask(60000, n);
	}
	ck_assert_int_eq(rc, -EBUSY);
	ck_assert_uint_eq(n, DIA_HUB_PENDING);
	ck_assert_uint_eq(w.ends, 0);
}
END_TEST

/* RFC 6733 8.8: no two requests have one, nor has who comes after a restart one of before */
START_TEST(test_session_ids)
{
	char id[3][DIA_SESSION_ID_MAX];
	struct dia_sessions s, anew;

	ck_assert_int_eq(dia_ask_sessions_init(&s, BSF), 0);
	ck_assert_int_eq(dia_ask_sessions_init(&anew, BSF), 0);
	dia_ask_session_id(&s, id[0]);
	dia_ask_session_id(&s, id[1]);
	dia_ask_session_id(&anew, id[2]);
	ck_assert_str_ne(id[0], id[1]);
	ck_assert_str_ne(id[0], id[2]);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(strncmp(id[i], BSF ";", strlen(BSF) + 1), 0);
}
END_TEST

START_TEST(test_a_server_that_forgets_to_answer)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.serve_nothing = true;
	hub_world_ask_and_wait(1);
	ck_assert_uint_eq(w.maa.result.code, RESULT_UNABLE_TO_COMPLY);
}
END_TEST

START_TEST(test_what_no_message_can_carry)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.guss_len = 60000;
	hub_world_ask_and_wait(1);
	ck_assert_uint_eq(w.maa.guss.len, 60000);
	w.guss_len = 66000;
	hub_world_ask_and_wait(2);
	ck_assert_uint_eq(w.maa.result.code, RESULT_UNABLE_TO_COMPLY);
	ck_assert(dia_hub_is_open(w.bsf, HSS)); /* the connection is kept */
	ck_assert_uint_eq(w.told[DIA_HUB_LOST], 0);
}
END_TEST

START_TEST(test_not_for_us)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	ck_assert_int_eq(hub_world_ask_realm("elsewhere.example.org", NULL, 5000, 1), 0);
	UNTIL(w.ends == 1);
	ck_assert_uint_eq(w.maa.result.code, RESULT_REALM_NOT_SERVED);
	ck_assert_int_eq(hub_world_ask_realm(REALM, "other.example.com", 5000, 2), 0);
	UNTIL(w.ends == 2);
	ck_assert_uint_eq(w.maa.result.code, RESULT_UNABLE_TO_DELIVER);
	ck_assert_int_eq(hub_world_ask_realm(REALM, HSS, 5000, 3), 0);
	UNTIL(w.ends == 3);
	ck_assert_uint_eq(w.maa.result.code, RESULT_SUCCESS);
	ck_assert_uint_eq(w.served, 1);
	ck_assert_uint_eq(w.told[DIA_HUB_REALM], 2);
}
END_TEST

START_TEST(test_lost_and_back)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	w.keep = true;
	for (uint64_t i = 0; i < 10; i++)
		ck_assert_int_eq(hub_world_ask(10000, i), 0);
	UNTIL(w.served == 10);
	dia_hub_free(w.hss);
	UNTIL(w.ends == 10); /* at once, not after 10 s */
	ck_assert_int_eq(w.end_rc, -ENOTCONN);
	ck_assert_int_eq(hub_world_ask(1000, 1), -ENOTCONN);
	dia_reply_drop(w.kept);
	w.keep = false;
	hub_world_hss();
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	hub_world_ask_and_wait(1);
	ck_assert_uint_eq(w.maa.result.code, RESULT_SUCCESS);
}
END_TEST

static void on_stop(void *owner)
{
	w.stops++;
}

START_TEST(test_end_with_dpr)
{
	uint64_t began;

	UNTIL(dia_hub_is_open(w.bsf, HSS));
	began = clock_mono_ms();
	dia_hub_stop(w.hss, on_stop, NULL);
	UNTIL(w.stops == 1);
	ck_assert_uint_lt(clock_mono_ms() - began, 3000);
	ck_assert(!dia_hub_is_open(w.bsf, HSS));
	ck_assert_uint_eq(w.told[DIA_HUB_LOST], 1);
	dia_hub_free(w.hss);
	hub_world_hss();
	UNTIL(dia_hub_is_open(w.bsf, HSS)); /* who said it starts again is asked again */
	dia_hub_stop(w.bsf, on_stop, NULL);
	UNTIL(w.stops == 2);
}
END_TEST

START_TEST(test_figures)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	hub_world_ask_and_wait(1);
	hub_world_ask_and_wait(2);
}
END_TEST

/* A relay that has no rules gives a MAR to whoever advertises Zh, so also to a BSF: the cure is told once. */
START_TEST(test_misrouted)
{
	struct dia_target to = { .peer = BSF, .realm = REALM, .grammar = &zh_wire_mar, .room = 2048 };
	struct zh_mar mar = { .scheme = "Digest-AKAv1-MD5" };

	strcpy(mar.impi.s, "001010000000001@ims.example.com");
	memset(w.told, 0, sizeof(w.told));
	dia_hub_free(w.bsf);
	w.bsf = hub_world_another();
	UNTIL(dia_hub_is_open(w.hss, BSF));
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_int_eq(dia_ask(w.hss, &to, hub_world_put_mar, &mar, 5000, hub_world_end, NULL, i), 0);
		UNTIL(w.ends == i);
		ck_assert_uint_eq(w.maa.result.code, RESULT_APPLICATION_UNSUPPORTED);
		ck_assert_uint_eq(w.told[DIA_HUB_MISROUTED], i);
		ck_assert_int_eq(w.last_detail[0] != 0, i == 1);
	}
	ck_assert_uint_eq(w.told[DIA_HUB_PROTOCOL], 0);
}
END_TEST

SUITE_WITH_FIXTURE("dia_hub", hub_world_setup, hub_world_teardown, test_asked_and_answered, test_answered_later,
		   test_later_is_too_late, test_asked_again_while_all_ends, test_no_answer,
		   test_a_server_that_forgets_to_answer, test_what_no_message_can_carry, test_not_for_us,
		   test_answer_of_another_command, test_bound_of_one_peer, test_session_ids, test_lost_and_back,
		   test_end_with_dpr, test_figures, test_misrouted)
