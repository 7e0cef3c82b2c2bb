/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Addresses and ranges: each form of an address is that address, each range matches what it says and no more. */
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "tests/unit/suite.h"

static struct sockaddr_storage at(const char *addr, const char *port)
{
	struct sockaddr_storage ss;

	ck_assert_msg(sockaddr_parse(&ss, addr, port) == 0, "%s %s", addr, port);
	return ss;
}

START_TEST(addresses)
{
	static const char *const bad[][2] = {
		{ "127.0.0.1", "65536" }, { "127.0.0.1", "-1" },  { "127.0.0.1", "+1" },
		{ "127.0.0.1", " 1" },    { "127.0.0.1", "" },    { "127.0.0.1", "1x" },
		{ "localhost", "1" },     { "127.0.0.1/8", "1" }, { "", "1" },
		{ "::1%lo", "1" },        { "127.1", "1" },       { "127.0.0.1", "4294967297" },
	};
	struct sockaddr_storage ss = at("127.0.0.1", "3868"), former;
	char text[SOCKADDR_TEXT];

	sockaddr_text(text, &ss);
	ck_assert_str_eq(text, "127.0.0.1 3868");
	ck_assert_uint_eq(sockaddr_len(&ss), sizeof(struct sockaddr_in));
	ss = at("::1", "65535");
	sockaddr_text(text, &ss);
	ck_assert_str_eq(text, "::1 65535");
	sockaddr_host_text(text, &ss);
	ck_assert_str_eq(text, "::1");
	ck_assert_uint_eq(sockaddr_len(&ss), sizeof(struct sockaddr_in6));
	ck_assert_uint_eq(sockaddr_port(&ss), 65535);
	sockaddr_port_set(&ss, 0);
	ck_assert_uint_eq(sockaddr_port(&ss), 0);
	former = ss;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(sockaddr_parse(&ss, bad[i][0], bad[i][1]) == -EINVAL, "%s %s", bad[i][0], bad[i][1]);
	ck_assert_mem_eq(&ss, &former, sizeof(ss));
}
END_TEST

START_TEST(one_address_two_forms)
{
	struct sockaddr_storage four = at("192.0.2.7", "99"), six = at("::ffff:192.0.2.7", "99"),
				other = at("2001:db8::7", "99"), local = { .ss_family = AF_UNIX };
	char text[SOCKADDR_TEXT];

	ck_assert(sockaddr_same_host(&four, &six));
	ck_assert(!sockaddr_same_host(&four, &other));
	ck_assert(!sockaddr_same_host(&local, &local));
	ck_assert_uint_eq(sockaddr_host(&six).len, 4);
	ck_assert_uint_eq(sockaddr_host(&other).len, 16);
	ck_assert_uint_eq(sockaddr_host(&local).len, 0);
	sockaddr_text(text, &six);
	ck_assert_str_eq(text, "::ffff:192.0.2.7 99"); /* as it was written */
	sockaddr_unmap(&six);
	ck_assert_int_eq(six.ss_family, AF_INET);
	sockaddr_text(text, &six);
	ck_assert_str_eq(text, "192.0.2.7 99");
	sockaddr_unmap(&other);
	ck_assert_int_eq(other.ss_family, AF_INET6);
	ck_assert_uint_eq(sockaddr_len(&local), 0);
	ck_assert_uint_eq(sockaddr_port(&local), 0);
	sockaddr_host_text(text, &local);
	ck_assert_str_eq(text, "?");
}
END_TEST

