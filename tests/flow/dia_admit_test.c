/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who may come in: by name, by address, how many; noise, silence and refusals in any number, while a good peer is served. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/flow/hub_world.h"

START_TEST(test_unknown_identity)
{
	w.only = "somebody.else.example.com";
	UNTIL(w.told[DIA_HUB_UNKNOWN] == 2); /* it comes again */
	ck_assert(!dia_hub_is_open(w.bsf, HSS));
	w.only = BSF;
	UNTIL(dia_hub_is_open(w.bsf, HSS));
}
END_TEST

START_TEST(test_other_address)
{
	w.refuse_address = true;
	UNTIL(w.told[DIA_HUB_ADDRESS] == 1);
	ck_assert_uint_eq(w.told[DIA_HUB_UNKNOWN], 0);
	w.refuse_address = false;
	UNTIL(dia_hub_is_open(w.bsf, HSS));
}
END_TEST

START_TEST(test_admitted_no_more)
{
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	dia_hub_recheck(w.hss);
	hub_world_ask_and_wait(1);
	w.only = "somebody.else.example.com";
	dia_hub_recheck(w.hss);
	UNTIL(w.told[DIA_HUB_LOST] == 1);
	UNTIL(!dia_hub_is_open(w.bsf, HSS));
}
END_TEST

/* A second one under a name that is there: the first is asked, lives, and stays. */
START_TEST(test_name_in_use)
{
	struct dia_hub *first = w.bsf;

	UNTIL(dia_hub_is_open(w.bsf, HSS));
	hub_world_bsf();
	UNTIL(w.told[DIA_HUB_IN_USE] == 1);
	ck_assert(dia_hub_is_open(first, HSS));
	ck_assert(!dia_hub_is_open(w.bsf, HSS));
	dia_hub_free(w.bsf);
	w.bsf = first;
	hub_world_ask_and_wait(1);
}
END_TEST

/* Forked workers of one identity: as many connections as were allowed, and more from the next CER on. */
START_TEST(test_connections)
{
	struct dia_hub *more[3];

	w.connections = 2;
	UNTIL(dia_hub_is_open(w.bsf, HSS));
	more[0] = hub_world_another();
	UNTIL(dia_hub_is_open(more[0], HSS));
	ck_assert(dia_hub_is_open(w.bsf, HSS));
	more[1] = hub_world_another();
	UNTIL(w.told[DIA_HUB_IN_USE]);
	ck_assert(!dia_hub_is_open(more[1], HSS));
	w.connections = 40; /* more than the first table has place for */
	UNTIL(dia_hub_is_open(more[1], HSS));
	more[2] = hub_world_another();
	UNTIL(dia_hub_is_open(more[2], HSS));
	w.connections = 1; /* those that are there stay */
	dia_hub_recheck(w.hss);
	hub_world_ask_and_wait(1);
	ck_assert_int_eq(w.end_rc, 0);
	for (size_t i = 0; i < 3; i++)
		dia_hub_free(more[i]);
	hub_world_ask_and_wait(2);
	ck_assert_int_eq(w.end_rc, 0);
}
END_TEST

START_TEST(test_silent_ones)
{
	int fds[400];
	unsigned closed = 0;
	char octet;

	UNTIL(dia_hub_is_open(w.bsf, HSS));
	for (size_t i = 0; i < 400; i++) {
		fds[i] = hub_world_raw();
		if (i % 50 == 0)
			hub_world_ask_and_wait(i);
	}
	hub_world_ask_and_wait(1000);
	for (size_t i = 0; i < 400; i++) {
		closed += recv(fds[i], &octet, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
		close(fds[i]);
	}
	ck_assert_uint_ge(closed, 400 - DIA_DOOR_ALL / 2); /* of one address the oldest went */
	hub_world_ask_and_wait(1001);
}
END_TEST

START_TEST(test_noise)
{
	static const uint8_t noise[][24] = {
		{ 'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n', '\r', '\n' },
		{ 1, 0, 0, 20, 0x80, 0, 1, 24 },        /* DWR before CER */
		{ 1, 0, 0, 20, 0x80, 0, 1, 1 },         /* CER without anything */
		{ 1, 0xff, 0xff, 0xfc, 0x80, 0, 1, 1 }, /* longer than anybody may say before CER */
		{ 1, 0, 0, 19, 0x80, 0, 1, 1 },
	};

	UNTIL(dia_hub_is_open(w.bsf, HSS));
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		uint8_t got[4096];
		int fd = hub_world_raw();
		ssize_t n;

		ck_assert_int_eq(write(fd, noise[i], 20), 20);
		while ((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) > 0 || (n < 0 && errno == EAGAIN))
			hub_world_turn(100);
		close(fd);
		hub_world_ask_and_wait(i);
	}
	ck_assert(dia_hub_is_open(w.bsf, HSS));
}
END_TEST

