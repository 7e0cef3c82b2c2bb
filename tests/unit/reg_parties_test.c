/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Providers and users: who may say what of himself, who sees what, and what is left of one who went. */
#include <stdio.h>
#include <string.h>
#include "reg/reg_proof.h"
#include "reg/reg_requests.h"
#include "reg/reg_returns.h"
#include "reg/reg_token.h"
#include "tests/unit/reg_realm.h"
#include "tests/unit/suite.h"

START_TEST(a_provider_applies_and_waits)
{
	struct reg_caller asp;

	MUST(reg_anyone, reg_asp_add, "", "{\"asp\": \"new\", \"public_id\": \"duns:150483782\"}");
	asp = reg_asp("new");
	ck_assert_int_eq(reg_refused(asp, reg_asp_delete, "has applied, and waits", "{\"asp\": \"new\"}"),
			 CTL_FORBIDDEN);
	ck_assert_int_eq(reg_refused(asp, reg_token_add, "has applied, and waits", "{}"), CTL_FORBIDDEN);
	ck_assert_int_eq(reg_refused(asp, reg_app_register, "the ASP is applied",
				     "{\"fqdn\": \"a.example.org\", \"addresses\": [\"192.0.2.1/32\"]}"),
			 CTL_FORBIDDEN);
	ck_assert_int_eq(
		reg_refused(asp, reg_asp_put, "for the operator", "{\"asp\": \"new\", \"state\": \"approved\"}"),
		CTL_FORBIDDEN);
	ck_assert_int_eq(reg_refused(reg_anyone, reg_asp_add, "of that name", "{\"asp\": \"acme\"}"), CTL_EXISTS);
	ck_assert_int_eq(reg_refused(reg_anyone, reg_asp_add, "that number",
				     "{\"asp\": \"b\", \"public_id\": \"duns:150483782\"}"),
			 CTL_EXISTS);
	ck_assert_int_eq(
		reg_refused(reg_anyone, reg_asp_add, "no such scheme", "{\"asp\": \"b\", \"public_id\": \"x:1\"}"),
		CTL_INVALID);
	MUST(reg_operator, reg_asp_put, "", "{\"asp\": \"new\", \"state\": \"approved\"}");
	ck_assert_str_eq(MUST(asp, reg_app_register, "state",
			      "{\"fqdn\": \"a.example.org\", \"addresses\": [\"192.0.2.1/32\"]}"),
			 "applied");
}
END_TEST

START_TEST(only_so_many_wait)
{
	for (int i = 0; i < 100; i++)
		MUST(reg_anyone, reg_asp_add, "", "{\"asp\": \"asp-%d\"}", i);
	ck_assert_int_eq(reg_refused(reg_anyone, reg_asp_add, "100 have applied", "{\"asp\": \"more\"}"), CTL_BUSY);
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"more\"}");
}
END_TEST

START_TEST(a_deleted_provider_takes_all_with_it)
{
	agree();
	MUST(reg_operator, reg_token_add, "",
	     "{\"role\": \"asp\", \"owner\": \"acme\", \"certificate\": \"acme.example.com\"}");
	MUST(reg_operator, reg_returns_put, "",
	     "{\"fqdn\": \"" FQDN "\", \"return_addresses\": [\"https://" FQDN "/back\"]}");
	MUST(reg_asp("acme"), reg_request_add, "",
	     "{\"fqdn\": \"" FQDN "\", \"state\": \"1\", \"return\": \"https://" FQDN "/back\"}");
	sql_exec(world->sql, "INSERT INTO kept VALUES ('asp acme', 'k', x'00', x'00', unixepoch())");
	MUST(reg_asp("acme"), reg_asp_delete, "", "{\"asp\": \"acme\"}");
	ck_assert_int_eq(reg_number("SELECT (SELECT count(*) FROM application) + (SELECT count(*) FROM granted)"
				    " + (SELECT count(*) FROM pseudonym) + (SELECT count(*) FROM token)"
				    " + (SELECT count(*) FROM return_address) + (SELECT count(*) FROM request)"
				    " + (SELECT count(*) FROM kept)"),
			 0);
	ck_assert_int_eq(
		reg_refused(reg_operator, reg_asp_put, "stays so", "{\"asp\": \"acme\", \"state\": \"approved\"}"),
		CTL_CONFLICT);
}
END_TEST

