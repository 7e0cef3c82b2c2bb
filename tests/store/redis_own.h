/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_own.h
 *  A store on a redis-server of the test's own. */
#pragma once

#include "tests/store/harness.h"
#include "tests/store/redis_server.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

extern struct redis_server server;
extern struct store_redis_cfg cfg;
extern struct harness h;

/*! Start server with these options, as redis_server_start(), and open h on it. */
void open_with(const char *const *options);
void close_all(void);
/*! One command to server, which must not end in an error. */
void ask(const char *const *words);
/*! What a command is answered with, as a number. */
int number(const char *const *words);