/* Refused, they stay: a flood of CERs of unknown names must not use up what there is. */
START_TEST(test_refused_ones_that_stay)
{
	struct dia_caps caps = hub_world_caps("somebody.else.example.com");
	int fds[400];
	unsigned closed = 0;
	uint8_t got[1024];

	UNTIL(dia_hub_is_open(w.bsf, HSS));
	for (size_t i = 0; i < 400; i++) {
		fds[i] = hub_world_raw();
		hub_world_cer(fds[i], &caps);
		UNTIL(w.told[DIA_HUB_UNKNOWN] == i + 1);
	}
	hub_world_ask_and_wait(1);
	for (size_t i = 0; i < 400; i++) {
		/* the refusal, its end, and then the reset of those that had to go */
		while (recv(fds[i], got, sizeof(got), MSG_DONTWAIT) > 0)
			;
		closed += send(fds[i], got, 1, MSG_NOSIGNAL) < 0;
		close(fds[i]);
	}
	ck_assert_uint_ge(closed, 400 - DIA_DOOR_ALL / 2);
}
END_TEST

/* A header that is none is told so before the connection ends. */
START_TEST(test_no_frame)
{
	static const struct {
		uint8_t hdr[DIA_HDR_LEN];
		uint32_t code;
	} bad[] = {
		{ { 1, 0, 0, 19, 0xc0, 0, 1, 0x2f, 1, 0, 0, 5 }, DIA_INVALID_MESSAGE_LENGTH },
		{ { 1, 0xff, 0xff, 0xfc, 0xc0, 0, 1, 0x2f, 1, 0, 0, 5 }, DIA_INVALID_MESSAGE_LENGTH },
		{ { 2, 0, 0, 20, 0xc0, 0, 1, 0x2f, 1, 0, 0, 5 }, DIA_UNSUPPORTED_VERSION },
	};

	struct dia_caps caps = hub_world_caps(BSF);

	dia_hub_free(w.bsf);
	w.bsf = NULL;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = hub_world_raw();
		uint8_t octet;

		hub_world_cer(fd, &caps);
		ck_assert_uint_eq(hub_world_result(fd), RESULT_SUCCESS);
		ck_assert_int_eq(send(fd, bad[i].hdr, DIA_HDR_LEN, MSG_NOSIGNAL), DIA_HDR_LEN);
		ck_assert_uint_eq(hub_world_result(fd), bad[i].code);
		UNTIL(recv(fd, &octet, 1, MSG_DONTWAIT) == 0);
		close(fd);
		UNTIL(w.told[DIA_HUB_LOST] == i + 1);
	}
}
END_TEST

#define DIALLED "dialled.example.com"

/* The first reason that holds is what it is told, and what is told here. */
START_TEST(test_why_not)
{
	static const struct {
		const char *host;
		bool address, app, tls; /* another address, another application, only TLS */
		uint32_t code;
		enum dia_hub_event ev;
		const char *words;
	} rows[] = {
		{ BSF, false, false, false, RESULT_SUCCESS, DIA_HUB_OPEN, "127.0.0.1" },
		{ "stranger.example.com", true, true, true, DIA_UNKNOWN_PEER, DIA_HUB_UNKNOWN,
		  "is not configured here" },
		{ "Hss.example.COM", false, false, false, DIA_UNKNOWN_PEER, DIA_HUB_UNKNOWN, "is our own" },
		{ BSF, true, true, true, DIA_UNKNOWN_PEER, DIA_HUB_ADDRESS, "belongs to another address" },
		{ DIALLED, false, false, false, DIA_UNKNOWN_PEER, DIA_HUB_ROLE, "may-connect" },
		{ BSF, false, true, true, DIA_NO_COMMON_APPLICATION, DIA_HUB_PROTOCOL, "no application in common" },
		{ BSF, false, false, true, DIA_NO_COMMON_SECURITY, DIA_HUB_PROTOCOL, "no security in common" },
	};
	struct sockaddr_storage nowhere = free_port();

	dia_hub_free(w.bsf);
	w.bsf = NULL;
	ck_assert_int_eq(dia_hub_dial(w.hss, DIALLED, &nowhere, false), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dia_caps caps = hub_world_caps(rows[i].host);
		unsigned before = w.told[rows[i].ev];
		int fd = hub_world_raw();

		w.refuse_address = rows[i].address;
		caps.apps[0] = rows[i].app ? GBA_APP_ZN : GBA_APP_ZH;
		caps.tls = rows[i].tls;
		caps.no_tls = !rows[i].tls;
		hub_world_cer(fd, &caps);
		ck_assert_msg(hub_world_result(fd) == rows[i].code, "row %zu: %s", i, w.last_detail);
		ck_assert_uint_eq(w.told[rows[i].ev], before + 1);
		ck_assert_msg(strstr(w.last_detail, rows[i].words), "row %zu: %s", i, w.last_detail);
		before = w.told[DIA_HUB_LOST];
		close(fd);
		UNTIL(rows[i].code != RESULT_SUCCESS || w.told[DIA_HUB_LOST] > before);
	}
}
END_TEST

SUITE_WITH_FIXTURE("dia_admit", hub_world_setup, hub_world_teardown, test_why_not, test_unknown_identity,
		   test_other_address, test_admitted_no_more, test_name_in_use, test_connections, test_silent_ones,
		   test_noise, test_refused_ones_that_stay, test_no_frame)
