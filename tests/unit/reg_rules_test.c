/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The registry's rules one by one, each of which somebody could leave out without another test turning red. */
#include <stdio.h>
#include <string.h>
#include "reg/reg_token.h"
#include "tests/unit/reg_realm.h"
#include "tests/unit/suite.h"

#define NETS "\"addresses\": [\"192.0.2.1/32\"]"
#define ONE  "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}"

static char stranger[64]; /* a user without a device */

static void open_granted(void)
{
	open_realm();
	strcpy(stranger, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 2\"}"));
	MUST(reg_operator, reg_grant, "", ONE, device);
}

/* \returns rows of the audit that say so */
static int64_t said(const char *what)
{
	int64_t n;

	ck_assert_int_eq(
		reg_db_int(world, &n, "SELECT count(*) FROM audit WHERE json_extract(json, '$.what') = ?1", "t", what),
		1);
	return n;
}

static size_t listed(struct reg_caller c, reg_work_fn *work, const char *list, const char *in)
{
	struct reg_order *o = reg_give(c, work, REG_MATCH_NONE, "%s", in);
	size_t n = json_array_size(json_object_get(o->answer, list));

	ck_assert_msg(o->rc >= 0, "%s", o->err.text);
	reg_order_free(o);
	return n;
}

/* --- the audit says who did what */

START_TEST(each_consent_and_its_end_is_in_the_audit)
{
	MUST(reg_user(owner), reg_grant_delete, "", ONE, device);
	MUST(reg_asp("acme"), reg_grant_delete, "", ONE, uid());
	ck_assert_int_eq(said("user ends"), 1);
	ck_assert_int_eq(said("asp ends"), 1);
	MUST(reg_user(owner), reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}",
	     device);
	ck_assert_int_eq(said("user agrees"), 1);
	ck_assert_int_eq(said("asp agrees"), 0);
}
END_TEST

START_TEST(each_state_of_a_device_is_in_the_audit)
{
	MUST(reg_user(owner), reg_device_state, "", "{\"device\": \"%s\", \"state\": \"lost\"}", device);
	MUST(reg_user(owner), reg_device_state, "", "{\"device\": \"%s\", \"state\": \"lost\"}", device);
	MUST(reg_operator, reg_device_state, "", "{\"device\": \"%s\", \"state\": \"active\"}", device);
	ck_assert_int_eq(said("device lost"), 1);
	ck_assert_int_eq(said("device active"), 1);
}
END_TEST

START_TEST(who_comes_into_a_group_and_goes_is_in_the_audit)
{
	static const char in[] = "{\"group\": \"fleet\", \"device\": \"%s\"}";

	MUST(reg_operator, reg_group_put, "", "{\"group\": \"fleet\"}");
	for (int i = 0; i < 2; i++) /* the second time changes nothing */
		MUST(reg_operator, reg_member_put, "", in, device);
	MUST(reg_operator, reg_member_delete, "", in, device);
	ck_assert_int_eq(said("group in"), 1);
	ck_assert_int_eq(said("group out"), 1);
}
END_TEST

/* --- what was read before is not changed */

START_TEST(nothing_is_deleted_at_an_old_revision)
{
	static reg_work_fn *const works[] = { reg_grant_delete, reg_member_delete, reg_group_delete,
					      reg_app_remove,   reg_asp_delete,    reg_device_delete };
	char in[256];

	snprintf(in, sizeof(in),
		 "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"group\": \"fleet\", \"asp\": \"acme\"}", device);
	MUST(reg_operator, reg_group_put, "", "%s", in);
	MUST(reg_operator, reg_member_put, "", "%s", in);
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		struct reg_order *o = reg_give(reg_operator, works[i], 1, "%s", in);

		ck_assert_msg(o->rc < 0 && o->word == CTL_CHANGED, "order %zu: %s", i, o->err.text);
		reg_order_free(o);
		sql_exec(world->sql, "DELETE FROM outbox"); /* of whom somebody is still to be told, he stays */
		MUST(reg_operator, works[i], "", "%s", in);
	}
}
END_TEST

START_TEST(no_user_is_deleted_at_an_old_revision)
{
	struct reg_order *o = reg_give(reg_operator, reg_user_delete, 1, "{\"user\": \"%s\"}", stranger);

	ck_assert(o->rc < 0 && o->word == CTL_CHANGED);
	reg_order_free(o);
}
END_TEST

/* --- who may say what */

START_TEST(a_suspended_provider_agrees_to_nothing)
{
	MUST(reg_asp("acme"), reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"asp_agrees\": false}",
	     uid());
	MUST(reg_operator, reg_asp_put, "", "{\"asp\": \"acme\", \"state\": \"suspended\"}");
	ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_grant_put, "the ASP is suspended",
				     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"asp_agrees\": true}", uid()),
			 CTL_FORBIDDEN);
}
END_TEST

START_TEST(a_provider_says_nothing_of_the_operators)
{
	static const char *const members[] = { "\"state\": \"approved\"", "\"profile\": \"high\"" };

	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"state\": \"suspended\"}");
	for (size_t i = 0; i < 2; i++) /* whether there is such a one or not */
		ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_app_put, "for the operator to say",
					     "{\"fqdn\": \"" FQDN "\", %s}", members[i]),
				 CTL_FORBIDDEN);
}
END_TEST

