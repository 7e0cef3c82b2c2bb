/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What waits to be told: nothing is taken out that was not told, and reconcile leaves nothing out. */
#include "reg/reg_outbox.h"

#include <string.h>
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

static const struct reg_row rights = { .device = 1 };

static int64_t rows(void)
{
	return reg_number("SELECT count(*) FROM outbox WHERE target = 'bsf-1'");
}

static int64_t add(void)
{
	ck_assert_int_eq(reg_outbox_device(world, 1), 0);
	return reg_number("SELECT max(id) FROM outbox WHERE target = 'bsf-1'");
}

static void done(int64_t upto, const char *refused)
{
	ck_assert_int_eq(reg_outbox_done(world, "bsf-1", &rights, upto, refused), 0);
}

START_TEST(what_came_while_it_was_told_stays)
{
	int64_t told = add();
	struct reg_row next;

	add();
	ck_assert_int_eq(reg_outbox_state(world, 1), 0); /* is another thing to be told */
	done(told, NULL);
	ck_assert_int_eq(rows(), 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM outbox WHERE target = 'hss-1'"), 2);
	ck_assert_int_eq(reg_outbox_next(world, "bsf-1", 0, &next), 1);
	ck_assert_int_gt(next.id, told);
	ck_assert(!next.of_state);
}
END_TEST

START_TEST(what_was_refused_is_not_told_again_by_itself_and_goes_when_it_is_taken)
{
	int64_t first, second;
	struct reg_row next;

	done(add(), "unknown subscriber");
	ck_assert_int_eq(rows(), 1);
	ck_assert_int_eq(reg_outbox_next(world, "bsf-1", 0, &next), 0);
	done(add(), "unknown subscriber");
	ck_assert_int_eq(rows(), 1);
	done(add(), NULL);
	ck_assert_int_eq(rows(), 0);
	first = add(); /* both told at once: what the first came to is a newer row than the second */
	second = add();
	done(first, "unknown subscriber");
	done(second, NULL);
	ck_assert_int_eq(rows(), 0);
}
END_TEST

START_TEST(reconcile_tells_all_of_it)
{
	static const struct {
		const char *sql;
		int64_t bsf, hss;
	} of[] = { { "of_state", 3, 0 },
		   { "fqdn IS NOT NULL", 1, 0 },
		   { "device IS NOT NULL AND NOT of_state", 3, 3 } };
	static const char *const states[] = { "active", "suspended", "lost" };

	MUST(reg_operator, reg_app_register, "",
	     "{\"fqdn\": \"a.example.com\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}");
	for (int i = 0; i < 4; i++) {
		const char *device = MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"%d@example.com\"}", i);

		if (i == 3)
			break; /* nobody was ever told of it */
		MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"a.example.com\"}", device);
		MUST(reg_operator, reg_device_state, "", "{\"device\": \"%s\", \"state\": \"%s\"}", device, states[i]);
	}
	sql_exec(world->sql, "DELETE FROM outbox");
	MUST(reg_operator, reg_reconcile, "", "{}");
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char sql[128];

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM outbox WHERE target = 'bsf-1' AND %s", of[i].sql);
		ck_assert_int_eq(reg_number(sql), of[i].bsf);
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM outbox WHERE target = 'hss-1' AND %s", of[i].sql);
		ck_assert_int_eq(reg_number(sql), of[i].hss);
	}
	ck_assert_msg(reg_number("SELECT of_state FROM outbox ORDER BY id LIMIT 1"), "who is not served comes first");
}
END_TEST

SUITE_WITH_FIXTURE("reg_outbox", reg_world_begin, reg_world_end, what_came_while_it_was_told_stays,
		   what_was_refused_is_not_told_again_by_itself_and_goes_when_it_is_taken, reconcile_tells_all_of_it)
