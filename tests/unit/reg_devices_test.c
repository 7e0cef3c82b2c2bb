/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Devices: their states, who has them, and what an ASP knows them by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "reg/reg_requests.h"
#include "reg/reg_returns.h"
#include "reg/reg_usage.h"
#include "tests/unit/reg_realm.h"
#include "tests/unit/suite.h"

START_TEST(what_is_lost_is_refused_first)
{
	agree();
	sql_exec(world->sql, "DELETE FROM outbox");
	MUST(reg_user(owner), reg_device_state, "", "{\"device\": \"%s\", \"state\": \"lost\"}", device);
	ck_assert_int_eq(reg_number("SELECT of_state FROM outbox WHERE target = 'bsf-1' ORDER BY id LIMIT 1"), 1);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM outbox WHERE target = 'hss-1' AND of_state"), 0);
	ck_assert_int_eq(reg_refused(reg_user(owner), reg_device_state, "the operator ends that",
				     "{\"device\": \"%s\", \"state\": \"active\"}", device),
			 CTL_FORBIDDEN);
	ck_assert_int_eq(reg_refused(reg_operator, reg_device_state, "no such state",
				     "{\"device\": \"%s\", \"state\": \"stolen\"}", device),
			 CTL_INVALID);
}
END_TEST

/* What becomes of the device by what is said, and by whom each may not be. */
START_TEST(each_takes_back_his_own_suspension)
{
	static const struct {
		bool user;
		const char *says, *is, *refused; /* NULL: it is done */
	} rows[] = {
		{ false, "suspended", "suspended", NULL },
		{ true, "active", "suspended", "the operator has suspended it" },
		{ true, "suspended", "suspended", NULL },
		{ true, "active", "suspended", NULL },
		{ true, "suspended", "suspended", NULL },
		{ false, "active", "suspended", NULL },
		{ false, "active", "suspended", "its user has suspended it" },
		{ true, "active", "active", NULL },
		{ true, "active", "active", NULL },
		{ true, "suspended", "suspended", NULL },
		{ true, "lost", "lost", NULL },
		{ true, "active", "lost", "the operator ends that" },
		{ false, "suspended", "suspended", NULL },
		{ true, "active", "suspended", "the operator has suspended it" },
		{ false, "active", "active", NULL },
	};

	agree();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reg_caller who = rows[i].user ? reg_user(owner) : reg_operator;

		if (rows[i].refused)
			ck_assert_int_eq(reg_refused(who, reg_device_state, rows[i].refused,
						     "{\"device\": \"%s\", \"state\": \"%s\"}", device, rows[i].says),
					 CTL_FORBIDDEN);
		else
			ck_assert_msg(strcmp(MUST(who, reg_device_state, "state",
						  "{\"device\": \"%s\", \"state\": \"%s\"}", device, rows[i].says),
					     rows[i].is) == 0,
				      "row %zu", i);
		ck_assert_msg(is_live() == (strcmp(rows[i].is, "active") == 0), "row %zu", i);
	}
}
END_TEST

START_TEST(who_says_so_is_shown_and_told_once)
{
	struct reg_order *o;
	char *text;

	MUST(reg_operator, reg_device_state, "", "{\"device\": \"%s\", \"state\": \"suspended\"}", device);
	MUST(reg_user(owner), reg_device_state, "", "{\"device\": \"%s\", \"state\": \"suspended\"}", device);
	o = reg_give(reg_user(owner), reg_device_get, REG_MATCH_NONE, "{\"device\": \"%s\"}", device);
	text = json_dumps(json_object_get(o->answer, "suspended_by"), JSON_COMPACT);
	ck_assert_str_eq(text, "[\"operator\",\"user\"]");
	free(text);
	reg_order_free(o);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM inbox WHERE event = 'suspended'"), 1);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM audit WHERE json LIKE '%\"what\":\"device suspended\"%'"), 2);
}
END_TEST

