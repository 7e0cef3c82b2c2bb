/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests for access as each role gives and answers them. */
#include <stdio.h>
#include "reg/reg_inbox.h"
#include "reg/reg_requests.h"
#include "reg/reg_returns.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define FQDN "video.example.com"
#define BACK "https://video.example.com/back"

#define BEGIN   "{\"fqdn\": \"" FQDN "\", \"state\": \"%s\", \"return\": \"%s\"}"
#define ONE     "{\"request\": \"%s\"}"
#define AGREES  "{\"request\": \"%s\", \"agree\": true, \"device\": \"%s\"}"
#define AGREES_ "{\"request\": \"%s\", \"agree\": true}" /* for whichever device it is */
#define REFUSES "{\"request\": \"%s\", \"agree\": false}"

static struct reg_caller asp, rival, user, other_user;
static char device[64], other_device[64];

/* For reg_order_free(). */
#define DONE(caller, work, ...) done(reg_give(caller, work, REG_MATCH_NONE, __VA_ARGS__))
static struct reg_order *done(struct reg_order *o)
{
	ck_assert_msg(o->rc >= 0, "%s", o->err.text);
	return o;
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static const json_t *item(const struct reg_order *o, const char *list, size_t i)
{
	return json_array_get(json_object_get(o->answer, list), i);
}

static size_t count(struct reg_caller c, reg_work_fn *work, const char *list)
{
	struct reg_order *o = DONE(c, work, "{}");
	size_t n = json_array_size(json_object_get(o->answer, list));

	reg_order_free(o);
	return n;
}

static struct reg_caller with_device(char out[64], const char *impi, const char *kyc)
{
	const char *name = MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"%s\"}", kyc);

	strcpy(out, MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"%s\"}", impi));
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", out, name);
	return reg_user(name);
}

static void begin_realm(void)
{
	reg_world_begin();
	MUST(reg_operator, reg_app_add, "",
	     "{\"asp\": \"acme\", \"fqdn\": \"" FQDN "\", \"addresses\": [\"127.0.0.1/32\"]}");
	MUST(reg_operator, reg_app_add, "",
	     "{\"asp\": \"rival\", \"fqdn\": \"tv.example.org\", \"addresses\": [\"127.0.0.1/32\"]}");
	asp = reg_asp("acme");
	rival = reg_asp("rival");
	user = with_device(device, "one@example.com", "k1");
	other_user = with_device(other_device, "two@example.com", "k2");
	MUST(asp, reg_returns_put, "", "{\"fqdn\": \"" FQDN "\", \"return_addresses\": [\"" BACK "\"]}");
}

/* \param[out] name of the request */
static void begun(char name[64])
{
	struct reg_order *o = DONE(asp, reg_request_add, BEGIN, "s 1", BACK);

	snprintf(name, 64, "%s", text(o->answer, "request"));
	ck_assert_uint_eq(strlen(name), 32);
	ck_assert_str_eq(text(o->answer, "result"), "waiting");
	ck_assert_str_eq(text(o->answer, "state"), "s 1");
	reg_order_free(o);
}

static void inbox_says_granted(void)
{
	struct reg_order *o = DONE(user, reg_inbox_list, "{}");
	const json_t *x = item(o, "events", 1); /* behind "received" */

	ck_assert_uint_eq(json_array_size(json_object_get(o->answer, "events")), 2);
	ck_assert_str_eq(text(x, "event"), "granted");
	ck_assert_str_eq(text(x, "fqdn"), FQDN);
	ck_assert_str_eq(text(x, "asp"), "acme");
	ck_assert_str_eq(text(x, "device"), device);
	ck_assert_msg(*text(x, "gsid"), "the application's identifiers");
	reg_order_free(o);
	ck_assert_uint_eq(count(other_user, reg_inbox_list, "events"), 1);
}

START_TEST(agreed_both_have_consented_and_the_user_goes_back_with_the_state)
{
	struct reg_order *o;
	char name[64];

	begun(name);
	o = DONE(user, reg_request_get, ONE, name);
	ck_assert_str_eq(text(o->answer, "fqdn"), FQDN);
	ck_assert_str_eq(text(o->answer, "asp"), "acme");
	ck_assert_msg(!json_object_get(o->answer, "state"), "a state is the ASP's");
	reg_order_free(o);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM live"), 0);
	for (int i = 0; i < 2; i++) { /* and sent again */
		ck_assert_str_eq(MUST(user, reg_request_answer, "go_to", AGREES, name, device),
				 BACK "?state=s%201&result=agreed");
		ck_assert_int_eq(reg_number("SELECT count(*) FROM live"), 1);
	}
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "it was agreed", REFUSES, name), CTL_CONFLICT);
	ck_assert_int_eq(reg_refused(other_user, reg_request_answer, "no such request", AGREES, name, other_device),
			 CTL_UNKNOWN);
	o = DONE(asp, reg_request_list, "{}");
	ck_assert_str_eq(text(item(o, "requests", 0), "result"), "agreed");
	ck_assert_uint_eq(strlen(text(item(o, "requests", 0), "device")), 32);
	ck_assert_msg(strcmp(text(item(o, "requests", 0), "device"), device) != 0, "its pseudonym, not the device");
	reg_order_free(o);
	inbox_says_granted();
}
END_TEST

