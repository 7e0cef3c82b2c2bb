/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Orders that others are asked about before: whom an HSS keeps waiting does not keep the daemon from its end. */
#include "reg/reg_ahead.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "reg/reg_cfg.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define ORDERS 100

static char folder[64], hss[80];
static int silent = -1;
static atomic_uint done;
static sem_t one_done;

/* An HSS that takes connections and says nothing. */
static void begin(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	reg_world_begin();
	strcpy(folder, "/tmp/reg_ahead.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(hss, sizeof(hss), "%s/ctl", folder);
	strcpy(sa.sun_path, hss);
	silent = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(silent, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(silent, ORDERS), 0);
	reg_cfg.targets[1].socket = hss;
	sem_init(&one_done, 0, 0);
}

static void end(void)
{
	close(silent);
	unlink(hss);
	rmdir(folder);
	reg_world_end();
}

static void on_end(struct reg_order *o)
{
	done += o->rc >= 0;
	reg_order_free(o);
	sem_post(&one_done);
}

static void targets_are_told(void)
{
}

static struct reg_db *one_more(void)
{
	const struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	struct err err;
	struct reg_db *db = reg_db_open_beside(sqlite3_db_filename(world->sql, "main"), &kek, 1, &err);

	ck_assert_msg(db != NULL, "%s", err.text);
	return db;
}

static struct reg_work *start(void)
{
	struct err err;
	struct reg_work *writer = reg_work_start(one_more(), targets_are_told, &err);

	ck_assert_ptr_nonnull(writer);
	ck_assert_int_eq(reg_ahead_start(one_more(), writer, &err), 0);
	return writer;
}

static void give_device(int i)
{
	struct reg_order *o =
		reg_order_new(reg_device_add, json_pack("{so}", "impi", json_sprintf("%d@example.com", i)));

	o->caller = reg_operator;
	o->ended = on_end;
	ck_assert_int_eq(reg_ahead_give(reg_ahead_of(reg_device_add), o), 0);
}

static void stop(struct reg_work *writer, unsigned orders)
{
	reg_ahead_stop();
	reg_work_stop(writer);
	ck_assert_uint_eq(done, orders);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM device"), orders);
}

/* A time-out for each would be more than a test may last. */
START_TEST(at_the_end_nobody_is_asked)
{
	struct reg_work *writer = start();

	for (int i = 0; i < ORDERS; i++)
		give_device(i);
	stop(writer, ORDERS);
}
END_TEST

/* \returns how often it was asked since the last time */
static int asked(void)
{
	struct pollfd p = { .fd = silent, .events = POLLIN };
	int n = 0;

	for (; poll(&p, 1, 0) > 0; n++)
		close(accept(silent, NULL, NULL));
	return n;
}

static void give_and_wait(int i)
{
	give_device(i);
	while (sem_wait(&one_done) < 0)
		;
}

/* An HSS that hangs costs one order its time and not each: it is asked again after a while. */
START_TEST(one_that_hangs_is_asked_once_in_a_while)
{
	struct reg_work *writer = start();

	reg_ahead_silent_ms = 3600000;
	for (int i = 0; i < 10; i++)
		give_and_wait(i);
	ck_assert_int_eq(asked(), 1);
	reg_ahead_silent_ms = 0;
	give_and_wait(10);
	ck_assert_int_eq(asked(), 1);
	stop(writer, 11);
}
END_TEST

SUITE_WITH_FIXTURE("reg_ahead", begin, end, at_the_end_nobody_is_asked, one_that_hangs_is_asked_once_in_a_while)
