/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who may connect from where and speak for whom (220-4.4.6-10). */
#include <errno.h>
#include <stdio.h>
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
	/* names under a wildcard are checked as DNS names */
	{ "*.apps.example.com", "a\"b.apps.example.com", false },
	{ "*.apps.example.com", "a/b.apps.example.com", false },
	{ "*.apps.example.com", "*.apps.example.com", false },
	{ "*.apps.example.com", "-a.apps.example.com", false },
	{ "*.apps.example.com", "a_b.apps.example.com", false },
	{ "*.apps.example.com", "\xc3\xa9.apps.example.com", false },
	{ "*", "example.com", false },
	{ "*example.com", "xexample.com", false },
};

START_TEST(speaks_for)
{
	struct naf_policy n = { 0 };

	ck_assert_int_eq(names_add(&n.speaks_for, span_str(names[_i].pattern), 1), 0);
	ck_assert_int_eq(policy_speaks_for(&n, names[_i].fqdn), names[_i].match);
	naf_policy_clear(&n);
}
END_TEST

START_TEST(net_match)
{
	struct sockaddr_net net[2];
	struct policy_peer n = { .nets = net, .n_nets = 2 };
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

/* Identity and address belong together; who is not known is known from nowhere */
START_TEST(admitted)
{
	struct policy *p = calloc(1, sizeof(*p));
	static const struct {
		const char *identity, *from;
		int rc;
	} rows[] = {
		{ "naf1.example.com", "10.1.2.3", 0 },       { "NAF1.example.com", "10.1.2.3", 0 },
		{ "naf1.example.com", "11.1.2.3", -EPERM },  { "naf1.example.com", "127.0.0.1", -EPERM },
		{ "naf2.example.com", "10.1.2.3", -ENOENT },
	};

	p->peers = calloc(1, sizeof(*p->peers));
	p->peers[p->n_peers++].identity = strdup("naf1.example.com");
	ck_assert_int_eq(policy_peer_add_net(&p->peers[0], "10.0.0.0/8"), 0);
	ck_assert_int_eq(policy_index(p), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage from;

		ck_assert_int_eq(sockaddr_parse(&from, rows[i].from, "1"), 0);
		ck_assert_msg(policy_admit(p, rows[i].identity, (struct sockaddr *)&from) == rows[i].rc, "row %zu", i);
	}
	policy_free(p);
}
END_TEST

#define RELAY "relay.example.com" /* the peer that they come over */

static struct policy *policy_of(const char *identity)
{
	struct policy *p = calloc(1, sizeof(*p));

	p->nafs = calloc(1, sizeof(*p->nafs));
	p->n_nafs = 1;
	p->nafs[0].identity = strdup(identity);
	p->nafs[0].via = strdup(RELAY);
	ck_assert_int_eq(names_add(&p->nafs[0].speaks_for, span_str("naf.example.com"), 1), 0);
	ck_assert_int_eq(policy_index(p), 0);
	return p;
}

START_TEST(published)
{
	struct policy *first = policy_of("naf1.example.com"), *second = policy_of("naf2.example.com");

	ck_assert_ptr_null(policy_current());
	ck_assert_ptr_null(policy_naf_over(NULL, RELAY, span_str("naf1.example.com")));
	policy_publish(first);
	ck_assert_ptr_eq(policy_current(), first);
	ck_assert_ptr_nonnull(policy_naf_over(policy_current(), RELAY, span_str("NAF1.example.com")));
	ck_assert_ptr_null(policy_naf_over(policy_current(), RELAY, span_str("naf1.example.co")));
	policy_publish(second);
	ck_assert_ptr_eq(policy_current(), second);
	ck_assert_str_eq(first->nafs[0].identity, "naf1.example.com"); /* still there for who holds it */
	policy_publish(NULL);
	ck_assert_ptr_null(policy_current());
	policy_free(NULL);
}
END_TEST

/* One NAF as it was written: over which peer, and is it a proxy? */
struct node {
	const char *naf, *via;
	bool proxy;
};

static const struct node nodes[] = {
	{ "naf1", "naf1", false }, { "naf2", "naf2", false },       { "a", "dra", false }, { "b", "dra", false },
	{ "dra3", "dra3", false }, { "c", "dra3", false },          { "zn", "zn", true },  { "d", "zn", false },
	{ "far", "dra", true },    { "elsewhere", "other", false },
};

#define RELAYS 2
static const struct {
	const char *peer, *relays[RELAYS];
} peers[] = {
	{ "naf1", { NULL } }, { "naf2", { NULL } }, { "dra", { "dra2", "DRA2b" } },
	{ "dra3", { NULL } }, { "zn", { NULL } },   { "idle", { NULL } },
};

static struct policy *policy_with_relays(void)
{
	struct policy *p = calloc(1, sizeof(*p));

	p->n_nafs = sizeof(nodes) / sizeof(nodes[0]);
	p->nafs = calloc(p->n_nafs, sizeof(*p->nafs));
	for (size_t i = 0; i < p->n_nafs; i++)
		p->nafs[i] = (struct naf_policy){ .identity = strdup(nodes[i].naf),
						  .via = strdup(nodes[i].via),
						  .proxy = nodes[i].proxy };
	p->n_peers = sizeof(peers) / sizeof(peers[0]);
	p->peers = calloc(p->n_peers, sizeof(*p->peers));
	for (size_t i = 0; i < p->n_peers; i++) {
		p->peers[i] = (struct policy_peer){ .identity = strdup(peers[i].peer), .relays = name_table_new() };
		for (size_t j = 0; j < RELAYS && peers[i].relays[j]; j++)
			name_table_put(p->peers[i].relays, peers[i].relays[j], p);
	}
	ck_assert_int_eq(policy_index(p), 0);
	return p;
}

/* 220-4.4-3: who is this NAF, or which Zn-Proxy? Route-Records as they came, the last one is of the peer's own hand. */
static const struct {
	const char *peer, *origin, *routes[4];
	bool cut;
	enum policy_who who;
	const char *naf;
} asked[] = {
	/* a NAF on its own connection */
	{ "naf1", "naf1", { NULL }, false, POLICY_KNOWN, "naf1" },
	{ "NAF1", "Naf1", { NULL }, false, POLICY_KNOWN, "naf1" },
	{ "naf1", "naf2", { NULL }, false, POLICY_NOBODY, NULL },
	{ "naf1", "naf2", { "naf2" }, false, POLICY_NOBODY, NULL },
	{ "naf1", "naf1", { "naf2" }, false, POLICY_LIAR, NULL },
	{ "naf1", "naf1", { "naf2", "naf1" }, false, POLICY_KNOWN, "naf1" },
	{ "stranger", "naf1", { NULL }, false, POLICY_NOBODY, NULL },
	{ "idle", "idle", { NULL }, false, POLICY_NOBODY, NULL },
	/* behind a relay */
	{ "dra", "a", { "a" }, false, POLICY_KNOWN, "a" },
	{ "dra", "A", { "a" }, false, POLICY_KNOWN, "a" },
	{ "dra", "b", { "b" }, false, POLICY_KNOWN, "b" },
	{ "dra", "a", { "b" }, false, POLICY_LIAR, NULL },      /* another's Origin-Host */
	{ "dra", "a", { "a", "b" }, false, POLICY_LIAR, NULL }, /* and another's Route-Record */
	{ "dra", "a", { "a", "a", "a", "b" }, false, POLICY_LIAR, NULL },
	{ "dra", "a", { "dra2", "b" }, false, POLICY_LIAR, NULL },
	{ "dra", "a", { NULL }, false, POLICY_NOBODY, NULL },      /* it says not from whom */
	{ "dra", "naf1", { "naf1" }, false, POLICY_NOBODY, NULL }, /* who has a connection of his own */
	{ "dra", "c", { "c" }, false, POLICY_NOBODY, NULL },       /* who is behind another relay */
	{ "dra", "elsewhere", { "elsewhere" }, false, POLICY_NOBODY, NULL },
	{ "dra", "dra", { NULL }, false, POLICY_NOBODY, NULL },
	/* behind two relays */
	{ "dra", "a", { "a", "dra2" }, false, POLICY_KNOWN, "a" },
	{ "dra", "a", { "a", "DRA2", "dra2b" }, false, POLICY_KNOWN, "a" },
	{ "dra", "a", { "a", "b", "dra2" }, false, POLICY_LIAR, NULL },
	{ "dra", "a", { "a", "unknown-relay" }, false, POLICY_LIAR, NULL },
	{ "dra", "a", { "dra2" }, false, POLICY_LIAR, NULL },
	{ "dra", "dra2", { "dra2" }, false, POLICY_LIAR, NULL },    /* a relay asks for nobody */
	{ "dra3", "c", { "c", "dra2" }, false, POLICY_LIAR, NULL }, /* a relay of another peer */
	/* so long a way that its beginning was not kept */
	{ "dra", "a", { "a", "dra2" }, true, POLICY_KNOWN, "a" },
	{ "dra", "a", { "dra2", "dra2" }, true, POLICY_LIAR, NULL },
	{ "naf1", "naf1", { NULL }, true, POLICY_NOBODY, NULL },
	/* a relay that is a NAF, too: nobody behind it has its rights */
	{ "dra3", "dra3", { NULL }, false, POLICY_KNOWN, "dra3" },
	{ "dra3", "dra3", { "c" }, false, POLICY_LIAR, NULL },
	{ "dra3", "dra3", { "dra3", "c" }, false, POLICY_LIAR, NULL },
	{ "dra3", "c", { "c" }, false, POLICY_KNOWN, "c" },
	/* a Zn-Proxy: all names are its own affair, but those with a policy of their own */
	{ "zn", "zn", { NULL }, false, POLICY_KNOWN, "zn" },
	{ "zn", "visited", { NULL }, false, POLICY_KNOWN, "zn" },
	{ "zn", "visited", { "visited" }, false, POLICY_KNOWN, "zn" },
	{ "zn", "zn", { "visited" }, false, POLICY_KNOWN, "zn" },
	{ "zn", "naf1", { "naf1" }, false, POLICY_KNOWN, "zn" },
	{ "zn", "d", { "d" }, false, POLICY_KNOWN, "d" },
	{ "zn", "d", { "visited" }, false, POLICY_LIAR, NULL },
	{ "zn", "d", { NULL }, false, POLICY_NOBODY, NULL },
	/* a Zn-Proxy behind a relay */
	{ "dra", "far", { "far" }, false, POLICY_KNOWN, "far" },
	{ "dra", "visited", { "visited", "far" }, false, POLICY_KNOWN, "far" },
	{ "dra", "a", { "a", "far" }, false, POLICY_LIAR, NULL },
	{ "dra", "far", { "far", "b" }, false, POLICY_LIAR, NULL },
};

START_TEST(who)
{
	struct policy *p = policy_with_relays();
	const struct naf_policy *naf;
	struct span routes[4];
	size_t n = 0;

	while (n < 4 && asked[_i].routes[n]) {
		routes[n] = span_str(asked[_i].routes[n]);
		n++;
	}
	ck_assert_int_eq(policy_who(&naf, p, asked[_i].peer, span_str(asked[_i].origin), routes, n, asked[_i].cut),
			 asked[_i].who);
	if (asked[_i].naf)
		ck_assert_str_eq(naf->identity, asked[_i].naf);
	else
		ck_assert_ptr_null(naf);
	policy_free(p);
}
END_TEST

/* 220-E-6: a Zn-Proxy vouches for the NAFs of its own network, on its own connection. */
START_TEST(vouched)
{
	static const struct {
		const char *peer, *naf; /* NULL: what holds for the peer */
		const char *proxys, *nafs;
		enum policy_vouch want;
	} rows[] = {
		{ "naf1", "naf1", NULL, NULL, POLICY_AT_HOME },
		{ "zn", "zn", NULL, NULL, POLICY_AT_HOME },
		{ "zn", NULL, "op-b.example", NULL, POLICY_BY_CERTIFICATE },
		{ "zn", "zn", "op-b.example", NULL, POLICY_BY_CERTIFICATE },
		{ "zn", "d", "op-b.example", NULL, POLICY_BY_CERTIFICATE },
		{ "zn", "d", "op-b.example", "Op-B.example", POLICY_BY_CERTIFICATE },
		{ "zn", "d", "op-b.example", "op-c.example", POLICY_NOT_VOUCHED },
		{ "zn", "d", NULL, "op-b.example", POLICY_NOT_VOUCHED },
		{ "naf1", "naf1", "op-b.example", "op-b.example", POLICY_NOT_VOUCHED },
		{ "dra", "far", "op-b.example", "op-b.example", POLICY_NOT_VOUCHED }, /* over a relay */
		{ "dra", "a", "op-b.example", NULL, POLICY_AT_HOME },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy *p = policy_with_relays();
		struct naf_policy *naf = rows[i].naf ? name_table_get(p->by_identity, span_str(rows[i].naf)) : NULL;
		struct naf_policy *zn = name_table_get(p->by_identity, span_str("zn"));

		zn->visited_network = rows[i].proxys ? strdup(rows[i].proxys) : NULL;
		if (naf && naf != zn)
			naf->visited_network = rows[i].nafs ? strdup(rows[i].nafs) : NULL;
		ck_assert_msg(policy_vouch(p, rows[i].peer, naf) == rows[i].want, "row %zu", i);
		policy_free(p);
	}
}
END_TEST

#define MANY 10000

/* Policy look-up is not linear: of ten thousand NAFs a request compares a few names. */
START_TEST(ten_thousand)
{
	struct policy *p = calloc(1, sizeof(*p));
	char name[64];

	p->n_nafs = MANY;
	p->nafs = calloc(MANY, sizeof(*p->nafs));
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "naf%zu.example.com", i);
		p->nafs[i].identity = strdup(name);
		p->nafs[i].via = strdup(RELAY);
	}
	ck_assert_int_eq(policy_index(p), 0);
	ck_assert_uint_le(name_table_longest(p->by_identity), 16);
	for (size_t i = 0; i < MANY; i++)
		ck_assert_ptr_eq(policy_naf_over(p, RELAY, span_str(p->nafs[i].identity)), &p->nafs[i]);
	ck_assert_ptr_null(policy_naf_over(p, RELAY, span_str("naf10000.example.com")));
	policy_free(p);
}
END_TEST

