/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Grants by consent: who says what, what each change reaches, and many at once. */
#include <stdio.h>
#include <string.h>
#include "reg/reg_own.h"
#include "tests/unit/reg_realm.h"
#include "tests/unit/suite.h"

/* Each cell of the matrix: who says what. */
START_TEST(each_says_what_is_his)
{
	static const char *const parts[] = { "asp_agrees", "user_agrees", "operator_objects" };
	static const bool may[3][3] = { { true, true, true }, { true, false, false }, { false, true, false } };

	MUST(reg_user(owner), reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}",
	     device);
	for (size_t who = 0; who < 3; who++) {
		struct reg_caller c = who == 0 ? reg_operator : who == 1 ? reg_asp("acme") : reg_user(owner);

		for (size_t p = 0; p < 3; p++) {
			struct reg_order *o = reg_give(c, reg_grant_put, REG_MATCH_NONE,
						       "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"%s\": true}",
						       who == 1 ? uid() : device, parts[p]);

			ck_assert_msg((o->rc >= 0) == may[who][p], "role %zu, %s", who, parts[p]);
			ck_assert(o->rc >= 0 || (o->word == CTL_FORBIDDEN && strcmp(o->field, parts[p]) == 0));
			reg_order_free(o);
		}
	}
}
END_TEST

/* What of all that must hold for a right does not: it is none, and BSF and HSS are told. Back again, it is one again. */
START_TEST(each_ends_it_alone)
{
	static const struct {
		reg_work_fn *work;
		const char *off, *on; /* %s: device */
	} rows[] = {
		{ reg_grant_put, "\"fqdn\": \"" FQDN "\", \"asp_agrees\": false",
		  "\"fqdn\": \"" FQDN "\", \"asp_agrees\": true" },
		{ reg_grant_put, "\"fqdn\": \"" FQDN "\", \"user_agrees\": false",
		  "\"fqdn\": \"" FQDN "\", \"user_agrees\": true" },
		{ reg_grant_put, "\"fqdn\": \"" FQDN "\", \"operator_objects\": true",
		  "\"fqdn\": \"" FQDN "\", \"operator_objects\": false" },
		{ reg_app_put, "\"fqdn\": \"" FQDN "\", \"state\": \"suspended\"",
		  "\"fqdn\": \"" FQDN "\", \"state\": \"approved\"" },
		{ reg_app_put, "\"fqdn\": \"" FQDN "\", \"assurance_min\": 2",
		  "\"fqdn\": \"" FQDN "\", \"assurance_min\": 1" },
		{ reg_asp_put, "\"asp\": \"acme\", \"state\": \"suspended\"",
		  "\"asp\": \"acme\", \"state\": \"approved\"" },
		{ reg_device_state, "\"state\": \"suspended\"", "\"state\": \"active\"" },
		{ reg_device_state, "\"state\": \"lost\"", "\"state\": \"active\"" },
	};
	struct reg_right rights[REG_GRANTS_MAX];

	agree();
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"assurance_min\": 1}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int on = 0; on < 2; on++) {
			int64_t at = reg_number("SELECT guss_at FROM device"), n;

			sql_exec(world->sql, "DELETE FROM outbox");
			MUST(reg_operator, rows[i].work, "", "{\"device\": \"%s\", %s}", device,
			     on ? rows[i].on : rows[i].off);
			ck_assert_msg(is_live() == on, "row %zu, %s", i, on ? rows[i].on : rows[i].off);
			n = reg_rights(world, 1, rights);
			ck_assert_int_eq(n, on);
			reg_rights_clear(rights, (int)n);
			ck_assert_int_eq(
				reg_number(
					"SELECT count(DISTINCT target) FROM outbox WHERE device = 1 AND NOT of_state"),
				2);
			ck_assert_int_gt(reg_number("SELECT guss_at FROM device"), at);
		}
	}
	MUST(reg_operator, reg_user_put, "", "{\"user\": \"%s\", \"assurance\": 0}", owner);
	ck_assert(!is_live());
}
END_TEST

START_TEST(a_consent_for_what_is_suspended_ends_too)
{
	agree();
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"state\": \"suspended\"}");
	MUST(reg_user(owner), reg_grant_delete, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device);
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"state\": \"approved\"}");
	ck_assert(!is_live());
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"state\": \"suspended\"}");
	MUST(reg_operator, reg_withdraw, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device);
	ck_assert_int_eq(reg_refused(reg_user(owner), reg_grant_put, "no such application",
				     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}", device),
			 CTL_UNKNOWN);
}
END_TEST