/* Also by whom the operator has deleted because he took it: it is free, and its next owner is nobody that anything is of. */
START_TEST(a_name_is_free_again_and_nothing_with_it)
{
	struct reg_caller before = reg_asp("acme");

	agree();
	MUST(reg_anyone, reg_asp_add, "", "{\"asp\": \"squatted\"}");
	MUST(reg_operator, reg_asp_delete, "", "{\"asp\": \"squatted\"}");
	MUST(reg_operator, reg_asp_delete, "", "{\"asp\": \"acme\"}");
	ck_assert_str_eq(MUST(reg_operator, reg_asp_get, "state", "{\"asp\": \"acme\"}"), "deleted");
	ck_assert_str_eq(MUST(reg_anyone, reg_asp_add, "state", "{\"asp\": \"squatted\"}"), "applied");
	ck_assert_str_eq(MUST(reg_anyone, reg_asp_add, "state", "{\"asp\": \"acme\"}"), "applied");
	ck_assert_int_ne(reg_asp("acme").id, before.id);
	MUST(reg_operator, reg_asp_put, "", "{\"asp\": \"acme\", \"state\": \"approved\"}");
	ck_assert_int_eq(reg_refused(before, reg_asp_get, "no such ASP", "{\"asp\": \"acme\"}"), CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(before, reg_app_register, "no such ASP",
				     "{\"fqdn\": \"a.example.org\", \"addresses\": [\"192.0.2.1/32\"]}"),
			 CTL_FORBIDDEN);
	MUST(reg_asp("acme"), reg_app_register, "", "{\"fqdn\": \"" FQDN "\", \"addresses\": [\"192.0.2.1/32\"]}");
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted") + reg_number("SELECT count(*) FROM pseudonym"), 0);
	ck_assert_int_gt(reg_number("SELECT gsid FROM application"), REG_GSID_FROM + 1);
}
END_TEST

START_TEST(of_a_deleted_user_nothing_is_left)
{
	MUST(reg_operator, reg_token_add, "", "{\"role\": \"user\", \"owner\": \"%s\"}", owner);
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\"}", device);
	ck_assert_int_gt(reg_number("SELECT count(*) FROM inbox"), 0);
	MUST(reg_operator, reg_user_delete, "", "{\"user\": \"%s\"}", owner);
	ck_assert_int_eq(reg_number("SELECT (SELECT count(*) FROM user) + (SELECT count(*) FROM token)"
				    " + (SELECT count(*) FROM inbox)"),
			 0);
}
END_TEST

START_TEST(what_a_provider_says_of_itself_is_in_the_audit)
{
	MUST(reg_asp("acme"), reg_asp_put, "", "{\"asp\": \"acme\", \"public_id\": \"duns:150483782\"}");
	MUST(reg_anyone, reg_asp_add, "", "{\"asp\": \"new\"}");
	MUST(reg_asp("new"), reg_asp_put, "", "{\"asp\": \"new\", \"contact\": \"me\"}"); /* not while it waits */
	ck_assert_int_eq(reg_number("SELECT count(*) FROM audit WHERE json LIKE '%\"what\":\"asp change\"%'"), 1);
}
END_TEST

START_TEST(a_suspended_provider_changes_nothing)
{
	static reg_work_fn *const changes[] = { reg_app_put, reg_app_remove, reg_returns_put };

	MUST(reg_operator, reg_asp_put, "", "{\"asp\": \"acme\", \"state\": \"suspended\"}");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		ck_assert_int_eq(reg_refused(reg_asp("acme"), changes[i], "the ASP is suspended",
					     "{\"fqdn\": \"" FQDN "\", \"return_addresses\": []}"),
				 CTL_FORBIDDEN);
}
END_TEST

/* \param[in] shown its TXT record is there \returns the state of the application */
static const char *asked(bool shown)
{
	struct reg_order *o = reg_order_new(NULL, NULL);
	struct reg_asked a = { .app = 1, .fqdn = FQDN, .is = shown ? REG_DNS_THERE : REG_DNS_ABSENT };

	ck_assert_int_ge(reg_proof_note(o, world, &a), 0);
	reg_order_free(o);
	return MUST(reg_operator, reg_app_show, "state", "{\"fqdn\": \"" FQDN "\"}");
}

