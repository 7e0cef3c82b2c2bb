/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A hundred orders at once about one grant at one revision: one of them is done, and the audit knows of one. */
#include <semaphore.h>
#include <stdatomic.h>
#include "common/rt/inbox_thread.h"
#include "reg/reg_audit.h"
#include "reg/reg_cfg.h"
#include "reg/reg_work.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define ORDERS 100
#define FQDN   "video.example.com"

static sem_t ended;
static atomic_int done, changed;

static void on_end(struct reg_order *o)
{
	if (o->rc >= 0)
		done++;
	else if (o->word == CTL_CHANGED)
		changed++;
	reg_order_free(o);
	sem_post(&ended);
}

static void nobody_is_told(void)
{
}

START_TEST(one_of_a_hundred)
{
	struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	int64_t rev, rows, anchors, before;
	char path[128], device[64];
	struct reg_work *w;
	struct err err;

	MUST(reg_operator, reg_app_register, "",
	     "{\"fqdn\": \"" FQDN "\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}");
	strcpy(device, MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"a@example.com\"}"));
	MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device);
	rev = reg_number("SELECT rev FROM granted");
	before = reg_number("SELECT count(*) FROM audit");
	snprintf(path, sizeof(path), "%s", sqlite3_db_filename(world->sql, "main"));
	sem_init(&ended, 0, 0);
	w = reg_work_start(reg_db_open_beside(path, &kek, 1, &err), nobody_is_told, &err);
	ck_assert_msg(w != NULL, "%s", err.text);
	for (int i = 0; i < ORDERS; i++) {
		struct reg_order *o = reg_order_new(
			reg_grant_put, json_pack("{ss ss sb}", "device", device, "fqdn", FQDN, "operator_objects", 1));

		o->caller = reg_operator;
		o->if_match = rev;
		o->ended = on_end;
		ck_assert_int_eq(reg_work_give(w, o), 0);
	}
	for (int i = 0; i < ORDERS; i++)
		sem_wait(&ended);
	reg_work_stop(w);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(changed, ORDERS - 1);
	ck_assert_int_eq(reg_number("SELECT operator_objects FROM granted"), 1);
	ck_assert_int_eq(reg_audit_verify(world, NULL, &rows, &anchors, &err), 0);
	ck_assert_int_eq(rows, before + 1);
	sem_destroy(&ended);
}
END_TEST

SUITE_WITH_FIXTURE("reg_work", reg_world_begin, reg_world_end, one_of_a_hundred)
