/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whom a token stands for, for how long, and who gives and takes which. */
#include "reg/reg_token.h"

#include <stdio.h>
#include <string.h>
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

static char user[64];

static void open_realm(void)
{
	reg_world_begin();
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"acme\"}");
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"rival\"}");
	strcpy(user, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 1\"}"));
}

static int stands_for(const char *token, struct reg_caller *who)
{
	uint8_t proof[REG_PROOF_LEN];
	int64_t row;
	bool stale;

	ck_assert_int_eq(reg_proof_of_token(proof, token), 0);
	return reg_token_find(world, proof, who, &row, &stale);
}

START_TEST(it_stands_for_its_owner_until_it_is_over)
{
	struct reg_caller who;
	char token[64];

	strcpy(token, MUST(reg_asp("acme"), reg_token_add, "token", "{\"expires_in\": 100}"));
	ck_assert_int_eq(stands_for(token, &who), 1);
	ck_assert(who.role == REG_ASP && who.id == reg_asp("acme").id);
	ck_assert_str_eq(who.name, "asp acme");
	ck_assert_int_eq(stands_for("x", &who), 0);
	sql_exec(world->sql, "UPDATE token SET expires = unixepoch()");
	ck_assert_int_eq(stands_for(token, &who), 0);
}
END_TEST

START_TEST(for_others_and_by_certificate_an_operator_gives_it)
{
	static const char *const more[] = { "\"role\": \"operator\"", "\"role\": \"user\"", "\"owner\": \"rival\"",
					    "\"certificate\": \"a.example.com\"" };

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		ck_assert_int_eq(
			reg_refused(reg_asp("acme"), reg_token_add, "only an operator gives that", "{%s}", more[i]),
			CTL_FORBIDDEN);
	ck_assert_int_eq(reg_refused(reg_operator, reg_token_add, "there is no such asp",
				     "{\"role\": \"asp\", \"owner\": \"nobody\"}"),
			 CTL_UNKNOWN);
	MUST(reg_operator, reg_token_add, "",
	     "{\"role\": \"asp\", \"owner\": \"acme\", \"certificate\": \"a.example.com\"}");
	ck_assert_int_eq(reg_refused(reg_operator, reg_token_add, "stands for somebody",
				     "{\"role\": \"asp\", \"owner\": \"rival\", \"certificate\": \"a.example.com\"}"),
			 CTL_EXISTS);
}
END_TEST

START_TEST(so_many_of_one_owner)
{
	for (int i = 0; i < REG_TOKENS_MAX; i++)
		MUST(reg_asp("acme"), reg_token_add, "", "{\"expires_in\": 100}");
	ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_token_add, "it has 100 tokens", "{}"), CTL_EXISTS);
	MUST(reg_asp("rival"), reg_token_add, "", "{}");
	sql_exec(world->sql, "UPDATE token SET expires = unixepoch() WHERE id = 1"); /* is none any more */
	MUST(reg_asp("acme"), reg_token_add, "", "{}");
}
END_TEST

static size_t listed(struct reg_caller c)
{
	struct reg_order *o = reg_give(c, reg_token_list, REG_MATCH_NONE, "{}");
	size_t n = json_array_size(json_object_get(o->answer, "tokens"));

	ck_assert_msg(o->rc >= 0, "%s", o->err.text);
	reg_order_free(o);
	return n;
}

START_TEST(each_lists_and_revokes_his_own)
{
	char id[64], of_user[64];

	strcpy(id, MUST(reg_asp("acme"), reg_token_add, "id", "{}"));
	strcpy(of_user, MUST(reg_user(user), reg_token_add, "id", "{}"));
	ck_assert_uint_eq(listed(reg_asp("acme")), 1);
	ck_assert_uint_eq(listed(reg_asp("rival")), 0);
	ck_assert_uint_eq(listed(reg_user(user)), 1);
	ck_assert_uint_eq(listed(reg_operator), 2);
	ck_assert_int_eq(reg_refused(reg_asp("rival"), reg_token_revoke, "no such token", "{\"token\": \"%s\"}", id),
			 CTL_UNKNOWN);
	ck_assert_int_eq(
		reg_refused(reg_asp("acme"), reg_token_revoke, "no such token", "{\"token\": \"%s\"}", of_user),
		CTL_UNKNOWN);
	MUST(reg_asp("acme"), reg_token_revoke, "", "{\"token\": \"%s\"}", id);
	MUST(reg_operator, reg_token_revoke, "", "{\"token\": \"%s\"}", of_user);
	ck_assert_uint_eq(listed(reg_operator), 0);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM audit WHERE json LIKE '%\"what\":\"token revoke %'"), 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM audit WHERE json LIKE '%\"what\":\"token add %'"), 2);
}
END_TEST

SUITE_WITH_FIXTURE("reg_token", open_realm, reg_world_end, it_stands_for_its_owner_until_it_is_over,
		   for_others_and_by_certificate_an_operator_gives_it, so_many_of_one_owner,
		   each_lists_and_revokes_his_own)
