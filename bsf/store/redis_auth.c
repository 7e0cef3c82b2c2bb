/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_auth.c
 *  The password, before anything else is sent to a Redis server or a Sentinel. */
#include "bsf/store/redis_auth.h"

#include <string.h>
#include <hiredis/hiredis.h>

static void auth_said(void *auth, const struct redisReply *r)
{
	struct redis_auth *a = auth;

	if (r && r->type == REDIS_REPLY_STATUS)
		a->then(a->owner);
	else if (r)
		redis_link_refuse(a->link, "it does not take the password");
}

static void auth_ask(struct redis_auth *a)
{
	struct span password = span_of(a->password->b, a->password->len);

	if (a->user[0])
		(void)redis_link_greet(a->link, 3, (struct span[]){ span_str("AUTH"), span_str(a->user), password },
				       auth_said, a);
	else
		(void)redis_link_greet(a->link, 2, (struct span[]){ span_str("AUTH"), password }, auth_said, a);
}

/* Without the password it must not answer: what we send it after a password it has not would go to anybody. */
static void unasked_said(void *auth, const struct redisReply *r)
{
	struct redis_auth *a = auth;

	if (r && r->type == REDIS_REPLY_ERROR && strncmp(r->str, "NOAUTH", 6) == 0)
		auth_ask(a);
	else if (r)
		redis_link_refuse(a->link, "it answers without a password, though one is configured");
}

void redis_auth_begin(struct redis_auth *a)
{
	if (a->password->len)
		(void)redis_link_greet(a->link, 1, (struct span[]){ span_str("PING") }, unasked_said, a);
	else
		a->then(a->owner);
}
