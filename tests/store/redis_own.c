/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/redis_own.h"

#include <stdlib.h>

struct redis_server server;
struct store_redis_cfg cfg;
struct harness h;

void open_with(const char *const *options)
{
	redis_server_start(&server, options);
	cfg = redis_cfg(&server.addr);
	harness_open_redis(&h, &cfg);
}

void close_all(void)
{
	harness_close(&h);
	redis_server_stop(&server);
}

void ask(const char *const *words)
{
	char text[256];

	redis_server_ask(&server, text, sizeof(text), words);
	ck_assert_msg(strncmp(text, "ERR", 3) != 0, "%s", text);
}

int number(const char *const *words)
{
	char text[64];

	redis_server_ask(&server, text, sizeof(text), words);
	return atoi(text);
}