START_TEST(table)
{
	struct name_table *t = name_table_new();
	int one = 1, two = 2;
	char name[16];

	ck_assert_ptr_null(name_table_get(NULL, span_str("x")));
	ck_assert_ptr_null(name_table_get(t, span_str("x")));
	ck_assert_int_eq(name_table_put(t, "A.example", &one), 0);
	ck_assert_int_eq(name_table_put(t, "a.EXAMPLE", &two), -EEXIST);
	ck_assert_ptr_eq(name_table_get(t, span_str("a.example")), &one);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ck_assert_int_eq(name_table_put(t, name, &two), 0);
	}
	for (int i = 0; i < 100; i += 2) {
		snprintf(name, sizeof(name), "N%d", i);
		name_table_del(t, name);
		name_table_del(t, name); /* not there any more: nothing happens */
	}
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ck_assert_ptr_eq(name_table_get(t, span_str(name)), i % 2 ? &two : NULL);
	}
	ck_assert_ptr_eq(name_table_get(t, span_str("a.example")), &one);
	name_table_free(t);
	name_table_free(NULL);
}
END_TEST

/* A user whose name differs in its case alone is another one, and not suspended with him; a domain is the same in any case. */
START_TEST(suspended)
{
	char impis[40][24];
	char *list[40];
	struct policy p = { 0 };

	for (size_t i = 0; i < 40; i++) {
		snprintf(impis[i], sizeof(impis[i]), "%s%zu@x.example", i % 2 ? "bob" : "Bob", i);
		list[i] = impis[i];
	}
	ck_assert(!policy_suspended(&p, "Bob0@x.example"));
	p.suspended = name_table_of(list, 40, true);
	for (size_t i = 0; i < 40; i++)
		ck_assert(policy_suspended(&p, impis[i]));
	ck_assert(policy_suspended(&p, "Bob0@X.Example"));
	ck_assert(!policy_suspended(&p, "bob0@x.example"));
	ck_assert(!policy_suspended(&p, "Bob1@x.example"));
	ck_assert(!policy_suspended(NULL, "Bob0@x.example"));
	name_table_free(p.suspended);
}
END_TEST

