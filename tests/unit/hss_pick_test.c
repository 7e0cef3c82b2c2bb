/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which HSS is asked next, as a table; and how an HSS does. */
#include <stdio.h>
#include "bsf/policy/hss.h"
#include "bsf/vectors/hss_pick.h"
#include "tests/unit/suite.h"

#define HSSS 4

/* One character each: . up, x closed, t tried, b busy, s silent, T silent and due to be tried again. */
static const struct {
	const char *about, *hss;
	uint32_t priority[HSSS], load[HSSS];
	enum hss_so_far so_far;
	int wanted;
	bool wanted_only, time_over;
	const char *may; /* those it may be; "": nobody */
} rows[] = {
	{ "none at all", "", { 0 }, { 0 }, HSS_NOT_ASKED, -1, false, false, "" },
	{ "the only one", ".", { 1 }, { 1 }, HSS_NOT_ASKED, -1, false, false, "0" },
	{ "the only one is away", "x", { 1 }, { 1 }, HSS_NOT_ASKED, -1, false, false, "" },
	{ "the lowest number", "...", { 2, 1, 3 }, { 1, 1, 1 }, HSS_NOT_ASKED, -1, false, false, "1" },
	{ "two of one number", "...", { 1, 1, 3 }, { 1, 1, 9 }, HSS_NOT_ASKED, -1, false, false, "01" },
	{ "the next number, when the lowest is away",
	  "xx.",
	  { 1, 1, 3 },
	  { 1, 1, 1 },
	  HSS_NOT_ASKED,
	  -1,
	  false,
	  false,
	  "2" },
	{ "load 0 is asked by nobody's share", "..", { 1, 2 }, { 0, 1 }, HSS_NOT_ASKED, -1, false, false, "1" },
	{ "load 0 alone", ".", { 1 }, { 0 }, HSS_NOT_ASKED, -1, false, false, "" },
	{ "not twice in a run", "t.", { 1, 2 }, { 1, 1 }, HSS_LOST, -1, false, false, "1" },
	{ "all were asked", "tt", { 1, 2 }, { 1, 1 }, HSS_LOST, -1, false, false, "" },
	{ "next after a time-out", "t.", { 1, 1 }, { 1, 1 }, HSS_TIMED_OUT, -1, false, false, "1" },
	{ "next where it could not be sent", "t.", { 1, 1 }, { 1, 1 }, HSS_UNSENT, -1, false, false, "1" },
	{ "never after an answer", "t.", { 1, 1 }, { 1, 1 }, HSS_ANSWERED, -1, false, false, "" },
	{ "never when the time is over", "t.", { 1, 1 }, { 1, 1 }, HSS_TIMED_OUT, -1, false, true, "" },
	{ "busy: another of any number before it", "b.", { 1, 2 }, { 1, 1 }, HSS_NOT_ASKED, -1, false, false, "1" },
	{ "busy: still asked where there is no other", "bx", { 1, 2 }, { 1, 1 }, HSS_NOT_ASKED, -1, false, false, "0" },
	{ "all busy: as if none were", "bb", { 1, 1 }, { 1, 1 }, HSS_NOT_ASKED, -1, false, false, "01" },
	{ "silent: last", "s.", { 1, 2 }, { 1, 1 }, HSS_NOT_ASKED, -1, false, false, "1" },
	{ "silent: after one that is busy", "sb", { 1, 2 }, { 1, 1 }, HSS_NOT_ASKED, -1, false, false, "1" },
	{ "silent: asked where there is no other", "st", { 1, 2 }, { 1, 1 }, HSS_LOST, -1, false, false, "0" },
	{ "silent: tried again before its equals", "T.", { 1, 1 }, { 1, 9 }, HSS_NOT_ASKED, -1, false, false, "0" },
	{ "silent: not tried again before a lower number",
	  "T.",
	  { 2, 1 },
	  { 1, 1 },
	  HSS_NOT_ASKED,
	  -1,
	  false,
	  false,
	  "1" },
	{ "AUTS: who gave the vector, whatever its number",
	  "..",
	  { 1, 2 },
	  { 1, 1 },
	  HSS_NOT_ASKED,
	  1,
	  false,
	  false,
	  "1" },
	{ "AUTS: who gave it, though it is silent", ".s", { 1, 2 }, { 1, 1 }, HSS_NOT_ASKED, 1, false, false, "1" },
	{ "AUTS: who gave it has gone", ".x", { 1, 2 }, { 1, 1 }, HSS_NOT_ASKED, 1, false, false, "0" },
	{ "AUTS: who gave it was lost meanwhile", ".t", { 1, 2 }, { 1, 1 }, HSS_LOST, 1, false, false, "0" },
	{ "sent on: that one, though it has no share", "t.", { 1, 2 }, { 1, 0 }, HSS_REDIRECTED, 1, true, false, "1" },
	{ "sent on: nobody in its place", "t.x", { 1, 1, 1 }, { 1, 1, 1 }, HSS_REDIRECTED, 2, true, false, "" },
	{ "sent on: not again", "t.t", { 1, 1, 1 }, { 1, 1, 1 }, HSS_REDIRECTED, 2, true, false, "" },
};