START_TEST(refused_nothing_is_granted)
{
	char name[64];

	begun(name);
	ck_assert_str_eq(MUST(user, reg_request_answer, "go_to", REFUSES, name), BACK "?state=s%201&result=refused");
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), 0);
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "it was refused", AGREES, name, device), CTL_CONFLICT);
	ck_assert_int_eq(reg_refused(other_user, reg_request_get, "no such request", ONE, name), CTL_UNKNOWN);
}
END_TEST

START_TEST(an_address_that_is_not_registered_is_never_gone_back_to)
{
	static const char *const others[] = { "https://video.example.com/back/", "https://video.example.com/back?x",
					      "https://evil.example.net/",       "https://video.example.com/",
					      "https://VIDEO.example.com/back",  "" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(reg_refused(asp, reg_request_add, "not registered", BEGIN, "s", others[i]),
				 CTL_INVALID);
	ck_assert_int_eq(reg_refused(asp, reg_returns_put, "address 2 is none",
				     "{\"fqdn\": \"" FQDN "\", \"return_addresses\": [\"" BACK
				     "\", \"https://evil.example.net/\"]}"),
			 CTL_INVALID);
	ck_assert_int_eq(reg_refused(asp, reg_request_add, "1 to", BEGIN, "", BACK), CTL_INVALID);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM request"), 0);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM return_address"), 1);
}
END_TEST

START_TEST(each_sees_his_own)
{
	char name[64];

	begun(name);
	ck_assert_int_eq(reg_refused(rival, reg_request_add, "no such application", BEGIN, "s", BACK), CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(rival, reg_returns_put, "no such application",
				     "{\"fqdn\": \"" FQDN "\", \"return_addresses\": [\"" BACK "\"]}"),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(rival, reg_returns_get, "no such application", "{\"fqdn\": \"" FQDN "\"}"),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(rival, reg_request_get, "no such request", ONE, name), CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "no such device", AGREES, name, other_device),
			 CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "which one is not said", AGREES_, name), CTL_INVALID);
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "no such request", AGREES,
				     "0123456789abcdef0123456789abcdef", device),
			 CTL_UNKNOWN);
	ck_assert_uint_eq(count(rival, reg_request_list, "requests"), 0);
	ck_assert_msg(count(user, reg_request_list, "requests") == 0, "one whose link nobody has followed is nobody's");
	ck_assert_uint_eq(count(reg_operator, reg_request_list, "requests"), 1);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), 0);
}
END_TEST

START_TEST(one_for_a_device_is_shown_to_its_user_alone)
{
	char name[64], pseudonym[64], more[64];
	struct reg_order *o;

	begun(name);
	MUST(user, reg_request_answer, "", AGREES, name, device);
	o = DONE(asp, reg_request_list, "{}");
	snprintf(pseudonym, sizeof(pseudonym), "%s", text(item(o, "requests", 0), "device"));
	reg_order_free(o);
	MUST(user, reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": false}", device);
	strcpy(name,
	       MUST(asp, reg_request_add, "request",
		    "{\"fqdn\": \"" FQDN "\", \"state\": \"again\", \"return\": \"" BACK "\", \"device\": \"%s\"}",
		    pseudonym));
	ck_assert_int_eq(reg_refused(other_user, reg_request_get, "no such request", ONE, name), CTL_UNKNOWN);
	ck_assert_int_eq(reg_refused(other_user, reg_request_answer, "no such request", AGREES, name, other_device),
			 CTL_UNKNOWN);
	ck_assert_uint_eq(count(user, reg_request_list, "requests"), 2);
	strcpy(more, MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"three@example.com\"}"));
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", more, user.name);
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "it is for another device", AGREES, name, more),
			 CTL_CONFLICT);
	MUST(user, reg_request_answer, "", AGREES_, name);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM live"), 1);
	o = DONE(user, reg_inbox_list, "{}");
	ck_assert_uint_eq(json_array_size(json_object_get(o->answer, "events")), 6);
	ck_assert_str_eq(text(item(o, "events", 2), "event"), "ended");
	ck_assert_str_eq(text(item(o, "events", 3), "event"), "request");
	reg_order_free(o);
}
END_TEST

