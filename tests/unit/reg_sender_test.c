/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a target is told, and what becomes of it when it is busy, has it, or is an HSS that says when. */
#include "reg/reg_sender.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "reg/reg_cfg.h"
#include "reg/reg_outbox.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define FQDN "video.example.com"

/* A target of the test's own words: to its nth command the nth answer, the last one to all others. */
static struct {
	char path[64], socket[80];
	int fd;
	pthread_t thread;
	const char *answers[4];
	unsigned asked;
	char commands[8][128];
} target;

static char device[64];

/* \returns false: the other side has closed it */
static bool command_read(FILE *f)
{
	char line[256], skipped[4096];
	char *plus;
	unsigned i = target.asked;

	if (!fgets(line, sizeof(line), f))
		return false;
	plus = strrchr(line, '+');
	if (plus)
		ck_assert_uint_eq(fread(skipped, 1, (size_t)atoi(plus), f), (size_t)atoi(plus));
	snprintf(target.commands[i % 8], sizeof(target.commands[0]), "%.*s", (int)strcspn(line, "+\n"), line);
	i = i < 3 ? i : 3;
	while (!target.answers[i])
		i--;
	dprintf(fileno(f), "%d %s\n", atoi(line), target.answers[i]);
	target.asked++;
	return true;
}

static void *target_main(void *unused)
{
	int fd = accept(target.fd, NULL, NULL);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	while (f && command_read(f))
		;
	if (f)
		fclose(f);
	return NULL;
}

static void open_realm(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	reg_world_begin();
	MUST(reg_operator, reg_app_register, "",
	     "{\"fqdn\": \"" FQDN "\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}");
	strcpy(device, MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"one@example.com\"}"));
	MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device);
	sql_exec(world->sql, "DELETE FROM outbox");
	memset(&target, 0, sizeof(target));
	strcpy(target.path, "/tmp/reg_sender.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(target.path));
	snprintf(target.socket, sizeof(target.socket), "%s/ctl", target.path);
	strcpy(sa.sun_path, target.socket);
	target.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(target.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(target.fd, 5), 0);
}

static void close_realm(void)
{
	close(target.fd);
	unlink(target.socket);
	rmdir(target.path);
	reg_world_end();
}

static void nobody(void)
{
}

/* Until nothing waits for it. */
static void told(size_t which)
{
	const struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	const char *path = sqlite3_db_filename(world->sql, "main");
	struct reg_target *t = &reg_cfg.targets[which];
	struct reg_sender *s;
	struct reg_work *w;
	struct err err;
	char sql[128];

	t->socket = target.socket;
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM outbox WHERE target = '%s' AND refused IS NULL", t->name);
	ck_assert_int_eq(pthread_create(&target.thread, NULL, target_main, NULL), 0);
	w = reg_work_start(reg_db_open_beside(path, &kek, 1, &err), nobody, &err);
	ck_assert_ptr_nonnull(w);
	s = reg_sender_start(t, reg_db_open_beside(path, &kek, 1, &err), w, &err);
	ck_assert_ptr_nonnull(s);
	while (reg_number(sql))
		usleep(2000);
	reg_sender_stop(s);
	reg_sender_free(s);
	reg_work_stop(w);
	pthread_join(target.thread, NULL);
}

START_TEST(who_is_busy_is_told_again)
{
	target.answers[0] = "error busy too much to do";
	target.answers[1] = "error failed disk full";
	target.answers[2] = "ok {\"changed\": true}";
	ck_assert_int_eq(reg_outbox_device(world, 1), 0);
	told(0);
	ck_assert_uint_eq(target.asked, 3);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM outbox WHERE target = 'bsf-1'"), 0);
}
END_TEST

START_TEST(who_refuses_is_not_asked_again)
{
	target.answers[0] = "error invalid no such subscriber";
	ck_assert_int_eq(reg_outbox_device(world, 1), 0);
	told(0);
	ck_assert_uint_eq(target.asked, 1);
	ck_assert_int_eq(
		reg_number(
			"SELECT count(*) FROM outbox WHERE target = 'bsf-1' AND refused = 'invalid no such subscriber'"),
		1);
}
END_TEST

/* More than are told in one go */
START_TEST(all_of_many_are_told)
{
	target.answers[0] = "ok {\"changed\": true}";
	for (int i = 0; i < 70; i++) {
		MUST(reg_operator, reg_device_add, "", "{\"impi\": \"u%d@example.com\"}", i);
		ck_assert_int_eq(reg_outbox_device(world, 2 + i), 0);
	}
	told(0);
	ck_assert_uint_eq(target.asked, 70);
}
END_TEST

/* When, says the HSS, whose GUSS each run brings; from then on that is so at the BSFs, too */
START_TEST(what_an_hss_has_is_told_to_the_bsfs)
{
	target.answers[0] = "ok {\"changed\": true, \"timestamp\": \"2099-01-01T00:00:00Z\"}";
	ck_assert_int_eq(reg_outbox_device(world, 1), 0);
	sql_exec(world->sql, "DELETE FROM outbox WHERE target = 'bsf-1'");
	told(1);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM outbox WHERE target = 'bsf-1' AND device = 1"), 1);
	ck_assert_int_eq(reg_number("SELECT guss_at FROM device"), 4070908800);
}
END_TEST

START_TEST(who_is_not_served_comes_first_and_comes_back)
{
	target.answers[0] = "ok {\"changed\": true}";
	MUST(reg_operator, reg_device_state, "", "{\"device\": \"%s\", \"state\": \"lost\"}", device);
	told(0);
	ck_assert_str_eq(target.commands[0], "1 suspend impi one@example.com");
	ck_assert_str_eq(target.commands[1], "2 guss one@example.com ");
	target.asked = 0;
	MUST(reg_operator, reg_device_state, "", "{\"device\": \"%s\", \"state\": \"active\"}", device);
	told(0);
	ck_assert_str_eq(target.commands[0], "1 resume impi one@example.com");
}
END_TEST

SUITE_WITH_FIXTURE("reg_sender", open_realm, close_realm, who_is_busy_is_told_again, who_refuses_is_not_asked_again,
		   all_of_many_are_told, what_an_hss_has_is_told_to_the_bsfs,
		   who_is_not_served_comes_first_and_comes_back)