/* Each range says the same alone and among many */
START_TEST(all_nets)
{
	static const char *const ranges[] = { "10.1.2.3",    "10.2.0.0/16",     "192.0.2.7/25",
					      "2001:db8::1", "2001:db8:1::/47", "172.16.0.9/12" };
	static const char *const froms[] = {
		"10.1.2.3",    "10.1.2.4",    "10.2.255.1",      "10.3.0.0",      "192.0.2.127",    "192.0.2.128",
		"2001:db8::1", "2001:db8::2", "2001:db8:1:f::2", "2001:db8:2::2", "172.31.255.255", "172.32.0.0",
		"0.0.0.0",     "::"
	};
	struct nets *nets = nets_new();
	struct sockaddr_storage from;
	struct sockaddr_net net[6];
	char text[32];

	ck_assert_int_eq(sockaddr_parse(&from, "10.1.2.3", "1"), 0);
	ck_assert(!nets_has(nets, &from));
	for (size_t i = 0; i < 6; i++)
		ck_assert(sockaddr_net_parse(&net[i], ranges[i]) == 0 && nets_add(nets, &net[i]) == 0);
	for (int i = 0; i < 1000; i++) {
		struct sockaddr_net one;

		snprintf(text, sizeof(text), "203.0.%d.%d", i / 250, i % 250);
		ck_assert(sockaddr_net_parse(&one, text) == 0 && nets_add(nets, &one) == 0);
	}
	nets_sort(nets);
	for (size_t f = 0; f < sizeof(froms) / sizeof(froms[0]); f++) {
		bool is = false;

		ck_assert_int_eq(sockaddr_parse(&from, froms[f], "1"), 0);
		for (size_t i = 0; i < 6; i++)
			is |= sockaddr_net_match(&net[i], &from);
		ck_assert_msg(nets_has(nets, &from) == is, "%s", froms[f]);
	}
	from.ss_family = AF_UNIX;
	ck_assert(!nets_has(nets, &from));
	nets_free(nets);
	nets_free(NULL);
}
END_TEST

