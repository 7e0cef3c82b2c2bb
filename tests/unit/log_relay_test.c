/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Lines of any thread are written by the main thread; levels follow the targets; a flood is counted, never blocks. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include "common/rt/log_cat.h"
#include "tests/unit/suite.h"

static unsigned lines, errors;
static char last[256];
static pthread_t writer;

static void capture(struct log_target *t, unsigned int level, const char *line)
{
	lines++;
	errors += level == LOGL_ERROR;
	writer = pthread_self();
	snprintf(last, sizeof(last), "%s", line);
}

static struct log_target *target;

static void start(void)
{

	ck_assert_int_eq(osmo_init_logging2(NULL, &gba_log_info), 0);
	log_del_target(osmo_stderr_target);
	target = log_target_create();
	target->output = capture;
	log_set_all_filter(target, 1);
	log_set_use_color(target, 0);
	log_add_target(target);
	ck_assert_int_eq(log_relay_init(), 0);
}

static void *log_some(void *arg)
{
	unsigned i;

	for (i = 0; i < *(unsigned *)arg; i++)
		LOGT(DZH, LOGL_NOTICE, "line %u\n", i);
	LOGT(DZH, LOGL_INFO, "too low\n");
	return NULL;
}

static void run_thread(unsigned n)
{
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, log_some, &n), 0);
	pthread_join(t, NULL);
}

START_TEST(main_writes)
{
	start();
	run_thread(3);
	ck_assert_uint_eq(lines, 0); /* not by the other thread */
	osmo_select_main(0);
	ck_assert_uint_eq(lines, 3);
	ck_assert(pthread_equal(writer, pthread_self()));
	ck_assert_ptr_nonnull(strstr(last, "line 2"));
	LOGT(DZH, LOGL_NOTICE, "direct\n");
	ck_assert_ptr_nonnull(strstr(last, "direct"));
	log_relay_stop();
}
END_TEST

START_TEST(levels_follow)
{
	start();
	ck_assert(!log_relay_enabled(DUB, LOGL_DEBUG));
	ck_assert(log_relay_enabled(DUB, LOGL_NOTICE));
	log_set_log_level(target, LOGL_DEBUG);
	log_relay_refresh();
	ck_assert(log_relay_enabled(DUB, LOGL_DEBUG));
	ck_assert(!log_relay_enabled(LOG_CAT_COUNT, LOGL_FATAL));
	log_relay_stop();
}
END_TEST

START_TEST(flood_is_counted)
{
	start();
	run_thread(8192 + 57);
	while (errors == 0)
		osmo_select_main(0);
	log_relay_stop();
	ck_assert_uint_eq(lines, 8192 + 1);
	ck_assert_uint_eq(errors, 1);
}
END_TEST

START_TEST(peers_cannot_flood)
{
	unsigned i, passed = 0;

	start();
	for (i = 0; i < 1000; i++)
		passed += log_rate_ok(DZN);
	ck_assert_uint_gt(passed, 10);
	ck_assert_uint_lt(passed, 200);
	ck_assert(log_rate_ok(DZH)); /* its own budget */
	log_relay_stop();
}
END_TEST

SUITE("log_relay", main_writes, levels_follow, flood_is_counted, peers_cannot_flood)