static const struct net_case {
	const char *net, *from;
	bool match;
} net_cases[] = {
	{ "127.0.0.1/32", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.1", false },
	{ "192.168.4.0/22", "192.168.7.9", true },
	{ "192.168.4.0/22", "192.168.8.1", false },
	{ "10.1.2.0/23", "10.1.3.255", true },
	{ "10.1.2.0/23", "10.1.1.255", false },
	{ "0.0.0.0/0", "8.8.8.8", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "8.8.8.8", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "2001:db8::1/128", "2001:db8::3", false },
	{ "127.0.0.1/32", "::ffff:127.0.0.1", true },
	{ "::ffff:127.0.0.1", "127.0.0.1", true },
	{ "::ffff:127.0.0.2", "127.0.0.1", false },
	/* address ::ffff:10.0.0.0/104 is 10.0.0.0/8, not one address */
	{ "::ffff:10.0.0.0/104", "10.255.255.255", true },
	{ "::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true },
	{ "::ffff:10.0.0.0/104", "11.0.0.0", false },
	{ "::ffff:0.0.0.0/96", "8.8.8.8", true },
	{ "::ffff:127.0.0.0/127", "127.0.0.1", true },
};

START_TEST(nets)
{
	const struct net_case *c = &net_cases[_i];
	struct sockaddr_storage from = at(c->from, "1"), local = { .ss_family = AF_UNIX };
	struct sockaddr_net net, again;
	char text[SOCKADDR_TEXT];

	ck_assert_int_eq(sockaddr_net_parse(&net, c->net), 0);
	ck_assert_int_eq(sockaddr_net_match(&net, &from), c->match);
	ck_assert(!sockaddr_net_match(&net, &local));
	sockaddr_net_text(text, &net);
	ck_assert_int_eq(sockaddr_net_parse(&again, text), 0);
	ck_assert(sockaddr_net_same(&net, &again));
}
END_TEST

START_TEST(bad_nets)
{
	static const char *const bad[] = {
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/ 8",
		"10.0.0.0/-1",
		"10.0.0.0/8/8",
		"2001:db8::/129",
		"10.0.0.0.0/8",
		"/8",
		"",
		"::ffff:10.0.0.0/95",
		"10.0.0.0/4294967304",
	};
	struct sockaddr_net net = { .len = 77 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(sockaddr_net_parse(&net, bad[i]) == -EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(net.len, 77);
}
END_TEST

START_TEST(same_nets)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "10.0.0.0/8", "::ffff:10.0.0.0/104", true },
		{ "10.0.0.0/8", "10.9.9.9/8", true },
		{ "10.0.0.0/8", "10.0.0.0/9", false },
		{ "10.0.0.0/8", "11.0.0.0/8", false },
		{ "0.0.0.0/0", "::/0", false },
		{ "10.0.0.1", "10.0.0.1/32", true },
	};
	struct sockaddr_net a, b;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(sockaddr_net_parse(&a, cases[i].a), 0);
		ck_assert_int_eq(sockaddr_net_parse(&b, cases[i].b), 0);
		ck_assert_msg(sockaddr_net_same(&a, &b) == cases[i].same, "%s %s", cases[i].a, cases[i].b);
	}
}
END_TEST

static uint64_t ms_of(struct timespec t)
{
	ck_assert(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

START_TEST(monotonic)
{
	for (uint64_t ms = 0; ms < 4000; ms += 333) { /* over the second, and over a full second of ns */
		uint64_t before = clock_mono_ms(), then = ms_of(clock_mono_after(ms)), after = clock_mono_ms();

		ck_assert_uint_le(before + ms, then);
		ck_assert_uint_le(then, after + ms);
	}
}
END_TEST

START_TEST(lower_case)
{
	char all[256], low[256];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	ascii_lower_copy(low, all, sizeof(all));
	for (size_t i = 0; i < sizeof(all); i++)
		ck_assert_int_eq((uint8_t)low[i], i >= 'A' && i <= 'Z' ? i + 32 : i);
	ascii_lower_copy(all, all, sizeof(all));
	ck_assert_mem_eq(all, low, sizeof(all));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("sockaddr");

	tcase_add_test(t, addresses);
	tcase_add_test(t, one_address_two_forms);
	tcase_add_loop_test(t, nets, 0, sizeof(net_cases) / sizeof(net_cases[0]));
	tcase_add_test(t, bad_nets);
	tcase_add_test(t, same_nets);
	tcase_add_test(t, monotonic);
	tcase_add_test(t, lower_case);
	return suite_run_cases("sockaddr", &t, 1);
}
