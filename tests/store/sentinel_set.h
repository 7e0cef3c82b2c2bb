/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sentinel_set.h
 *  A master, its replica, and three Sentinels that ask for a password, on ports of their own; gone with the test. */
#pragma once

#include "bsf/store/store.h"
#include "tests/store/redis_server.h"

#define SENTINELS         3
#define SENTINEL_NAME     "gba"
#define SENTINEL_PASSWORD "of-the-sentinels"

struct sentinel_set {
	struct redis_server master, replica, sentinels[SENTINELS];
	char dir[256];
};

/*! Until each of the Sentinels could fail over. */
void sentinel_set_start(struct sentinel_set *s);
void sentinel_set_stop(struct sentinel_set *s);
/*! As redis_cfg(), by its Sentinels. */
struct store_redis_cfg sentinel_set_cfg(const struct sentinel_set *s);