/* The pseudonym of user's device at acme. */
static void known_to_asp(char pseudonym[64])
{
	struct reg_order *o;

	MUST(user, reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"user_agrees\": true}", device);
	o = DONE(asp, reg_grant_list, "{\"fqdn\": \"" FQDN "\"}");
	snprintf(pseudonym, 64, "%s", text(item(o, "grants", 0), "device"));
	reg_order_free(o);
}

#define FOR "{\"fqdn\": \"%s\", \"state\": \"s\", \"return\": \"%s\", \"device\": \"%s\"}"

START_TEST(what_was_not_agreed_to_is_not_asked_again_at_once)
{
	char pseudonym[64];
	const char *name;

	known_to_asp(pseudonym);
	name = MUST(asp, reg_request_add, "request", FOR, FQDN, BACK, pseudonym);
	ck_assert_int_eq(
		reg_refused(asp, reg_request_add, "not agreed to; allowed: once in", FOR, FQDN, BACK, pseudonym),
		CTL_CONFLICT); /* it waits */
	MUST(user, reg_request_answer, "", REFUSES, name);
	ck_assert_int_eq(reg_refused(asp, reg_request_add, "not agreed to", FOR, FQDN, BACK, pseudonym), CTL_CONFLICT);
	sql_exec(world->sql, "UPDATE request SET since = since - 86401");
	name = MUST(asp, reg_request_add, "request", FOR, FQDN, BACK, pseudonym);
	MUST(user, reg_request_answer, "", AGREES_, name);
	MUST(asp, reg_request_add, "", FOR, FQDN, BACK, pseudonym);
}
END_TEST

START_TEST(all_applications_of_an_asp_together_ask_a_user_ten_times_a_day)
{
	char pseudonym[64], fqdn[64], back[80];

	known_to_asp(pseudonym);
	for (int i = 0; i <= REG_ASKED_MAX; i++) {
		snprintf(fqdn, sizeof(fqdn), "a%d.example.com", i);
		snprintf(back, sizeof(back), "https://%s/", fqdn);
		MUST(reg_operator, reg_app_add, "",
		     "{\"asp\": \"acme\", \"fqdn\": \"%s\", \"addresses\": [\"127.0.0.1/32\"]}", fqdn);
		MUST(asp, reg_returns_put, "", "{\"fqdn\": \"%s\", \"return_addresses\": [\"%s\"]}", fqdn, back);
		if (i < REG_ASKED_MAX)
			MUST(asp, reg_request_add, "", FOR, fqdn, back, pseudonym);
	}
	ck_assert_int_eq(reg_refused(asp, reg_request_add, "its user was asked 10 times", FOR, fqdn, back, pseudonym),
			 CTL_CONFLICT);
	MUST(asp, reg_request_add, "", BEGIN, "s", BACK); /* whose link he follows, or not, is told to nobody */
	ck_assert_int_eq(reg_number("SELECT count(*) FROM inbox WHERE event = 'request'"), REG_ASKED_MAX);
}
END_TEST

START_TEST(unanswered_ones_are_kept_a_day)
{
	char name[64];

	begun(name);
	MUST(user, reg_request_answer, "", REFUSES, name);
	begun(name);
	sql_exec(world->sql, "UPDATE request SET expires = unixepoch() - 86500");
	begun(name);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM request"), 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM request WHERE result = 'refused'"), 1);
}
END_TEST

START_TEST(what_is_over_is_answered_by_nobody)
{
	char name[64];

	begun(name);
	ck_assert_int_eq(sql_exec(world->sql, "UPDATE request SET expires = 1000"), 0);
	ck_assert_int_eq(reg_refused(user, reg_request_answer, "it is over", AGREES, name, device), CTL_CONFLICT);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted"), 0);
	begun(name);
	ck_assert_msg(reg_number("SELECT count(*) FROM request") == 1, "what was over long ago is kept");
	ck_assert_int_eq(
		sql_exec(
			world->sql,
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 999) INSERT INTO request"
			" (name, app, state, return_to, since, expires) SELECT 'x' || i, 1, 's', 'r', 0, 9999999999 FROM n"),
		0);
	ck_assert_int_eq(reg_refused(asp, reg_request_add, "1000 requests wait", BEGIN, "s", BACK), CTL_CONFLICT);
}
END_TEST