START_TEST(a_provider_names_its_own_applications_only)
{
	struct reg_caller rival;

	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"rival\"}");
	rival = reg_asp("rival");
	ck_assert_int_eq(
		reg_refused(rival, reg_app_register, "at, under or above", "{\"fqdn\": \"a." FQDN "\", " NETS "}"),
		CTL_EXISTS);
	ck_assert_int_eq(
		reg_refused(rival, reg_app_register, "at, under or above", "{\"fqdn\": \"example.com\", " NETS "}"),
		CTL_EXISTS);
	MUST(rival, reg_app_register, "", "{\"fqdn\": \"my" FQDN "\", " NETS "}");
}
END_TEST

START_TEST(a_user_lists_and_looks_up_his_own)
{
	static const char in[] = "{\"fqdn\": \"" FQDN "\"}";

	ck_assert_uint_eq(listed(reg_user(owner), reg_grant_list, "grants", in), 1);
	ck_assert_uint_eq(listed(reg_user(stranger), reg_grant_list, "grants", in), 0);
	ck_assert_uint_eq(listed(reg_user(stranger), reg_device_list, "devices", "{}"), 0);
	ck_assert_int_eq(reg_refused(reg_user(owner), reg_device_list, "a look-up is the operator's",
				     "{\"msisdn\": \"4917012345678\"}"),
			 CTL_FORBIDDEN);
	ck_assert_uint_eq(listed(reg_operator, reg_device_list, "devices", "{\"msisdn\": \"4917012345678\"}"), 1);
}
END_TEST

/* --- devices */

START_TEST(a_name_is_of_one_device)
{
	char other[64];

	strcpy(other, MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"2@example.com\"}"));
	ck_assert_str_eq(MUST(reg_operator, reg_device_add, "device",
			      "{\"impi\": \"001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org\"}"),
			 device);
	ck_assert_int_eq(reg_refused(reg_operator, reg_device_put, "another device has that msisdn",
				     "{\"device\": \"%s\", \"msisdn\": \"4917012345678\"}", other),
			 CTL_EXISTS);
}
END_TEST

START_TEST(a_device_goes_when_nobody_is_to_be_told_of_it)
{
	ck_assert_int_eq(reg_refused(reg_operator, reg_device_delete, "it has grants", "{\"device\": \"%s\"}", device),
			 CTL_CONFLICT);
	MUST(reg_operator, reg_withdraw, "", ONE, device);
	ck_assert_int_eq(
		reg_refused(reg_operator, reg_device_delete, "still to be told", "{\"device\": \"%s\"}", device),
		CTL_BUSY);
	sql_exec(world->sql, "DELETE FROM outbox");
	MUST(reg_operator, reg_device_delete, "", "{\"device\": \"%s\"}", device);
	ck_assert_int_eq(reg_number("SELECT (SELECT count(*) FROM identifier) + (SELECT count(*) FROM pseudonym)"), 0);
	ck_assert_int_eq(said("device delete"), 1);
}
END_TEST

/* --- what becomes less reaches everybody */

START_TEST(a_user_who_is_known_less_is_told_of)
{
	MUST(reg_operator, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"assurance_min\": 0}");
	sql_exec(world->sql, "DELETE FROM outbox");
	MUST(reg_operator, reg_user_put, "", "{\"user\": \"%s\", \"assurance\": 1}", owner);
	ck_assert_int_eq(reg_number("SELECT count(DISTINCT target) FROM outbox WHERE device = 1"), 2);
}
END_TEST

/* And its number is never another one's: a GUSS that was made for it may still be somewhere */
START_TEST(a_deleted_application_takes_its_grants_and_its_number_with_it)
{
	char gsid[32];

	strcpy(gsid, MUST(reg_asp("acme"), reg_app_register, "gsid", "{\"fqdn\": \"a." FQDN "\", " NETS "}"));
	MUST(reg_operator, reg_app_remove, "", "{\"fqdn\": \"a." FQDN "\"}");
	ck_assert_str_ne(MUST(reg_asp("acme"), reg_app_register, "gsid", "{\"fqdn\": \"b." FQDN "\", " NETS "}"), gsid);
	sql_exec(world->sql, "DELETE FROM outbox");
	MUST(reg_asp("acme"), reg_app_remove, "", "{\"fqdn\": \"" FQDN "\"}");
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), 0);
	ck_assert_int_eq(reg_number("SELECT count(DISTINCT target) FROM outbox WHERE device = 1"), 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM outbox WHERE fqdn = '" FQDN "'"), 1);
}
END_TEST

SUITE_WITH_FIXTURE("reg_rules", open_granted, reg_world_end, each_consent_and_its_end_is_in_the_audit,
		   each_state_of_a_device_is_in_the_audit, nothing_is_deleted_at_an_old_revision,
		   no_user_is_deleted_at_an_old_revision, a_suspended_provider_agrees_to_nothing,
		   a_provider_says_nothing_of_the_operators, a_provider_names_its_own_applications_only,
		   a_user_lists_and_looks_up_his_own, a_name_is_of_one_device,
		   a_device_goes_when_nobody_is_to_be_told_of_it, who_comes_into_a_group_and_goes_is_in_the_audit,
		   a_user_who_is_known_less_is_told_of, a_deleted_application_takes_its_grants_and_its_number_with_it)
