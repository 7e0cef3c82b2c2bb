/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The writer: of a hundred orders at once about one grant at one revision one is done, and the audit knows of one; what is refused leaves
 * nothing; nobody is told before it is durable, and of what was not nobody that it was. */
#include <errno.h>
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

static atomic_int sent;

static void targets_are_told(void)
{
	sent++;
}

static struct reg_work *work_start(void)
{
	struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	struct err err;
	struct reg_work *w = reg_work_start(reg_db_open_beside(sqlite3_db_filename(world->sql, "main"), &kek, 1, &err),
					    targets_are_told, &err);

	ck_assert_msg(w != NULL, "%s", err.text);
	sem_init(&ended, 0, 0);
	done = changed = sent = 0;
	return w;
}

START_TEST(one_of_a_hundred)
{
	int64_t rev, rows, before;
	char device[64];
	struct reg_work *w;
	struct err err;

	MUST(reg_operator, reg_app_register, "",
	     "{\"fqdn\": \"" FQDN "\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}");
	strcpy(device, MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"a@example.com\"}"));
	MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device);
	rev = reg_number("SELECT rev FROM granted");
	before = reg_number("SELECT count(*) FROM audit");
	w = work_start();
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
	ck_assert_int_eq(reg_audit_verify(world, &rows, &err), 0);
	ck_assert_int_eq(rows, before + 1);
	ck_assert_int_eq(sent, 1);
	sem_destroy(&ended);
}
END_TEST

static int one_more(struct reg_order *o, struct reg_db *db)
{
	o->sends = true;
	return reg_db_do(db,
			 "INSERT INTO user (name, kyc_ref, assurance, since, rev) VALUES (lower(hex(randomblob(16))),"
			 " lower(hex(randomblob(16))), 0, 0, 1)",
			 "");
}

static int one_more_refused(struct reg_order *o, struct reg_db *db)
{
	int rc = one_more(o, db);

	return rc < 0 ? rc : reg_refuse(o, CTL_CHANGED, NULL, "no");
}

/* What the database does by itself where the disk fails. */
static int all_is_lost(struct reg_order *o, struct reg_db *db)
{
	return one_more(o, db) < 0 ? -EIO : sql_exec(db->sql, "ROLLBACK");
}

static void given(struct reg_work *w, int (*work)(struct reg_order *o, struct reg_db *db))
{
	ck_assert_int_eq(reg_work_tell(w, work, NULL, on_end), 0);
	sem_wait(&ended);
}

START_TEST(what_is_refused_or_lost_leaves_nothing)
{
	static int (*const works[])(struct reg_order * o, struct reg_db * db) = { one_more_refused, all_is_lost,
										  one_more };
	struct reg_work *w = work_start();

	for (size_t i = 0; i < 3; i++) {
		given(w, works[i]);
		ck_assert_int_eq(done, i == 2);
		ck_assert_int_eq(reg_number("SELECT count(*) FROM user"), i == 2);
	}
	reg_work_stop(w);
	ck_assert_msg(sent == 1, "of what came to nothing nobody is told");
	sem_destroy(&ended);
}
END_TEST

/* --- from one thread to another, as reg_ahead.c gives them */

static struct reg_work *behind;
static sem_t held, there, given_on;
static atomic_int worked;
static int worked_then[2], n_given;

static int wait_held(struct reg_order *o, struct reg_db *db)
{
	sem_wait(&held);
	return 0;
}

static int count_work(struct reg_order *o, struct reg_db *db)
{
	worked++;
	return 0;
}

static void on_end_behind(struct reg_order *o)
{
	reg_order_free(o);
	sem_post(&there);
}

/* It is over there before the next one is given. */
static void give_on(struct reg_order *o)
{
	o->ended = on_end_behind;
	ck_assert_int_eq(reg_work_give(behind, o), 0);
	sem_wait(&there);
	worked_then[n_given++] = worked;
	sem_post(&given_on);
}

START_TEST(one_that_is_given_on_takes_no_other_along)
{
	struct reg_work *w = work_start();

	behind = work_start();
	sem_init(&held, 0, 0);
	sem_init(&there, 0, 0);
	sem_init(&given_on, 0, 0);
	ck_assert_int_eq(reg_work_tell(w, wait_held, NULL, NULL), 0); /* so that the others come at once */
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(reg_work_tell(w, count_work, NULL, give_on), 0);
	sem_post(&held);
	for (int i = 0; i < 2; i++) {
		sem_wait(&given_on);
		ck_assert_int_ge(worked_then[i], 2 + i); /* both in one transaction or each in its own */
	}
	ck_assert_int_eq(worked_then[1], 4);
	reg_work_stop(w);
	reg_work_stop(behind);
}
END_TEST

SUITE_WITH_FIXTURE("reg_work", reg_world_begin, reg_world_end, one_of_a_hundred, what_is_refused_or_lost_leaves_nothing,
		   one_that_is_given_on_takes_no_other_along)