START_TEST(who_is_known_less_gets_none)
{
	ck_assert_int_eq(reg_refused(reg_operator, reg_user_add, "no such assurance",
				     "{\"kyc_ref\": \"desk 2\", \"assurance\": \"2x\"}"),
			 CTL_INVALID);
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"assurance_min\": 3}");
	ck_assert_int_eq(reg_refused(reg_user(owner), reg_grant_put, "assurance is 1; allowed by the application: 3",
				     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}", device),
			 CTL_CONFLICT);
	ck_assert_int_eq(reg_refused(reg_operator, reg_grant, "assurance is 1",
				     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device),
			 CTL_CONFLICT);
}
END_TEST

START_TEST(two_hundred_and_no_more)
{
	for (int i = 0; i <= REG_GRANTS_MAX; i++) {
		MUST(reg_operator, reg_app_register, "",
		     "{\"fqdn\": \"a%d.example.com\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}", i);
		if (i < REG_GRANTS_MAX)
			MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"a%d.example.com\"}", device,
			     i);
	}
	ck_assert_int_eq(reg_refused(reg_operator, reg_grant, "has 200 grants; allowed: up to 200",
				     "{\"device\": \"%s\", \"fqdn\": \"a%d.example.com\"}", device, REG_GRANTS_MAX),
			 CTL_CONFLICT);
	reg_own_init(
		"a200.example.com"); /* configured later: not one more by itself, since no GUSS could be made of it */
	MUST(reg_operator, reg_device_state, "", "{\"device\": \"%s\", \"state\": \"suspended\"}", device);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), REG_GRANTS_MAX);
	reg_own_init(NULL);
}
END_TEST

/* Whatever takes the last right of a device takes the registry's own with it, and then it can go. */
START_TEST(the_own_right_goes_with_the_last_one)
{
	static const struct {
		reg_work_fn *before, *work;
		const char *in; /* %s: device */
	} ends[] = {
		{ NULL, reg_withdraw, "\"fqdn\": \"" FQDN "\"" },
		{ reg_asp_put, reg_withdraw, "\"fqdn\": \"" FQDN "\"" }, /* of one that is none just now */
		{ NULL, reg_app_remove, "\"fqdn\": \"" FQDN "\"" },
		{ NULL, reg_asp_delete, "\"asp\": \"acme\"" },
	};

	reg_own_init("own.example.net");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (i)
			reg_world_end(), open_realm();
		MUST(reg_operator, reg_app_add, "",
		     "{\"fqdn\": \"own.example.net\", \"asp\": \"us\", \"addresses\": [\"192.0.2.1/32\"]}");
		agree();
		ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), 2);
		ck_assert_int_eq(
			reg_refused(reg_operator, reg_device_delete, "it has grants", "{\"device\": \"%s\"}", device),
			CTL_CONFLICT);
		if (ends[i].before)
			MUST(reg_operator, ends[i].before, "", "{\"asp\": \"acme\", \"state\": \"suspended\"}");
		sql_exec(world->sql, "DELETE FROM outbox");
		MUST(reg_operator, ends[i].work, "", "{\"device\": \"%s\", %s}", device, ends[i].in);
		ck_assert_msg(reg_number("SELECT count(*) FROM granted") == 0, "row %zu", i);
		ck_assert_msg(reg_number("SELECT count(*) FROM outbox WHERE device = 1") > 0, "row %zu", i);
		sql_exec(world->sql, "DELETE FROM outbox");
		MUST(reg_operator, reg_device_delete, "", "{\"device\": \"%s\"}", device);
	}
	reg_own_init(NULL);
}
END_TEST

