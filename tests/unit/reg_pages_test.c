/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Revisions, and lists in pages. */
#include <stdio.h>
#include <string.h>
#include "reg/reg_inbox.h"
#include "reg/reg_outbox.h"
#include "reg/reg_requests.h"
#include "reg/reg_token.h"
#include "tests/unit/reg_realm.h"
#include "tests/unit/suite.h"

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

		change(kinds[i].put, REG_MATCH_NEW, false, in[i]);
		change(kinds[i].put, rev - 1, false, in[i]);
		change(kinds[i].put, rev, true, in[i]);
		change(kinds[i].put, rev, false, in[i]);
		change(kinds[i].put, REG_MATCH_THERE, true, in[i]);
		ck_assert_int_gt(revision_of(kinds[i].get, in[i]), rev);
	}
}
END_TEST

START_TEST(what_is_there_again_has_no_old_revision)
{
	int64_t rev = revision_of(reg_group_put, "{\"group\": \"fleet\"}");

	change(reg_group_put, REG_MATCH_NEW, false, "{\"group\": \"fleet\"}");
	MUST(reg_operator, reg_group_delete, "", "{\"group\": \"fleet\"}");
	change(reg_group_put, rev, false, "{\"group\": \"fleet\"}");
	change(reg_group_put, REG_MATCH_THERE, false, "{\"group\": \"fleet\"}");
	change(reg_group_put, REG_MATCH_NEW, true, "{\"group\": \"fleet\"}");
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

/* Each page, and what is asked of the outbox: every table by an index, and in the order of one. */
static void are_searches(void)
{
	char text[4096];

	for (sqlite3_stmt *q = sqlite3_next_stmt(world->sql, NULL), *plan; q; q = sqlite3_next_stmt(world->sql, q)) {
		if (!strstr(sqlite3_sql(q), "LIMIT ?2") && !strstr(sqlite3_sql(q), "FROM outbox WHERE"))
			continue;
		snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sqlite3_sql(q));
		ck_assert_int_eq(sqlite3_prepare_v2(world->sql, text, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if (strstr(sqlite3_sql(q), "device IS")) /* not all that waits for a target */
				ck_assert_msg(strstr(step, "outbox_same") != NULL, "%s: %s", sqlite3_sql(q), step);
			ck_assert_msg(!strstr(step, "SCAN") && !strstr(step, "TEMP B-TREE"), "%s: %s", sqlite3_sql(q),
				      step);
		}
		sqlite3_finalize(plan);
	}
}

START_TEST(no_list_looks_at_the_rows_of_others)
{
	static const struct {
		reg_work_fn *work;
		const char *in;
	} lists[] = {
		{ reg_asp_list, "" },   { reg_app_list, "" },     { reg_catalogue, "" },
		{ reg_user_list, "" },  { reg_device_list, "" },  { reg_group_list, "" },
		{ reg_token_list, "" }, { reg_request_list, "" }, { reg_grant_list, "\"fqdn\": \"" FQDN "\"" },
	};
	const struct reg_caller asp = reg_asp("acme"), user = reg_user(owner);
	struct reg_row row = { .device = 1 };
	int64_t id;

	agree();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		MUST(reg_operator, lists[i].work, "", "{%s}", lists[i].in);
	MUST(asp, reg_app_list, "", "{}");
	MUST(asp, reg_token_list, "", "{}");
	MUST(asp, reg_grant_list, "", "{\"fqdn\": \"" FQDN "\"}");
	MUST(user, reg_device_list, "", "{}");
	MUST(user, reg_token_list, "", "{}");
	MUST(user, reg_inbox_list, "", "{}");
	MUST(user, reg_grant_list, "", "{\"fqdn\": \"" FQDN "\"}");
	ck_assert_int_eq(reg_outbox_next(world, "bsf-1", 0, &row), 1);
	ck_assert_int_eq(reg_outbox_newest(world, "bsf-1", &row, &id), 0);
	ck_assert_int_eq(reg_outbox_done(world, "bsf-1", &row, id, NULL), 0);
	ck_assert_int_ge(reg_outbox_waits(world, 1), 0);
	are_searches();
}
END_TEST

/* An ASP's order of its grants is that of the pseudonyms it sees, also when one is made anew. */
START_TEST(grants_are_in_the_order_of_pseudonyms)
{
	agree();
	ck_assert_int_eq(reg_number("SELECT count(*) FROM granted g JOIN pseudonym p ON p.value = g.uid"), 1);
	ck_assert_int_eq(sql_exec(world->sql, "UPDATE pseudonym SET value = 'x' WHERE asp = 'acme'"), 0);
	ck_assert_int_eq(reg_number("SELECT uid = 'x' FROM granted"), 1);
}
END_TEST

SUITE_WITH_FIXTURE("reg_pages", open_realm, reg_world_end, an_old_revision_changes_nothing,
		   what_is_there_again_has_no_old_revision, pages_follow_each_other,
		   no_list_looks_at_the_rows_of_others, grants_are_in_the_order_of_pseudonyms)