#define S UINT64_C(1000000) /* us */

/* So many at once, and then in each second as many again, for a minute */
START_TEST(rate)
{
	static const uint32_t per_s[] = { 1, 7, 6000, RATE_MAX };
	struct rate *r = rate_hold(rate_new());
	uint32_t n = per_s[_i];

	ck_assert(rate_take(r, 5));
	rate_set(r, n);
	ck_assert_uint_eq(rate_get(r), n);
	for (uint64_t at = 100 * S; at < 160 * S; at += S) {
		uint32_t taken = 0;

		while (rate_take(r, at))
			taken++;
		ck_assert_uint_ge(taken, n - n / 10000);
		ck_assert_uint_le(taken, n + n / 10000);
	}
	ck_assert(!rate_take(r, 159 * S));
	rate_set(r, 0);
	ck_assert(rate_take(r, 159 * S));
	rate_drop(r);
	rate_drop(r);
	rate_drop(NULL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("zn");

	tcase_add_loop_test(tc, speaks_for, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tc, net_match);
	tcase_add_test(tc, admitted);
	tcase_add_loop_test(tc, who, 0, sizeof(asked) / sizeof(asked[0]));
	tcase_add_test(tc, all_nets);
	tcase_add_loop_test(tc, rate, 0, 4);
	tcase_add_test(tc, published);
	tcase_add_test(tc, vouched);
	tcase_add_test(tc, ten_thousand);
	tcase_add_test(tc, table);
	tcase_add_test(tc, suspended);
	return suite_run_cases("policy", &tc, 1);
}
