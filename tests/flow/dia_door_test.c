/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two hubs of one node, each on a loop of its own: who says nothing is counted once for both, and the oldest goes wherever it is. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_hub.h"
#include "common/dia/zh_wire.h"
#include "tests/flow/free_port.h"
#include "tests/unit/suite.h"

#define ALL   20
#define HUBS  2
#define REALM "example.com"

static const uint32_t zh[] = { GBA_APP_ZH };
static struct dia_door *door;
static struct {
	struct dia_loop *loop;
	struct dia_hub *hub;
	struct sockaddr_storage at;
} side[HUBS];

static int fds[200];
static size_t n_fds;

static void setup(void)
{
	struct err err;

	door = dia_door_new(ALL, DIA_RATE_A_SECOND);
	ck_assert_ptr_nonnull(door);
	for (int i = 0; i < HUBS; i++) {
		struct dia_hub_cfg cfg = { .self = { "hss.example.com", REALM },
					   .client_apps = zh,
					   .n_client_apps = 1,
					   .n_listen = 1,
					   .door = door };

		side[i].loop = dia_loop_new();
		cfg.listen[0] = side[i].at = free_port();
		side[i].hub = dia_hub_new(side[i].loop, &cfg);
		ck_assert(side[i].hub && dia_hub_listen(side[i].hub, &err) == 0);
	}
	n_fds = 0;
}

static void teardown(void)
{
	while (n_fds)
		close(fds[--n_fds]);
	for (int i = 0; i < HUBS; i++) {
		dia_hub_free(side[i].hub);
		dia_loop_free(side[i].loop);
	}
	dia_door_free(door);
}

static void turns(void)
{
	for (int i = 0; i < 8; i++)
		for (int k = 0; k < HUBS; k++)
			dia_loop_turn(side[k].loop, 64);
}

/* \returns its number in fds */
static size_t come(int to, int last_octet)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)last_octet) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&side[to].at, sizeof(struct sockaddr_in)), 0);
	fds[n_fds] = fd;
	turns();
	return n_fds++;
}

static bool is_there(size_t n)
{
	char octet;

	return recv(fds[n], &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static unsigned there(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < n_fds; i++)
		n += is_there(i);
	return n;
}

START_TEST(one_address)
{
	for (int i = 0; i < 60; i++)
		come(i % HUBS, 2);
	ck_assert_uint_eq(there(), ALL / 2);
	for (size_t i = n_fds - ALL / 2; i < n_fds; i++)
		ck_assert_msg(is_there(i), "%zu of %zu: not the oldest went", i, n_fds);
	ck_assert(is_there(come(0, 3)));
}
END_TEST

START_TEST(many_addresses)
{
	for (int i = 0; i < 60; i++)
		come(i % HUBS, 10 + i);
	ck_assert_uint_eq(there(), ALL);
}
END_TEST

/* Those that are there are all the other hub's */
START_TEST(the_other_hub_gives)
{
	size_t mine;

	for (int i = 0; i < ALL; i++)
		come(0, 10 + i);
	ck_assert_uint_eq(there(), ALL);
	mine = come(1, 50);
	ck_assert_uint_eq(there(), ALL);
	ck_assert(is_there(mine) && !is_there(0) && is_there(1));
}
END_TEST

START_TEST(the_other_hub_gives_of_one_address)
{
	size_t mine;

	for (int i = 0; i < ALL / 2; i++)
		come(0, 2);
	mine = come(1, 2);
	ck_assert_uint_eq(there(), ALL / 2);
	ck_assert(is_there(mine) && !is_there(0) && is_there(1));
}
END_TEST

/* Both are asked, and neither is the fullest for long: none is there that should not be */
START_TEST(at_once)
{
	for (int i = 0; i < 60; i++) {
		struct sockaddr_in from = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(0x7f00000au + (uint32_t)i) };

		fds[n_fds] = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fds[n_fds], (struct sockaddr *)&from, sizeof(from)), 0);
		ck_assert_int_eq(connect(fds[n_fds], (struct sockaddr *)&side[i % HUBS].at, sizeof(struct sockaddr_in)),
				 0);
		n_fds++;
	}
	turns();
	turns();
	ck_assert_uint_eq(there(), ALL);
}
END_TEST

/* A hub that has ended has given back what it had, and is not asked any more */
START_TEST(a_hub_ends)
{
	for (int i = 0; i < ALL; i++)
		come(0, 10 + i);
	dia_hub_free(side[0].hub);
	side[0].hub = NULL;
	ck_assert_uint_eq(there(), 0);
	for (int i = 0; i < ALL; i++)
		come(1, 10 + i);
	ck_assert_uint_eq(there(), ALL);
	come(1, 50);
	ck_assert_uint_eq(there(), ALL);
}
END_TEST

START_TEST(no_more_hubs_than_have_room)
{
	struct dia_door *d = dia_door_new(2, DIA_RATE_A_SECOND);

	for (int i = 0; i < DIA_DOOR_HUBS; i++)
		ck_assert_int_eq(dia_door_join(d, side[0].loop, NULL, NULL), i);
	ck_assert_int_eq(dia_door_join(d, side[0].loop, NULL, NULL), -ENOSPC);
	dia_door_free(d);
}
END_TEST

SUITE_WITH_FIXTURE("dia_door", setup, teardown, one_address, many_addresses, the_other_hub_gives,
		   the_other_hub_gives_of_one_address, at_once, a_hub_ends, no_more_hubs_than_have_room)
