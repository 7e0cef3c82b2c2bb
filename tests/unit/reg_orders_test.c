/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is ordered of a registry: who may say what, what each change reaches, and that a rule that is broken is seen. */
#include <stdio.h>
#include <string.h>
#include "reg/reg_own.h"
#include "reg/reg_requests.h"
#include "reg/reg_returns.h"
#include "reg/reg_token.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define FQDN "video.example.com"
#define IMPI "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

/* An approved ASP with an application, a user with a device; nothing is granted. */
static char device[64], owner[64];

static void open_realm(void)
{
	reg_world_begin();
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"acme\"}");
	MUST(reg_operator, reg_app_register, "",
	     "{\"fqdn\": \"" FQDN "\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}");
	strcpy(owner, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 1\", \"assurance\": 1}"));
	strcpy(device,
	       MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"" IMPI "\", \"msisdn\": \"4917012345678\"}"));
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", device, owner);
}

static void agree(void)
{
	MUST(reg_operator, reg_grant_put, "",
	     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"asp_agrees\": true, \"user_agrees\": true}", device);
}

static bool is_live(void)
{
	return reg_number("SELECT count(*) FROM live") == 1;
}

static const char *uid(void)
{
	static char out[64];
	sqlite3_stmt *q;

	ck_assert_int_eq(reg_db_ask(world, &q, "SELECT value FROM pseudonym WHERE asp = 'acme'", ""), 1);
	snprintf(out, sizeof(out), "%s", (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return out;
}

/* --- providers */

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
	MUST(reg_asp("acme"), reg_asp_delete, "", "{\"asp\": \"acme\"}");
	ck_assert_int_eq(reg_number("SELECT (SELECT count(*) FROM application) + (SELECT count(*) FROM granted)"
				    " + (SELECT count(*) FROM pseudonym) + (SELECT count(*) FROM token)"
				    " + (SELECT count(*) FROM return_address) + (SELECT count(*) FROM request)"),
			 0);
	ck_assert_int_eq(
		reg_refused(reg_operator, reg_asp_put, "stays so", "{\"asp\": \"acme\", \"state\": \"approved\"}"),
		CTL_CONFLICT);
	ck_assert_int_eq(reg_refused(reg_anyone, reg_asp_add, "of that name", "{\"asp\": \"acme\"}"), CTL_EXISTS);
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

/* --- what is not one's own is not there */

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

/* --- grants */

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

START_TEST(a_new_custodian_begins_anew)
{
	char other[64];

	agree();
	strcpy(other, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 2\", \"assurance\": 4}"));
	ck_assert_int_eq(reg_refused(reg_operator, reg_device_custodian, "no such user",
				     "{\"device\": \"%s\", \"user\": \"nobody\"}", device),
			 CTL_INVALID);
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", device, other);
	ck_assert(!is_live());
	ck_assert_int_eq(reg_number("SELECT user_agrees FROM granted"), 0);
	MUST(reg_user(other), reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}",
	     device);
	ck_assert(is_live());
	ck_assert_int_eq(
		reg_refused(reg_operator, reg_user_delete, "devices of that user", "{\"user\": \"%s\"}", other),
		CTL_CONFLICT);
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

		if (i == 0)
			MUST(reg_user(owner), reg_request_answer, "", "{\"request\": \"%s\", \"agree\": false}", name);
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

/* --- revisions and pages */

static int64_t revision_of(reg_work_fn *work, const char *in)
{
	struct reg_order *o = reg_give(reg_operator, work, REG_MATCH_NONE, "%s", in);
	int64_t rev = o->revision;

	ck_assert_msg(o->rc >= 0, "%s", o->err.text);
	reg_order_free(o);
	ck_assert_int_gt(rev, 0);
	return rev;
}

/* \param[in] may it is what is there; else it is refused because that has changed */
static void change(reg_work_fn *work, int64_t if_match, bool may, const char *in)
{
	struct reg_order *o = reg_give(reg_operator, work, if_match, "%s", in);

	ck_assert_msg((o->rc >= 0) == may, "%s at %lld: %s", in, (long long)if_match, o->err.text);
	ck_assert(may || o->word == CTL_CHANGED);
	reg_order_free(o);
}

START_TEST(an_old_revision_changes_nothing)
{
	char in[5][256];
	static const struct {
		reg_work_fn *get, *put;
	} kinds[] = { { reg_asp_get, reg_asp_put },
		      { reg_app_show, reg_app_put },
		      { reg_user_get, reg_user_put },
		      { reg_device_get, reg_device_put },
		      { reg_grant_get, reg_grant_put } };

	agree();
	strcpy(in[0], "{\"asp\": \"acme\", \"contact\": \"me\"}");
	strcpy(in[1], "{\"fqdn\": \"" FQDN "\", \"title\": \"x\"}");
	snprintf(in[2], sizeof(in[2]), "{\"user\": \"%s\", \"assurance\": 2}", owner);
	snprintf(in[3], sizeof(in[3]), "{\"device\": \"%s\", \"msisdn\": \"4917099999999\"}", device);
	snprintf(in[4], sizeof(in[4]), "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"operator_objects\": true}",
		 device);
	for (size_t i = 0; i < 5; i++) {
		int64_t rev = revision_of(kinds[i].get, in[i]);

		change(kinds[i].put, REG_MATCH_ANY, false, in[i]);
		change(kinds[i].put, rev - 1, false, in[i]);
		change(kinds[i].put, rev, true, in[i]);
		change(kinds[i].put, rev, false, in[i]);
		ck_assert_int_gt(revision_of(kinds[i].get, in[i]), rev);
	}
}
END_TEST

START_TEST(what_is_there_again_has_no_old_revision)
{
	int64_t rev = revision_of(reg_group_put, "{\"group\": \"fleet\"}");

	change(reg_group_put, REG_MATCH_ANY, false, "{\"group\": \"fleet\"}");
	MUST(reg_operator, reg_group_delete, "", "{\"group\": \"fleet\"}");
	change(reg_group_put, rev, false, "{\"group\": \"fleet\"}");
	change(reg_group_put, REG_MATCH_ANY, true, "{\"group\": \"fleet\"}");
	ck_assert_int_gt(revision_of(reg_group_get, "{\"group\": \"fleet\"}"), rev);
}
END_TEST

/* Each row once, whatever the size of a page. */
static void walk(reg_work_fn *work, const char *list, const char *of, size_t rows)
{
	char after[128] = "", seen[4096] = "";
	size_t n = 0;

	do {
		struct reg_order *o =
			reg_give(reg_operator, work, REG_MATCH_NONE, "{%s \"after\": \"%s\", \"limit\": 3}", of, after);
		const char *next = json_string_value(json_object_get(o->answer, "next"));
		json_t *one;
		size_t i;

		ck_assert_msg(o->rc >= 0, "%s", o->err.text);
		json_array_foreach(json_object_get(o->answer, list), i, one)
		{
			char *text = json_dumps(one, JSON_COMPACT | JSON_SORT_KEYS);

			ck_assert_ptr_null(strstr(seen, text));
			strncat(seen, text, sizeof(seen) - strlen(seen) - 1);
			free(text);
			n++;
		}
		snprintf(after, sizeof(after), "%s", next ? next : "");
		reg_order_free(o);
	} while (*after);
	ck_assert_uint_eq(n, rows);
}

START_TEST(pages_follow_each_other)
{
	for (int i = 0; i < 7; i++) {
		const char *d = MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"%d@example.com\"}", i);

		MUST(reg_operator, reg_grant, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\"}", d);
		MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"asp-%d\"}", i);
	}
	walk(reg_device_list, "devices", "", 8);
	walk(reg_asp_list, "asps", "", 8);
	walk(reg_grant_list, "grants", "\"fqdn\": \"" FQDN "\",", 7);
	/* what is looked for is no part of the statement, also if it looks like one */
	MUST(reg_anyone, reg_catalogue, "", "{\"alias\": \"url:https://a.example.com/?3\"}");
	ck_assert_int_eq(reg_refused(reg_operator, reg_asp_list, "1 to 1000", "{\"limit\": 0}"), CTL_INVALID);
	ck_assert_int_eq(reg_refused(reg_operator, reg_asp_list, "1 to 1000", "{\"limit\": 1001}"), CTL_INVALID);
}
END_TEST

SUITE_WITH_FIXTURE("reg_orders", open_realm, reg_world_end, a_provider_applies_and_waits, only_so_many_wait,
		   a_deleted_provider_takes_all_with_it, of_a_deleted_user_nothing_is_left,
		   what_a_provider_says_of_itself_is_in_the_audit, a_suspended_provider_changes_nothing,
		   a_provider_sees_its_own, a_user_sees_his_own, each_says_what_is_his, each_ends_it_alone,
		   a_consent_for_what_is_suspended_ends_too, what_is_lost_is_refused_first, a_new_custodian_begins_anew,
		   who_is_known_less_gets_none, two_hundred_and_no_more, many_lines_are_all_or_none,
		   a_uid_is_no_identity, an_old_revision_changes_nothing, what_is_there_again_has_no_old_revision,
		   pages_follow_each_other)
