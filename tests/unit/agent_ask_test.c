/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a program may ask the agent, and who may. */
#include <errno.h>

#include "tests/unit/suite.h"
#include "ue/agent/agent_cfg.h"

static int parse(struct ask_line *a, const char *text)
{
	char line[ASK_LINE_MAX];
	struct err why;

	snprintf(line, sizeof(line), "%s", text);
	return ask_line_parse(a, line, &why);
}

START_TEST(questions)
{
	static const char *const bad[] = { "",
					   " ",
					   "key",
					   "key ",
					   "key  naf1.example.com",
					   "key naf1.example.com ",
					   "key naf1.example.com ua",
					   "key naf1.example.com ua 01000000",
					   "key naf1.example.com ua 01000000020",
					   "key naf1.example.com app",
					   "key naf1.example.com app sim",
					   "key naf1.example.com refused",
					   "key naf1.example.com refused x",
					   "list all",
					   "watch home",
					   "renew now",
					   "use",
					   "use ",
					   "drop",
					   "drop a b",
					   "drop a tmpi x",
					   "Key naf1.example.com" };
	struct ask_line a = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&a, bad[i]) == -EINVAL, "%s", bad[i]);
	ck_assert_int_eq(parse(&a, "key HTTPS://NAF1.example.com:443/x app isim force ua 010001c02f"), 0);
	ck_assert(a.verb == ASK_KEY && a.app == GBA_UE_APP_ISIM && a.force && !a.refused[0]);
	ck_assert_str_eq(a.naf.fqdn, "naf1.example.com");
	ck_assert_octets(a.naf.ua, "010001c02f");
	ck_assert_int_eq(parse(&a, "key naf1.example.com refused AAECAwQFBgcICQoLDA0ODw==@bsf.example.com"), 0);
	ck_assert(a.force && strcmp(a.refused, "AAECAwQFBgcICQoLDA0ODw==@bsf.example.com") == 0);
	ck_assert_octets(a.naf.ua, "0100000002");
	ck_assert_int_eq(parse(&a, "drop home tmpi"), 0);
	ck_assert(a.verb == ASK_DROP && a.tmpi && strcmp(a.realm, "home") == 0);
	ck_assert_int_eq(parse(&a, "use work"), 0);
	ck_assert(a.verb == ASK_USE && !a.tmpi);
}
END_TEST

START_TEST(names)
{
	static const char *const good[] = { "any", "naf1.example.com", "*.example.com", "*.a.b" };
	static const char *const bad[] = { "",     "*",      "*.",    "Any", "NAF1.example.com", "naf", "*.com.",
					   "a..b", "**.a.b", "a.*.b", ".a.b" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(agent_cfg_naf_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!agent_cfg_naf_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(access)
{
	static const struct {
		uid_t uid;
		const char *line;
		bool want;
	} rows[] = {
		{ 1, "key naf1.example.com", true },
		{ 1, "key naf2.example.com", false },
		{ 1, "key a.apps.example.com", true },
		{ 1, "key a.b.apps.example.com", true },
		{ 1, "key apps.example.com", false },
		{ 1, "key xapps.example.com", false },
		{ 1, "key naf1.example.com.evil", false },
		{ 1, "key NAF1.EXAMPLE.COM", true },
		{ 1, "list", true },
		{ 1, "renew", false },
		{ 1, "use home", false },
		{ 1, "drop home", false },
		{ 2, "key anything.example.org", true },
		{ 2, "renew", false },
		{ 3, "key naf1.example.com", false },
		{ 3, "renew", true },
		{ 3, "use home", true },
		{ 3, "drop home", true },
		{ 4, "key naf1.example.com", false },
		{ 4, "list", false },
		{ 0, "key naf1.example.com", false },
		{ (uid_t)-1, "list", false },
	};
	char one[] = "naf1.example.com", tail[] = "*.apps.example.com", any[] = "any";
	struct agent_program some = { .uid = 1, .nafs = { one, tail }, .n_nafs = 2 };
	struct agent_program all = { .uid = 2, .nafs = { any }, .n_nafs = 1 }, manager = { .uid = 3, .manage = true };
	struct agent_cfg c = { 0 };
	struct ask_line a;

	INIT_LLIST_HEAD(&c.programs);
	ck_assert_int_eq(parse(&a, "key naf1.example.com"), 0);
	ck_assert_msg(!agent_cfg_allows(&c, 0, &a), "an empty list lets root in");
	llist_add_tail(&some.entry, &c.programs);
	llist_add_tail(&all.entry, &c.programs);
	llist_add_tail(&manager.entry, &c.programs);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(parse(&a, rows[i].line), 0);
		ck_assert_msg(agent_cfg_allows(&c, rows[i].uid, &a) == rows[i].want, "uid %u: %s",
			      (unsigned)rows[i].uid, rows[i].line);
	}
}
END_TEST

SUITE("agent_ask", questions, names, access)
