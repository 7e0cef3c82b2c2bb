/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Revisions, and lists in pages. */
#include <stdio.h>
#include <string.h>
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

SUITE_WITH_FIXTURE("reg_pages", open_realm, reg_world_end, an_old_revision_changes_nothing,
		   what_is_there_again_has_no_old_revision, pages_follow_each_other)
