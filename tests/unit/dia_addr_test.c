/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Only addresses in digits: no DNS is asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include "common/dia/dia_addr.h"
#include "tests/unit/suite.h"

START_TEST(addresses)
{
	static const char *const rows[][3] = {
		{ "127.0.0.1", "127.0.0.1", "3868" }, { "127.0.0.1:3869", "127.0.0.1", "3869" },
		{ "[::1]", "::1", "3868" },           { "127.0.0.1:65535", "127.0.0.1", "65535" },
		{ "127.0.0.1:1", "127.0.0.1", "1" },  { "[2001:db8::7]:99", "2001:db8::7", "99" },
	};
	char host[64], port[8];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage ss = { 0 };
		struct err err = { "" };

		ck_assert_msg(dia_addr_resolve(&ss, rows[i][0], DIA_ADDR_PORT, &err) == 0, "%s", err.text);
		ck_assert_int_eq(getnameinfo((struct sockaddr *)&ss, sizeof(ss), host, sizeof(host), port, sizeof(port),
					     NI_NUMERICHOST | NI_NUMERICSERV),
				 0);
		ck_assert_str_eq(host, rows[i][1]);
		ck_assert_str_eq(port, rows[i][2]);
	}
}
END_TEST

START_TEST(refused)
{
	static const char *const rows[] = { "",
					    "[::1",
					    "[::1]99",
					    "127.0.0.1:x",
					    "127.0.0.1:",
					    "127.0.0.1:99999",
					    "127.0.0.1:65536",
					    "127.0.0.1:0",
					    "[::1]:0",
					    "127.0.0.1:+1",
					    "127.0.0.1: 1",
					    "127.0.0.1:http",
					    "127.0.0.1:18446744073709551617" };
	struct sockaddr_storage ss = { .ss_family = 77 };
	char many[400];

	memset(many, 'a', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = i < sizeof(rows) / sizeof(rows[0]) ? rows[i] : many;
		struct err err = { "" };

		ck_assert_msg(dia_addr_resolve(&ss, text, DIA_ADDR_PORT, &err) == -EINVAL, "%s", text);
		ck_assert_ptr_nonnull(strstr(err.text, "BSF address"));
		ck_assert_int_eq(ss.ss_family, 77);
	}
}
END_TEST

SUITE("dia_addr", addresses, refused)
