/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who may connect from where and speak for whom (220-4.4.6-10). */
#include <stdlib.h>
#include <string.h>
#include "bsf/policy/policy.h"
#include "tests/unit/suite.h"

static const struct {
	const char *pattern, *fqdn;
	bool match;
} names[] = {
	{ "naf1.example.com", "naf1.example.com", true },
	{ "naf1.example.com", "NAF1.Example.COM", true },
	{ "naf1.example.com", "xnaf1.example.com", false },
	{ "naf1.example.com", "naf1.example.co", false },
	{ "naf1.example.com", "naf1.example.com.", false },
	{ "naf1.example.com", "", false },
	{ "*.apps.example.com", "a.apps.example.com", true },
	{ "*.apps.example.com", "A.APPS.example.com", true },
	{ "*.apps.example.com", "apps.example.com", false },
	{ "*.apps.example.com", ".apps.example.com", false },
	{ "*.apps.example.com", "a.b.apps.example.com", false },
	{ "*.apps.example.com", "a.apps.example.org", false },
	{ "*.apps.example.com", "aapps.example.com", false },
	{ "*.com", "example.com", true },
	{ "*", "example.com", false },
	{ "*example.com", "xexample.com", false },
};

START_TEST(speaks_for)
{
	char *pattern = (char *)names[_i].pattern;
	struct naf_policy n = { .speaks_for = &pattern, .n_speaks_for = 1 };

	ck_assert_int_eq(policy_speaks_for(&n, names[_i].fqdn), names[_i].match);
}
END_TEST

START_TEST(net_match)
{
	struct sockaddr_net net[2];
	struct naf_policy n = { .nets = net, .n_nets = 2 };
	struct sockaddr_storage from;

	ck_assert_int_eq(sockaddr_net_parse(&net[0], "10.0.0.0/8"), 0);
	ck_assert_int_eq(sockaddr_net_parse(&net[1], "2001:db8::/32"), 0);
	ck_assert_int_eq(sockaddr_parse(&from, "2001:db8::1", "1"), 0);
	ck_assert(policy_net_match(&n, (struct sockaddr *)&from));
	n.n_nets = 1;
	ck_assert(!policy_net_match(&n, (struct sockaddr *)&from));
	n.n_nets = 0;
	ck_assert(!policy_net_match(&n, (struct sockaddr *)&from));
}
END_TEST

static struct policy *policy_of(const char *identity)
{
	struct policy *p = calloc(1, sizeof(*p));

	p->nafs = calloc(1, sizeof(*p->nafs));
	p->n_nafs = 1;
	p->nafs[0].identity = strdup(identity);
	p->nafs[0].n_speaks_for = 1;
	p->nafs[0].speaks_for = calloc(1, sizeof(char *));
	p->nafs[0].speaks_for[0] = strdup("naf.example.com");
	return p;
}

START_TEST(published)
{
	struct policy *first = policy_of("naf1.example.com"), *second = policy_of("naf2.example.com");

	ck_assert_ptr_null(policy_current());
	ck_assert_ptr_null(policy_naf(NULL, "naf1.example.com"));
	policy_publish(first);
	ck_assert_ptr_eq(policy_current(), first);
	ck_assert_ptr_nonnull(policy_naf(policy_current(), "NAF1.example.com"));
	ck_assert_ptr_null(policy_naf(policy_current(), "naf1.example.co"));
	policy_publish(second);
	ck_assert_ptr_eq(policy_current(), second);
	ck_assert_str_eq(first->nafs[0].identity, "naf1.example.com"); /* still there for who holds it */
	policy_publish(NULL);
	ck_assert_ptr_null(policy_current());
	policy_free(NULL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("zn");

	tcase_add_loop_test(tc, speaks_for, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tc, net_match);
	tcase_add_test(tc, published);
	return suite_run_cases("policy", &tc, 1);
}