START_TEST(a_thousand_events_of_a_user_are_kept)
{
	int64_t row = reg_number("SELECT id FROM device WHERE custodian IS NOT NULL ORDER BY id LIMIT 1");

	ck_assert_int_eq(sql_exec(world->sql, "BEGIN"), 0);
	for (int i = 0; i < REG_INBOX_MAX + 20; i++)
		ck_assert_int_eq(reg_inbox_tell(world, row, "granted", NULL), 0);
	ck_assert_int_eq(sql_exec(world->sql, "COMMIT"), 0);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM inbox GROUP BY user ORDER BY 1 DESC LIMIT 1"), REG_INBOX_MAX);
	ck_assert_msg(reg_number("SELECT min(id) FROM inbox WHERE event = 'granted'") > 20, "the oldest go");
}
END_TEST

START_TEST(an_asp_in_two_minds_fills_no_inbox)
{
	char pseudonym[64];

	known_to_asp(pseudonym);
	for (int i = 0; i < 20; i++)
		MUST(asp, reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"asp_agrees\": %s}",
		     pseudonym, i % 2 ? "false" : "true");
	ck_assert_int_eq(reg_number("SELECT count(*) FROM inbox WHERE fqdn IS NOT NULL"), REG_INBOX_OF_APP);
	MUST(asp, reg_grant_put, "", "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"asp_agrees\": true}", pseudonym);
	for (int i = 0; i < 20; i++) /* nor by who may use it at all */
		MUST(asp, reg_app_put, "", "{\"fqdn\": \"" FQDN "\", \"assurance_min\": %d}", i % 2 ? 4 : 0);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM inbox WHERE fqdn IS NOT NULL"), REG_INBOX_OF_APP);
	ck_assert_int_eq(reg_number("SELECT event = 'ended' FROM inbox ORDER BY id DESC LIMIT 1"), 1);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM inbox WHERE event = 'received'"), 2);
}
END_TEST

/* The event of an application that is no more shows what that one was, not what a later owner of its name is. */
START_TEST(an_event_keeps_what_it_was_about)
{
	char name[64], gsid[32];
	struct reg_order *o;

	MUST(asp, reg_app_put, "",
	     "{\"fqdn\": \"" FQDN
	     "\", \"title\": \"Films\", \"aliases\": [{\"scheme\": \"ip\", \"value\": \"192.0.2.1\"}]}");
	strcpy(gsid, MUST(asp, reg_app_show, "gsid", "{\"fqdn\": \"" FQDN "\"}"));
	begun(name);
	MUST(user, reg_request_answer, "", AGREES, name, device);
	MUST(asp, reg_app_remove, "", "{\"fqdn\": \"" FQDN "\"}");
	MUST(reg_operator, reg_app_register, "",
	     "{\"asp\": \"rival\", \"fqdn\": \"" FQDN "\", \"title\": \"Another\", \"addresses\": [\"127.0.0.1/32\"]}");
	ck_assert_int_eq(reg_inbox_expire(NULL, world), 0);
	o = DONE(user, reg_inbox_list, "{}");
	ck_assert_uint_eq(json_array_size(json_object_get(o->answer, "events")), 3);
	for (size_t i = 1; i < 3; i++) {
		const json_t *x = item(o, "events", i);

		ck_assert_str_eq(text(x, "event"), i == 1 ? "granted" : "ended");
		ck_assert_str_eq(text(x, "fqdn"), FQDN);
		ck_assert_str_eq(text(x, "asp"), "acme");
		ck_assert_str_eq(text(x, "title"), "Films");
		ck_assert_str_eq(text(x, "gsid"), gsid);
		ck_assert_uint_eq(json_array_size(json_object_get(x, "aliases")), 1);
	}
	reg_order_free(o);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM alias"), 0);
	sql_exec(world->sql, "DELETE FROM inbox");
	ck_assert_int_eq(reg_inbox_expire(NULL, world), 0);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM app_was"), 0);
}
END_TEST

SUITE_WITH_FIXTURE("reg_requests", begin_realm, reg_world_end,
		   agreed_both_have_consented_and_the_user_goes_back_with_the_state, refused_nothing_is_granted,
		   an_address_that_is_not_registered_is_never_gone_back_to, each_sees_his_own,
		   one_for_a_device_is_shown_to_its_user_alone, what_is_over_is_answered_by_nobody,
		   a_thousand_events_of_a_user_are_kept, an_event_keeps_what_it_was_about,
		   an_asp_in_two_minds_fills_no_inbox, what_was_not_agreed_to_is_not_asked_again_at_once,
		   all_applications_of_an_asp_together_ask_a_user_ten_times_a_day, unanswered_ones_are_kept_a_day)
