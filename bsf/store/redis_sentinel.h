/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_sentinel.h
 *  Which server is the master, by what the Sentinels say. Each is asked once a second; an address counts where more than half of those
 *  that are configured have named it within REDIS_TRUST_MS. Where there is none no server is used: one that is cut off from the Sentinels,
 *  with us, may be a former master, which knows nothing of what was revoked meanwhile.
 *
 *  They are asked, not listened to: +switch-master comes after the new master takes writes, so it would save half a second of some, and be a
 *  second connection to each. */
#pragma once

#include "bsf/store/store.h"
#include "common/rt/deadline.h"

struct redis_sentinels;

#define REDIS_TRUST_MS 3000

/*! Address and port. */
bool redis_same_server(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

struct redis_sentinels_ops {
	/*! Told each time they are judged. \param[in] master NULL: there is none, and why \param[in] agree Sentinels that name it */
	void (*named)(void *owner, const struct sockaddr_storage *master, unsigned agree, const char *why);
};

/*! On the thread whose loop drives it.
 *  \param[in] cfg lent; with Sentinels \returns NULL: no memory */
struct redis_sentinels *redis_sentinels_new(const struct store_redis_cfg *cfg, struct deadline_set *deadlines,
					    const struct redis_sentinels_ops *ops, void *owner);
void redis_sentinels_free(struct redis_sentinels *s); /* NULL: nothing */
