/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an answer of DNS, a word of the operator and time make of an application; and what is kept of who used a token. */
#include "reg/reg_proof.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "reg/reg_cfg.h"
#include "reg/reg_usage.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define FQDN    "video.example.com"
#define LAPSE_S 1000
#define STATE   "{\"fqdn\": \"" FQDN "\", \"state\": \"%s\"}"

static void open_realm(void)
{
	reg_world_begin();
	reg_cfg.proof.interval_s = 100;
	reg_cfg.proof.lapse_s = LAPSE_S;
	reg_cfg.usage.kept_s = 1000;
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"acme\"}");
	MUST(reg_asp("acme"), reg_app_register, "", "{\"fqdn\": \"" FQDN "\", \"addresses\": [\"192.0.2.1/32\"]}");
}

/* \param[in] ago_s when it was shown last */
static void answered(enum reg_dns is, int64_t ago_s)
{
	struct reg_asked a = { .app = 1, .fqdn = FQDN, .is = is };
	struct reg_order *o = reg_order_new(reg_proof_show, NULL);

	ck_assert_int_eq(reg_db_do(world, "UPDATE proof SET since = ?1, proven_at = min(proven_at, ?1)", "i",
				   (int64_t)time(NULL) - ago_s),
			 0);
	ck_assert_int_eq(reg_proof_note(o, world, &a), 0);
	reg_order_free(o);
}

static bool approved(void)
{
	return reg_number("SELECT state = 'approved' FROM application");
}

static void shown_and_approved(void)
{
	answered(REG_DNS_THERE, 0);
	MUST(reg_operator, reg_app_put, "", STATE, "approved");
}

START_TEST(what_is_not_shown_is_not_approved)
{
	ck_assert_int_eq(reg_refused(reg_operator, reg_app_put, "not shown to be its provider's", STATE, "approved"),
			 CTL_CONFLICT);
	ck_assert_int_eq(reg_refused(reg_asp("acme"), reg_proof_order, "only an operator gives his word",
				     "{\"fqdn\": \"" FQDN "\", \"by\": \"word\"}"),
			 CTL_FORBIDDEN);
	answered(REG_DNS_ABSENT, 0);
	ck_assert_int_eq(reg_refused(reg_operator, reg_app_put, "not shown", STATE, "approved"), CTL_CONFLICT);
	shown_and_approved();
	ck_assert(approved());
}
END_TEST

START_TEST(it_lapses_and_comes_back)
{
	shown_and_approved();
	answered(REG_DNS_ABSENT, LAPSE_S - 100);
	ck_assert(approved());
	answered(REG_DNS_UNASKED, 2 * LAPSE_S); /* nobody's fault: four times as long */
	ck_assert(approved());
	answered(REG_DNS_UNASKED, 5 * LAPSE_S);
	ck_assert(!approved());
	answered(REG_DNS_THERE, 0);
	ck_assert(approved());
	answered(REG_DNS_ABSENT, LAPSE_S + 100);
	ck_assert(!approved());
}
END_TEST

START_TEST(what_the_operator_suspends_comes_back_by_him_alone)
{
	shown_and_approved();
	answered(REG_DNS_ABSENT, LAPSE_S + 100);
	MUST(reg_operator, reg_app_put, "", STATE, "suspended");
	answered(REG_DNS_THERE, 0);
	ck_assert(!approved());
	MUST(reg_operator, reg_app_put, "", STATE, "approved");
	ck_assert(approved());
}
END_TEST

static void used(const char *naf, int at)
{
	json_t *answer = json_pack("{s[{ss ss si si}] ss}", "used", "impi", "one@example.com", "naf", naf,
				   "bootstrapped", 50, "at", at, "cursor", "1-2");
	struct reg_used u = { "bsf-1", answer };
	struct reg_order *o = reg_order_new(reg_usage_keep, NULL);

	o->data = &u;
	ck_assert_int_eq(reg_usage_keep(o, world), 0);
	reg_order_free(o);
	json_decref(answer);
}

START_TEST(of_our_applications_the_first_and_the_last_use_is_kept)
{
	MUST(reg_operator, reg_device_add, "", "{\"impi\": \"one@example.com\"}");
	used("VIDEO.example.com", 200);
	used(FQDN, 100);
	used(FQDN, 300);
	used("other.example.com", 300);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM usage"), 1);
	ck_assert_int_eq(reg_number("SELECT first_at FROM usage"), 100);
	ck_assert_int_eq(reg_number("SELECT last_at FROM usage"), 300);
	MUST(reg_operator, reg_usage_expire, "", "{}");
	ck_assert_int_eq(reg_number("SELECT count(*) FROM usage"), 0);
}
END_TEST

SUITE_WITH_FIXTURE("reg_proof", open_realm, reg_world_end, what_is_not_shown_is_not_approved, it_lapses_and_comes_back,
		   what_the_operator_suspends_comes_back_by_him_alone,
		   of_our_applications_the_first_and_the_last_use_is_kept)