/* What the one before has said and done is not what his successor finds. */
START_TEST(a_new_custodian_is_another_subscriber)
{
	struct reg_order *o;
	char other[64], before[64];

	agree();
	strcpy(before, uid());
	MUST(reg_user(owner), reg_device_state, "", "{\"device\": \"%s\", \"state\": \"suspended\"}", device);
	strcpy(other, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 2\", \"assurance\": 4}"));
	sql_exec(world->sql, "INSERT INTO usage VALUES (1, 1000, 'old.example.com', 1000, 2000),"
			     " (1, 1000, '" FQDN "', 1000, unixepoch() + 100)");
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", device, other);
	ck_assert_str_ne(uid(), before);
	ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_grant_get, "no such device",
				     "{\"fqdn\": \"" FQDN "\", \"device\": \"%s\"}", before),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_number("SELECT state = 'active' FROM device"), 1);
	o = reg_give(reg_user(other), reg_usage_list, REG_MATCH_NONE, "{\"device\": \"%s\"}", device);
	ck_assert_uint_eq(json_array_size(json_object_get(o->answer, "usage")), 1);
	ck_assert_int_gt(
		json_integer_value(json_object_get(json_array_get(json_object_get(o->answer, "usage"), 0), "first_at")),
		1000);
	reg_order_free(o);
	o = reg_give(reg_operator, reg_usage_list, REG_MATCH_NONE, "{\"device\": \"%s\"}", device);
	ck_assert_uint_eq(json_array_size(json_object_get(o->answer, "usage")), 2);
	reg_order_free(o);
	MUST(reg_user(other), reg_device_state, "", "{\"device\": \"%s\", \"state\": \"lost\"}", device);
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\"}", device);
	ck_assert_int_eq(reg_number("SELECT state = 'lost' FROM device"), 1); /* until an operator has it back */
}
END_TEST

#define HANDED_OVER "SELECT count(*) FROM audit WHERE json_extract(json, '$.what') = 'device custodian'"

START_TEST(a_new_custodian_begins_anew)
{
	int64_t before = reg_number(HANDED_OVER);
	char other[64];

	agree();
	strcpy(other, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 2\", \"assurance\": 4}"));
	ck_assert_int_eq(reg_refused(reg_operator, reg_device_custodian, "no such user",
				     "{\"device\": \"%s\", \"user\": \"nobody\"}", device),
			 CTL_INVALID);
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", device, other);
	ck_assert(!is_live());
	ck_assert_int_eq(reg_number("SELECT user_agrees FROM granted"), 0);
	ck_assert_int_eq(reg_number(HANDED_OVER), before + 1);
	MUST(reg_user(other), reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}",
	     device);
	ck_assert(is_live());
	ck_assert_int_eq(
		reg_refused(reg_operator, reg_user_delete, "devices of that user", "{\"user\": \"%s\"}", other),
		CTL_CONFLICT);
}
END_TEST

/* An ASP knows nobody by what it could find out elsewhere: names of subscribers are never its uids. */
START_TEST(a_uid_is_no_identity)
{
	char before[64];
	int64_t rev;

	agree();
	strcpy(before, uid());
	MUST(reg_operator, reg_returns_put, "",
	     "{\"fqdn\": \"" FQDN "\", \"return_addresses\": [\"https://" FQDN "/back\"]}");
	for (int i = 0; i < 2; i++) {
		const char *name = MUST(reg_asp("acme"), reg_request_add, "request",
					"{\"fqdn\": \"" FQDN "\", \"state\": \"1\", \"return\": \"https://" FQDN
					"/back\", \"device\": \"%s\"}",
					before);

		if (i == 0) {
			MUST(reg_user(owner), reg_request_answer, "", "{\"request\": \"%s\", \"agree\": false}", name);
			sql_exec(world->sql, "UPDATE request SET since = 1000"); /* not again on the same day */
		}
	}
	rev = reg_number("SELECT rev FROM granted");
	ck_assert_uint_eq(strlen(before), 32);
	ck_assert_uint_eq(strspn(before, "0123456789abcdef"), 32);
	ck_assert_ptr_null(strstr(IMPI, before));
	MUST(reg_user(owner), reg_pseudonym_renew, "", "{\"device\": \"%s\", \"asp\": \"acme\"}", device);
	ck_assert_str_ne(uid(), before);
	ck_assert_int_gt(reg_number("SELECT rev FROM granted"), rev); /* nor by what stands beside it */
	ck_assert_int_eq(reg_number("SELECT count(*) FROM request"), 1);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM request WHERE device IS NULL AND result IS NOT NULL"), 1);
	ck_assert_int_eq(reg_refused(reg_user(owner), reg_pseudonym_renew, "knows nothing",
				     "{\"device\": \"%s\", \"asp\": \"rival\"}", device),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_grant_get, "no such device",
				     "{\"fqdn\": \"" FQDN "\", \"device\": \"%s\"}", before),
			 CTL_UNKNOWN);
}
END_TEST

SUITE_WITH_FIXTURE("reg_devices", open_realm, reg_world_end, what_is_lost_is_refused_first,
		   each_takes_back_his_own_suspension, who_says_so_is_shown_and_told_once,
		   a_new_custodian_is_another_subscriber, a_new_custodian_begins_anew, a_uid_is_no_identity)