/* For want of a proof, and by the operator: both may stand, each ends by itself. */
START_TEST(two_suspensions_of_an_application_end_one_by_one)
{
	static const char suspended[] = "{\"fqdn\": \"" FQDN "\", \"state\": \"suspended\"}",
			  approved[] = "{\"fqdn\": \"" FQDN "\", \"state\": \"approved\"}";

	sql_exec(world->sql, "UPDATE proof SET by_word = 0, since = 1000, proven_at = 1000");
	ck_assert_str_eq(asked(false), "suspended");
	ck_assert_str_eq(MUST(reg_operator, reg_app_put, "state", "%s", suspended), "suspended");
	ck_assert_int_eq(reg_refused(reg_operator, reg_app_put, "its name is not shown", "%s", approved), CTL_CONFLICT);
	ck_assert_str_eq(asked(true), "suspended"); /* by the operator */
	ck_assert_str_eq(MUST(reg_operator, reg_app_put, "state", "%s", approved), "approved");
	MUST(reg_operator, reg_app_put, "", "%s", suspended);
	sql_exec(world->sql, "UPDATE proof SET proven_at = 1000");
	ck_assert_str_eq(asked(false), "suspended");
	ck_assert_int_eq(reg_refused(reg_operator, reg_app_put, "its name is not shown", "%s", approved), CTL_CONFLICT);
	MUST(reg_operator, reg_proof_order, "", "{\"fqdn\": \"" FQDN "\", \"by\": \"word\"}");
	ck_assert_int_eq(reg_number("SELECT state = 'suspended' FROM application"), 1);
	ck_assert_str_eq(MUST(reg_operator, reg_app_put, "state", "%s", approved), "approved");
}
END_TEST

START_TEST(a_provider_sees_its_own)
{
	struct reg_caller rival;

	agree();
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"rival\"}");
	rival = reg_asp("rival");
	static reg_work_fn *const of_app[] = { reg_app_show, reg_app_conf, reg_app_put, reg_app_remove,
					       reg_grant_list };
	static reg_work_fn *const of_grant[] = { reg_grant_get, reg_grant_put, reg_grant_delete };

	for (size_t i = 0; i < sizeof(of_app) / sizeof(of_app[0]); i++)
		ck_assert_int_eq(reg_refused(rival, of_app[i], "no such application", "{\"fqdn\": \"" FQDN "\"}"),
				 CTL_UNKNOWN);
	for (size_t i = 0; i < sizeof(of_grant) / sizeof(of_grant[0]); i++) {
		ck_assert_int_eq(reg_refused(rival, of_grant[i], "no such device",
					     "{\"fqdn\": \"" FQDN "\", \"device\": \"%s\"}", uid()),
				 CTL_UNKNOWN);
		ck_assert_int_eq(reg_refused(reg_asp("acme"), of_grant[i], "no such device",
					     "{\"fqdn\": \"" FQDN "\", \"device\": \"%s\"}", device),
				 CTL_UNKNOWN);
		ck_assert_int_eq(reg_refused(reg_asp("acme"), of_grant[i], "no such device",
					     "{\"fqdn\": \"" FQDN "\", \"device\": \"" IMPI "\"}"),
				 CTL_UNKNOWN);
	}
	ck_assert_int_eq(reg_refused(rival, reg_asp_get, "no such ASP", "{\"asp\": \"acme\"}"), CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(rival, reg_app_register, "at, under or above",
				     "{\"fqdn\": \"www." FQDN "\", \"addresses\": [\"192.0.2.1/32\"]}"),
			 CTL_EXISTS);
	ck_assert_int_eq(
		reg_refused(rival, reg_app_register, "another one",
			    "{\"fqdn\": \"b.example.org\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}"),
		CTL_FORBIDDEN);
}
END_TEST

START_TEST(a_user_sees_his_own)
{
	static reg_work_fn *const of_device[] = { reg_device_get, reg_device_state, reg_grant_list };
	struct reg_caller other;

	agree();
	other = reg_user(MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 2\"}"));
	for (size_t i = 0; i < sizeof(of_device) / sizeof(of_device[0]); i++)
		ck_assert_int_eq(reg_refused(other, of_device[i], "no such device",
					     "{\"device\": \"%s\", \"state\": \"lost\"}", device),
				 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(reg_user(owner), reg_device_get, "no such device", "{\"device\": \"" IMPI "\"}"),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(other, reg_user_get, "no such user", "{\"user\": \"%s\"}", owner), CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(other, reg_grant_put, "no such device",
				     "{\"fqdn\": \"" FQDN "\", \"device\": \"%s\", \"user_agrees\": false}", device),
			 CTL_UNKNOWN);
	MUST(reg_user(owner), reg_device_get, "", "{\"device\": \"%s\"}", device);
}
END_TEST

SUITE_WITH_FIXTURE("reg_parties", open_realm, reg_world_end, a_provider_applies_and_waits, only_so_many_wait,
		   a_deleted_provider_takes_all_with_it, a_name_is_free_again_and_nothing_with_it,
		   of_a_deleted_user_nothing_is_left, what_a_provider_says_of_itself_is_in_the_audit,
		   a_suspended_provider_changes_nothing, two_suspensions_of_an_application_end_one_by_one,
		   a_provider_sees_its_own, a_user_sees_his_own)