/* Whoever ends it, and begins it again: the user is told, once. */
START_TEST(what_ends_for_many_is_told_to_each)
{
	static const struct {
		reg_work_fn *work;
		const char *off, *on; /* on NULL: it is over */
	} rows[] = {
		{ reg_app_put, "\"fqdn\": \"" FQDN "\", \"state\": \"suspended\"",
		  "\"fqdn\": \"" FQDN "\", \"state\": \"approved\"" },
		{ reg_app_put, "\"fqdn\": \"" FQDN "\", \"assurance_min\": 2",
		  "\"fqdn\": \"" FQDN "\", \"assurance_min\": 1" },
		{ reg_asp_put, "\"asp\": \"acme\", \"state\": \"suspended\"",
		  "\"asp\": \"acme\", \"state\": \"approved\"" },
		{ reg_user_put, "\"assurance\": 0", "\"assurance\": 2" },
		{ reg_app_remove, "\"fqdn\": \"" FQDN "\"", NULL },
	};
	char told[128];

	agree();
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"assurance_min\": 1}");
	MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}",
	     MUST(reg_operator, reg_device_add, "device",
		  "{\"impi\": \"none@example.com\"}")); /* of the operator: told to nobody */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int on = 0; on < (rows[i].on ? 2 : 1); on++) {
			sql_exec(world->sql, "DELETE FROM inbox");
			MUST(reg_operator, rows[i].work, "", "{\"user\": \"%s\", %s}", owner,
			     on ? rows[i].on : rows[i].off);
			snprintf(told, sizeof(told),
				 "SELECT count(*) FROM inbox WHERE event = '%s' AND fqdn = '" FQDN "'",
				 on ? "granted" : "ended");
			ck_assert_msg(reg_number(told) == 1 && reg_number("SELECT count(*) FROM inbox") == 1, "row %zu",
				      i);
		}
	}
}
END_TEST

/* Else the two others could agree again. */
START_TEST(a_withdrawal_ends_no_objection)
{
	static reg_work_fn *const ends[] = { reg_withdraw, reg_group_withdraw };

	MUST(reg_operator, reg_group_put, "", "{\"group\": \"fleet\"}");
	MUST(reg_operator, reg_member_add, "", "{\"group\": \"fleet\", \"devices\": [\"%s\"]}", device);
	for (size_t i = 0; i < 2; i++) {
		agree();
		MUST(reg_operator, reg_grant_put, "",
		     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"operator_objects\": true}", device);
		MUST(reg_operator, ends[i], "", "{\"device\": \"%s\", \"group\": \"fleet\", \"fqdn\": \"" FQDN "\"}",
		     device);
		agree();
		ck_assert_msg(!is_live(), "%zu", i);
		MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", device);
		ck_assert(is_live());
	}
}
END_TEST

START_TEST(many_lines_are_all_or_none)
{
	struct reg_order *o;

	MUST(reg_operator, reg_group_put, "", "{\"group\": \"fleet\"}");
	MUST(reg_operator, reg_member_add, "", "{\"group\": \"fleet\", \"devices\": [\"%s\"]}", device);
	ck_assert_int_eq(reg_refused(reg_operator, reg_grant_bulk, "line 2: there is no such application",
				     "{\"lines\": [{\"group\": \"fleet\", \"fqdn\": \"" FQDN
				     "\", \"asp_agrees\": true},"
				     "{\"group\": \"fleet\", \"fqdn\": \"none.example.com\", \"asp_agrees\": true}]}"),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), 0);
	MUST(reg_operator, reg_group_grant, "", "{\"group\": \"fleet\", \"fqdn\": \"" FQDN "\"}");
	ck_assert(is_live());
	ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_grant_bulk, "no such group",
				     "{\"lines\": [{\"group\": \"fleet\", \"fqdn\": \"" FQDN
				     "\", \"asp_agrees\": true}]}"),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(reg_operator, reg_grant_bulk, "either device or group",
				     "{\"lines\": [{\"fqdn\": \"" FQDN "\"}]}"),
			 CTL_INVALID);
	o = reg_give(reg_operator, reg_grant_bulk, REG_MATCH_NONE, "{\"lines\": []}");
	for (int i = 0; i <= 1000; i++)
		json_array_append_new(json_object_get(o->in, "lines"), json_object());
	ck_assert_int_lt(reg_grant_bulk(o, world), 0);
	ck_assert_ptr_nonnull(strstr(o->err.text, "1001 lines; allowed: up to 1000"));
	reg_order_free(o);
}
END_TEST

SUITE_WITH_FIXTURE("reg_grants", open_realm, reg_world_end, each_says_what_is_his, each_ends_it_alone,
		   a_consent_for_what_is_suspended_ends_too, who_is_known_less_gets_none, two_hundred_and_no_more,
		   what_ends_for_many_is_told_to_each, a_withdrawal_ends_no_objection, many_lines_are_all_or_none,
		   the_own_right_goes_with_the_last_one)
