/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_auth.h
 *  The password, before anything else is sent to a Redis server or a Sentinel. */
#pragma once

#include "bsf/store/redis_link.h"
#include "common/base/secret.h"

/*! Lent, for as long as the link. */
struct redis_auth {
	struct redis_link *link;
	const char *user;              /* "": default */
	const struct secret *password; /* empty: none is asked for */
	void (*then)(void *owner);     /* it is taken */
	void *owner;
};

/*! In greet() of the link: then() comes, or the link is refused in words. */
void redis_auth_begin(struct redis_auth *a);