START_TEST(table)
{
	struct hss_seen seen[HSSS] = { 0 };
	size_t n = strlen(rows[_i].hss);
	char may[HSSS + 2] = "";

	for (size_t i = 0; i < n; i++) {
		char c = rows[_i].hss[i];

		seen[i] = (struct hss_seen){ c != 'x',         c == 't', rows[_i].priority[i],
					     rows[_i].load[i], c == 'b', c == 's' || c == 'T',
					     c == 'T' };
	}
	/* whoever may be is, for some draw; and nobody else for any */
	for (int i = -1; i < (int)n; i++)
		for (uint32_t d = 0; d < 16; d++) {
			struct hss_question q = { rows[_i].so_far, rows[_i].wanted, rows[_i].wanted_only,
						  !rows[_i].time_over, d };

			if (hss_pick(seen, n, &q) == i && i >= 0 && !strchr(may, '0' + i))
				may[strlen(may)] = (char)('0' + i);
		}
	ck_assert_msg(strcmp(may, rows[_i].may) == 0, "%s: %s", rows[_i].about, may);
}
END_TEST

START_TEST(shares)
{
	const struct hss_seen seen[] = { { .open = true, .load = 1 },
					 { .open = true, .load = 3 },
					 { .open = true, .load = 6 } };
	unsigned got[3] = { 0 };

	for (uint32_t d = 0; d < 1000; d++)
		got[hss_pick(seen, 3, &(struct hss_question){ .wanted = -1, .left_ms = 1, .draw = d })]++;
	ck_assert_uint_eq(got[0], 100);
	ck_assert_uint_eq(got[1], 300);
	ck_assert_uint_eq(got[2], 600);
}
END_TEST

START_TEST(silent)
{
	struct hss_state *s = hss_state_new();

	hss_state_ready(s, true);
	for (unsigned i = 0; i < HSS_SILENT; i++)
		hss_state_timed_out(s, 1000);
	ck_assert_uint_eq(s->silent, HSS_SILENT);
	ck_assert(!hss_state_try(s, 30999));
	ck_assert(hss_state_try(s, 31000));
	ck_assert(!hss_state_try(s, 31000)); /* one request, not each */
	ck_assert(hss_state_try(s, 61000));
	hss_state_answered(s, false, 62000);
	ck_assert_uint_eq(s->silent, 0);
	ck_assert(!hss_state_try(s, 99000));
	hss_state_timed_out(s, 1000);
	hss_state_ready(s, true); /* it was connected all the time */
	ck_assert_uint_eq(s->silent, 1);
	hss_state_ready(s, false);
	hss_state_ready(s, true); /* anew */
	ck_assert_uint_eq(s->silent, 0);
	hss_state_put(s);
}
END_TEST

START_TEST(busy)
{
	struct hss_state *s = hss_state_new();
	uint64_t now = 5000;

	/* those that were under way are told the same: one time */
	for (int i = 0; i < 10; i++)
		hss_state_answered(s, true, now);
	ck_assert_uint_eq(s->busy_until_ms, now + 1000);
	now += 1000;
	hss_state_answered(s, true, now);
	ck_assert_uint_eq(s->busy_until_ms, now + 2000);
	for (int i = 0; i < 10; i++) {
		now = s->busy_until_ms;
		hss_state_answered(s, true, now);
	}
	ck_assert_uint_eq(s->busy_until_ms, now + 30000);
	hss_state_answered(s, false, now + 1); /* of before: it says nothing of now */
	ck_assert_uint_eq(s->busy_ms, 30000);
	now = s->busy_until_ms;
	hss_state_answered(s, false, now);
	hss_state_answered(s, true, now);
	ck_assert_uint_eq(s->busy_until_ms, now + 1000);
	hss_state_put(s);
}
END_TEST

START_TEST(holders)
{
	struct hss_state *s = hss_state_new();
	struct hss *h = hss_new(
		&(struct hss){ .identity = "HSS.example", .realm = "example", .via = "dra.example", .state = s });

	ck_assert_uint_eq(h->id, hss_id("hss.EXAMPLE"));
	hss_get(h);
	hss_put(h);
	hss_state_put(s);
	ck_assert_str_eq(h->identity, "HSS.example");
	ck_assert_str_eq(h->via, "dra.example");
	ck_assert(!h->state->open);
	hss_put(h);
	hss_put(NULL);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("pick"), *more = tcase_create("state");

	tcase_add_loop_test(c, table, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, shares);
	tcase_add_test(more, silent);
	tcase_add_test(more, busy);
	tcase_add_test(more, holders);
	return suite_run_cases("hss_pick", (TCase *[]){ c, more }, 2);
}
